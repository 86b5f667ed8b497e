"""Rotational blur: the mean over rotations about the centre, as from a turning camera."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from kornia.geometry.transform import rotate
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
    bound_mean_slope,
    bound_rotation_slope,
    enclose_by_slope,
    hookimpl,
    warp_on_black,
)


@attrs.frozen
class RotationalBlur(EnclosedTransformation):
    """The mean of the image turned by 0, θ/10, 2θ/10, …, θ about its centre: eleven fixed nodes, so continuous in θ.

    Bilinear; beyond the border the image fades to black within one pixel.
    """

    space = ParameterSpace(lower=0, upper=180, identity=0, names="angle", units="degrees")

    def region(self, radius: float) -> Region:
        """Angles from 0 to ``radius`` degrees."""
        return Box(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by angles (batch, 1) in degrees."""
        angles = parameters.view(-1)

        def mean(exact: Tensor) -> Tensor:
            total: Tensor = exact + sum(rotate(exact, angles * (node / 10)) for node in range(1, 11))
            return total / 11

        return warp_on_black(mean, images)

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the blurred images over all angles in ``[lower, upper]``.

        Proof. The proof of ``enclose_by_slope`` applies, with the slope of ``bound_mean_slope`` over those of
        ``bound_rotation_slope``.
        """
        slope = bound_mean_slope(lambda share: bound_rotation_slope(images, share * lower, share * upper), nodes=10)
        centre = self.apply(images.double(), (lower + upper) / 2)
        return enclose_by_slope(images, centre, slope, (upper - lower) / 2)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Rotational blur under pixel noise, certified by a cover of latent balls."""
    return [
        Corruption(
            name="rotationalblur",
            transformation=RotationalBlur(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.25),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 10.0, (3, 32, 32): 10.0, (3, 224, 224): 10.0},
            any_size=True,
        )
    ]
