"""Attacks: what an adversary achieves, and whether certificates survive it."""
