"""The smoothed classifier, and the classifier as the target of an attack."""
