"""Filters of images that are continued by half-sample reflection (… b a | a b … y z | z y …).

Such images are sums of cosines, and a kernel that is symmetric under both flips multiplies each of them by a number: a
convolution is a product in the spectrum of the discrete cosine transform DCT-II, exactly.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def list_cosine_frequencies(size: int, device: torch.device) -> Tensor:
    """The frequencies ``πk/size`` (rad/px) of an axis of ``size`` px: float64 (size,)."""
    return torch.arange(size, dtype=torch.float64, device=device) * (math.pi / size)


def filter_by_cosines(images: Tensor, gain: Tensor) -> Tensor:
    """Images (batch, channel, height, width), each cosine coefficient multiplied by ``gain`` (batch, height, width).

    A kernel w on offsets (i, j), symmetric under both flips, has the gain ``Σ w_ij cos(iω) cos(jν)`` at frequencies ω
    (rows) and ν (columns); see :func:`list_cosine_frequencies`. Computed in float64 and rounded once to the images'
    type: autocast and a reduced precision of products do not apply, because they would break the laws that certificates
    rest on. If the images are one image expanded, the spectrum is taken once.
    """
    rows, columns = (_cosine_basis(size, images.device) for size in images.shape[-2:])
    with torch.autocast(images.device.type, enabled=False):
        given = images[:1] if images.stride(0) == 0 else images
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
