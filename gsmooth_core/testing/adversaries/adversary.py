"""Hostile classifiers, built against two images: they answer 0 around the clean and 1 around the attacked image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import final

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.smoothing.base import Smoothing

VIEWS = 400
"""Views of each of the two images from which a :class:`Reader` learns."""
CERTAIN = 0.6
"""A reading with class 1 on this share of the attacked image's views, and class 0 on this share of the clean image's,
is used without a coin."""

LEAST_GAP = 0.15
"""A reading that distinguishes less than this share of the views breaks nothing; then it answers 1 where it is rare."""
RARE = 0.03
"""The share of the clean image's views with class 1 in that case, so that there is a certificate to try."""

Read = Callable[[Tensor], Tensor]
"""From images (batch, channel, height, width) to one float64 number each (batch,)."""


class Adversary(ABC):
    """A family of hostile classifiers, one for each image, attacked image and smoothing.

    Each is a fixed function of the image: it has no state, looks at each row by itself, and does not know the seed of
    the noise. A certificate must withstand it.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """A few words."""

    @abstractmethod
    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """A model from images to logits (batch, 2) that shall answer 0 around ``clean`` and 1 around ``attacked``.

        Both are float32 (channel, height, width); the model will see them under ``smoothing``.
        """


class Reader(Adversary):
    """An adversary that computes a number from each view, and learns from its own views which numbers to answer 1 for.

    The threshold is the one that distinguishes the two images' views best (Kolmogorov and Smirnov). If it does so too
    rarely for a majority, the rest of the views is split by a coin that is computed from the view itself, so that the
    two frequencies lie on opposite sides of one half. Then a leak in a share of the views breaks the certificate of a
    small region.
    """

    @abstractmethod
    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The function from views to numbers."""

    @final
    def against(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> nn.Module:
        """Learn the threshold."""
        read = self.reader(clean, attacked, smoothing)
        first = read(views(clean, smoothing, VIEWS, seed=1))
        return _Judge(read, first, read(views(attacked, smoothing, VIEWS, seed=2)))


@attrs.frozen
class Reading(Reader):
    """A number that needs no knowledge of the images: ``read``, whose name is the adversary's."""

    read: Read

    @property
    def name(self) -> str:
        """The function's name."""
        return self.read.__name__.replace("_", " ")

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The same for all images."""
        return self.read


class Called(nn.Module):
    """A function as a layer, so that the batch size is chosen by the activations that are really computed."""

    def __init__(self, function: Read) -> None:
        """Call ``function``."""
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Tensor:
        """The function's value."""
        return self.function(images)


class _Judge(nn.Module):
    """Class 1 if the number lies on the attacked image's side of the threshold, or if the coin decides so."""

    def __init__(self, read: Read, clean: Tensor, attacked: Tensor) -> None:
        """Learn from the numbers of views of the two images (count,)."""
        super().__init__()
        self.read, self.coin = Called(read), Called(coin)
        self.threshold, self.above = _best(clean, attacked)
        shares = [float(((part > self.threshold) == self.above).double().mean()) for part in (clean, attacked)]
        if shares[1] - shares[0] < LEAST_GAP:
            ordered = clean.sort().values
            self.threshold = float(ordered[int((RARE if not self.above else 1 - RARE) * (len(ordered) - 1))])
        middle = sum(shares) / 2
        certain = shares[1] - shares[0] < LEAST_GAP or (shares[0] < 1 - CERTAIN and shares[1] > CERTAIN)
        self.heads = 1.0 if certain else 0.5 / middle if middle > 0.5 else (0.5 - middle) / (1 - middle)
        self.either = not certain and middle <= 0.5

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2)."""
        speaks, heads = (self.read(images) > self.threshold) == self.above, self.coin(images) < self.heads
        return logits(speaks | heads if self.either else speaks & heads)


def _best(clean: Tensor, attacked: Tensor) -> tuple[float, bool]:
    """The threshold that distinguishes the numbers (count,) best, and whether the attacked image's lie above it."""
    values = torch.cat([clean, attacked]).unique()
    if len(values) == 1:
        return float(values), True
    below = [torch.searchsorted(part.sort().values, values, right=True) / len(part) for part in (clean, attacked)]
    gap = (below[0] - below[1])[:-1]
    widest = int(torch.where(gap.abs() >= gap.abs().max() - 1e-9, values.diff(), -1.0).argmax())
    return float(values[widest : widest + 2].mean()), float(gap[widest]) > 0


@torch.no_grad()
def views(image: Tensor, smoothing: Smoothing, count: int, seed: int) -> Tensor:
    """What the model sees of an image (channel, height, width) under ``count`` draws: (count, …)."""
    return smoothing.noisy(image[None], torch.Generator(image.device).manual_seed(seed), count)


def logits(one: Tensor) -> Tensor:
    """Logits (batch, 2) of class 1 where ``one`` (batch,)."""
    return torch.stack([~one, one], dim=1).float()


def words_of(images: Tensor) -> Tensor:
    """The bits of each pixel as float32: int32 (batch, pixels)."""
    return images.float().contiguous().view(torch.int32).flatten(1)


def coin(images: Tensor) -> Tensor:
    """A pseudo-random number in [0, 1) from all bits of each image: float64 (batch,), exact in integer arithmetic."""
    words = words_of(images)
    places = (torch.arange(1, words.shape[1] + 1, device=words.device) * 0x9E3779B1 % 2**31 | 1).int()
    mixed = (words * places).sum(dim=1)  # products modulo 2^32
    mixed = (mixed ^ (mixed >> 29)) * 0x2545F491
    return ((mixed ^ (mixed >> 32)) & 0xFFFFF).double() / 2**20
