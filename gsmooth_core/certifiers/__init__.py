"""The core's certifiers: each file a theorem and little else."""
