"""Gaussian blur, defined in the cosine spectrum so that blurs add up exactly."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    AdditiveTransformation,
    Box,
    Corruption,
    Exponential,
    ParameterNoise,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    filter_by_cosines,
    hookimpl,
    list_cosine_frequencies,
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
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by variances (batch, 1) in px²."""
        variance = parameters.view(-1, 1, 1)
        rows, columns = (
            list_cosine_frequencies(size, images.device).square().to(variance) for size in images.shape[-2:]
        )
        gain = torch.exp(-variance / 2 * rows[:, None]) * torch.exp(-variance / 2 * columns)
        return filter_by_cosines(images, gain)

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """``√n (2⁻²³ + 2⁻³¹ max θ + 2⁻⁴⁴ (H^1.5 + W^1.5))`` for n values, images of H × W px.

        Proof. All images have an ℓ2 norm of at most √n, and a blur, whose gains lie in (0, 1], increases no distance
        between images. float32 rounds y by at most 2⁻²⁴ of its norm. θ̃ is off by 2⁻³⁶ max θ, and the gain's derivative
        is at most |ω|²/2 ≤ π² < 16, so both images are off by 2⁻³² max θ of their norm. Float64: each of the four
        products with a basis of size H (or W) is off by at most the error of the basis and by ``H 2⁻⁵³ ‖basis‖_F =
        H^1.5 2⁻⁵³`` of the norm. A cosine's argument, below πH, is off by πH 2⁻⁵¹, so an entry by ``√(2/H) (πH 2⁻⁵¹ +
        2⁻⁵²)`` and the basis, H times that, by less than H^1.5 2⁻⁴⁸. Two products for each side and the gain, off by
        2⁻⁵⁰, make 2⁻⁴⁶ (H^1.5 + W^1.5) at most, for each of three blurs.
        """
        sides = sum(math.sqrt(size) * size for size in shape[1:])
        return math.sqrt(math.prod(shape)) * (2**-23 + 2**-31 * outer.upper[0] + 2**-44 * sides)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Gaussian blur under exponential noise, certified by Theorem 1."""
    return [
        Corruption(
            name="gaussianblur",
            transformation=GaussianBlur(),
            smoothing=ParameterNoise(Exponential(scale=20.0), pixel_std=0.004),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 36.0, (3, 32, 32): 16.0, (3, 224, 224): 36.0},
        )
    ]
