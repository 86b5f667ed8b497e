"""Images and labels, whichever way they come, and what they must be."""
