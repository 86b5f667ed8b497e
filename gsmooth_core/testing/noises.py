"""Laws of the noise: draws that follow the density, and a shift that solves the Neyman–Pearson problem."""

from __future__ import annotations

import math

import torch

from gsmooth_core.corruption import Corruption
from gsmooth_core.smoothing.distribution import NoiseDistribution
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.testing.law import generator, make, require

DRAWS = 100_000


def draws_from_its_generator_alone(corruption: Corruption) -> None:
    """Equal generators give equal draws, float64, and torch's global generator is untouched."""
    for law in _laws(corruption):
        state = torch.random.get_rng_state()
        first, second = (law.sample((50,), generator(1), torch.device("cpu")) for _ in range(2))
        require(first.dtype == torch.float64, f"{law} draws {first.dtype}, not float64")
        require(torch.equal(first, second), f"{law} draws otherwise from an equal generator")
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
            own, numerical = law.shift(p_a, p_b), NoiseDistribution.shift(law, p_a, p_b)
            scale = NoiseDistribution.shift(law, 0.9, 0.1)
            held = 0 <= own <= numerical + 5e-3 * (numerical + scale)
            require(held, f"shift({p_a}, {p_b}) of {law} is {own:.5g}, by quadrature {numerical:.5g}")


def _laws(corruption: Corruption) -> set[NoiseDistribution]:
    assert isinstance(corruption.smoothing, ParameterSmoothing)
    return set(corruption.smoothing.laws)


LAWS = make(
    lambda corruption: isinstance(corruption.smoothing, ParameterSmoothing),
    draws_from_its_generator_alone,
    draws_what_its_density_says,
    shifts_no_farther_than_quadrature,
)
"""The laws of this file."""
