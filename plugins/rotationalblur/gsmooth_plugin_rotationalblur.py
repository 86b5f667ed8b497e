"""Rotational blur: the mean over rotations about the centre, as of a camera that turns."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch
from kornia.geometry.transform import rotate
from torch import Tensor

from gsmooth_core import (
    Corruption,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSpace,
    Region,
    SampledTransformation,
    hookimpl,
)


@attrs.frozen
class RotationalBlur(SampledTransformation):
    """The mean of the image turned by 0, θ/10, 2θ/10, …, θ about its centre: eleven fixed nodes, so continuous in θ.

    Bilinear; beyond the border the image fades to black within one pixel.
    """

    space = ParameterSpace(lower=0, upper=180, identity=0, names="angle", units="degrees")

    def region(self, radius: float) -> Region:
        """Angles from 0 to ``radius`` degrees."""
        return Region(0, radius)

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Blurred images (batch, channel, height, width), by angles (batch, 1) in degrees."""
        exact, angles = images.double(), parameters.double().view(-1)
        total = exact + sum(rotate(exact, angles * (node / 10)) for node in range(1, 11))
        blurred = (total / 11).to(images.dtype)  # rounded once, at the end
        return torch.where(parameters.view(-1, 1, 1, 1) == 0, images, blurred)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Rotational blur under pixel noise, estimated by a cover of latent balls."""
    return [
        Corruption(
            name="rotationalblur",
            transformation=RotationalBlur(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.25),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 10.0, (3, 32, 32): 10.0},
        )
    ]
