"""Laws of rounding: what a resolvable transformation promises about the program, in addition to real arithmetic."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gsmooth_core.corruption import Corruption
from gsmooth_core.smoothing.distribution import DRAW_ROUNDING
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.testing.law import generator, images_of, make, parameters_of, region_of, require, shapes_of
from gsmooth_core.transformations.base import ScaledTransformation
from gsmooth_core.transformations.regions import Box


def rounds_no_more_than_promised(corruption: Corruption) -> None:
    """``composition_error`` bounds the total error of float32 images, float64 draws and two maps in a row, in ℓ2."""
    transformation, smoothing = corruption.transformation, corruption.smoothing
    assert isinstance(transformation, ScaledTransformation)
    assert isinstance(smoothing, ParameterSmoothing)
    outer, laws = smoothing.bounds(), smoothing.laws
    inner, count = region_of(corruption), 24
    ends = torch.tensor([inner.lower, inner.upper], dtype=torch.float64)
    attacks = torch.cat([parameters_of(corruption, count - 2), ends])
    far = torch.tensor([outer.lower, outer.upper], dtype=torch.float64)
    drawn = torch.stack([law.sample((count - 2,), generator(3), torch.device("cpu")) for law in laws], dim=1)
    draws = transformation.space.snap(torch.cat([drawn, far]).clamp(far[0], far[1]))
    missed = draws + DRAW_ROUNDING * torch.tensor(outer.farthest) * (0 if transformation.space.integer else 1)
    for shape in shapes_of(corruption):
        promised = transformation.composition_error(inner, outer, shape)
        some = images_of(4, shape)
        some[3] = 1.0
        for image in some.float():
            images = image.expand(count, *shape)
            attacked = transformation.apply(images, attacks).double()
            images = images.double()
            exact = transformation.apply(images, transformation.compose(draws, attacks))
            twice = _largest_norm(transformation.apply(attacked, missed) - exact)
            once = _largest_norm(transformation.apply(images, missed) - transformation.apply(images, draws))
            off = f"a {shape} image is off by {twice:.3g} and {once:.3g}, promised was {promised:.3g}"
            require(twice + once <= promised, off)


def _largest_norm(differences: Tensor) -> float:
    return float(differences.flatten(1).norm(dim=1).max())


def _promises(corruption: Corruption) -> bool:
    transformation = corruption.transformation
    if not isinstance(transformation, ScaledTransformation) or not isinstance(corruption.smoothing, ParameterSmoothing):
        return False
    point = Box(transformation.space.identity, transformation.space.identity)
    return transformation.composition_error(point, point, (1, 1, 1)) < math.inf


LAWS = make(_promises, rounds_no_more_than_promised)
"""The laws of this file."""
