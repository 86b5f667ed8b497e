"""Brightness: every pixel brighter by the same amount."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Box,
    Corruption,
    Gaussian,
    ParameterNoise,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    hookimpl,
)


@attrs.frozen
class Brightness(AdditiveTransformation):
    """``x + b``: every pixel brighter by b, without clipping, so that brightenings add up."""

    space = ParameterSpace(lower=-math.inf, upper=math.inf, identity=0, names="brightness", units="intensity")

    def region(self, radius: float) -> Region:
        """Brightness from ``−radius`` to ``radius``."""
        return Box(-radius, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Brightened images (batch, channel, height, width), by brightness (batch, 1)."""
        return images + parameters.view(-1, 1, 1, 1)

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """``√n (2⁻²³ (1 + max|δ|) + 2⁻³⁴ max|θ|)`` for n values.

        Proof, per value: float32 rounds x + δ by at most 2⁻²⁴(1 + |δ|), and x + b keeps distances. θ̃ is off by 2⁻³⁶|θ|
        in both images, and three float64 sums by 2⁻⁵³(1 + |δ| + |θ|) each.
        """
        return math.sqrt(math.prod(shape)) * (2**-23 * (1 + inner.farthest[0]) + 2**-34 * outer.farthest[0])


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Brightness under normal noise, certified by Theorem 1."""
    return [
        Corruption(
            name="brightness",
            transformation=Brightness(),
            smoothing=ParameterNoise(Gaussian(std=0.6), pixel_std=0.004),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.4, (3, 224, 224): 0.4},
            any_size=True,
        )
    ]
