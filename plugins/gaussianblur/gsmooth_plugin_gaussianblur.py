"""Gaussian blur, defined in the cosine spectrum so that blurs add up exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

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
    hookimpl,
)


@lru_cache(maxsize=32)
def _cosine_basis(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The orthonormal DCT-II (size, size): row k holds the cosine of frequency ``πk/size``."""
    with torch.inference_mode(False):  # kept for later calls, which may want gradients
        index = torch.arange(size, dtype=torch.float64)
        basis = torch.cos(math.pi / size * (index[:, None]) * (index + 0.5)) * math.sqrt(2 / size)
        basis[0] /= math.sqrt(2)
        return basis.to(device, dtype)


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
        height, width = images.shape[-2:]
        rows = _cosine_basis(height, images.dtype, images.device)
        columns = _cosine_basis(width, images.dtype, images.device)
        vertical, horizontal = (
            (torch.arange(size, device=images.device, dtype=images.dtype) * (math.pi / size)).square()
            for size in (height, width)
        )
        variance = parameters.to(images.dtype).view(-1, 1, 1, 1)
        gain = torch.exp(-variance / 2 * (vertical[:, None] + horizontal))
        blurred = rows.T @ (gain * (rows @ images @ columns.T)) @ columns
        return torch.where(variance == 0, images, blurred)


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
