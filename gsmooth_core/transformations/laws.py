"""The laws of transformations, each as a number that must be 0 up to rounding.

Every certificate rests on them. They are stated once, here: the spot check before certification tries them on one
image, the conformance kit on many.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor

from gsmooth_core.transformations.parameter_space import ParameterSpace

OUTPUTS_AT_ONCE = 2**20
"""Values of outputs that are compared at a time."""


class Applied(Protocol):
    """What every law needs of a transformation."""

    @property
    def space(self) -> ParameterSpace:
        """Its parameters."""

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Its map in float64."""

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Its map in the images' type."""


class Composed(Applied, Protocol):
    """What the law of composition needs."""

    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        """The parameters of two applications in a row."""


class Enclosed(Applied, Protocol):
    """What the law of enclosures needs."""

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Bounds of the outputs on boxes."""


def change_at_identity(transformation: Applied, images: Tensor) -> float:
    """How far ``transform`` moves images (batch, channel, height, width) at the identity, which ``apply`` hides."""
    identity = torch.tensor([transformation.space.identity], dtype=torch.float64, device=images.device)
    moved = transformation.transform(images.double(), identity.expand(len(images), -1))
    return _largest(moved - images.double())


def influence_of_others(transformation: Applied, images: Tensor, parameters: Tensor) -> float:
    """How far outputs in a batch lie from those of the same images and parameters one at a time."""
    together = transformation.apply(images, parameters)
    rows = range(len(images))
    alone = [transformation.apply(images[row : row + 1], parameters[row : row + 1]) for row in rows]
    return _largest(together - torch.cat(alone))


def composition_gap(transformation: Composed, images: Tensor, outer: Tensor, inner: Tensor) -> float:
    """How far two applications in a row lie from the one that ``compose`` names, as a share of 1 + their size."""
    twice = transformation.apply(transformation.apply(images, inner), outer)
    once = transformation.apply(images, transformation.compose(outer, inner))
    return _largest(twice - once) / (1 + _largest(once))


def enclosure_gap(
    transformation: Enclosed, images: Tensor, lower: Tensor, upper: Tensor, shares: Iterable[Tensor]
) -> float:
    """How far outputs leave the enclosures of boxes, at ``shares`` (batch, dimension) of the way through each."""
    low, high = transformation.enclose(images, lower, upper)
    snap, gaps = transformation.space.snap, [0.0]
    for share in shares:
        applied = transformation.apply(images, snap(lower + share * (upper - lower)))
        outside = torch.maximum(low - applied, applied - high)
        gaps.append(float("inf") if bool(outside.isnan().any()) else float(outside.max()))
    return max(gaps)


def distance_to_listed(transformation: Applied, image: Tensor, parameters: Tensor, listed: Tensor) -> Tensor:
    """How far each output at ``parameters`` is from the nearest one at ``listed``, in the sup norm: (count,).

    ``image`` is (channel, height, width); both hold rows of parameters. Infinity where nothing is listed.
    """
    outputs = _outputs(transformation, image, parameters)
    nearest = outputs.new_full((len(parameters),), torch.inf)
    for chunk in listed.split(max(1, OUTPUTS_AT_ONCE // image.numel())):
        apart = torch.cdist(outputs, _outputs(transformation, image, chunk), p=torch.inf)
        nearest = torch.minimum(nearest, apart.amin(dim=1))
    return nearest


def _outputs(transformation: Applied, image: Tensor, parameters: Tensor) -> Tensor:
    return transformation.apply(image.expand(len(parameters), *image.shape), parameters).flatten(1)


def _largest(difference: Tensor) -> float:
    """The largest absolute value; infinity where there is none."""
    return float("inf") if bool(difference.isnan().any()) else float(difference.abs().max())
