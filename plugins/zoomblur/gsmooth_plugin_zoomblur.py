"""Zoom blur: the mean over enlargements about the centre, as from a zooming lens."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs
import torch
from kornia.geometry.transform import scale
from torch import Tensor
from torch.nn.functional import interpolate

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
    bound_mean_slope,
    bound_scaling_slope,
    enclose_by_slope,
    hookimpl,
)

_SPACE = ParameterSpace(lower=0, upper=2, identity=0, names="largest zoom − 1", units="ratio")


@attrs.frozen
class ZoomBlur(EnclosedTransformation):
    """The mean of the image enlarged by 1, 1 + s/10, …, 1 + s about its centre: eleven fixed nodes, so continuous in s.

    Bilinear. As every factor is at least 1, no pixel from outside the image is used.
    """

    space = _SPACE

    def region(self, radius: float) -> Region:
        """Largest zooms from 1 to ``1 + radius``."""
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by largest zooms less 1 (batch, 1)."""
        zooms = parameters.view(-1)
        total: Tensor = images + sum(scale(images, 1 + zooms * (node / 10)) for node in range(1, 11))
        return total / 11

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the blurred images over all largest zooms less 1 in ``[lower, upper]``.

        Proof. The proof of ``enclose_by_slope`` applies, with the slope of ``bound_mean_slope`` over those of
        ``bound_scaling_slope``.
        """
        slope = bound_mean_slope(
            lambda share: bound_scaling_slope(images, 1 + share * lower, 1 + share * upper), nodes=10
        )
        centre = self.apply(images.double(), (lower + upper) / 2)
        return enclose_by_slope(images, centre, slope, (upper - lower) / 2)


@attrs.frozen
class DiscreteZoomBlur(StepTransformation):
    """The zoom blur of CIFAR-10-C (Hendrycks and Dietterich 2019): the mean of the image and its clipped zooms.

    The zooms are 1, 1 + step, 1 + 2 step, … below 1 + s. A clipped zoom z cuts out the ⌈size/z⌉ middle pixels of each
    axis, enlarges them z times linearly, end pixels on end pixels, and cuts off what exceeds the image's size.
    """

    step: float = attrs.field(default=0.01, converter=float, validator=attrs.validators.gt(0))
    space = _SPACE

    def region(self, radius: float) -> Region:
        """Largest zooms from 1 to ``1 + radius``."""
        return Box(0, radius)

    def level(self, parameters: Tensor, height: int, width: int) -> Tensor:
        """The number of zooms beyond the first: it rises as s exceeds step, 2 step, 3 step, …

        At s = 0 the output is the image; up to s = step it is the mean of the image and its zoom by 1, which is the
        same. A zoom that is too small to cut off a pixel changes nothing either, so two levels may have the same
        output.
        """
        return (torch.ceil(parameters.double().view(-1) / self.step).long() - 1).clamp_min(0)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by largest zooms less 1 (batch, 1)."""
        zooms = self.level(parameters, *images.shape[-2:]).to(images.device)
        step = (1 + self.step) - 1  # as numpy.arange counts from 1; the last bits decide how sizes are rounded
        order = zooms.argsort(descending=True)  # so that the images that need a zoom are consecutive
        ordered = images[order]
        total = 2 * ordered
        for number in range(1, int(zooms.max()) + 1):
            active = int((zooms >= number).sum())
            zoomed = _clipped_zoom(ordered[:active], 1 + number * step)
            total = torch.cat([total[:active] + zoomed, total[active:]])
        mean = total / (zooms[order] + 2).view(-1, 1, 1, 1)
        return mean[order.argsort()]


def _clipped_zoom(images: Tensor, zoom: float) -> Tensor:
    """Images of the same size, enlarged ``zoom`` times as CIFAR-10-C does."""
    sizes = images.shape[-2:]
    cut = [math.ceil(size / zoom) for size in sizes]
    top, left = ((size - kept) // 2 for size, kept in zip(sizes, cut, strict=True))
    middle = images[..., top : top + cut[0], left : left + cut[1]]
    larger = [max(size, round(kept * zoom)) for size, kept in zip(sizes, cut, strict=True)]
    zoomed = interpolate(middle, size=larger, mode="bilinear", align_corners=True)
    top, left = ((new - size) // 2 for size, new in zip(sizes, larger, strict=True))
    return zoomed[..., top : top + sizes[0], left : left + sizes[1]]


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Zoom blur under pixel noise, certified by a cover of latent balls; the discrete one, every output tried."""
    radius = {(1, 28, 28): 0.5, (3, 32, 32): 0.5, (3, 224, 224): 0.1}
    return [
        Corruption(
            name="zoomblur",
            transformation=ZoomBlur(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.5),
            certifier=LatentCertifier(),
            radius=radius,
            any_size=True,
        ),
        Corruption(
            name="zoomblur:discrete",
            transformation=DiscreteZoomBlur(),
            smoothing=NoSmoothing(),
            certifier=EnumerationCertifier(),
            radius=radius,
            any_size=True,
        ),
    ]
