"""Closed-form shifts against the Neyman–Pearson problem solved by quadrature, and draws against densities."""

import itertools
import math

import attrs
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
from gsmooth_core.smoothing.distribution import Quadrature

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
        assert closed == pytest.approx(Quadrature(law).shift(p_a, p_b), abs=2e-3 * SIZE[type(law)], rel=2e-3)


@pytest.mark.slow
def test_shifts_of_200_random_laws_and_probabilities_equal_quadrature():
    generator = np.random.default_rng(11)
    for p_a, p_b in probabilities(200)[:200]:
        size = float(10 ** generator.uniform(-1, 1.5))
        law = (Gaussian, FoldedGaussian, Exponential, Uniform, OneSidedUniform, Laplace)[generator.integers(6)](size)
        assert law.shift(p_a, p_b) == pytest.approx(Quadrature(law).shift(p_a, p_b), abs=2e-3 * size, rel=2e-3)


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
    assert Quadrature(law).shift(0.2, 0.8) == 0


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


OF_BOTH_SIDES = [(law, side) for law in LAWS for side in ((1,) if isinstance(law, OneSidedNoise) else (1, -1))]


@pytest.mark.parametrize(("law", "side"), OF_BOTH_SIDES, ids=str)
def test_least_probability_is_that_of_a_discretised_neyman_pearson_problem(law, side):
    """On a fine grid of the quantiles, by sorting the cells by their ratio; cells of equal ratio in any order."""
    ends = law.quantile(torch.linspace(0, 1, 200_001, dtype=torch.float64).clamp(1e-12, 1 - 1e-12)).numpy()
    low = 0.0 if isinstance(law, OneSidedNoise) else ends[0]
    size = SIZE[type(law)]
    edges = np.unique(np.concatenate([[low], ends, np.linspace(low, ends[-1] + 6 * size, 200_001)]))
    middles, widths = torch.from_numpy((edges[1:] + edges[:-1]) / 2), np.diff(edges)
    before = law.log_density(middles).exp().numpy() * widths
    for share in (0.05, 0.3, 1.1):
        after = law.log_density(middles - side * share * size).exp().numpy() * widths
        ratio = np.where(before > 0, after / np.maximum(before, 1e-300), np.inf)
        order = np.argsort(ratio, kind="stable")
        had, has = np.cumsum(before[order]), np.cumsum(after[order])
        for p in (0.02, 0.3, 0.5, 0.8, 0.97):
            expected = float(np.interp(p, had / had[-1], has))
            assert law.least_probability(p, side * share * size) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(("law", "side"), OF_BOTH_SIDES, ids=str)
def test_no_event_has_less_after_the_shift_and_the_worst_half_line_has_as_much(law, side):
    draws = law.sample((400_000,), torch.Generator().manual_seed(3), CPU)
    generator = np.random.default_rng(4)
    for p in (0.1, 0.6, 0.9):
        for share in (0.1, 0.5):
            d = side * share * SIZE[type(law)]
            least = law.least_probability(p, d)
            for _ in range(8):  # an interval of the quantiles, or what it leaves out
                start = float(generator.uniform(0, 1 - p))
                gap = float(generator.uniform(0, p))
                inner, outer = (start, start + p), (gap, gap + 1 - p)
                for inside, (low, high) in ((True, inner), (False, outer)):
                    a, b = law.quantile(torch.tensor([max(low, 1e-15), min(high, 1 - 1e-15)]).double()).tolist()
                    held = (((draws + d >= a) & (draws + d <= b)) == inside).double().mean()
                    assert float(held) >= least - 4e-3
            end = float(law.quantile(torch.tensor([p if side > 0 else 1 - p], dtype=torch.float64)))
            worst = ((draws + d - end) * side <= 0).double().mean()
            assert float(worst) == pytest.approx(least, abs=4e-3)


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_the_shift_is_where_the_least_probability_of_one_class_meets_the_largest_of_the_other(law):
    for p_a, p_b in probabilities(20):
        d = law.shift(p_a, p_b)
        assert law.least_probability(p_a, d) == pytest.approx(1 - law.least_probability(1 - p_b, d), abs=1e-9)
        assert law.least_probability(p_a, 0.99 * d) > 1 - law.least_probability(1 - p_b, 0.99 * d)
        assert NoiseDistribution.shift(law, p_a, p_b) == pytest.approx(d, rel=1e-7)
        assert NoiseDistribution.shift(law, p_a, p_b) <= d * (1 + 1e-9)


@pytest.mark.parametrize(("law", "side"), OF_BOTH_SIDES, ids=str)
def test_least_probability_starts_at_p_and_falls_with_the_shift(law, side):
    for p in (0.0, 1e-9, 0.3, 0.5, 0.9, 1 - 1e-12, 1.0):
        left = [
            law.least_probability(p, side * share * SIZE[type(law)]) for share in (0, 1e-9, 0.1, 1, 2, 10, 1e3, 1e6)
        ]
        assert left[0] == pytest.approx(p, abs=1e-15)
        assert all(0 <= b <= a <= p for a, b in itertools.pairwise(left))
        estimate = NoiseDistribution.least_probability(law, p, side * 0.4 * SIZE[type(law)])
        assert law.least_probability(p, side * 0.4 * SIZE[type(law)]) == pytest.approx(estimate, abs=2e-3)
        assert law.least_probability(p, 0.0) <= p


@pytest.mark.parametrize("law", LAWS, ids=named)
def test_the_deviation_is_that_of_the_draws(law):
    draws = law.sample((400_000,), torch.Generator().manual_seed(5), CPU)
    assert float(draws.std()) == pytest.approx(law.deviation, rel=0.01)
    assert NoiseDistribution.deviation.fget(law) == pytest.approx(law.deviation, rel=1e-9)
    other = law.with_deviation(3.0)
    assert type(other) is type(law)
    assert other.deviation == pytest.approx(3.0, rel=1e-12)
    assert law.with_deviation(law.deviation) == law
    with pytest.raises(ValueError, match="must be positive and finite, not -1"):
        law.with_deviation(-1)


@attrs.frozen
class Shape(NoiseDistribution):
    """A distribution whose single setting is no size."""

    name = "shape"
    power: float

    def quantile(self, probabilities):
        return (2 * probabilities - 1).sign() * (2 * probabilities - 1).abs() ** self.power

    def log_density(self, x):
        inside = (1 / self.power - 1) * x.abs().log() - math.log(2 * self.power)
        return torch.where(x.abs() <= 1, inside, -math.inf)


@attrs.frozen
class Wide(Shape):
    """One with two settings."""

    width: float


def test_the_deviation_of_a_distribution_of_ones_own_is_integrated():
    assert Shape(2.0).deviation == pytest.approx(math.sqrt(1 / 5), rel=1e-6)  # E U⁴
    for one in (Shape(2.0), Wide(1.0, 1.0)):
        with pytest.raises(ValueError, match=f"write {type(one).__name__}.with_deviation"):
            one.with_deviation(2.0)


def test_moves_that_are_none_are_refused():
    with pytest.raises(ValueError, match="Exponential noise can move only to the right, not by -1"):
        Exponential(1.0).least_probability(0.9, -1)
    for law in LAWS:
        with pytest.raises(ValueError, match=r"probability in \[0, 1\], not 1.1"):
            law.least_probability(1.1, 0.1)
        with pytest.raises(ValueError, match="must be finite, not inf"):
            law.least_probability(0.9, math.inf)


def test_the_shift_follows_from_the_least_probability_as_an_estimate():
    class Own(Gaussian):
        shift = NoiseDistribution.shift
        shift_guarantee = Guarantee.ESTIMATE

    assert Own(2.0).shift(0.9, 0.1) == pytest.approx(Gaussian(2.0).shift(0.9, 0.1), rel=1e-8)
    assert Own(2.0).shift(0.9, 0.1) <= Gaussian(2.0).shift(0.9, 0.1)


def test_impossible_values_are_refused():
    with pytest.raises(ValueError, match="std of Gaussian must be positive"):
        Gaussian(0.0)
    with pytest.raises(ValueError, match="scale of Exponential must be positive"):
        Exponential(math.nan)
    with pytest.raises(ValueError, match="probabilities in"):
        Gaussian(1.0).shift(1.2, 0.1)


def test_built_in_laws_are_found_by_name():
    assert [get_noise(law.name) for law in LAWS] == [type(law) for law in LAWS]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_another_std_is_taken_and_kept(law):
    wider = law.with_std(2 * law.std)
    assert type(wider) is type(law)
    assert wider.std == pytest.approx(2 * law.std)
    assert wider.deviation == pytest.approx(2 * law.deviation)
    with pytest.raises(ValueError, match="must be positive"):
        law.with_std(0.0)
