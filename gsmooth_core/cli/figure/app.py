"""``gsmooth figure``, whose commands stand beside this file. Importing this file imports no torch."""

from __future__ import annotations

from cyclopts import App

figure = App(
    name="figure",
    help="Draw figures about the noise: distributions compared, variances in a table, and what the classifier sees.\n\n"
    "Pictures need matplotlib, which the extra 'report' brings.",
)
