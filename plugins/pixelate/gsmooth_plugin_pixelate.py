"""Pixelation: the image at a lower resolution, shown at its own size."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    Box,
    Corruption,
    EnclosedTransformation,
    EnumerationCertifier,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    NoSmoothing,
    ParameterSpace,
    Region,
    StepTransformation,
    hookimpl,
)

_SPACE = ParameterSpace(lower=0, upper=0.9, identity=0, names="resolution removed", units="share")


def _reduced(images: Tensor, removed: Tensor) -> Tensor:
    """Images reduced and enlarged again: the longer side by ``removed`` px (batch,), int64, the other in proportion.

    Both steps use box filters as in the Python Imaging Library: a pixel goes to the block that holds its centre, a
    block becomes its mean, and a pixel comes back from the block that holds its centre.
    """
    height, width = images.shape[-2:]
    longer = max(height, width)
    rows, columns = (
        _blocks(size, (size * (longer - removed) // longer).clamp_min(1)).to(images) for size in (height, width)
    )
    total = rows[:, None] @ images @ columns[:, None].mT  # exact in float64 for float32 values, in any order
    return total / (rows.sum(dim=2)[:, None, :, None] * columns.sum(dim=2)[:, None, None, :])


def _blocks(size: int, reduced: Tensor) -> Tensor:
    """Which pixels (batch, size, size) share a block, if an axis of ``size`` px is reduced to ``reduced`` (batch,).

    Pixel j covers centre j + ½, and block i of ``size/reduced`` px the half-open ((i, i + 1]·size/reduced on the way
    down, [i, i + 1)·size/reduced on the way up): in whole numbers, since floats would misplace centres on an edge.
    """
    centre = (2 * torch.arange(size, device=reduced.device) + 1) * reduced[:, None]
    down, up = (centre - 1) // (2 * size), centre // (2 * size)
    return up[:, :, None] == down[:, None, :]


@attrs.frozen
class Pixelate(EnclosedTransformation):
    """Pixelation by the share p of the resolution that is removed: straight lines between the images of whole sizes.

    An image of n px (its longer side) shows at p = i/n the one reduced to n − i px, and between i/n and (i + 1)/n the
    mean of both, with linear weights. So it is continuous, and on [0, i/n] it gives every image that
    :class:`DiscretePixelate` gives there.
    """

    space = _SPACE

    def region(self, radius: float) -> Region:
        """Shares from 0 to ``radius``."""
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Pixelated images (batch, channel, height, width), by shares removed (batch, 1)."""
        removed = parameters.view(-1, 1, 1, 1) * max(images.shape[-2:])
        knot = removed.detach().floor()
        before, after = (_reduced(images, at.long().view(-1)) for at in (knot, knot + 1))
        return torch.lerp(before, after, (removed - knot).expand_as(before))

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the pixelated images over all shares in ``[lower, upper]``.

        Proof. τ is linear in p between the knots i/n, so on an interval each pixel takes its extremes at an end or at
        a knot inside. Between two ends without a knot the bound is attained, and its radius in ℓ2 is half the segment.
        """
        exact, size = images.double(), max(images.shape[-2:])
        first, last = (lower.double() * size).ceil(), (upper.double() * size).floor()
        ends = torch.stack([self.apply(exact, lower.double()), self.apply(exact, upper.double())])
        low, high = ends.amin(dim=0), ends.amax(dim=0)
        for step in range(int((last - first).max()) + 1):
            knot = first + step
            image = _reduced(exact, knot.long().clamp_max(size).view(-1))
            inside = (knot <= last).view(-1, 1, 1, 1)
            low = torch.where(inside, torch.minimum(low, image), low)
            high = torch.where(inside, torch.maximum(high, image), high)
        return low.to(images.dtype), high.to(images.dtype)


@attrs.frozen
class DiscretePixelate(StepTransformation):
    """The pixelation of CIFAR-10-C (Hendrycks and Dietterich 2019): reduced to whole sizes alone."""

    space = _SPACE

    def region(self, radius: float) -> Region:
        """Shares from 0 to ``radius``."""
        return Box(0, radius)

    def level(self, parameters: Tensor, height: int, width: int) -> Tensor:
        """The pixels removed from the longer side of n px, ``⌈n p⌉``: it rises as p exceeds 0, 1/n, 2/n, …"""
        return torch.ceil(parameters.double().view(-1) * max(height, width)).long()

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Pixelated images (batch, channel, height, width), by shares removed (batch, 1)."""
        removed = self.level(parameters, *images.shape[-2:]).to(images.device)
        return torch.where(removed.view(-1, 1, 1, 1) == 0, images, _reduced(images, removed))


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Pixelation under pixel noise, certified by a cover of latent balls; the discrete one, every output tried."""
    radius = {(1, 28, 28): 0.5, (3, 32, 32): 0.5, (3, 224, 224): 0.5}
    return [
        Corruption(
            name="pixelate",
            transformation=Pixelate(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.35),
            certifier=LatentCertifier(),
            radius=radius,
            any_size=True,
        ),
        Corruption(
            name="pixelate:discrete",
            transformation=DiscretePixelate(),
            smoothing=NoSmoothing(),
            certifier=EnumerationCertifier(),
            radius=radius,
            any_size=True,
        ),
    ]
