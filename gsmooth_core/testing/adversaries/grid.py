"""Adversaries against noise on a grid: they find its step from views of a black image, and read at that scale."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.testing.adversaries.adversary import VIEWS, Read, Reader, views
from gsmooth_core.testing.adversaries.bits import is_odd

FINEST = 40
"""The smallest step that is found: finer ones count as 2**-40."""


def step_of(smoothing: Smoothing, like: Tensor) -> float:
    """The largest power of two of which all pixels of a black image's views are multiples.

    Without a grid it is the finest bit of the smallest draw.
    """
    points = (views(torch.zeros_like(like), smoothing, VIEWS, seed=5).double() * 2.0**FINEST).round().long()
    together = int(points.flatten()[0])
    for place in range(FINEST):
        if bool(((points >> place) & 1).any()) or together >> place & 1:
            return float(2.0 ** (place - FINEST))
    return 1.0


def _off(units: Tensor) -> Tensor:
    return units != units.floor()


class GridParity(Reader):
    """How many pixels are odd multiples of the grid's step.

    For noise on a grid: without one there is no step to find.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "parity of the grid"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count."""
        step = step_of(smoothing, clean)
        return lambda images: is_odd(images, -int(math.log2(step))).flatten(1).sum(dim=1).double()


class OffGrid(Reader):
    """How many pixels are not multiples of the grid's step: none, unless an image's own bits are not hidden.

    For noise on a grid: without one there is no step to find.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "off the grid"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count."""
        step = step_of(smoothing, clean)
        return lambda images: _off(images / step).flatten(1).sum(dim=1).double()


class Residue(Reader):
    """How many pixels differ from the attacked image's by a multiple of the step, so that its own bits are visible.

    For noise on a grid; it broke Gaussian blur on a constant image without one.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "residue of the grid"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count."""
        step, exact = step_of(smoothing, clean), attacked.double()
        return lambda images: (~_off((images.double() - exact) / step)).flatten(1).sum(dim=1).double()


class HalfSteps(Reader):
    """The pixels that rounding takes to different grid points in the two images, each with its sign.

    The half-space of :class:`~gsmooth_core.testing.adversaries.possible.HalfSpace` for codes as they are rounded:
    thresholds lie at half a step. For noise on a grid: without one there is no step to find.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "half steps of the grid"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The signed sum, in steps."""
        step = step_of(smoothing, clean)
        first, second = ((image.double() / step).round().flatten() for image in (clean, attacked))
        moved = (second - first).sign()
        return lambda images: ((images.flatten(1).double() / step).round() - first) @ moved


ADVERSARIES = (GridParity(), OffGrid(), Residue(), HalfSteps())
"""The adversaries of this file."""
