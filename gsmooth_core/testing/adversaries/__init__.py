"""Hostile classifiers that try to break certificates of the running program, also by the last bits of its numbers.

Each is built against an image, an attacked image of a region and a smoothing; :func:`attempt` certifies it, and lets
the deployed classifier vote at points of the whole proved region. None of them knows the seed of the noise: such a
classifier could answer differently on exactly the draws of the certificate, and no certificate by sampling withstands
that.

If a docstring says what an adversary broke, this was an earlier program, without noise on a grid and without noise that
hides the rounding of two maps in a row. ``tests/old_program.py`` keeps that program, and the tests break it again.
"""

from gsmooth_core.testing.adversaries import bits, digits, grid, orbit, possible, values
from gsmooth_core.testing.adversaries.adversary import Adversary, Reader, views
from gsmooth_core.testing.adversaries.trial import BUDGET, DOUBT, SHARES, Trial, attempt

ADVERSARIES: tuple[Adversary, ...] = (
    *bits.ADVERSARIES,
    *possible.ADVERSARIES,
    *orbit.ADVERSARIES,
    *values.ADVERSARIES,
    *digits.ADVERSARIES,
    *grid.ADVERSARIES,
)
"""All that are fixed functions of the image; :mod:`~gsmooth_core.testing.adversaries.fickle` has those that are not."""

_QUICK = (
    "parity of 2**-26",
    "possible for the attacked image",
    "impossible for the clean image",
    "orbit",
    "exact sum",
    "sum over largest",
    "digit variance",
    "off the grid",
)
QUICK: tuple[Adversary, ...] = tuple(adversary for adversary in ADVERSARIES if adversary.name in _QUICK)
"""The adversaries that broke most recipes, for a quick law."""

__all__ = ["ADVERSARIES", "BUDGET", "DOUBT", "QUICK", "SHARES", "Adversary", "Reader", "Trial", "attempt", "views"]
