"""Readings of the last digits: parity, trailing zeros, their variance and their entropy."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.testing.adversaries.adversary import Adversary, Called, Read, Reading, logits, words_of


@attrs.frozen
class Parity(Adversary):
    """Class 1 iff some pixel of a short interval below 0 is an odd multiple of ``2**-scale``.

    For an image on a coarse grid with values just below ``2**(24 - scale)``: a float32 draw that moves such a pixel
    into the interval has no bit as fine as that, and neither has the sum of the two. An image with fine bits of its own
    is recognised by them.

    Broke, before noise lay on a grid: all recipes with noise on pixels by 2**-26 on an image just below ¼; defocus and
    zoom blur by 2**-25 below ½; zoom blur by 2**-24 below 1 and by 2**-28 below 1/16. 2**-20 and 2**-23 are for steps
    of a grid.
    """

    scale: int

    @property
    def name(self) -> str:
        """The scale."""
        return f"parity of 2**-{self.scale}"

    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """The same for all images."""
        return _Plain(lambda images: self._odd(images).flatten(1).any(dim=1))

    def _odd(self, images: Tensor) -> Tensor:
        unit = 2.0 ** (24 - self.scale)
        return (images < -0.04 * unit) & (images > -0.46 * unit) & is_odd(images, self.scale)


class _Plain(nn.Module):
    """Class 1 where a function says so."""

    def __init__(self, one: Read) -> None:
        """Ask ``one``: bool (batch,)."""
        super().__init__()
        self.one = Called(one)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        return logits(self.one(images))


def is_odd(images: Tensor, scale: int) -> Tensor:
    """Whether each pixel is an odd multiple of ``2**-scale``; exact, as powers of two are."""
    halves = images * 2.0 ** (scale - 1)
    return torch.eq(halves - halves.floor(), 0.5)


def coarse_pixels(images: Tensor) -> Tensor:
    """How many pixels are multiples of 2**-25: those whose noise was too large to carry finer bits.

    Broke all recipes with noise on pixels, on an image just below ¼.
    """
    units = images * 2.0**25
    return (units == units.floor()).flatten(1).sum(dim=1).double()


def digit_variance(images: Tensor) -> Tensor:
    """The variance of what is left of the pixels modulo 2**-24.

    Broke all recipes with noise on pixels, on an image just below ¼, and brightness on a bundled one.
    """
    units = images * 2.0**24
    return (units - units.floor()).flatten(1).var(dim=1).double()


def digit_entropy(images: Tensor) -> Tensor:
    """The entropy of the last three bits of all pixels, in nats.

    Broke all recipes with noise on pixels, on an image just below ¼.
    """
    last = words_of(images) & 7
    counts = torch.stack([(last == digit).sum(dim=1) for digit in range(8)], dim=1).double()
    shares = counts / counts.sum(dim=1, keepdim=True)
    entropy: Tensor = -torch.special.xlogy(shares, shares).sum(dim=1)
    return entropy


def finest_bit(images: Tensor) -> Tensor:
    """The mean of the finest bit that each pixel uses, as a power of two.

    Broke all recipes with noise on pixels, on an image just below ¼.
    """
    words = words_of(images)
    mantissa = words & 0x7FFFFF | 0x800000
    zeros = ((mantissa & -mantissa).float().view(torch.int32) >> 23) - 127
    finest = (words >> 23 & 0xFF) + zeros - 150
    return torch.where(images.flatten(1) == 0, 0, finest).double().mean(dim=1)


ADVERSARIES: tuple[Adversary, ...] = (
    *(Parity(scale) for scale in (20, 23, 24, 25, 26, 28)),
    *(Reading(read) for read in (coarse_pixels, digit_variance, digit_entropy, finest_bit)),
)
"""The adversaries of this file."""
