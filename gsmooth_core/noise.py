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

import attrs
import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from torch import Tensor

from gsmooth_core.grid import positive
from gsmooth_core.guarantee import Guarantee
from gsmooth_core.settings import ShowsSettings

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


@attrs.frozen
class Gaussian(NoiseDistribution):
    """The normal law N(0, std²), ``std`` in the parameter's unit.

    >>> round(Gaussian(std=2.0).shift(p_a=0.9, p_b=0.1), 4)
    2.5631
    """

    name: ClassVar[str] = "gaussian"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    std: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``std √2 erfinv(2p − 1)``."""
        return self.std * math.sqrt(2) * torch.erfinv(2 * probabilities - 1)

    def log_density(self, x: Tensor) -> Tensor:
        """``−x²/(2 std²) − ln(std √(2π))``."""
        return -((x / self.std) ** 2) / 2 - math.log(self.std * math.sqrt(2 * math.pi))

    def shift(self, p_a: float, p_b: float) -> float:
        """``std/2 (Ψ(p_a) − Ψ(p_b))``, Ψ the normal quantile function (Cohen et al. 2019, Theorem 1)."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.std / 2 * float(ndtri(p_a) - ndtri(p_b)))

    @staticmethod
    def stretched(p: float, scale: float) -> float:
        """The least probability under N(0, scale² std²) of anything that has probability ``p`` under N(0, std²).

        The ratio of the two densities is monotone in |t|, so by Neyman and Pearson the worst set holds the smallest |t|
        if the law widens, ``2Φ(Ψ((1+p)/2)/scale) − 1``, and the largest if it narrows, ``2 − 2Φ(Ψ(1−p/2)/scale)``. It
        falls the further ``scale`` is from 1.

        >>> round(Gaussian.stretched(0.9, 2.0), 4), round(Gaussian.stretched(0.9, 0.5), 4), Gaussian.stretched(0.9, 1.0)
        (0.5892, 0.8016, 0.9)
        """
        if scale == 1:
            return p
        if scale > 1:
            return float(2 * ndtr(-ndtri((1 - p) / 2) / scale) - 1)
        return float(2 * ndtr(ndtri(p / 2) / scale))


@attrs.frozen
class FoldedGaussian(OneSidedNoise):
    """The law of |N(0, std²)|, ``std`` in the parameter's unit."""

    name: ClassVar[str] = "foldedgaussian"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    std: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``std √2 erfinv(p)``."""
        return self.std * math.sqrt(2) * torch.erfinv(probabilities)

    def log_density(self, x: Tensor) -> Tensor:
        """``ln 2`` above the normal law's on [0, ∞)."""
        inside = -((x / self.std) ** 2) / 2 + math.log(2 / (self.std * math.sqrt(2 * math.pi)))
        return torch.where(x >= 0, inside, -math.inf)

    def shift(self, p_a: float, p_b: float) -> float:
        """The root d of ``2Φ(Ψ((1+p_a)/2) − d) − 1 = 2 − 2Φ(Ψ(1−p_b/2) − d)``, times ``std``.

        The likelihood ratio of a shift to the right rises with x, so the worst A holds the smallest x and the worst B
        the largest; the two sides are their masses after the shift.
        """
        check_probabilities(p_a, p_b)
        if p_a <= p_b:
            return 0.0
        high_a, low_b = -float(ndtri((1 - p_a) / 2)), -float(ndtri(p_b / 2))
        if math.isinf(high_a):
            return math.inf if p_b == 0 else self.std * (low_b - float(ndtri(0.5)))

        def lead(d: float) -> float:
            return float(2 * ndtr(high_a - d) - 1 - (2 - 2 * ndtr(low_b - d)))

        return self.std * float(brentq(lead, 0.0, high_a))


@attrs.frozen
class Exponential(OneSidedNoise):
    """The exponential law on [0, ∞), of mean ``scale`` in the parameter's unit.

    >>> round(Exponential(scale=10.0).shift(p_a=0.9, p_b=0.1), 4)
    16.0944
    """

    name: ClassVar[str] = "exponential"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    scale: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``−scale ln(1 − p)``."""
        return -self.scale * torch.log1p(-probabilities)

    def log_density(self, x: Tensor) -> Tensor:
        """``−x/scale − ln(scale)`` on [0, ∞)."""
        return torch.where(x >= 0, -x / self.scale - math.log(self.scale), -math.inf)

    def shift(self, p_a: float, p_b: float) -> float:
        """``−scale ln(1 − p_a + p_b)``.

        Moved by d, the law loses [0, d) and is ``e^{d/scale}`` times the old one beyond; the worst A holds all of
        [0, d), so it keeps ``1 − e^{d/scale}(1 − p_a)``, and the worst B none, so it grows to ``e^{d/scale} p_b``.
        """
        check_probabilities(p_a, p_b)
        if p_a <= p_b:
            return 0.0
        rest = 1 - p_a + p_b
        return math.inf if rest == 0 else -self.scale * math.log(rest)


@attrs.frozen
class Uniform(NoiseDistribution):
    """The uniform law on [−width/2, width/2], ``width`` in the parameter's unit."""

    name: ClassVar[str] = "uniform"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    width: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``width (p − ½)``."""
        return self.width * (probabilities - 0.5)

    def log_density(self, x: Tensor) -> Tensor:
        """``−ln(width)`` inside."""
        return torch.where(x.abs() <= self.width / 2, -math.log(self.width), -math.inf)

    def shift(self, p_a: float, p_b: float) -> float:
        """``width (p_a − p_b)/2``: a shift by d exchanges mass d/width, all of it lost by A and won by B at worst."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.width * (p_a - p_b) / 2)


@attrs.frozen
class OneSidedUniform(OneSidedNoise):
    """The uniform law on [0, width], ``width`` in the parameter's unit."""

    name: ClassVar[str] = "onesideduniform"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    width: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``width p``."""
        return self.width * probabilities

    def log_density(self, x: Tensor) -> Tensor:
        """``−ln(width)`` inside."""
        return torch.where((x >= 0) & (x <= self.width), -math.log(self.width), -math.inf)

    def shift(self, p_a: float, p_b: float) -> float:
        """``width (p_a − p_b)/2``: moved by d, the law loses [0, d), all of it A's at worst, and wins as much for B."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.width * (p_a - p_b) / 2)


@attrs.frozen
class Laplace(NoiseDistribution):
    """The Laplace law of density ``e^{−|x|/scale}/(2 scale)``, ``scale`` in the parameter's unit."""

    name: ClassVar[str] = "laplace"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    scale: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``∓scale ln(1 − |2p − 1|)``, negative below p = ½."""
        side = 2 * probabilities - 1
        return -self.scale * side.sign() * torch.log1p(-side.abs())

    def log_density(self, x: Tensor) -> Tensor:
        """``−|x|/scale − ln(2 scale)``."""
        return -x.abs() / self.scale - math.log(2 * self.scale)

    def shift(self, p_a: float, p_b: float) -> float:
        """``scale/2 ∫ dp / min(p, 1 − p)`` from ``p_b`` to ``p_a`` (Teng et al. 2020; theory: Theorem 1)."""
        check_probabilities(p_a, p_b)

        def quantile(p: float) -> float:
            tail = min(p, 1 - p)
            size = math.inf if tail == 0 else -math.log(2 * tail)
            return math.copysign(size, p - 0.5)

        return max(0.0, self.scale / 2 * (quantile(p_a) - quantile(p_b)))


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
