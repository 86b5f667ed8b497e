"""Translation by whole pixels: circular, or with a black border."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Corruption,
    DiscreteTransformation,
    Ellipsoid,
    EnumerationCertifier,
    Gaussian,
    NoSmoothing,
    ParameterNoise,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    hookimpl,
)

_SPACE = ParameterSpace(
    lower=(-math.inf, -math.inf),
    upper=(math.inf, math.inf),
    identity=(0, 0),
    names=("dx", "dy"),
    units=("px", "px"),
    integer=True,
)

_MOST_POINTS = 2**22
"""More points are refused, because they would fill the memory."""


def _sources(images: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """The row (batch, height) and column (batch, width) that each pixel comes from, beyond the image too."""
    height, width = images.shape[-2:]
    columns, rows = _SPACE.snap(parameters).long().to(images.device).unbind(dim=1)
    return (
        torch.arange(height, device=images.device) - rows[:, None],
        torch.arange(width, device=images.device) - columns[:, None],
    )


def _gather(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Each image at its own rows (batch, height) and columns (batch, width), modulo its height and width."""
    height, width = images.shape[-2:]
    sources = (rows % height)[:, :, None] * width + (columns % width)[:, None, :]
    return images.flatten(2).take_along_dim(sources.flatten(1)[:, None], dim=2).view(images.shape)


def _whole_points(region: Region) -> Tensor:
    """All points of the region with whole coordinates, float64 (count, 2), the nearest to the identity first.

    A translation has at most one output for each whole (dx, dy), and all of them are listed. ``ValueError`` if there
    are too many.
    """
    spans = [range(math.ceil(a), math.floor(b) + 1) for a, b in zip(region.lower, region.upper, strict=True)]
    if (count := math.prod(span.stop - span.start for span in spans)) > _MOST_POINTS:
        raise ValueError(f"there are {count:.2g} whole points to try in this region; choose a smaller radius")
    points = torch.cartesian_prod(*(torch.arange(span.start, span.stop) for span in spans)).double()
    points = points[region.contains(points)]
    return points[points.square().sum(dim=1).argsort(stable=True)]


@attrs.frozen
class Translation(AdditiveTransformation, DiscreteTransformation):
    """The image moved by dx px to the right and dy px down; what leaves at one side comes back at the other."""

    space = _SPACE

    def region(self, radius: float) -> Region:
        """The ℓ2 ball of ``radius`` px."""
        return Ellipsoid((-radius, -radius), (radius, radius))

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Moved images (batch, channel, height, width), by rows (dx, dy) of parameters (batch, 2) in whole px."""
        return _gather(images, *_sources(images, parameters))

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """0: pixels are moved, and none is computed."""
        return 0.0

    def representatives(self, region: Region, height: int, width: int) -> Tensor:
        """Every whole (dx, dy) of the region."""
        return _whole_points(region)


@attrs.frozen
class BlackTranslation(DiscreteTransformation):
    """The image moved by dx px to the right and dy px down; black comes in."""

    space = _SPACE

    def region(self, radius: float) -> Region:
        """The ℓ2 ball of ``radius`` px."""
        return Ellipsoid((-radius, -radius), (radius, radius))

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Moved images (batch, channel, height, width), by rows (dx, dy) of parameters (batch, 2) in whole px."""
        rows, columns = _sources(images, parameters)
        height, width = images.shape[-2:]
        inside_rows, inside_columns = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
        inside = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
        return torch.where(inside, _gather(images, rows, columns), 0.0)

    def representatives(self, region: Region, height: int, width: int) -> Tensor:
        """Every whole (dx, dy) of the region."""
        return _whole_points(region)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Circular translation under normal noise, rounded (Theorem 1); with a black border, every output is tried."""
    circular, radius = Translation(), {(1, 28, 28): 8.0, (3, 32, 32): 20.0}
    return [
        Corruption(
            name="translation",
            transformation=circular,
            smoothing=ParameterNoise(Gaussian(std=10.0)),
            certifier=ResolvableCertifier(),
            radius=radius | {(3, 224, 224): 20.0},
        ),
        Corruption(
            name="translation:black",
            transformation=BlackTranslation(),
            smoothing=NoSmoothing(),
            certifier=EnumerationCertifier(),
            radius=radius | {(3, 224, 224): 10.0},
        ),
    ]
