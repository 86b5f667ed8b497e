"""The core's own noise distributions, each with a shift in closed form."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import torch
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from torch import Tensor

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.distribution import NoiseDistribution, OneSidedNoise, ScalableNoise, check_probabilities
from gsmooth_core.smoothing.grid import positive


@attrs.frozen
class Gaussian(ScalableNoise):
    """The normal distribution N(0, std²), ``std`` in the parameter's unit.

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

    @property
    def deviation(self) -> float:
        """``std``."""
        return self.std

    def least_probability(self, p: float, shift: float) -> float:
        """``Φ(Ψ(p) − |shift|/std)``.

        ``−x²/2`` is concave, so the worst event is a half-line (:meth:`NoiseDistribution.least_probability`), that of
        all x up to ``std Ψ(p)`` for a shift to the right, and its mirror image for one to the left.

        >>> round(Gaussian(std=2.0).least_probability(0.9, 2.5631), 4)
        0.5
        """
        self._check_move(p, shift)
        return min(p, float(ndtr(ndtri(p) - abs(shift) / self.std)))

    def shift(self, p_a: float, p_b: float) -> float:
        """``std/2 (Ψ(p_a) − Ψ(p_b))``, Ψ the normal quantile function (Cohen et al. 2019, Theorem 1)."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.std / 2 * float(ndtri(p_a) - ndtri(p_b)))

    @staticmethod
    def stretched(p: float, scale: float) -> float:
        """The least probability under N(0, scale² std²) of an event with probability ``p`` under N(0, std²).

        The ratio of the two densities is monotone in |t|, so by Neyman and Pearson the worst set holds the smallest |t|
        if the noise widens, ``2Φ(Ψ((1+p)/2)/scale) − 1``, and the largest if it narrows, ``2 − 2Φ(Ψ(1−p/2)/scale)``.
        It is lower, the further ``scale`` is from 1.

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
    """The distribution of |N(0, std²)|, ``std`` in the parameter's unit.

    Its own standard deviation, :attr:`deviation`, is smaller: folding brings the draws nearer together.
    """

    name: ClassVar[str] = "foldedgaussian"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    std: float = attrs.field(converter=float, validator=positive)

    def with_std(self, std: float) -> FoldedGaussian:
        """The distribution of |N(0, std²)| with another ``std``."""
        return attrs.evolve(self, std=std)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``std √2 erfinv(p)``."""
        return self.std * math.sqrt(2) * torch.erfinv(probabilities)

    def log_density(self, x: Tensor) -> Tensor:
        """``ln 2`` more than that of the normal distribution, on [0, ∞)."""
        inside = -((x / self.std) ** 2) / 2 + math.log(2 / (self.std * math.sqrt(2 * math.pi)))
        return torch.where(x >= 0, inside, -math.inf)

    @property
    def deviation(self) -> float:
        """``std √(1 − 2/π)``: the mean of the square is std², and the mean ``std √(2/π)``."""
        return self.std * math.sqrt(1 - 2 / math.pi)

    def least_probability(self, p: float, shift: float) -> float:
        """``2Φ(Ψ((1+p)/2) − shift/std) − 1``, and 0 where that is negative.

        ``−x²/2`` is concave on [0, ∞), so the worst event is [0, t] (:meth:`NoiseDistribution.least_probability`), of
        probability ``2Φ(t/std) − 1 = p``. After the shift it has that of [0, t − shift], if there is such an interval.
        """
        self._check_move(p, shift)
        return min(p, max(0.0, float(2 * ndtr(-ndtri((1 - p) / 2) - shift / self.std) - 1)))

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
    """The exponential distribution on [0, ∞), of mean ``scale`` in the parameter's unit.

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

    @property
    def deviation(self) -> float:
        """``scale``."""
        return self.scale

    def least_probability(self, p: float, shift: float) -> float:
        """``1 − e^{shift/scale}(1 − p)``, and 0 where that is negative.

        Moved by d, the density is 0 on [0, d) and ``e^{d/scale}`` times the old one beyond. The worst event holds as
        much of [0, d) as it can; what it leaves out, of probability 1 − p before, lies beyond and grows by that factor.
        """
        self._check_move(p, shift)
        if p == 1:
            return 1.0
        return min(p, -math.expm1(min(0.0, shift / self.scale + math.log1p(-p))))

    def shift(self, p_a: float, p_b: float) -> float:
        """``−scale ln(1 − p_a + p_b)``.

        Moved by d, the density is 0 on [0, d) and ``e^{d/scale}`` times the old one beyond; the worst A holds all of
        [0, d), so it keeps ``1 − e^{d/scale}(1 − p_a)``, and the worst B none, so it grows to ``e^{d/scale} p_b``.
        """
        check_probabilities(p_a, p_b)
        if p_a <= p_b:
            return 0.0
        rest = 1 - p_a + p_b
        return math.inf if rest == 0 else -self.scale * math.log(rest)


@attrs.frozen
class Uniform(NoiseDistribution):
    """The uniform distribution on [−width/2, width/2], ``width`` in the parameter's unit."""

    name: ClassVar[str] = "uniform"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    width: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``width (p − ½)``."""
        return self.width * (probabilities - 0.5)

    def log_density(self, x: Tensor) -> Tensor:
        """``−ln(width)`` inside."""
        return torch.where(x.abs() <= self.width / 2, -math.log(self.width), -math.inf)

    @property
    def deviation(self) -> float:
        """``width/√12``."""
        return self.width / math.sqrt(12)

    def least_probability(self, p: float, shift: float) -> float:
        """``p − |shift|/width``, and 0 where that is negative.

        A move by d takes all probability from a share d/width of the support, at one end, and changes none in the rest.
        The worst event holds as much of that end as it can.
        """
        self._check_move(p, shift)
        return max(0.0, p - abs(shift) / self.width)

    def shift(self, p_a: float, p_b: float) -> float:
        """``width (p_a − p_b)/2``: a shift by d exchanges mass d/width, all of it lost by A and won by B at worst."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.width * (p_a - p_b) / 2)


@attrs.frozen
class OneSidedUniform(OneSidedNoise):
    """The uniform distribution on [0, width], ``width`` in the parameter's unit."""

    name: ClassVar[str] = "onesideduniform"
    shift_guarantee: ClassVar[Guarantee] = Guarantee.PROBABILISTIC
    width: float = attrs.field(converter=float, validator=positive)

    def quantile(self, probabilities: Tensor) -> Tensor:
        """``width p``."""
        return self.width * probabilities

    def log_density(self, x: Tensor) -> Tensor:
        """``−ln(width)`` inside."""
        return torch.where((x >= 0) & (x <= self.width), -math.log(self.width), -math.inf)

    @property
    def deviation(self) -> float:
        """``width/√12``."""
        return self.width / math.sqrt(12)

    def least_probability(self, p: float, shift: float) -> float:
        """``p − shift/width``, and 0 where that is negative.

        A move by d takes all probability from [0, d) and changes none in the rest of the support; the worst event holds
        as much of [0, d) as it can.
        """
        self._check_move(p, shift)
        return max(0.0, p - shift / self.width)

    def shift(self, p_a: float, p_b: float) -> float:
        """``width (p_a − p_b)/2``: a move by d takes [0, d), at worst all of it from A, and gives as much to B."""
        check_probabilities(p_a, p_b)
        return max(0.0, self.width * (p_a - p_b) / 2)


@attrs.frozen
class Laplace(NoiseDistribution):
    """The Laplace distribution of density ``e^{−|x|/scale}/(2 scale)``, ``scale`` in the parameter's unit."""

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

    @property
    def deviation(self) -> float:
        """``scale √2``."""
        return self.scale * math.sqrt(2)

    def least_probability(self, p: float, shift: float) -> float:
        """``F(F⁻¹(p) − |shift|)``, F the distribution function: ``e^{x/scale}/2`` for x < 0, and 1 − F(−x) above.

        ``−|x|`` is concave, so the worst event is a half-line (:meth:`NoiseDistribution.least_probability`). In units
        of the scale, with the shift d: from ``p ≤ ½`` it falls to ``p e^{−d}``. From ``p > ½``, with 1 − p beyond the
        end of the half-line, to ``1 − (1 − p)e^d`` as long as that is at least ½, then on to ``e^{−d}/(4(1 − p))``.
        """
        self._check_move(p, shift)
        d = abs(shift) / self.scale
        if p <= 0.5:
            return p * math.exp(-d)
        if p == 1:
            return 1.0
        rest = math.log1p(-p) + d  # the logarithm of the probability beyond, while the end is above 0
        return min(p, -math.expm1(rest) if rest <= -math.log(2) else math.exp(-rest) / 4)

    def shift(self, p_a: float, p_b: float) -> float:
        """``scale/2 ∫ dp / min(p, 1 − p)`` from ``p_b`` to ``p_a`` (Teng et al. 2020; theory: Theorem 1)."""
        check_probabilities(p_a, p_b)

        def quantile(p: float) -> float:
            tail = min(p, 1 - p)
            size = math.inf if tail == 0 else -math.log(2 * tail)
            return math.copysign(size, p - 0.5)

        return max(0.0, self.scale / 2 * (quantile(p_a) - quantile(p_b)))
