"""Images on which adversaries are tried: bundled ones, and some whose last digits are all known."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def below(value: float, shape: tuple[int, int, int]) -> Tensor:
    """Multiples of 1/1024 in a narrow band below ``value``: float32 (channel, height, width)."""
    generator = torch.Generator().manual_seed(0)
    return value - torch.randint(0, 8, shape, generator=generator) / 1024


def checkerboard(shape: tuple[int, int, int]) -> Tensor:
    """Squares of 4 × 4 pixels, ¼ and ¾ in turn."""
    rows, columns = torch.meshgrid(*(torch.arange(size) // 4 for size in shape[1:]), indexing="ij")
    return (0.25 + 0.5 * ((rows + columns) % 2)).expand(shape).clone()


def coloured(image: Tensor) -> Tensor:
    """A grey image (1, 28, 28) as 8-bit colours (3, 32, 32): each channel has a gain and a floor of its own."""
    wide = torch.nn.functional.interpolate(image[None], size=(32, 32), mode="bilinear")[0]
    gain, floor = torch.tensor([0.9, 0.6, 0.3]).view(3, 1, 1), torch.tensor([0.05, 0.2, 0.4]).view(3, 1, 1)
    return (255 * (floor + gain * wide)).round() / 255


def bytes_at_random(shape: tuple[int, int, int]) -> Tensor:
    """8-bit noise."""
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1)) / 255


def neighbouring_floats(shape: tuple[int, int, int]) -> Tensor:
    """Four neighbouring float32 numbers just below ½, at random: above ½ some of them become one."""
    levels = torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(2))
    return 0.5 - 2.0**-10 + levels * 2.0**-25


GREY, COLOUR = (1, 28, 28), (3, 32, 32)

IMAGES: dict[str, Callable[[Tensor], Tensor]] = {
    "bundled 0": lambda bundled: bundled[0],
    "below 1/4": lambda bundled: below(0.25, GREY),
    "colours of bundled 1": lambda bundled: coloured(bundled[1]),
    "constant": lambda bundled: torch.full(GREY, 0.3),
    "checkerboard": lambda bundled: checkerboard(GREY),
    "neighbouring floats": lambda bundled: neighbouring_floats(GREY),
    "below 1/16": lambda bundled: below(1 / 16, GREY),
    "below 1/2": lambda bundled: below(0.5, GREY),
    "below 1": lambda bundled: below(1.0, GREY),
    "bytes at random": lambda bundled: bytes_at_random(GREY),
    "colours below 1/4": lambda bundled: below(0.25, COLOUR),
    "bundled 2": lambda bundled: bundled[2],
}
"""By name, each from the bundled test images; those on which most certificates broke come first."""
