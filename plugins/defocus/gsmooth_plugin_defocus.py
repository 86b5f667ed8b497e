"""Defocus blur: the mean over a disk, pixels weighted by their area inside it, or by 0 and 1 as in CIFAR-10-C."""

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
    EnumerationCertifier,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    NoSmoothing,
    ParameterSpace,
    Region,
    StepTransformation,
    enclose_growing_mean,
    extend_border,
    filter_by_cosines,
    hookimpl,
    list_cosine_frequencies,
)

_SPACE = ParameterSpace(lower=0, upper=16, identity=0, names="radius", units="px")


def _disk_areas(radius: Tensor, reach: int) -> Tensor:
    """The area (px²) of each pixel inside the disk of ``radius`` (batch,): (batch, 2·reach + 1, 2·reach + 1).

    Per quadrant and pixel [a, b]×[c, d] the area is ``∫ₐᵇ clamp(√(r² − x²), c, d) − c dx``: the height is d up to
    ``x = √(r² − d²)``, the circle up to ``√(r² − c²)``, and c from there on; the primitive of the circle is
    ``½(x√(r² − x²) + r² atan2(x, √(r² − x²)))``. Computed in float64, for any type of ``radius``.
    """
    radius = radius.double().view(-1, 1, 1)
    edge = torch.arange(reach + 1, dtype=torch.float64, device=radius.device)
    start, end = (edge - 0.5).clamp_min(0), edge + 0.5  # the middle pixel is halved by each axis
    a, b, c, d = start[:, None], end[:, None], start, end

    def root(square: Tensor) -> Tensor:  # √max(0, ·), with a finite gradient (0) where the circle has ended
        return torch.where(square > 0, torch.where(square > 0, square, 1.0).sqrt(), 0.0)

    def circle(x: Tensor) -> Tensor:
        height = root(radius**2 - x**2)
        return (x * height + radius**2 * torch.atan2(x, height)) / 2

    full, none = root(radius**2 - d**2), root(radius**2 - c**2)  # where the circle drops below d, and below c
    full, none = full.clamp(a, b), none.clamp(a, b)
    quadrant = d * (full - a) + circle(none) - circle(full) - c * (none - a)
    quadrant = quadrant.clamp_min(0) * (torch.where(edge == 0, 2.0, 1.0)[:, None] * torch.where(edge == 0, 2.0, 1.0))
    half = torch.cat([quadrant.flip(1)[:, :-1], quadrant], dim=1)
    return torch.cat([half.flip(2)[:, :, :-1], half], dim=2)


@attrs.frozen
class Defocus(EnclosedTransformation):
    """Defocus blur: each pixel becomes the mean over the disk of ``radius`` px around its centre.

    A pixel weighs as much as the area of it that the disk covers, so the image is continuous in the radius, and
    differentiable. Borders are continued by half-sample reflection. Up to ½ px the disk stays within one pixel and
    the image is unchanged.
    """

    space = _SPACE

    def region(self, radius: float) -> Region:
        """Disk radii from 0 to ``radius`` px."""
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by disk radii (batch, 1) in px."""
        areas, mass = _disk(parameters)
        return torch.where(parameters.view(-1, 1, 1, 1) <= 0.5, images, _integrate(images, areas) / mass)

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the blurred images over all radii in ``[lower, upper]``.

        Proof. The proof of ``enclose_growing_mean`` applies: disks grow with their radius, and their area is their
        measure. A radius below ½ is replaced by ½, because both disks stay within one pixel.
        """
        reach = _reach(upper)
        return enclose_growing_mean(images, lower, upper, lambda radius: _disk(radius, reach), _integrate)


def _reach(radii: Tensor) -> int:
    """How many pixels the largest disk extends beyond the middle one."""
    return max(0, math.ceil(float(radii.detach().max()) - 0.5))


def _disk(radii: Tensor, reach: int | None = None) -> tuple[Tensor, Tensor]:
    """The pixels' areas inside the disks (batch, size, size) and the disks' areas (batch, 1, 1, 1), float64."""
    radii = radii.double().view(-1).clamp_min(0.5)  # a smaller disk stays within one pixel, as this one does
    return _disk_areas(radii, _reach(radii) if reach is None else reach), math.pi * radii.square().view(-1, 1, 1, 1)


def _integrate(images: Tensor, areas: Tensor) -> Tensor:
    """The integral of each float64 image over the area around each of its pixels."""
    reach = areas.shape[-1] // 2
    offset = torch.arange(-reach, reach + 1, dtype=torch.float64, device=images.device)
    rows, columns = (
        torch.cos(list_cosine_frequencies(size, images.device)[:, None] * offset) for size in images.shape[-2:]
    )
    return filter_by_cosines(images, rows @ areas @ columns.T)


@attrs.frozen
class DiscreteDefocus(StepTransformation):
    """The defocus blur of CIFAR-10-C (Hendrycks and Dietterich 2019), before its disk is smoothed.

    Each pixel becomes the plain mean over the pixels whose centres are at most ``radius`` px away. Borders are
    continued by reflection that does not repeat the border pixel, as OpenCV does.
    """

    space = _SPACE

    def region(self, radius: float) -> Region:
        """Disk radii from 0 to ``radius`` px."""
        return Box(0, radius)

    def level(self, parameters: Tensor, height: int, width: int) -> Tensor:
        """How many circles of pixels the disk holds: it rises as r² reaches 1, 2, 4, 5, 8, …, the sums of two squares.

        Reason: the centres lie √(i² + j²) px away, with whole i and j.
        """
        squares = torch.arange(int(self.space.upper[0]) + 1, dtype=torch.float64, device=parameters.device).square()
        circles = (squares[:, None] + squares).unique()
        return torch.searchsorted(circles, parameters.double().view(-1).square(), right=True) - 1

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by disk radii (batch, 1) in px."""
        squared = parameters.view(-1, 1, 1).square()
        reach = math.floor(float(parameters.max()))
        position = torch.arange(-reach, reach + 1, dtype=torch.float64, device=parameters.device).square()
        disk = (position[:, None] + position <= squared).double()
        kernel = disk / disk.sum(dim=(1, 2), keepdim=True)
        blurred: Tensor = filter2d(extend_border(images, reach, "reflect"), kernel, padding="valid")
        return torch.where(squared[:, None] < 1, images, blurred)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Defocus blur under pixel noise, certified by a cover of latent balls; the discrete one, every output tried."""
    radius = {(1, 28, 28): 5.0, (3, 32, 32): 5.0, (3, 224, 224): 3.0}
    return [
        Corruption(
            name="defocus",
            transformation=Defocus(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.2),
            certifier=LatentCertifier(),
            radius=radius,
        ),
        Corruption(
            name="defocus:discrete",
            transformation=DiscreteDefocus(),
            smoothing=NoSmoothing(),
            certifier=EnumerationCertifier(),
            radius=radius,
        ),
    ]
