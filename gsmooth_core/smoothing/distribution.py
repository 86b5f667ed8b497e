"""Laws of the smoothing noise, and how far each may be shifted before the answer can change.

A classifier that answers class A with probability at least ``p_a``, and any other class with probability at most
``p_b``, under noise of a law g keeps its answer while the law is moved by less than ``shift(p_a, p_b)``: by the
Neyman–Pearson lemma the worst classifier is a threshold on the likelihood ratio ``g(x − d)/g(x)``, and ``shift`` is
the d at which it ties (theory: Theorem 1, one-dimensional laws).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Self, cast, final

import attrs
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

    Authors write ``quantile`` and ``log_density``, and if they can prove them ``least_probability`` and ``shift``.
    """

    name: ClassVar[str]
    """The name under which a plugin offers the law."""
    shift_guarantee: ClassVar[Guarantee] = Guarantee.ESTIMATE
    """How sure :meth:`shift` is. By the default, it is solved by quadrature without a proved error: an estimate."""

    def __init_subclass__(cls) -> None:
        """Refuse a class whose shift is called proved, but is the default, which proves nothing."""
        super().__init_subclass__()
        if cls.shift_guarantee is not Guarantee.ESTIMATE and cls.shift is NoiseDistribution.shift:
            raise TypeError(
                f"{cls.__name__} calls its shift {cls.shift_guarantee.value}, but has the default, which is an "
                "estimate; write shift with its proof, or leave shift_guarantee out"
            )

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

    @property
    def deviation(self) -> float:
        """The standard deviation of the draws, in the parameter's unit.

        Not called ``std``, since that is a setting of some distributions, and of :class:`FoldedGaussian` the standard
        deviation of the normal distribution before it is folded. The default integrates the squared quantile function
        numerically: for smooth quantile functions right to about ten digits, but without a proved error, and
        meaningless where the variance is infinite.
        """
        t = torch.linspace(-3.1, 3.1, 2_001, dtype=torch.float64)
        p = torch.sigmoid(math.pi * torch.sinh(t))  # the double exponential rule: it takes ends that go to infinity
        weights = math.pi * torch.cosh(t) * p * (1 - p)
        weights = weights / weights.sum()
        values = self.quantile(p.clamp(2**-53, 1 - 2**-53)).double()
        return float((weights * (values - (weights * values).sum()).square()).sum().sqrt())

    def with_deviation(self, deviation: float) -> Self:
        """The same distribution with another standard deviation.

        The default serves distributions with a single setting, in proportion to which they widen: it is set anew.
        ``ValueError`` for others.

        >>> from gsmooth_core import Laplace
        >>> Laplace(scale=1.0).with_deviation(2 * math.sqrt(2))
        Laplace(scale=2.0)
        """
        if not (math.isfinite(deviation) and deviation > 0):
            raise ValueError(f"a standard deviation must be positive and finite, not {deviation}; pass such a number")
        kind = type(self)
        names = [field.name for field in attrs.fields(kind) if field.init] if attrs.has(kind) else []
        if len(names) == 1 and isinstance(size := getattr(self, names[0]), int | float):
            other: Self = attrs.evolve(cast(Any, self), **{names[0]: size * (deviation / self.deviation)})
            if math.isclose(other.deviation, deviation, rel_tol=1e-6):
                return other
        raise ValueError(
            f"how {self!r} gets another standard deviation is not known; write {kind.__name__}.with_deviation, or pass "
            "a distribution that has it"
        )

    def least_probability(self, p: float, shift: float) -> float:
        """The least probability, after a move by ``shift``, of an event that has probability ``p`` before it.

        ``shift`` may have either sign; for a :class:`OneSidedNoise` it is to the right, so not negative. By the lemma
        of Neyman and Pearson the worst event holds the numbers x at which the ratio ``g(x − shift)/g(x)`` is least.
        Where ln g is concave, as for all distributions here, that ratio rises with x for a shift to the right, so the
        worst event is a half-line that ends at the quantile of p: with the distribution function F,

            least_probability(p, d) = F(F⁻¹(p) − d),  d ≥ 0.

        (Where the ratio is constant on an interval, any part of it will do as well.) A shift to the left is the mirror
        image, so the same with −d for a symmetric distribution. The default solves the problem by quadrature
        (:class:`Quadrature`): an estimate.
        """
        self._check_move(p, shift)
        return _quadrature(self).least_probability(p, shift)

    def shift(self, p_a: float, p_b: float) -> float:
        """The certified shift, in the parameter's unit; 0 where ``p_a ≤ p_b``.

        It is the d at which the least probability of class A meets the largest one of class B,
        ``least_probability(p_a, d) = 1 − least_probability(1 − p_b, d)``, to whichever side that happens first. The
        default looks for it by bisection, and returns a d at which A is still ahead, but no more than 1,000 quartile
        distances. It is an estimate, even where :meth:`least_probability` is proved: bisection finds one tie, and
        misses an earlier one where there are several, as with a density of several peaks. By quadrature it is accurate
        to about 0.1 % of the scale for the built-in distributions.
        """
        check_probabilities(p_a, p_b)
        if p_a <= p_b:
            return 0.0
        return min(_tie(self.least_probability, _quartile_distance(self), p_a, p_b, side) for side in self.sides)

    @property
    def sides(self) -> tuple[float, ...]:
        """To which sides the noise may be moved: 1 for the right, −1 for the left."""
        return (1.0, -1.0)

    def _check_move(self, p: float, shift: float) -> None:
        """Raise ``ValueError`` unless ``p`` is a probability and the noise may be moved by ``shift``."""
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability in [0, 1], not {p}; pass a confidence bound")
        if not math.isfinite(shift):
            raise ValueError(f"a shift must be finite, not {shift}; pass a finite number")
        if shift != 0 and math.copysign(1.0, shift) not in self.sides:
            raise ValueError(f"{type(self).__name__} noise is moved to the right alone, not by {shift}; pass shift ≥ 0")


class OneSidedNoise(NoiseDistribution):
    """A distribution on [0, ∞), certified for shifts to the right (attacks that raise the parameter) alone."""

    @property
    @final
    def sides(self) -> tuple[float, ...]:
        """To the right alone."""
        return (1.0,)


class ScalableNoise(NoiseDistribution):
    """A distribution that takes part in certificates over several parameters, and over stretched ones.

    Its author proves that independent draws of such distributions, each divided by its own :attr:`deviation`, are
    jointly standard normal, so that a joint shift by δ counts by ``‖δ/deviations‖₂`` alone; and writes what stretching
    takes.
    """

    @staticmethod
    @abstractmethod
    def stretched(p: float, scale: float) -> float:
        """The least probability, after the noise is multiplied by ``scale`` > 0, of anything that has ``p`` before it.

        It falls the further ``scale`` is from 1.
        """


class Quadrature:
    """The Neyman–Pearson problem of a distribution solved on 40,001 nodes: an estimate, from the density alone."""

    def __init__(self, noise: NoiseDistribution) -> None:
        self.noise = noise
        _, centre, _ = _quartiles(noise)
        spread = _quartile_distance(noise)
        # Nodes dense at the centre and reaching far into the tails; t = ±1 are infinitely far away.
        t = torch.linspace(-1, 1, 40_003, dtype=torch.float64)[1:-1]
        self.nodes = centre + spread * t / (1 - t.square()) * 2
        self.weights = spread * (1 + t.square()) / (1 - t.square()).square() * 2 * (t[1] - t[0])
        self.before = noise.log_density(self.nodes).double()

    def least_probability(self, p: float, shift: float) -> float:
        """As :meth:`NoiseDistribution.least_probability`."""
        after = self.noise.log_density(self.nodes - shift).double()
        mass, moved = ((density.exp() * self.weights).numpy() for density in (self.before, after))
        ratio = torch.where(self.before == -math.inf, math.inf, after - self.before).numpy()
        order = np.argsort(ratio, kind="stable")
        had, has = np.cumsum(mass[order]) / mass.sum(), np.cumsum(moved[order]) / moved.sum()
        return float(np.interp(p, np.append(0.0, had), np.append(0.0, has)))

    def shift(self, p_a: float, p_b: float) -> float:
        """As :meth:`NoiseDistribution.shift`."""
        if p_a <= p_b:
            return 0.0
        spread, sides = _quartile_distance(self.noise), self.noise.sides
        return min(_tie(self.least_probability, spread, p_a, p_b, side) for side in sides)


@lru_cache(maxsize=8)
def _quadrature(noise: NoiseDistribution) -> Quadrature:
    return Quadrature(noise)


def check_probabilities(p_a: float, p_b: float) -> None:
    """Raise ``ValueError`` unless both are probabilities."""
    if not (0 <= p_a <= 1 and 0 <= p_b <= 1):
        raise ValueError(f"p_a and p_b are probabilities in [0, 1], not {p_a} and {p_b}; pass confidence bounds")


def _quartiles(noise: NoiseDistribution) -> tuple[float, float, float]:
    first, centre, third = noise.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)).tolist()
    return first, centre, third


def _quartile_distance(noise: NoiseDistribution) -> float:
    """Half the distance of the quartiles."""
    first, _, third = _quartiles(noise)
    return (third - first) / 2


def _tie(least: Callable[[float, float], float], spread: float, p_a: float, p_b: float, side: float) -> float:
    """The shift to one side (+1 or −1) at which the worst classifier ties, by bisection from below."""

    def lead(distance: float) -> float:
        return least(p_a, side * distance) - (1 - least(1 - p_b, side * distance))

    low, high = 0.0, spread
    while lead(high) > 0:
        low, high = high, 2 * high
        if high > 1e3 * spread:
            return low
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if lead(middle) > 0 else (low, middle)
    return low
