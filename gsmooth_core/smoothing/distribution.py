"""Distributions of the smoothing noise, and how far each may be shifted before the answer can change.

A classifier that answers class A with probability at least ``p_a``, and any other class with probability at most
``p_b``, under noise of density g keeps its answer while the noise is moved by less than ``shift(p_a, p_b)``: by the
Neyman–Pearson lemma the worst classifier is a threshold on the likelihood ratio ``g(x − d)/g(x)``, and ``shift`` is
the d at which its two classes tie (theory: Theorem 1, one-dimensional distributions).
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
"""This share of the draws, the farthest ones, is ignored by bounds, and charged to the certificate."""

DRAW_ROUNDING = 2.0**-36
"""How far any other draw may be from a draw of the exact distribution, as a share of the farthest such draw."""


class NoiseDistribution(ShowsSettings, ABC):
    """A one-dimensional noise distribution, drawn independently for each parameter.

    Authors write ``quantile`` and ``log_density``; also ``least_probability`` and ``shift`` if they can prove them.
    """

    name: ClassVar[str]
    """The name under which a plugin offers the distribution."""
    shift_guarantee: ClassVar[Guarantee] = Guarantee.ESTIMATE
    """The guarantee of :meth:`shift`. The default solves it by quadrature without a proved error: an estimate."""

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

        Each draw is paired with an exact one (a coupling). Except for a share of ``TAIL``, each draw is within
        ``DRAW_ROUNDING · max |bounds()|`` of its exact partner; the same holds for the bounds of any larger share.
        Proof, for the distributions here; the author of another distribution who proves its ``shift`` proves this too.
        The draw is the quantile at a number of 53 bits, within 2⁻⁵² of a uniform one. If the density g is log-concave,
        a quantile moves at most 1/g times as far, and g is least at the ends of ``bounds``: there 1/g is at most 44,000
        std for a normal distribution, 200,000 scale for an exponential one and width for a uniform one, so draws are
        within 1e-10 of std, scale or width. Rounding adds a few 2⁻⁵².
        """
        uniform = torch.empty(shape, dtype=torch.float64, device=device).uniform_(2**-53, 1, generator=generator)
        return self.quantile(uniform)

    @final
    def bounds(self, share: float = TAIL) -> tuple[float, float]:
        """The interval that holds all draws except for a share of ``share``, by default ``TAIL``."""
        ends = self.quantile(torch.tensor([share / 2, 1 - share / 2], dtype=torch.float64)).tolist()
        return ends[0], ends[1]

    @abstractmethod
    def log_density(self, x: Tensor) -> Tensor:
        """The logarithm of the density at each element of ``x`` (−inf outside the support); the shape of ``x``."""

    @property
    def deviation(self) -> float:
        """The standard deviation of the draws, in the parameter's unit.

        It equals :attr:`std`, except for :class:`FoldedGaussian`, whose ``std`` is a setting: the standard deviation of
        the normal distribution before folding. The default integrates the squared quantile
        function numerically: for smooth quantile functions right to about ten digits, but without a proved error, and
        meaningless if the variance is infinite.
        """
        t = torch.linspace(-3.1, 3.1, 2_001, dtype=torch.float64)
        p = torch.sigmoid(math.pi * torch.sinh(t))  # the double exponential rule, which allows ends that go to infinity
        weights = math.pi * torch.cosh(t) * p * (1 - p)
        weights = weights / weights.sum()
        values = self.quantile(p.clamp(2**-53, 1 - 2**-53)).double()
        return float((weights * (values - (weights * values).sum()).square()).sum().sqrt())

    @property
    def std(self) -> float:
        """The :attr:`deviation`; of distributions that are made by a ``std``, that one.

        >>> from gsmooth_core import FoldedGaussian, Uniform
        >>> round(Uniform(width=6.0).std, 4), FoldedGaussian(std=2.0).std
        (1.7321, 2.0)
        """
        return self.deviation

    def with_std(self, std: float) -> Self:
        """The same distribution with another :attr:`std`; ``ValueError`` as :meth:`with_deviation`.

        >>> from gsmooth_core import Gaussian, Uniform
        >>> Gaussian(std=1.0).with_std(3.0), round(Uniform(width=1.0).with_std(3.0).std, 9)
        (Gaussian(std=3.0), 3.0)
        """
        return self.with_deviation(std)

    def with_deviation(self, deviation: float) -> Self:
        """The same distribution with another standard deviation.

        The default is for distributions with one setting that is proportional to their width: it changes this setting.
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
            f"the standard deviation of {self!r} cannot be changed; write {kind.__name__}.with_deviation, or pass a "
            "distribution that already has it"
        )

    def least_probability(self, p: float, shift: float) -> float:
        """The least probability, after a move by ``shift``, of an event that has probability ``p`` before it.

        ``shift`` may have either sign; for a :class:`OneSidedNoise` it is to the right, so not negative. By the lemma
        of Neyman and Pearson the worst event holds the numbers x at which the ratio ``g(x − shift)/g(x)`` is least.
        If ln g is concave, as for all distributions here, that ratio rises with x for a shift to the right. So the
        worst event is a half-line that ends at the quantile of p: with the distribution function F,

            least_probability(p, d) = F(F⁻¹(p) − d),  d ≥ 0.

        (If the ratio is constant on an interval, any part of the interval gives the same.) A shift to the left is the
        mirror image, so a symmetric distribution has the same value for −d. The default solves the problem by
        quadrature (:class:`Quadrature`): an estimate.
        """
        self._check_move(p, shift)
        return _quadrature(self).least_probability(p, shift)

    def shift(self, p_a: float, p_b: float) -> float:
        """The certified shift, in the parameter's unit; 0 where ``p_a ≤ p_b``.

        It is the d at which the least probability of class A meets the largest one of class B,
        ``least_probability(p_a, d) = 1 − least_probability(1 − p_b, d)``; of the two sides, the smaller d. The default
        looks for it by bisection, and returns a d at which A is still ahead, but no more than 1,000 quartile distances.
        It is an estimate, even if :meth:`least_probability` is proved: bisection finds one tie, and misses an earlier
        one if there are several, as for a density of several peaks. By quadrature it is accurate to about 0.1 % of the
        scale for the built-in distributions.
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
            raise ValueError(f"p must be a probability in [0, 1], not {p}; pass a confidence bound")
        if not math.isfinite(shift):
            raise ValueError(f"a shift must be finite, not {shift}; pass a finite number")
        if shift != 0 and math.copysign(1.0, shift) not in self.sides:
            raise ValueError(f"{type(self).__name__} noise can move only to the right, not by {shift}; pass shift ≥ 0")


class OneSidedNoise(NoiseDistribution):
    """A distribution on [0, ∞), certified only for shifts to the right (attacks that raise the parameter)."""

    @property
    @final
    def sides(self) -> tuple[float, ...]:
        """Only to the right."""
        return (1.0,)


class ScalableNoise(NoiseDistribution):
    """A distribution that certificates over several parameters, or over stretched parameters, can use.

    Its author proves that independent draws of such distributions, each divided by its own :attr:`deviation`, are
    jointly standard normal, so that only ``‖δ/deviations‖₂`` matters for a joint shift by δ; and writes
    :meth:`stretched`.
    """

    @staticmethod
    @abstractmethod
    def stretched(p: float, scale: float) -> float:
        """The least probability, after the noise is multiplied by ``scale`` > 0, of an event with probability ``p``.

        It is lower, the further ``scale`` is from 1.
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
    """Half the distance between the quartiles."""
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
