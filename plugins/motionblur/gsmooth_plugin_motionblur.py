"""Motion blur: the mean along a line, as from a moving camera."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from kornia.filters import filter2d
from torch import Tensor

from gsmooth_core import (
    Box,
    Corruption,
    EnclosedTransformation,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSpace,
    Region,
    enclose_growing_mean,
    extend_border,
    hookimpl,
)


@attrs.frozen
class MotionBlur(EnclosedTransformation):
    """The mean over the line of ``length`` px around each pixel's centre, at a fixed ``angle``.

    A pixel weighs as much as the length of the line inside it, so the result is continuous in the length. Borders are
    continued by half-sample reflection. Up to 1 px the line stays within one pixel and the image is unchanged.
    ``angle`` is in degrees, anticlockwise from horizontal.
    """

    angle: float = attrs.field(default=45.0, converter=float)
    space = ParameterSpace(lower=0, upper=64, identity=0, names="length", units="px")

    def region(self, radius: float) -> Region:
        """Lengths from 0 to ``radius`` px."""
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by lengths (batch, 1) in px."""
        lengths, total = self._line(parameters, _reach(parameters))
        return torch.where(parameters.view(-1, 1, 1, 1) <= 1, images, _integrate(images, lengths) / total)

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the blurred images over all lengths in ``[lower, upper]``.

        Proof. The proof of ``enclose_growing_mean`` applies: lines grow with their length, and their length is their
        measure. A line shorter than 1 px is replaced by one of 1 px, because both stay within one pixel.
        """
        reach = _reach(upper)
        return enclose_growing_mean(images, lower, upper, lambda length: self._line(length, reach), _integrate)

    def _line(self, parameters: Tensor, reach: int) -> tuple[Tensor, Tensor]:
        """The lengths of the lines within each pixel (batch, size, size) and in all (batch, 1, 1, 1), float64."""
        half = parameters.double().view(-1).clamp_min(1) / 2
        return self._lengths(half, reach), 2 * half.view(-1, 1, 1, 1)

    def _lengths(self, half: Tensor, reach: int) -> Tensor:
        """The length (px) of the line within each pixel, for half lengths (batch,): (batch, size, size), float64.

        The line's point at t px from its middle lies in the pixel around (i, j) while both ``|t cos a − j|`` and
        ``|−t sin a − i|`` are at most ½: an interval of t, which is cut off at ± half.
        """
        position = torch.arange(-reach, reach + 1, dtype=torch.float64, device=half.device)
        start, end = half.new_full((1, 1), -math.inf), half.new_full((1, 1), math.inf)
        slopes = math.cos(math.radians(self.angle)), -math.sin(math.radians(self.angle))
        for slope, along in zip(slopes, (position[None, :], position[:, None]), strict=True):
            if abs(slope) < 1e-12:  # parallel to this axis: all t are in the middle row or column
                ends = torch.where(along == 0, math.inf, -math.inf)
                enters, leaves = -ends, ends
            else:
                side = math.copysign(0.5, slope)
                enters, leaves = (along - side) / slope, (along + side) / slope
            start, end = torch.maximum(start, enters), torch.minimum(end, leaves)
        cut = half.view(-1, 1, 1)
        return (torch.minimum(end, cut) - torch.maximum(start, -cut)).clamp_min(0)


def _reach(lengths: Tensor) -> int:
    """How many pixels the longest line extends beyond the middle one."""
    return max(0, math.ceil(float(lengths.detach().max()) / 2 - 0.5))


def _integrate(images: Tensor, lengths: Tensor) -> Tensor:
    """The integral of each float64 image along the line around each of its pixels."""
    integral: Tensor = filter2d(extend_border(images, lengths.shape[-1] // 2), lengths, padding="valid")
    return integral


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Motion blur under pixel noise, certified by a cover of latent balls."""
    return [
        Corruption(
            name="motionblur",
            transformation=MotionBlur(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.25),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 8.0, (3, 32, 32): 8.0, (3, 224, 224): 10.0},
        )
    ]
