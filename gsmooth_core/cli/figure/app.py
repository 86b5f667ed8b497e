"""``gsmooth figure``: figures about the noise. Importing this file imports no torch."""

from __future__ import annotations

from cyclopts import App

from gsmooth_core.cli.figure.augmented import augmented
from gsmooth_core.cli.figure.noises import noises
from gsmooth_core.cli.figure.variances import variances

figure = App(
    name="figure",
    help="Draw figures about the noise: laws compared, variances in a table, and what the classifier sees.\n\nPictures "
    "need matplotlib, which the extra 'report' brings.",
)
for command in (noises, variances, augmented):
    figure.command(command)
