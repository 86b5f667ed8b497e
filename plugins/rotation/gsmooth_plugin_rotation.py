"""Rotation about the centre."""

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
    bound_rotation_slope,
    enclose_by_slope,
    hookimpl,
    warp_on_black,
)


@attrs.frozen
class Rotation(EnclosedTransformation):
    """The image turned anticlockwise about its centre, by bilinear interpolation; black comes in.

    Beyond the border the image fades to black within one pixel, so the result is continuous in the angle.
    """

    space = ParameterSpace(lower=-180, upper=180, identity=0, names="angle", units="degrees")

    def region(self, radius: float) -> Region:
        """Angles from ``−radius`` to ``radius`` degrees."""
        return Box(-radius, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Turned images (batch, channel, height, width), by angles (batch, 1) in degrees."""
        angles = parameters.view(-1)
        return warp_on_black(lambda padded: rotate(padded, angles), images)

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the turned images over all angles in ``[lower, upper]``.

        Proof. The proof of ``enclose_by_slope`` applies, with the slope of ``bound_rotation_slope``.
        """
        centre = self.apply(images.double(), (lower + upper) / 2)
        return enclose_by_slope(images, centre, bound_rotation_slope(images, lower, upper), (upper - lower) / 2)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Rotation under pixel noise, certified by a cover of latent balls."""
    return [
        Corruption(
            name="rotation",
            transformation=Rotation(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.25),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 50.0, (3, 32, 32): 10.0, (3, 224, 224): 10.0},
            any_size=True,
        )
    ]
