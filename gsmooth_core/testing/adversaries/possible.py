"""Adversaries that know the two images: from which of them a view can come, and the worst that theory allows."""

from __future__ import annotations

import torch
from torch import Tensor

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.testing.adversaries.adversary import Read, Reader, words_of


class Possible(Reader):
    """In how many pixels the view cannot be the attacked image plus a float32 draw.

    A draw is a whole multiple of its own last digit. If image and draw nearly cancel, their float32 sum is finer than
    the draw, so the difference to the right image is such a multiple, and the difference to any other image only by
    chance. It answers 1 around the attacked image alone, so every anchor of a cover votes 0. Broke all recipes with
    noise on pixels, on bundled images too.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "possible for the attacked image"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count for the attacked image."""
        return lambda images: -impossible(images, attacked)


class Impossible(Reader):
    """In how many pixels the view cannot be the clean image plus a float32 draw: 1 around all other images.

    Broke all recipes with noise on pixels, on an image just below ¼; on a bundled one brightness, pixelate, rotational
    blur, scaling and zoom blur.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "impossible for the clean image"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count for the clean image."""
        return lambda images: impossible(images, clean)


def impossible(images: Tensor, origin: Tensor) -> Tensor:
    """In how many pixels ``images`` are no float32 sums of ``origin`` and some float32 number: float64 (batch,).

    The error of a sum is at most half of its own last digit; if that is less than half of the draw's, a pixel is
    decided.
    """
    exact = images.flatten(1).double() - origin.flatten().double()
    difference = exact.float()
    own, draw = (words_of(part) >> 23 & 0xFF for part in (images, difference))
    row, pixel = (own < draw).nonzero(as_tuple=True)
    told, fewer = exact[row, pixel], (own - draw)[row, pixel]
    steps = told / torch.ldexp(torch.ones_like(told), draw[row, pixel] - 150)
    off = (steps - steps.round()).abs() > torch.ldexp(torch.full_like(steps, 0.5), fewer)
    return row[off].bincount(minlength=len(images)).double()


class HalfSpace(Reader):
    """How far the view lies from the clean image in the direction of the attacked one, exactly.

    Under normal noise of the pixels no classifier is worse (Neyman and Pearson), so here the bound itself is tight. It
    reads no low bits; it breaks bounds that promise too much. Broke Gaussian blur on a constant image.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "half-space"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The projection."""
        direction = (attacked.double() - clean.double()).flatten()
        unit = direction / direction.norm().clamp_min(1e-300)
        origin = clean.double().flatten()
        return lambda images: (images.flatten(1).double() - origin) @ unit


class Inversions(Reader):
    """How many pairs of pixels that are neighbours in the attacked image's order are equal or the wrong way round.

    Broke Gaussian blur on a constant image.
    """

    @property
    def name(self) -> str:
        """What is read."""
        return "order of pixels"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The count."""
        order = attacked.flatten().argsort(stable=True)
        return lambda images: (images.flatten(1)[:, order].diff(dim=1) <= 0).sum(dim=1).double()


ADVERSARIES = (Possible(), Impossible(), HalfSpace(), Inversions())
"""The adversaries of this file."""
