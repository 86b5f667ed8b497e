"""Brightness and contrast together: the order matters, so their parameters do not simply add up."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    Box,
    Corruption,
    Gaussian,
    ParameterNoise,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    ScaledTransformation,
    hookimpl,
)


@attrs.frozen
class BrightnessContrast(ScaledTransformation):
    """``eᵏ (x + b)``: brighter by b, then times the gain eᵏ, without clipping.

    ``eᵏ (eᵏ' (x + b') + b) = e^{k+k'} (x + b' + e^{−k'} b)``, so the inner (k', b') adds to the outer (k, b) after it
    has stretched its brightness by ``e^{−k'}``.
    """

    space = ParameterSpace(
        lower=(-math.inf, -math.inf),
        upper=(math.inf, math.inf),
        identity=(0, 0),
        names=("contrast", "brightness"),
        units=("log gain", "intensity"),
    )

    def region(self, radius: float) -> Region:
        """Gains from ``1 − radius`` to ``1 + radius``, with brightness from ``−radius`` to ``radius``; radius < 1."""
        if not radius < 1:
            raise ValueError(f"a radius of {radius:g} would take the gain to 0 or below; choose one below 1")
        return Box((math.log1p(-radius), -radius), (math.log1p(radius), radius))

    def scale(self, parameters: Tensor) -> Tensor:
        """``(1, e^{−k})`` of parameters (k, b)."""
        contrast = parameters[:, 0]
        return torch.stack([torch.ones_like(contrast), (-contrast).exp()], dim=1)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images (batch, channel, height, width), by rows (k, b) of parameters (batch, 2)."""
        contrast, brightness = parameters.view(-1, 2, 1, 1, 1).unbind(dim=1)
        return contrast.exp() * (images + brightness)

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """``√n e^{max k} (1.2 · 2⁻²⁴ Y + 2⁻²⁶ max|b|)`` for n values, (k, b) in ``outer`` and (k', b') in ``inner``.

        Proof, per value. float32 rounds ``y = e^{k'}(x + b')``, |y| ≤ ``Y = e^{max k'} (1 + max|b'|)``, by at most
        2⁻²⁴Y, and the outer gain multiplies that. In both images k is off by 2⁻³⁶|k|, at most 2⁻²⁹ for log gains up to
        128 (beyond, the bound is ``inf``). This multiplies the images by a factor within 2⁻²⁸ of 1, and float64 by one
        within 2⁻⁵⁰; b is off by 2⁻³⁶|b|. As Y ≥ 1 bounds x too, together at most ``e^k ((2⁻²⁴ + 2 · 2⁻²⁸) Y + (2 · 2⁻²⁸
        + 2 · 2⁻³⁶) |b|)``, plus the error of float64.
        """
        if outer.farthest[0] > 128:
            return math.inf
        largest = math.exp(inner.upper[0]) * (1 + inner.farthest[1])
        each = 1.2 * 2**-24 * largest + 2**-26 * outer.farthest[1]
        return math.sqrt(math.prod(shape)) * math.exp(outer.upper[0]) * each


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Brightness and contrast under normal noise on both, certified by the stretched form of Theorem 1."""
    return [
        Corruption(
            name="brightnesscontrast",
            transformation=BrightnessContrast(),
            smoothing=ParameterNoise(Gaussian(std=1.2), pixel_std=0.01),
            certifier=ResolvableCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.4, (3, 224, 224): 0.4},
            any_size=True,
        )
    ]
