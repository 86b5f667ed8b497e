"""Laws of rounding: what a resolvable transformation promises about the program, beside real numbers."""

from __future__ import annotations

import math

import torch

from gsmooth_core.corruption import Corruption
from gsmooth_core.noise import DRAW_ROUNDING
from gsmooth_core.region import Region
from gsmooth_core.smoothing import ParameterSmoothing
from gsmooth_core.testing.law import generator, images_of, make, parameters_of, region_of, require, shapes_of
from gsmooth_core.transformation import ScaledTransformation


def rounds_no_more_than_promised(corruption: Corruption) -> None:
    """``composition_error`` bounds what float32 images, float64 draws and two maps in a row add up to, in ℓ2."""
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
        images = images_of(count, shape)
        images[::3] = 1.0
        images = images.float().double()
        attacked = transformation.apply(images.float(), attacks).double()
        twice, once = transformation.apply(attacked, missed), transformation.apply(images, missed)
        exact = transformation.apply(images, transformation.compose(draws, attacks))
        errors = (twice - exact).flatten(1).norm(dim=1)
        errors += (once - transformation.apply(images, draws)).flatten(1).norm(dim=1)
        largest = float(errors.max())
        require(largest <= promised, f"a {shape} image is off by {largest:.3g}, promised was {promised:.3g}")


def _promises(corruption: Corruption) -> bool:
    transformation = corruption.transformation
    if not isinstance(transformation, ScaledTransformation) or not isinstance(corruption.smoothing, ParameterSmoothing):
        return False
    point = Region(transformation.space.identity, transformation.space.identity)
    return transformation.composition_error(point, point, (1, 1, 1)) < math.inf


LAWS = make(_promises, rounds_no_more_than_promised)
"""The laws of this file."""
