"""Hostile classifiers that try to break certificates of the program as it runs, low bits and all.

Each is built against an image, an attacked image of a region and a smoothing; :func:`attempt` certifies it, and votes
on the deployed classifier all over the region that was proved. None of them knows the seed of the noise: a classifier
that does could answer otherwise on just the draws of the certificate, and no certificate by sampling withstands that.
"""

from gsmooth_core.testing.adversaries import bits, digits, grid, orbit, possible, values
from gsmooth_core.testing.adversaries.adversary import Adversary, Reader, views
from gsmooth_core.testing.adversaries.bits import Parity
from gsmooth_core.testing.adversaries.digits import Digit, PixelDigit
from gsmooth_core.testing.adversaries.trial import BUDGET, DOUBT, SHARES, Trial, attempt
from gsmooth_core.testing.adversaries.values import Reading

ADVERSARIES: tuple[Adversary, ...] = (
    *(Parity(scale) for scale in (20, 23, 24, 25, 26, 28)),
    possible.Possible(),
    possible.Impossible(),
    possible.HalfSpace(),
    possible.Inversions(),
    orbit.Orbit(),
    *(
        Reading(read.__name__.replace("_", " "), read)
        for read in (
            values.exact_sum,
            values.sum_above_least,
            values.sum_over_largest,
            values.sum_of_squares,
            values.least,
            values.largest,
            values.median,
            values.equal_neighbours,
            values.exact_zeros,
            values.distinct_values,
            bits.coarse_pixels,
            bits.digit_variance,
            bits.digit_entropy,
            bits.finest_bit,
        )
    ),
    PixelDigit(),
    *(
        Digit(digit.__name__.replace("_", " "), digit)
        for digit in (digits.xor_of_words, digits.sum_of_bytes, digits.polynomial_of_words, digits.parity_of_odd_pixels)
    ),
    grid.GridParity(),
    grid.OffGrid(),
    grid.Residue(),
    grid.HalfSteps(),
)
"""All that are fixed functions of the image."""

__all__ = ["ADVERSARIES", "BUDGET", "DOUBT", "SHARES", "Adversary", "Reader", "Trial", "attempt", "views"]
