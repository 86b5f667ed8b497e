"""What a hostile classifier is: built against two images, to say 0 around the clean and 1 around the attacked one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

from gsmooth_core.smoothing import Smoothing

VIEWS = 400
"""Views of each of the two images from which a :class:`Reader` learns."""
CERTAIN = 0.6
"""A reading that speaks up on this share of the attacked image's views, and is as silent on the clean one's, is used
as it is."""

Read = Callable[[Tensor], Tensor]
"""From images (batch, channel, height, width) to one float64 number each (batch,)."""


class Adversary(ABC):
    """A family of hostile classifiers, one for each image, attacked image and smoothing.

    Each is a fixed function of the image: it has no state, looks at each row by itself, and does not know the seed of
    the noise. A certificate must withstand it. ``name`` is a word or two.
    """

    name: str

    @abstractmethod
    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """A model from images to logits (batch, 2) that shall answer 0 around ``clean`` and 1 around ``attacked``.

        Both are float32 (channel, height, width); the model will see them under ``smoothing``.
        """


class Reader(Adversary):
    """An adversary that reads a number off each view, and learns from views of its own which numbers give it away.

    The threshold is the one that tells the two images' views apart best (Kolmogorov and Smirnov). Where it does so too
    seldom for a majority, the rest of the views is split by a coin that is itself read off the view, so that the two
    frequencies come to lie on either side of one half: then a leak of a share of the views breaks a small region's
    certificate.
    """

    @abstractmethod
    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """What to read."""

    @final
    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """Learn the threshold."""
        read = self.reader(clean, attacked, smoothing)
        first = read(views(clean, smoothing, VIEWS, seed=1))
        return _Judge(read, first, read(views(attacked, smoothing, VIEWS, seed=2)))


class Called(nn.Module):
    """A function as a layer, so that a batch is chosen by what is really computed."""

    def __init__(self, function: Read) -> None:
        """Call ``function``."""
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        """The function's value."""
        return self.function(images)


class _Judge(nn.Module):
    """Class 1 where the number lies on the attacked image's side of the threshold, or as the coin says."""

    def __init__(self, read: Read, clean: Tensor, attacked: Tensor) -> None:
        """Learn from the numbers of views of the two images (count,)."""
        super().__init__()
        values = torch.cat([clean, attacked]).unique()
        below = [torch.searchsorted(part.sort().values, values, right=True) / len(part) for part in (clean, attacked)]
        gap = (below[0] - below[1])[:-1]
        best = gap.abs() >= gap.abs().max() - 1e-9 if len(gap) else gap
        widest = int(torch.where(best, values.diff(), -1.0).argmax()) if len(gap) else 0
        self.threshold = float(values[widest : widest + 2].mean())
        self.above = not len(gap) or float(gap[widest]) > 0
        shares = [float(((part > self.threshold) == self.above).double().mean()) for part in (clean, attacked)]
        middle = sum(shares) / 2
        certain = shares[0] < 1 - CERTAIN and shares[1] > CERTAIN
        self.heads = 1.0 if certain else min(0.5 / middle, 1.0) if middle > 0.5 else (0.5 - middle) / (1 - middle)
        self.either = not certain and middle <= 0.5
        self.read, self.coin = Called(read), Called(coin)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        speaks, heads = (self.read(images) > self.threshold) == self.above, self.coin(images) < self.heads
        return logits(speaks | heads if self.either else speaks & heads)


@torch.no_grad()
def views(image: Tensor, smoothing: Smoothing, count: int, seed: int) -> Tensor:
    """What the model sees of an image (channel, height, width) under ``count`` draws: (count, …)."""
    code, generator = smoothing.encode(image[None]), torch.Generator(image.device).manual_seed(seed)
    noise = smoothing.draw(count, tuple(code.shape[1:]), generator, code.device)
    return smoothing.perturb(code.expand(count, *code.shape[1:]), noise)


def logits(one: Tensor) -> Tensor:
    """Logits (batch, 2) of class 1 where ``one`` (batch,)."""
    return torch.stack([~one, one], dim=1).float()


def words_of(images: Tensor) -> Tensor:
    """The bits of each pixel as float32: int32 (batch, pixels)."""
    return images.float().contiguous().view(torch.int32).flatten(1)


def coin(images: Tensor) -> Tensor:
    """A number in [0, 1) from all bits of each image, as good as random: float64 (batch,). Whole numbers, so exact."""
    words = words_of(images)
    places = (torch.arange(1, words.shape[1] + 1, device=words.device) * 0x9E3779B1 % 2**31 | 1).int()
    mixed = (words * places).sum(dim=1)  # products modulo 2^32
    mixed = (mixed ^ (mixed >> 29)) * 0x2545F491
    return ((mixed ^ (mixed >> 32)) & 0xFFFFF).double() / 2**20
