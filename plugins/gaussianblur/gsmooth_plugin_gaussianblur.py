"""Gaussian blur, defined in the cosine spectrum so that blurs add up exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Corruption,
    Exponential,
    ParameterSmoothing,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    cosine_filter,
    cosine_frequencies,
    hookimpl,
)


@attrs.frozen
class GaussianBlur(AdditiveTransformation):
    """Gaussian blur of kernel variance ``α`` (px²), images continued by half-sample reflection.

    Each cosine coefficient of frequency ω (rad/px) is multiplied by ``exp(−α|ω|²/2)``, so that
    ``τ(α, τ(β, x)) = τ(α + β, x)`` holds exactly, unlike with a truncated spatial kernel.
    """

    space = ParameterSpace(lower=0, upper=math.inf, identity=0, names="variance", units="px²")

    def region(self, radius: float) -> Region:
        """Variances from 0 to ``radius`` px²."""
        return Region(0, radius)

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by variances (batch, 1) in px²."""
        variance = parameters.view(-1, 1, 1).to(torch.promote_types(images.dtype, parameters.dtype))
        rows, columns = (cosine_frequencies(size, images.device).square().to(variance) for size in images.shape[-2:])
        blurred = cosine_filter(images, torch.exp(-variance / 2 * rows[:, None]) * torch.exp(-variance / 2 * columns))
        return torch.where(variance[:, None] == 0, images, blurred)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Gaussian blur under exponential noise, certified by Theorem 1."""
    blur = GaussianBlur()
    return [
        Corruption(
            name="gaussianblur",
            transformation=blur,
            smoothing=ParameterSmoothing(blur, Exponential(scale=20.0)),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 36.0, (3, 32, 32): 16.0},
        )
    ]
