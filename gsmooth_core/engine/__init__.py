"""Draws and counts: the only package that draws noise for votes and calls the model for them."""
