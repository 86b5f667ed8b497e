"""Laws of noise distributions: draws follow the density, its standard deviation, and the Neyman–Pearson problem."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gsmooth_core.corruption import Corruption
from gsmooth_core.smoothing.distribution import NoiseDistribution, Quadrature
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.testing.law import generator, make, require

DRAWS = 100_000


def draws_from_its_generator_alone(corruption: Corruption) -> None:
    """Equal generators give equal draws, float64, and torch's global generator is not used."""
    for law in _laws(corruption):
        state = torch.random.get_rng_state()
        first, second = (law.sample((50,), generator(1), torch.device("cpu")) for _ in range(2))
        require(first.dtype == torch.float64, f"{law} draws {first.dtype}, not float64")
        require(torch.equal(first, second), f"{law} draws differently from an equal generator")
        require(torch.equal(state, torch.random.get_rng_state()), f"{law} draws from torch's global generator")


def draws_what_its_density_says(corruption: Corruption) -> None:
    """The shares of draws below each of their own quantiles are the integrals of the density."""
    for law in _laws(corruption):
        draws = law.sample((DRAWS,), generator(2), torch.device("cpu")).double().sort().values
        low, high = float(draws[0]), float(draws[-1])
        reach = 3 * (high - low)
        grid = (
            torch.cat([draws[:: DRAWS // 200], torch.linspace(low - reach, high + reach, 400_001).double()])
            .sort()
            .values
        )
        density = law.log_density(grid).double().exp()
        mass = torch.cumulative_trapezoid(density, grid)
        require(abs(float(mass[-1]) - 1) < 5e-3, f"the density of {law} has the integral {float(mass[-1]):.4g}, not 1")
        expected = torch.cat([mass.new_zeros(1), mass])[torch.searchsorted(grid, draws)]
        observed = torch.arange(1, DRAWS + 1, dtype=torch.float64) / DRAWS
        gap = float((expected - observed).abs().max())
        allowed = 2.5 / math.sqrt(DRAWS) + 3e-3  # Kolmogorov and Smirnov: exceeded by chance once in 100,000 times
        require(gap < allowed, f"{gap:.3g} of the draws of {law} lie where its density does not put them")


def shifts_no_farther_than_quadrature(corruption: Corruption) -> None:
    """``shift`` is at most what solving the Neyman–Pearson problem numerically gives, and not negative."""
    for law in _laws(corruption):
        for p_a, p_b in ((0.9, 0.1), (0.99, 0.01), (0.7, 0.2), (0.55, 0.44), (0.999, 0.001), (0.9999, 0.0001)):
            own, numerical = law.shift(p_a, p_b), Quadrature(law).shift(p_a, p_b)
            scale = Quadrature(law).shift(0.9, 0.1)
            held = 0 <= own <= numerical + 5e-3 * (numerical + scale)
            require(held, f"shift({p_a}, {p_b}) of {law} is {own:.5g}, by quadrature {numerical:.5g}")


def knows_its_standard_deviation(corruption: Corruption) -> None:
    """``deviation`` is the standard deviation of draws, to 3 %."""
    for law in _laws(corruption):
        drawn, said = float(law.sample((DRAWS,), generator(3), torch.device("cpu")).std()), law.deviation
        require(abs(drawn - said) <= 0.03 * drawn, f"draws of {law} deviate by {drawn:.4g}, not by {said:.4g}")


def takes_another_standard_deviation(corruption: Corruption) -> None:
    """``with_deviation`` gives the same distribution of that standard deviation, or refuses by a ``ValueError``."""
    for law in _laws(corruption):
        for factor in (0.3, 2.5):
            asked = factor * law.deviation
            try:
                other = law.with_deviation(asked)
            except ValueError:
                continue
            given = other.deviation
            require(type(other) is type(law), f"{law} with another deviation is the {type(other).__name__} {other}")
            require(abs(given - asked) <= 1e-6 * asked, f"{law} with the deviation {asked:.4g} has {given:.4g}")


def knows_what_a_shift_leaves(corruption: Corruption) -> None:
    """``least_probability`` is at most p, falls with the shift, and is that of the worst threshold event of draws.

    The event holds the draws x with the least ratio of the density at x − shift to that at x; of draws with an equal
    ratio, as many as needed.
    """
    for law in _laws(corruption):
        draws = law.sample((DRAWS,), generator(4), torch.device("cpu"))
        fresh = law.sample((DRAWS,), generator(5), torch.device("cpu"))
        left: dict[float, float] = {}
        for shift in (side * share * law.deviation for side in law.sides for share in (0.0, 0.2, 0.4, 0.8)):
            old, new = _ratios(law, draws, shift).sort().values, _ratios(law, fresh + shift, shift)
            for p in (0.3, 0.6, 0.9, 0.99):
                before = left[p] if shift else p
                left[p] = law.least_probability(p, shift)
                words, worst = f"least_probability({p}, {shift:.4g}) of {law} is {left[p]:.5g}", _worst(old, new, p)
                require(0 <= left[p] <= before, f"{words}, above the {before:.5g} that a smaller shift leaves")
                require(abs(left[p] - worst) <= 0.012, f"{words}, but a threshold event of draws keeps {worst:.5g}")


def _ratios(law: NoiseDistribution, points: Tensor, shift: float) -> Tensor:
    """The logarithm of the density after the shift over that before; to nine digits, so that equal ones agree."""
    before, after = law.log_density(points).double(), law.log_density(points - shift).double()
    return torch.where(before == -math.inf, math.inf, torch.round(after - before, decimals=9))


def _worst(old: Tensor, new: Tensor, p: float) -> float:
    """The share of ``new`` in the event that holds the share ``p`` of ``old``, sorted, starting from the least."""
    end = old[min(len(old) - 1, math.floor(p * len(old)))]
    below, at = float((old < end).double().mean()), float((old == end).double().mean())
    return float((new < end).double().mean()) + (p - below) / at * float((new == end).double().mean())


def _laws(corruption: Corruption) -> set[NoiseDistribution]:
    assert isinstance(corruption.smoothing, ParameterSmoothing)
    return set(corruption.smoothing.laws)


LAWS = make(
    lambda corruption: isinstance(corruption.smoothing, ParameterSmoothing),
    draws_from_its_generator_alone,
    draws_what_its_density_says,
    shifts_no_farther_than_quadrature,
    knows_its_standard_deviation,
    takes_another_standard_deviation,
    knows_what_a_shift_leaves,
)
"""The laws of this file."""
