"""Maps with parameters, regions of parameters, and bounds of a map over a region."""
