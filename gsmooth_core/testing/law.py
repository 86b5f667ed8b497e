"""What a law is, and what the laws share: images and parameters to try."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from gsmooth_core.corruption import Corruption
from gsmooth_core.region import Region

SHAPES = ((1, 8, 8), (3, 9, 14), (1, 28, 28), (3, 32, 32))
"""Kinds of image (channel, height, width) that every corruption must take."""


@attrs.frozen
class Law:
    """A law that every corruption it concerns must keep. Calling it raises ``AssertionError`` where one does not."""

    name: str
    check: Callable[[Corruption], None]
    concerns: Callable[[Corruption], bool]

    def __call__(self, corruption: Corruption) -> None:
        """Hold ``corruption`` to the law."""
        self.check(corruption)


def everyone(corruption: Corruption) -> bool:
    """A law for all."""
    return True


def make(concerns: Callable[[Corruption], bool], *checks: Callable[[Corruption], None]) -> tuple[Law, ...]:
    """Laws named after the functions that check them."""
    return tuple(Law(check.__name__, check, concerns) for check in checks)


def require(held: bool, sentence: str) -> None:
    """Raise ``AssertionError`` with the sentence unless the law held."""
    if not held:
        raise AssertionError(sentence)


def generator(seed: int = 0) -> torch.Generator:
    """Randomness of its own."""
    return torch.Generator().manual_seed(seed)


def images_of(count: int, shape: tuple[int, int, int], dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Random images in [0, 1] with sharp edges: half are noise, half are black and white."""
    images = torch.rand(count, *shape, generator=generator(seed), dtype=torch.float64)
    images[::2] = images[::2].round()
    return images.to(dtype)


def radius_of(corruption: Corruption) -> float:
    """The recipe's first default radius."""
    require(bool(corruption.radius), f"{corruption.name} has no default radius; give the recipe one")
    return next(iter(corruption.radius.values()))


def region_of(corruption: Corruption, share: float = 1.0) -> Region:
    """The region of the recipe's first default radius, or of a share of it."""
    return corruption.transformation.region(share * radius_of(corruption))


def parameters_of(corruption: Corruption, count: int, seed: int = 0, share: float = 1.0) -> Tensor:
    """Random parameters of the default region: float64 (count, dimension)."""
    drawn = region_of(corruption, share).sample(count, generator(seed)).double()
    return corruption.transformation.space.snap(drawn)


def largest(difference: Tensor) -> float:
    """The largest absolute value."""
    return float(difference.abs().max())
