"""What answers a class: the smoothed classifier, and the target of an attack."""
