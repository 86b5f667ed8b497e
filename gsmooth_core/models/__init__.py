"""Classifiers: small ones, other libraries', saved ones; where they run, and how they are asked."""
