"""Plugins: found by their metadata, loaded one at a time, never listed here."""
