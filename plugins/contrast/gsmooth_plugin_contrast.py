"""Contrast: every pixel multiplied by the same gain."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Corruption,
    Gaussian,
    ParameterSmoothing,
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
        return Region(math.log1p(-radius), math.log1p(radius))

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images (batch, channel, height, width) times their gains, by log gains (batch, 1)."""
        return images * parameters.to(images.dtype).view(-1, 1, 1, 1).exp()


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Contrast under normal noise on the log gain, certified by Theorem 1."""
    contrast = Contrast()
    return [
        Corruption(
            name="contrast",
            transformation=contrast,
            smoothing=ParameterSmoothing(contrast, Gaussian(std=0.6)),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.4},
        )
    ]
