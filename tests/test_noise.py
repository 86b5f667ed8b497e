"""Closed-form shifts against the Neyman–Pearson problem solved by quadrature, and draws against densities."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest, norm

from gsmooth_core import (
    Exponential,
    FoldedGaussian,
    Gaussian,
    Guarantee,
    Laplace,
    NoiseDistribution,
    OneSidedNoise,
    OneSidedUniform,
    Uniform,
    get_noise,
)

LAWS = [Gaussian(2.0), FoldedGaussian(3.0), Exponential(10.0), Uniform(4.0), OneSidedUniform(4.0), Laplace(0.7)]
SIZE = {Gaussian: 2.0, FoldedGaussian: 3.0, Exponential: 10.0, Uniform: 4.0, OneSidedUniform: 4.0, Laplace: 0.7}
CPU = torch.device("cpu")


def named(law):
    return law.name


def probabilities(count):
    generator = np.random.default_rng(5)
    p_b = generator.uniform(0.001, 0.49, count)
    p_a = generator.uniform(p_b + 0.01, np.minimum(1 - p_b, 0.999), count)
    return [*zip(p_a.tolist(), p_b.tolist(), strict=True), (0.9, 0.1), (0.99, 0.01), (0.6, 0.05)]


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_shift_equals_quadrature(law, shift=None):
    """The base class solves the same problem numerically, knowing the density alone."""
    for p_a, p_b in probabilities(12):
        closed = law.shift(p_a, p_b) if shift is None else shift(p_a, p_b)
        assert closed == pytest.approx(NoiseDistribution.shift(law, p_a, p_b), abs=2e-3 * SIZE[type(law)], rel=2e-3)


@pytest.mark.slow
def test_shifts_of_200_random_laws_and_probabilities_equal_quadrature():
    generator = np.random.default_rng(11)
    for p_a, p_b in probabilities(200)[:200]:
        size = float(10 ** generator.uniform(-1, 1.5))
        law = (Gaussian, FoldedGaussian, Exponential, Uniform, OneSidedUniform, Laplace)[generator.integers(6)](size)
        assert law.shift(p_a, p_b) == pytest.approx(NoiseDistribution.shift(law, p_a, p_b), abs=2e-3 * size, rel=2e-3)


@pytest.mark.parametrize("law", [Exponential(10.0), Uniform(4.0), OneSidedUniform(4.0)], ids=named)
def test_a_shift_inflated_by_a_tenth_is_caught(law):
    with pytest.raises(AssertionError):
        test_shift_equals_quadrature(law, shift=lambda p_a, p_b: 1.1 * law.shift(p_a, p_b))


@pytest.mark.parametrize("p", [0.55, 0.8, 0.99])
def test_binary_forms_of_the_paper(p):
    assert Gaussian(2.0).shift(p, 1 - p) == pytest.approx(2 * norm.ppf(p))
    assert Exponential(10.0).shift(p, 1 - p) == pytest.approx(-10 * math.log(2 - 2 * p))
    assert Uniform(4.0).shift(p, 1 - p) == pytest.approx(4 * (p - 0.5))
    assert FoldedGaussian(3.0).shift(p, 1 - p) == pytest.approx(3 * (norm.ppf((1 + p) / 2) - norm.ppf(0.75)))
    assert Laplace(0.7).shift(p, 1 - p) == pytest.approx(-0.7 * math.log(2 - 2 * p))


def test_the_integral_of_the_paper_is_not_used_for_the_exponential_law():
    """Its Theorem 1 needs a density that is smooth on the whole line; here it would give 1.24 scale, not 0.80."""
    assert Exponential(1.0).shift(0.6, 0.05) == pytest.approx(0.80, abs=0.005)


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_draws_follow_the_density(law):
    draws = law.sample((4_000,), torch.Generator().manual_seed(3), CPU)
    assert draws.dtype == torch.float64
    low = 0.0 if isinstance(law, OneSidedNoise) else -30 * SIZE[type(law)]

    def density(x):
        return float(law.log_density(torch.tensor([x], dtype=torch.float64)).exp())

    grid = np.linspace(low, 30 * SIZE[type(law)], 120_001)
    heights = law.log_density(torch.from_numpy(grid)).exp().numpy()
    cumulative = np.concatenate([[0.0], np.cumsum((heights[1:] + heights[:-1]) / 2 * np.diff(grid))])
    assert cumulative[-1] == pytest.approx(1, abs=1e-3)
    assert quad(density, 0, 1)[0] == pytest.approx(
        np.interp(1, grid, cumulative) - np.interp(0, grid, cumulative), abs=1e-3
    )
    assert kstest(draws.numpy(), lambda x: np.interp(x, grid, cumulative)).pvalue > 1e-3


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_draws_come_from_the_generator_alone(law):
    state = torch.random.get_rng_state()
    first, second = (law.sample((50, 2), torch.Generator().manual_seed(1), CPU) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_no_lead_means_no_shift(law):
    assert law.shift(0.5, 0.5) == law.shift(0.2, 0.8) == 0
    assert NoiseDistribution.shift(law, 0.2, 0.8) == 0


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_shift_grows_with_the_lead(law):
    shifts = [law.shift(p, 1 - p) for p in (0.51, 0.7, 0.9, 0.99, 0.9999)]
    assert shifts == sorted(shifts)
    assert law.shift(0.9, 0.0) >= law.shift(0.9, 0.1)
    assert not math.isnan(law.shift(1.0, 0.0))


def test_a_law_of_ones_own_gets_a_shift_and_says_that_it_is_an_estimate():
    class Logistic(NoiseDistribution):
        name = "logistic"

        def quantile(self, probabilities):
            return torch.log(probabilities / (1 - probabilities))

        def log_density(self, x):
            return -x - 2 * torch.nn.functional.softplus(-x)

    # The likelihood ratio of a logistic shift is monotone, so the shift is the distance between the quantiles' middle.
    expected = (math.log(0.9 / 0.1) + math.log(0.8 / 0.2)) / 2
    assert Logistic().shift(0.9, 0.2) == pytest.approx(expected, rel=2e-3)
    assert Logistic().shift_guarantee is Guarantee.ESTIMATE
    assert all(law.shift_guarantee is Guarantee.PROBABILISTIC for law in LAWS)


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="std of Gaussian must be positive"):
        Gaussian(0.0)
    with pytest.raises(ValueError, match="scale of Exponential must be positive"):
        Exponential(math.nan)
    with pytest.raises(ValueError, match="probabilities in"):
        Gaussian(1.0).shift(1.2, 0.1)


def test_built_in_laws_are_found_by_name():
    assert [get_noise(law.name) for law in LAWS] == [type(law) for law in LAWS]
