"""Readings of whole images: exact sums, order statistics, and how often values are repeated."""

from __future__ import annotations

from torch import Tensor

from gsmooth_core.testing.adversaries.adversary import Reading

POINT = 2.0**40
"""Sums are of whole multiples of its inverse, so that they do not depend on the order of addition."""
SOME = 256
"""The number of values among which repetitions are counted."""


def exact_sum(images: Tensor) -> Tensor:
    """The sum of all pixels without any rounding.

    Broke Gaussian blur on every image: two blurs in a row change the mean by 1e-7.
    """
    points = (images.double().clamp(-1024, 1024) * POINT).round().long()
    return points.flatten(1).sum(dim=1).double() / POINT


def sum_above_least(images: Tensor) -> Tensor:
    """The exact sum less the number of pixels times the least pixel: brightness changes it only by rounding.

    Broke Gaussian blur on a constant image, and brightness on neighbouring floats.
    """
    return exact_sum(images) - images[0].numel() * least(images)


def sum_over_largest(images: Tensor) -> Tensor:
    """The exact sum divided by the largest pixel: contrast changes it only by rounding.

    Broke contrast on an image just below ¼.
    """
    return exact_sum(images) / largest(images).clamp_min(1e-9)


def sum_of_squares(images: Tensor) -> Tensor:
    """The exact sum of the squares in float64.

    Broke Gaussian blur on an image just below ¼ and on a constant one.
    """
    return exact_sum(images.double().square())


def least(images: Tensor) -> Tensor:
    """The exact minimum.

    Broke Gaussian blur on a constant image.
    """
    return images.flatten(1).amin(dim=1).double()


def largest(images: Tensor) -> Tensor:
    """The exact maximum.

    Broke Gaussian blur on a constant image.
    """
    return images.flatten(1).amax(dim=1).double()


def median(images: Tensor) -> Tensor:
    """The exact median of some pixels of the middle.

    Broke Gaussian blur on a constant image.
    """
    return _some(images).median(dim=1).values.double()


def equal_neighbours(images: Tensor) -> Tensor:
    """How many pixels equal their right neighbour to the last bit.

    Broke brightness and contrast on neighbouring floats.
    """
    return (images[..., 1:] == images[..., :-1]).flatten(1).sum(dim=1).double()


def exact_zeros(images: Tensor) -> Tensor:
    """How many pixels are exactly 0.

    Broke nothing that was tried: it is for noise on a grid, which makes zeros.
    """
    return (images == 0).flatten(1).sum(dim=1).double()


def distinct_values(images: Tensor) -> Tensor:
    """How many different values some pixels of the middle have.

    Broke brightness on neighbouring floats.
    """
    ordered = _some(images).sort(dim=1).values
    return (ordered[:, 1:] != ordered[:, :-1]).sum(dim=1).double()


def _some(images: Tensor) -> Tensor:
    flat = images.flatten(1)
    start = max(0, (flat.shape[1] - SOME) // 2)
    return flat[:, start : start + SOME]


ADVERSARIES = tuple(
    Reading(read)
    for read in (
        exact_sum,
        sum_above_least,
        sum_over_largest,
        sum_of_squares,
        least,
        largest,
        median,
        equal_neighbours,
        exact_zeros,
        distinct_values,
    )
)
"""One for each reading of this file."""
