"""The command line: a file for each command, and ``app`` that puts them together."""
