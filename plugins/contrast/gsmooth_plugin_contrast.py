"""Contrast: every pixel multiplied by the same gain."""

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
class Contrast(AdditiveTransformation):
    """``eᵏ x``: every pixel times the gain eᵏ, without clipping, so that log gains add up."""

    space = ParameterSpace(lower=-math.inf, upper=math.inf, identity=0, names="contrast", units="log gain")

    def region(self, radius: float) -> Region:
        """Gains from ``1 − radius`` to ``1 + radius``, that is k from ln(1 − radius) to ln(1 + radius); radius < 1."""
        if not radius < 1:
            raise ValueError(f"a radius of {radius:g} would take the gain to 0 or below; choose one below 1")
        return Box(math.log1p(-radius), math.log1p(radius))

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images (batch, channel, height, width) times their gains, by log gains (batch, 1)."""
        return images * parameters.view(-1, 1, 1, 1).exp()

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """``√n · 2⁻²³ e^{max δ + max θ}`` for n values.

        Proof, per value. float32 rounds ``y = eᵟx`` by at most 2⁻²⁴y, and the outer gain multiplies that. θ̃ is off by
        2⁻³⁶ max|θ|, at most 2⁻²⁹ for log gains up to 128 (beyond, the bound is ``inf``), and so multiplies both images
        by a factor within 2⁻²⁸ of 1, and float64 by one within 2⁻⁵⁰. With δ up to at least 0, all is less than 2⁻²³ of
        ``e^{max δ + max θ}``.
        """
        if outer.farthest[0] > 128:
            return math.inf
        return math.sqrt(math.prod(shape)) * 2**-23 * math.exp(inner.upper[0] + outer.upper[0])


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Contrast under normal noise on the log gain, certified by Theorem 1."""
    return [
        Corruption(
            name="contrast",
            transformation=Contrast(),
            smoothing=ParameterNoise(Gaussian(std=0.6), pixel_std=0.004),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.4, (3, 224, 224): 0.4},
            any_size=True,
        )
    ]
