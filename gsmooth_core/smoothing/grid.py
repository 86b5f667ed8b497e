"""Normal noise on a grid, so that certificates hold for the floating-point program and not only for real numbers.

The plain sum of a float32 code and a float32 draw reveals the code: the sum lies on the code's own fine grid, and for a
classifier that reads its last bits the noise has no effect. So code and noise are rounded to one fixed grid.
"""

from __future__ import annotations

import math
from typing import Any

import attrs
import torch
from torch import Tensor

BITS = 14
"""A standard deviation is ``2**BITS`` to ``2**(BITS + 1)`` steps of its grid."""
FINEST = 2.0**-20
"""No step is smaller, so that codes of up to 8 keep their values in float32 under any noise, however small."""
AT_ONCE = {"cpu": 2**16, "cuda": 2**24}
"""Entries that are drawn at a time: on the CPU, as many as its caches hold."""


def positive(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    """The attrs validator of a noise's size: ``ValueError`` unless it is positive and finite."""
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{attribute.name} of {type(instance).__name__} must be positive and finite, not {value}")


@attrs.frozen
class GridNoise:
    """Independent normal noise N(0, std²) in each entry of a code, rounded to the multiples of ``step``.

    Theorem (noise on a grid). Let round(·) round to the nearest multiple of ``step``, x′ = round(x) and n ~ N(0, std²
    I). Then ``x′ + round(n) = round(x′ + n)``: what the program shows the model is a function of x′ + n, the same one
    for every x, so each theorem about Gaussian smoothing holds for the program at x′. The float32 sum may itself be
    rounded; this too depends on the exact sum alone. The cost is ``‖x − x′‖₂ ≤ √entries · step/2`` (:meth:`snapping`).
    (Voráček and Hein 2023 use a similar construction for images of 8 bits.)

    Draws are made from uniform numbers of 53 bits by the inverse distribution function; :meth:`total_variation` bounds
    the distance of their distribution from the one above.

    >>> noise = GridNoise(0.25)
    >>> noise.step == 2**-16, bool((noise.draw((9,), torch.Generator(), torch.device("cpu")) % noise.step == 0).all())
    (True, True)
    """

    std: float = attrs.field(converter=float, validator=[positive, attrs.validators.lt(1e30)])

    @property
    def step(self) -> float:
        """The width of the grid: a power of two, so that multiples of it are exact in float32."""
        exponent = math.frexp(self.std)[1] - 1  # std lies between 2**exponent and twice that
        return max(math.ldexp(1.0, exponent - BITS), FINEST)

    def largest(self, dtype: torch.dtype) -> float:
        """Codes are cut off here, which increases no distance between two of them: ``2**23`` steps, float64 ``2**50``.

        Up to this value their type holds every multiple of the step.
        """
        return (2**50 if dtype == torch.float64 else 2**23) * self.step

    def snap(self, codes: Tensor) -> Tensor:
        """Codes rounded to the grid, in their own type and with the gradients of codes that are not rounded."""
        arguments = codes, self.step, self.largest(codes.dtype)
        return _Snapped.apply(*arguments) if codes.requires_grad else _snapped(*arguments)

    def draw(
        self,
        shape: tuple[int, ...],
        generator: torch.Generator,
        device: torch.device,
        *,
        mean: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Tensor:
        """Independent draws of a shape (count, …): float32, into ``out`` (count, …) if it is given.

        ``mean`` (count or 1, …), float64, is added before the rounding. ``ValueError`` if it is too large for the
        grid.
        """
        noise = torch.empty(shape, dtype=torch.float32, device=device) if out is None else out
        if mean is not None and bool(mean.abs().max() > 2**22 * self.step):
            raise ValueError(
                f"the noise has a mean of {float(mean.abs().max()):.3g}, too large for its standard deviation "
                f"{self.std:g}; scale the latent layer, or give it more noise"
            )
        rows = self.at_once(math.prod(shape[1:]), noise.device)
        factor = math.sqrt(2) * self.std / self.step
        for start in range(0, shape[0], rows):
            part = noise[start : start + rows]
            uniform = torch.empty(part.shape, dtype=torch.float64, device=noise.device)
            uniform.uniform_(-1 + 2**-53, 1, generator=generator)
            index = torch.erfinv(uniform, out=uniform).mul_(factor)
            if mean is not None:
                index += (mean if len(mean) == 1 else mean[start : start + rows]) / self.step
            part.copy_(index.round_().mul_(self.step))
        return noise

    def at_once(self, entries: int, device: torch.device) -> int:
        """How many draws of ``entries`` entries are made together: the same ones if they are drawn in such parts."""
        return max(1, AT_ONCE.get(device.type, 2**16) // max(1, entries))

    def snapping(self, entries: int) -> float:
        """How far at most, in ℓ2, :meth:`snap` moves a code of ``entries`` entries, none beyond ``largest``."""
        return math.sqrt(entries) * self.step / 2

    def total_variation(self, entries: int, *, moved: bool = False) -> float:
        """A bound of the total variation distance between ``entries`` draws and their exact distribution.

        ``moved`` says that the draws have a mean. Proof, for one entry; entries are independent, and the distance of
        all is at most the sum of theirs. Let k = std/step and V be uniform on (−1, 1); the exact distribution is that
        of ``round(k√2 erfinv(V))`` steps. The program's uniform number is within 2⁻⁵¹ of such a V. Assumed of the
        library (and tested): its float64 ``erfinv(v)`` is the true one at a place
        within 2⁻⁵¹ of v, times a factor within 2⁻⁴⁹ of 1; the product with k√2 adds another 2⁻⁵¹. So the two are
        rounded to the same step, unless V lies within 2⁻⁵⁰ of the places at which ``√2 erfinv`` is b(1 ± 2⁻⁴⁸), for one
        of the boundaries b = (j + ½)/k. As ``√2 erfinv`` has the inverse 2Φ − 1, of slope 2φ, and V the density ½, that
        happens with probability at most ``2⁻⁵⁰ + 2⁻⁴⁷ |b| φ(b)`` for one b. There are at most 17k + 2 boundaries up to
        8.3, beyond which V leads with probability below 2⁻⁵², and ``Σ |b| φ(b) ≤ k ∫ |t| φ(t) dt + 4 max |t| φ(t) <
        0.8k + 1``. A mean moves the boundaries. The sum of draw and mean, of at most 2²² + 2¹⁹ steps, is rounded by at
        most 2⁻³¹ steps, which matters only if it is that near to a boundary: with probability below 2⁻²⁹.

        >>> f"{GridNoise(0.25).total_variation(28 * 28):.1e}, {GridNoise(0.25).total_variation(3 * 224 * 224):.1e}"
        '2.7e-07, 5.1e-05'
        """
        k = self.std / self.step
        return entries * ((17 * k + 3) * 2.0**-50 + (0.8 * k + 1) * 2.0**-47 + (2.0**-29 if moved else 0.0))


def _snapped(codes: Tensor, step: float, largest: float) -> Tensor:
    return codes.clamp(-largest, largest).mul_(1 / step).round_().mul_(step)


class _Snapped(torch.autograd.Function):
    """Rounding with the gradient of the identity."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, step: float, largest: float) -> Tensor:
        return _snapped(codes, step, largest)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


def not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    """The attrs validator of a size that may be 0: ``ValueError`` unless it is finite and not negative."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be finite and not negative, not {value}")
