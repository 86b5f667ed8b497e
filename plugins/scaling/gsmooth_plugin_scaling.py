"""Scaling about the centre."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from kornia.geometry.transform import scale
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
    bound_scaling_slope,
    enclose_by_slope,
    hookimpl,
)


@attrs.frozen
class Scaling(EnclosedTransformation):
    """The image enlarged about its centre by the factor 1 + s, by bilinear interpolation; black comes in if s < 0.

    Beyond the border the image fades to black within one pixel, so the result is continuous in s.
    """

    space = ParameterSpace(lower=-0.9, upper=9, identity=0, names="factor − 1", units="ratio")

    def region(self, radius: float) -> Region:
        """Factors from ``1 − radius`` to ``1 + radius``."""
        return Box(-radius, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Enlarged images (batch, channel, height, width), by factors less 1 (batch, 1)."""
        scaled: Tensor = scale(images, 1 + parameters.view(-1))
        return scaled

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the enlarged images over all factors less 1 in ``[lower, upper]``.

        Proof. The proof of ``enclose_by_slope`` applies, with the slope of ``bound_scaling_slope``.
        """
        centre = self.apply(images.double(), (lower + upper) / 2)
        return enclose_by_slope(images, centre, bound_scaling_slope(images, 1 + lower, 1 + upper), (upper - lower) / 2)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Scaling under pixel noise, certified by a cover of latent balls."""
    return [
        Corruption(
            name="scaling",
            transformation=Scaling(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 0.3, (3, 32, 32): 0.3, (3, 224, 224): 0.3},
            any_size=True,
        )
    ]
