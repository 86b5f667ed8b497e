"""What rounding takes from Theorem 1, and in which arithmetic its certificates hold."""

import math

import attrs
import numpy as np
import pytest
import torch
from scipy.stats import norm

from gsmooth_core import (
    Gaussian,
    IdentitySurrogate,
    LatentSmoothing,
    ParameterSmoothing,
    Region,
    certify,
    get_corruption,
)
from gsmooth_core.certifier import Problem
from gsmooth_core.certifiers import rounding
from gsmooth_core.certifiers.rounding import Rounding, drawn, hides_rounding
from gsmooth_core.smoothing.distribution import DRAW_ROUNDING

ADDITIVE = ("brightness", "contrast", "brightnesscontrast", "gaussianblur")
SHAPE = (1, 28, 28)


def recipe_and_region(name):
    recipe = get_corruption(name)
    return recipe, recipe.region(None, SHAPE)


@pytest.mark.parametrize("name", ADDITIVE)
def test_rounding_costs_little_and_never_nothing(name):
    recipe, region = recipe_and_region(name)
    for p in (0.8, 0.99, 0.9999):
        left = Rounding(recipe.smoothing, SHAPE).left(p, region)
        assert p - 0.02 < left < p
        silent = attrs.evolve(recipe.smoothing, pixel_std=0.0)
        assert Rounding(silent, SHAPE).left(p, region) == p  # in real arithmetic


def test_maps_that_round_nothing_pay_for_draws_alone():
    recipe, region = recipe_and_region("translation")
    assert 0.8999 < Rounding(recipe.smoothing, SHAPE).left(0.9, region) < 0.9
    assert "floating-point" in recipe.certifier.basis(recipe.outline())


class Modest(type(get_corruption("contrast").transformation)):
    """Truthful, and 0 where nothing moves: that is not to say that it rounds nothing."""

    def composition_error(self, inner, outer, shape):
        return 0.0 if inner.farthest == outer.farthest == (0.0,) else super().composition_error(inner, outer, shape)


@pytest.mark.parametrize(("pixel_std", "arithmetic"), [(0.0, "real"), (0.004, "floating-point")])
def test_an_error_of_0_at_the_identity_hides_nothing(pixel_std, arithmetic):
    recipe = get_corruption("contrast")
    smoothing = ParameterSmoothing(Modest(), Gaussian(0.6), pixel_std)
    assert hides_rounding(smoothing.transformation, smoothing) is (pixel_std > 0)
    assert f"in {arithmetic} arithmetic" in recipe.certifier.basis(
        Problem(smoothing.transformation, smoothing, smoothing.transformation.region(0.0))
    )


@pytest.mark.parametrize("name", ADDITIVE)
def test_boxes_hold_every_draw_that_leads_into_them(name):
    recipe, region = recipe_and_region(name)
    transformation, box = recipe.transformation, recipe.smoothing.bounds(1e-3)
    outer = drawn(box, region, transformation)
    generator = torch.Generator().manual_seed(0)
    attacks, sums = (part.sample(2_000, generator).double() for part in (region, box))
    draws = (sums - attacks) / transformation.scale(attacks)
    for parameters in (draws, sums):
        assert bool(outer.contains(parameters).all())


def test_boxes_that_floats_cannot_hold_prove_nothing():
    recipe, _ = recipe_and_region("brightnesscontrast")
    region = Region((-1, -1), (800, 1))
    assert drawn(recipe.smoothing.bounds(), region, recipe.transformation) is None
    assert Rounding(recipe.smoothing, SHAPE).left(0.99, region) == 0.0


def worst_mean(costs, shares, p, draws, rounds=2_000):
    """The least mean of Φ(Ψ(g) − c) over many g of mean p, c by band, over many ways in which g may lie."""
    share = np.diff([0.0, *(1 - np.array(shares)), 1.0])
    share[-2:] = share[-2] + share[-1], 0
    cost = np.append(costs, costs[-1])
    least = 1.0
    for _ in range(rounds):
        g = draws.beta(0.3, 0.3 * (1 - p) / p, len(share)).clip(1e-9, 1 - 1e-9)
        g += p - share @ g
        if not ((g > 0) & (g < 1)).all():
            continue
        least = min(least, float(share @ norm.cdf(norm.ppf(g) - cost)))
    return least


def test_bands_of_rare_draws_bound_the_mean():
    draws = np.random.default_rng(0)
    for _ in range(20):
        shares, p = np.sort(draws.uniform(1e-4, 0.4, 4))[::-1], draws.uniform(0.6, 0.99)
        costs = np.sort(draws.uniform(0.0, 2.0, 4))
        steps = np.diff(costs) * shares[:3] / math.sqrt(2 * math.pi)
        bound = max(norm.cdf(norm.ppf(p) - costs[j]) - steps[j:].sum() for j in range(4))
        assert bound <= worst_mean(costs, shares, p, draws) + 1e-9


def test_draws_lie_beside_exact_ones():
    """A quantile moves by less than is assumed where its number moves by 2⁻⁵¹, at the ends of every share."""
    for law in {law for name in ADDITIVE for law in get_corruption(name).smoothing.laws}:
        for share in rounding.SHARES:
            for at in (share / 2, 1 - share / 2):
                places = torch.tensor([at - 2.0**-44, at + 2.0**-44], dtype=torch.float64)
                low, high = law.quantile(places).tolist()
                farthest = max(map(abs, law.bounds(share)))
                assert (high - low) / 2**8 <= DRAW_ROUNDING * farthest  # 2⁻⁴³ apart, so that floats can tell


def mean_reader(images):
    """Class 1 iff the exact mean of the image is above 1/2 by its last digits."""
    excess = images.double().mean(dim=(1, 2, 3)) - 0.5
    return torch.stack([-excess, excess], dim=1)


def test_claims_name_the_arithmetic(test_images):
    recipe = get_corruption("brightness")
    silent = attrs.evolve(recipe, smoothing=attrs.evolve(recipe.smoothing, pixel_std=0.0))
    for one, arithmetic in ((recipe, "floating-point"), (silent, "real")):
        report = certify(mean_reader, one, test_images[:1], radius=0.001, progress=False)
        assert f"Theorem 1 in {arithmetic} arithmetic" in report.certificates[0].claim
    assert not hides_rounding(recipe.transformation, LatentSmoothing(IdentitySurrogate(), 0.0, 0.2))
