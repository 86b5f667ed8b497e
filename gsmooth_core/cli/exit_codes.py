"""What the command line exits with, besides 0."""

EXIT_UNEXPECTED, EXIT_BAD_INPUT, EXIT_BELOW, EXIT_BROKEN, EXIT_INTERRUPTED = 1, 2, 3, 3, 130
