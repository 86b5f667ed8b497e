"""What is worth measuring whenever a GPU is at hand, best first, within a limit of minutes: see ``__main__.py``."""
