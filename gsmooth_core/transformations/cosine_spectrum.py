"""Filters of images that are continued by half-sample reflection (… b a | a b … y z | z y …).

Such images are sums of cosines, and a kernel that is symmetric under both flips multiplies each of them by a number: a
convolution is a product in the spectrum of the discrete cosine transform DCT-II, exactly.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

MATRICES_UP_TO = 256
"""Longer axes (px) are transformed by fast Fourier transforms: a product with a matrix costs size² for each line."""


def list_cosine_frequencies(size: int, device: torch.device) -> Tensor:
    """The frequencies ``πk/size`` (rad/px) of an axis of ``size`` px: float64 (size,)."""
    return torch.arange(size, dtype=torch.float64, device=device) * (math.pi / size)


def filter_by_cosines(images: Tensor, gain: Tensor) -> Tensor:
    """Images (batch, channel, height, width), each cosine coefficient multiplied by ``gain`` (batch, height, width).

    A kernel w on offsets (i, j), symmetric under both flips, has the gain ``Σ w_ij cos(iω) cos(jν)`` at frequencies ω
    (rows) and ν (columns); see :func:`list_cosine_frequencies`. Computed in float64 and rounded once to the images'
    type: autocast and a reduced precision of products do not apply, because they would break the laws that certificates
    rest on. If the images are one image expanded, the spectrum is taken once.

    Axes of up to ``MATRICES_UP_TO`` px are transformed by a product with the cosine matrix. For longer ones, it is
    assumed of the library's float64 fast Fourier transform, and tested, that the result is off by no more than such a
    product may be: by ``2⁻⁴⁶ size^1.5`` of the norm for each axis, forth and back (it is off by about ``2⁻⁵⁰``).
    """
    with torch.autocast(images.device.type, enabled=False):
        given = images[:1] if images.stride(0) == 0 else images
        if max(images.shape[-2:]) > MATRICES_UP_TO:
            columns_first = _cosines(_cosines(given.double()).mT)
            return _from_cosines(_from_cosines(gain.double().mT[:, None] * columns_first).mT).to(images.dtype)
        rows, columns = (_cosine_basis(size, images.device) for size in images.shape[-2:])
        spectrum = gain.double()[:, None] * (rows @ given.double() @ columns.T)
        return (rows.T @ spectrum @ columns).to(images.dtype)


@lru_cache(maxsize=32)
def _cosine_basis(size: int, device: torch.device) -> Tensor:
    """The orthonormal DCT-II (size, size): row k holds the cosine of frequency ``πk/size``."""
    with torch.inference_mode(False):  # kept for later calls, which may need gradients
        index = torch.arange(size, dtype=torch.float64, device=device)
        basis = torch.cos(list_cosine_frequencies(size, device)[:, None] * (index + 0.5)) * math.sqrt(2 / size)
        basis[0] /= math.sqrt(2)
        return basis


def _cosines(lines: Tensor) -> Tensor:
    """The DCT-II of float64 lines (…, size), not normalised, by a Fourier transform of the same size (Makhoul 1980).

    The even entries, followed by the odd ones backwards, have the spectrum V, and the coefficient k is the real part of
    ``V_k e^{−iπk/(2 size)}``. As V belongs to real numbers, its first half is enough.
    """
    size = lines.shape[-1]
    turned = torch.fft.rfft(torch.cat([lines[..., ::2], lines[..., 1::2].flip(-1)], dim=-1)) * _turn(size, -1, lines)
    return torch.cat([turned.real, -turned.imag[..., 1 : (size + 1) // 2].flip(-1)], dim=-1)


def _from_cosines(coefficients: Tensor) -> Tensor:
    """The inverse of :func:`_cosines`: ``V_k = (C_k − i C_{size − k}) e^{iπk/(2 size)}``, with ``C_size = 0``."""
    size = coefficients.shape[-1]
    mirrored = pad(coefficients[..., (size + 1) // 2 :].flip(-1), (1, 0))
    halves = torch.complex(coefficients[..., : size // 2 + 1].contiguous(), -mirrored)
    shuffled = torch.fft.irfft(halves * _turn(size, 1, coefficients), n=size)
    lines = torch.empty_like(shuffled)
    lines[..., ::2], lines[..., 1::2] = shuffled[..., : (size + 1) // 2], shuffled[..., (size + 1) // 2 :].flip(-1)
    return lines


def _turn(size: int, sign: int, like: Tensor) -> Tensor:
    """``e^{±iπk/(2 size)}`` for k from 0 to size/2."""
    angle = list_cosine_frequencies(size, like.device)[: size // 2 + 1] * (sign / 2)
    return torch.polar(torch.ones_like(angle), angle)
