"""The core's certifiers: each file contains a theorem and little more."""
