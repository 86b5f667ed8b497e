"""An adversary against noise on parameters: it compares, in float64, a view's distances to the transformed images."""

from __future__ import annotations

import torch
from torch import Tensor

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.testing.adversaries.adversary import Read, Reader

POINTS = 40
"""Parameters at which an image's transforms are taken."""
RANK = 1e-9
"""Directions below this share of the largest singular value are left out."""


class Orbit(Reader):
    """How much farther the view is from the transformed clean images ``τ(θ, x)`` than from the transformed attacked
    ones.

    Two maps in a row round twice, so the transformed attacked images differ from the transformed clean ones in the last
    digit of each pixel. As the transformed images span few dimensions in float64, this difference is easy to detect.
    Broke brightness, contrast, both together, and Gaussian blur, on bundled images.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "orbit"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The difference of the two distances; 0 where noise is not on parameters."""
        if not isinstance(smoothing, ParameterSmoothing):
            return lambda images: torch.zeros(len(images), dtype=torch.float64, device=images.device)
        near, far = (_span(image, smoothing) for image in (attacked, clean))

        def distance(flat: Tensor, span: tuple[Tensor, Tensor]) -> Tensor:
            centred = flat - span[0]
            length: Tensor = (centred - centred @ span[1].T @ span[1]).norm(dim=1)
            return length

        def read(images: Tensor) -> Tensor:
            flat = images.flatten(1).double()
            return distance(flat, far) - distance(flat, near)

        return read


def _span(image: Tensor, smoothing: ParameterSmoothing) -> tuple[Tensor, Tensor]:
    """A point of the affine hull of an image's transforms (n,), and a basis of its directions (rank, n)."""
    space, generator = smoothing.transformation.space, torch.Generator(image.device).manual_seed(4)
    drawn = [law.sample((POINTS,), generator, image.device).double() for law in smoothing.laws]
    parameters = space.snap(torch.tensor(space.identity, device=image.device) + torch.stack(drawn, dim=1))
    transforms = smoothing.transformation.apply(image.double().expand(POINTS, *image.shape), parameters).flatten(1)
    centre = transforms.mean(dim=0)
    _, values, directions = torch.linalg.svd(transforms - centre, full_matrices=False)
    return centre, directions[values > RANK * values[0].clamp_min(1e-300)]


ADVERSARIES = (Orbit(),)
"""The one of this file."""
