"""What knows nothing of images or noise: files, progress, guarantees, seeds, digests."""
