"""Readings of single digits and checksums: a learned table says which values are likelier for the attacked image."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.testing.adversaries.adversary import VIEWS, Read, Reader, views, words_of
from gsmooth_core.testing.adversaries.bits import is_odd

DIGITS = 16
"""Values of a digit."""


@attrs.frozen
class Digit(Reader):
    """A digit from 0 to 15 that needs no knowledge of the images: ``digit`` gives int64 (batch,)."""

    digit: Read

    @property
    def name(self) -> str:
        """The function's name."""
        return self.digit.__name__.replace("_", " ")

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """The digit's log-likelihood ratio, by counting digits of other views than those of the threshold."""
        digit = self.digit
        ratios = _ratios(*(digit(views(image, smoothing, 2 * VIEWS, seed=3)) for image in (clean, attacked)))
        return lambda images: ratios[digit(images)]


class PixelDigit(Reader):
    """The last digit (four bits) of one pixel, the one whose digits differ most between the two images.

    Broke Gaussian blur on a constant image.
    """

    @property
    def name(self) -> str:
        """The adversary's name."""
        return "last digit of one pixel"

    def reader(self, clean: Tensor, attacked: Tensor, smoothing: Smoothing) -> Read:
        """Choose the pixel, and learn its table."""
        digits = [words_of(views(image, smoothing, 2 * VIEWS, seed=3)).long() % DIGITS for image in (clean, attacked)]
        shares = torch.stack(
            [torch.stack([(part == d).double().mean(dim=0) for d in range(DIGITS)]) for part in digits]
        )
        pixel = int((shares[0] - shares[1]).abs().sum(dim=0).argmax())
        ratios = _ratios(*(part[:, pixel] for part in digits))
        return lambda images: ratios[words_of(images)[:, pixel].long() % DIGITS]


def xor_of_words(images: Tensor) -> Tensor:
    """The exclusive or of all pixels' bits, its last four bits.

    Broke contrast on neighbouring floats.
    """
    words = words_of(images)
    return torch.stack([((words >> place & 1).sum(dim=1) % 2) << place for place in range(4)]).sum(dim=0)


def sum_of_bytes(images: Tensor) -> Tensor:
    """The sum of all bytes, modulo 16.

    Broke brightness and contrast on neighbouring floats.
    """
    words = words_of(images)
    return torch.stack([(words >> 8 * place & 0xFF).sum(dim=1) for place in range(4)]).sum(dim=0) % DIGITS


def polynomial_of_words(images: Tensor) -> Tensor:
    """A checksum that depends on the order of pixels: the words times odd numbers, added up modulo 16.

    Broke brightness, contrast and both together on neighbouring floats.
    """
    words = words_of(images)
    odd = 2 * torch.arange(words.shape[1], device=words.device, dtype=torch.int32) + 1
    return (words * odd).sum(dim=1) % DIGITS


def parity_of_odd_pixels(images: Tensor) -> Tensor:
    """Whether an odd number of pixels in (−0.115, −0.01) are odd multiples of 2**-26.

    Broke pixelate and rotational blur on an image just below ¼.
    """
    odd = (images < -0.01) & (images > -0.115) & is_odd(images, 26)
    return odd.flatten(1).sum(dim=1) % 2


def _ratios(clean: Tensor, attacked: Tensor) -> Tensor:
    """The log-likelihood ratios of the digits, float64 (DIGITS,), from digits of views (count,)."""
    counts = [part.bincount(minlength=DIGITS).double() + 0.5 for part in (clean, attacked)]
    return (counts[1] / counts[0]).log()


ADVERSARIES = (
    PixelDigit(),
    *(Digit(digit) for digit in (xor_of_words, sum_of_bytes, polynomial_of_words, parity_of_odd_pixels)),
)
"""The adversaries of this file."""
