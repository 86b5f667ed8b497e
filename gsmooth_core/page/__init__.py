"""The page of reports: one HTML file that needs nothing else."""
