"""Maps with parameters, the regions of these, and what bounds a map over a region."""
