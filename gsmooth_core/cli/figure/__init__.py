"""``gsmooth figure``: a file for each of its commands."""
