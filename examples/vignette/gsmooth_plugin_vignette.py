"""Vignetting
==========

A picture gets darker towards its corners, as behind a simple lens.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import torch
from torch import Tensor

from gsmooth_core import (
    Corruption,
    EnclosedTransformation,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSpace,
    Region,
    hookimpl,
)


@attrs.frozen
class Vignette(EnclosedTransformation):
    """``x (1 − s ρ²)``: darker by the share s in the corners, by s ρ² at the share ρ of the way to them."""

    space = ParameterSpace(lower=0, upper=1, identity=0, names="strength", units="share")

    def region(self, radius: float) -> Region:
        """Strengths from 0 to ``radius``."""
        return Region(0, radius)

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Darkened images (batch, channel, height, width), by strengths (batch, 1)."""
        rows, columns = (torch.linspace(-1, 1, size, dtype=images.dtype).to(images) for size in images.shape[-2:])
        distance = (rows[:, None].square() + columns.square()) / 2
        return images - images * distance * parameters.view(-1, 1, 1, 1)

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Per-pixel bounds of the darkened images over all strengths in ``[lower, upper]``.

        Proof. Each pixel is linear in s, so it takes its least and its largest value at the ends.
        """
        ends = torch.stack([self.apply(images, lower), self.apply(images, upper)])
        return ends.amin(dim=0), ends.amax(dim=0)


@hookimpl
def gsmooth_corruptions() -> Iterable[Corruption]:
    """Vignetting under pixel noise, certified by a cover of latent balls."""
    return [
        Corruption(
            name="vignette",
            transformation=Vignette(),
            smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.2),
            certifier=LatentCertifier(),
            radius={(1, 28, 28): 0.5, (3, 32, 32): 0.5},
        )
    ]
