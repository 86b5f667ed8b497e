"""The class of laws, and what all laws share: images and parameters to try."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from gsmooth_core.certifier import Problem, Task
from gsmooth_core.corruption import Corruption
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region

SIZES = ((8, 8), (9, 14), (28, 28), (32, 32))
"""Sizes (height, width) that every corruption must take."""
THIN = ((1, 9), (9, 1), (2, 2))
"""Sizes at which wrong formulas show first. A corruption may refuse them, by a ``ValueError``."""


@attrs.frozen
class Law:
    """A property that every corruption it concerns must have. A call raises ``AssertionError`` if one lacks it."""

    name: str
    check: Callable[[Corruption], None]
    concerns: Callable[[Corruption], bool]

    def __call__(self, corruption: Corruption) -> None:
        """Check the law for ``corruption``."""
        self.check(corruption)


def everyone(corruption: Corruption) -> bool:
    """For a law that concerns every corruption."""
    return True


def make(concerns: Callable[[Corruption], bool], *checks: Callable[[Corruption], None]) -> tuple[Law, ...]:
    """Laws named after the functions that check them."""
    return tuple(Law(check.__name__, check, concerns) for check in checks)


def require(held: bool, sentence: str) -> None:
    """Raise ``AssertionError`` with the sentence unless the law held."""
    if not held:
        raise AssertionError(sentence)


def generator(seed: int = 0) -> torch.Generator:
    """A new generator on the CPU with this seed."""
    return torch.Generator().manual_seed(seed)


def images_of(count: int, shape: tuple[int, int, int], dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    """Random images in [0, 1] with sharp edges: half are noise, half are black and white."""
    images = torch.rand(count, *shape, generator=generator(seed), dtype=torch.float64)
    images[::2] = images[::2].round()
    return images.to(dtype)


def channels_of(corruption: Corruption) -> tuple[int, ...]:
    """Those of 1 and 3 that the recipe accepts."""
    return tuple(count for count in (1, 3) if corruption.channels.takes(count))


def shapes_of(corruption: Corruption) -> list[tuple[int, int, int]]:
    """Kinds of image (channel, height, width) to try: each size, with the numbers of channels in turn."""
    channels = channels_of(corruption)
    return [(channels[number % len(channels)], *size) for number, size in enumerate(SIZES)]


def every_shape_of(corruption: Corruption) -> list[tuple[int, int, int]]:
    """``shapes_of``, and with each number of channels the sizes of ``THIN`` that the corruption does not refuse."""
    thin = [(channels, *size) for size in THIN for channels in channels_of(corruption)]
    return [*shapes_of(corruption), *(shape for shape in thin if _takes(corruption, shape))]


def _takes(corruption: Corruption, shape: tuple[int, int, int]) -> bool:
    identity = torch.tensor([corruption.transformation.space.identity], dtype=torch.float64)
    try:
        corruption.transformation.apply(images_of(1, shape), identity)
    except ValueError:
        return False
    return True


def small_of(corruption: Corruption, size: int = 12) -> tuple[int, int, int]:
    """A small kind of image (channel, size, size)."""
    return (channels_of(corruption)[0], size, size)


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


def ends_of(corruption: Corruption, region: Region) -> Tensor:
    """The ends of a region, and of its diagonal, float64 (count, dimension); whole numbers if need be."""
    ends = torch.cat([region.diagonal(), torch.tensor([region.lower, region.upper], dtype=torch.float64)])
    space = corruption.transformation.space
    identity = torch.tensor(space.identity, dtype=torch.float64)
    ends = identity + (ends - identity).trunc() if space.integer else ends
    held: Tensor = ends[region.contains(ends)].unique(dim=0)
    return held


def largest(difference: Tensor) -> float:
    """The largest absolute value."""
    return float(difference.abs().max())


def could_certify(corruption: Corruption, image: Tensor, region: Region, budget: Budget) -> bool:
    """Whether an image (channel, height, width) could be certified on a region within that budget."""
    problem = Problem(corruption.transformation, corruption.smoothing, region)
    corruption.certifier.check(problem)
    return not corruption.certifier.prospects(Task(image, problem, budget))
