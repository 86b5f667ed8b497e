"""Classifiers: small ones, those of other libraries, saved ones; their devices, and the one way to call them."""
