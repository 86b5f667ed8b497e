"""Brightness: every pixel brighter by the same amount."""

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
class Brightness(AdditiveTransformation):
    """``x + b``: every pixel brighter by b, without clipping, so that brightenings add up."""

    space = ParameterSpace(lower=-math.inf, upper=math.inf, identity=0, names="brightness", units="intensity")

    def region(self, radius: float) -> Region:
        """Brightness from ``−radius`` to ``radius``."""
        return Region(-radius, radius)

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Brightened images (batch, channel, height, width), by brightness (batch, 1)."""
        return images + parameters.to(images.dtype).view(-1, 1, 1, 1)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Brightness under normal noise, certified by Theorem 1."""
    brightness = Brightness()
    return [
        Corruption(
            name="brightness",
            transformation=brightness,
            smoothing=ParameterSmoothing(brightness, Gaussian(std=0.6)),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.4},
        )
    ]
