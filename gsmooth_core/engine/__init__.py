"""Draws and counts: the only room in which noise is drawn for votes and the model is asked for them."""
