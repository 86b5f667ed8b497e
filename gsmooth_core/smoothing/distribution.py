"""Laws of the smoothing noise, and how far each may be shifted before the answer can change.

A classifier that answers class A with probability at least ``p_a``, and any other class with probability at most
``p_b``, under noise of a law g keeps its answer while the law is moved by less than ``shift(p_a, p_b)``: by the
Neyman–Pearson lemma the worst classifier is a threshold on the likelihood ratio ``g(x − d)/g(x)``, and ``shift`` is
the d at which it ties (theory: Theorem 1, one-dimensional laws).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from gsmooth_core.common.described import ShowsSettings
from gsmooth_core.common.guarantee import Guarantee

TAIL = 1e-5
"""Draws farther out than all but this share are left out of account, and the share is charged to the certificate."""

DRAW_ROUNDING = 2.0**-36
"""How far a draw that is no farther out may be from one of the exact law, as a share of the farthest such draw."""


class NoiseDistribution(ShowsSettings, ABC):
    """A one-dimensional law, drawn independently for each parameter.

    Authors write ``quantile`` and ``log_density``, and ``shift`` if they can prove one.
    """

    name: ClassVar[str]
    """The name under which a plugin offers the law."""
    shift_guarantee: ClassVar[Guarantee] = Guarantee.ESTIMATE
    """How sure :meth:`shift` is. The default solves the problem by quadrature without a proved error: an estimate."""

    @abstractmethod
    def quantile(self, probabilities: Tensor) -> Tensor:
        """The inverse of the distribution function at float64 numbers between 0 and 1, both excluded; their shape."""

    @final
    def sample(self, shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Independent draws, by the inverse distribution function: float64 of that shape, on the device.

        Draws and the exact law can be thought of side by side: but for a share of ``TAIL``, each is within
        ``DRAW_ROUNDING · max |bounds()|`` of an exact one, and so for the bounds of any larger share. Proof, for the
        laws here; the author of another one that proves its ``shift`` proves this too. The draw is the quantile at a
        number of 53 bits, within 2⁻⁵² of a uniform one. Where the density g is log-concave, a quantile moves at most
        1/g times as far, and g is least at the ends of ``bounds``: there 1/g is at most 44,000 std for a normal law,
        200,000 scale for an exponential one and width for a uniform one, so draws are within 1e-10 of these. Rounding
        adds a few 2⁻⁵².
        """
        uniform = torch.empty(shape, dtype=torch.float64, device=device).uniform_(2**-53, 1, generator=generator)
        return self.quantile(uniform)

    @final
    def bounds(self, share: float = TAIL) -> tuple[float, float]:
        """The interval that all draws lie in but for a share of ``TAIL``, or of another share."""
        ends = self.quantile(torch.tensor([share / 2, 1 - share / 2], dtype=torch.float64)).tolist()
        return ends[0], ends[1]

    @abstractmethod
    def log_density(self, x: Tensor) -> Tensor:
        """The logarithm of the density at each element of ``x`` (−inf outside the support); the shape of ``x``."""

    def shift(self, p_a: float, p_b: float) -> float:
        """The certified shift, in the parameter's unit; 0 where ``p_a ≤ p_b``.

        Solves the Neyman–Pearson problem by quadrature on 40,001 nodes, for shifts to both sides (to the right alone
        for a :class:`OneSidedNoise`). Accurate to about 0.1 % of the law's scale for the built-in laws. It looks for
        one tie, so the law should have one peak: with several, it may miss an earlier one.
        """
        check_probabilities(p_a, p_b)
        if p_a <= p_b:
            return 0.0
        return min(_numerical_shift(self, p_a, p_b, side) for side in self._sides())

    def _sides(self) -> tuple[float, ...]:
        return (1.0, -1.0)


class OneSidedNoise(NoiseDistribution):
    """A law on [0, ∞), certified for shifts to the right (attacks that raise the parameter) alone."""

    @final
    def _sides(self) -> tuple[float, ...]:
        return (1.0,)


def check_probabilities(p_a: float, p_b: float) -> None:
    """Raise ``ValueError`` unless both are probabilities."""
    if not (0 <= p_a <= 1 and 0 <= p_b <= 1):
        raise ValueError(f"p_a and p_b are probabilities in [0, 1], not {p_a} and {p_b}; pass confidence bounds")


def _numerical_shift(noise: NoiseDistribution, p_a: float, p_b: float, side: float) -> float:
    """The shift to one side (+1 or −1) at which the worst classifier ties, by quadrature and bisection."""
    quarter, centre, rest = noise.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)).tolist()
    spread = float(rest - quarter) / 2
    # Nodes dense at the centre and reaching far into the tails; t = ±1 are infinitely far away.
    t = torch.linspace(-1, 1, 40_003, dtype=torch.float64)[1:-1]
    nodes = centre + spread * t / (1 - t.square()) * 2
    weights = spread * (1 + t.square()) / (1 - t.square()).square() * 2 * (t[1] - t[0])
    before = noise.log_density(nodes).double()

    def worst_mass(p: float, shift: float) -> float:
        """The least mass after the shift of a set that had mass ``p`` before it."""
        after = noise.log_density(nodes - shift).double()
        mass, moved = ((density.exp() * weights).numpy() for density in (before, after))
        ratio = torch.where(before == -math.inf, math.inf, after - before).numpy()
        order = np.argsort(ratio, kind="stable")
        had, has = np.cumsum(mass[order]) / mass.sum(), np.cumsum(moved[order]) / moved.sum()
        return float(np.interp(p, np.append(0.0, had), np.append(0.0, has)))

    def lead(distance: float) -> float:
        return worst_mass(p_a, side * distance) - (1 - worst_mass(1 - p_b, side * distance))

    low, high = 0.0, spread
    while lead(high) > 0:
        low, high = high, 2 * high
        if high > 1e3 * spread:
            return low
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if lead(middle) > 0 else (low, middle)
    return low
