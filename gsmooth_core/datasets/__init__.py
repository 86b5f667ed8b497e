"""Images and labels: how they are read, and the checks of them."""
