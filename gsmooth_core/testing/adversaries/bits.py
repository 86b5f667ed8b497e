"""Readings of the last digits: parity, trailing zeros, their variance and their entropy."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.smoothing import Smoothing
from gsmooth_core.testing.adversaries.adversary import Adversary, Called, logits, words_of


@attrs.frozen
class Parity(Adversary):
    """Class 1 iff some pixel of a short interval below 0 is an odd multiple of ``2**-scale``.

    For an image on a coarse grid with values just below ``2**(24 - scale)``: a float32 draw that takes such a pixel
    into the interval has no bit as fine as that, the sum of the two neither, and an image with fine bits of its own
    gives itself away.
    """

    scale: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """The scale."""
        return f"parity of 2**-{self.scale}"

    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """The same for all images."""
        return _Layered(lambda images: self._odd(images).flatten(1).any(dim=1))

    def _odd(self, images: Tensor) -> Tensor:
        step = 2.0**-self.scale
        inside = (images < -0.04 * 2**24 * step) & (images > -0.46 * 2**24 * step)
        return inside & ((images.double() / step).remainder(2) == 1)


class _Layered(nn.Module):
    def __init__(self, one: Called | object) -> None:
        super().__init__()
        self.one = Called(one)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        return logits(self.one(images))


def trailing_zeros(images: Tensor) -> Tensor:
    """How many pixels are multiples of 2**-25: those whose noise was too large to carry finer bits."""
    return ((images.double() * 2**25).remainder(1) == 0).flatten(1).sum(dim=1).double()


def digit_variance(images: Tensor) -> Tensor:
    """The variance of what is left of the pixels modulo 2**-24."""
    return (images.double() * 2**24).remainder(1).flatten(1).var(dim=1)


def digit_entropy(images: Tensor) -> Tensor:
    """The entropy of the last three bits of all pixels, in nats."""
    counts = torch.stack([(words_of(images) & 7 == digit).sum(dim=1) for digit in range(8)], dim=1).double()
    shares = counts / counts.sum(dim=1, keepdim=True)
    return -torch.special.xlogy(shares, shares).sum(dim=1)


def finest_digit(images: Tensor) -> Tensor:
    """The mean of the finest bit that each pixel uses, as a power of two."""
    words = words_of(images)
    mantissa = words & 0x7FFFFF | 0x800000
    zeros = torch.frexp((mantissa & -mantissa).double()).exponent - 1
    finest = ((words >> 23) & 0xFF) + zeros - 150
    return torch.where(images.flatten(1) == 0, 0, finest).double().mean(dim=1)
