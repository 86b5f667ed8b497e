"""Code that does not depend on images or noise: files, progress, guarantees, seeds, digests."""
