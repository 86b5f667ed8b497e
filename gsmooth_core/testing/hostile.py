"""The law that certificates hold for the running program, against classifiers that read low bits."""

from __future__ import annotations

from gsmooth_core.certifiers.rounding import hides_rounding
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.bundled import load_fashion_mnist
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.testing.adversaries import QUICK, attempt, images
from gsmooth_core.testing.law import channels_of, make, radius_of, require

BUDGET = Budget(samples=1_000, alpha=1e-6, anchors=32, cells=64)
SHARES = (0.3, 0.03)
"""Shares of the default radius: some maps change nothing in small regions, and large regions are not always proved."""
PARAMETERS, DRAWS = 6, 200
"""Parameters that are tried in each proved region, and votes at each of them."""


def withstands_hostile_classifiers(corruption: Corruption) -> None:
    """No certificate of a classifier that reads low bits is false in its region, by votes of the deployed classifier.

    It tries a few adversaries of ``gsmooth_core.testing.adversaries`` on two images; the package has more, and
    ``attempt`` tries one of them for longer. Noise must hide the image's own digits (noise on a grid does), and the
    rounding of two maps in a row. The law does not concern a recipe that claims only real arithmetic.
    """
    channels = channels_of(corruption)[0]
    bundled = load_fashion_mnist("test")[0][0].repeat(channels, 1, 1)
    for image in (bundled, images.below(0.25, (channels, 28, 28))):
        for adversary in QUICK:
            trial = attempt(
                adversary,
                corruption,
                image,
                radius=radius_of(corruption),
                shares=SHARES,
                budget=BUDGET,
                parameters=PARAMETERS,
                draws=DRAWS,
            )
            where = trial.false[0] if trial.false else ()
            require(not trial.false, f"{adversary.name!r} breaks the certificate of {trial.region} at {where}")


def _is_about_floats(corruption: Corruption) -> bool:
    smoothing = corruption.smoothing
    if isinstance(smoothing, ParameterSmoothing):
        return hides_rounding(corruption.transformation, smoothing)
    return not isinstance(smoothing, NoSmoothing)


LAWS = make(_is_about_floats, withstands_hostile_classifiers)
"""The law of this file."""
