"""How images are continued beyond their border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad


def extend_border(images: Tensor, reach: int, mode: Literal["symmetric", "reflect"] = "symmetric") -> Tensor:
    """Images (batch, channel, height, width) of any size, continued by ``reach`` px on each side.

    ``"symmetric"`` repeats the border pixel (… b a | a b … y z | z y …), ``"reflect"`` does not (… c b | a b …);
    the names are numpy's.

    >>> extend_border(torch.arange(3.0).view(1, 1, 1, 3), 2)[0, 0, 0]
    tensor([1., 0., 0., 1., 2., 2., 1.])
    """
    height, width = images.shape[-2:]
    rows, columns = (_mirrored(size, reach, mode == "symmetric").to(images.device) for size in (height, width))
    return images[..., rows, :][..., columns]


def warp_on_black(warp: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """``warp(images)``, for a bilinear warp about the centre with black around the image, and images of any size.

    ``warp`` takes and returns images (batch, channel, height, width). kornia divides by size − 1, so it treats an image
    of one row or one column as endless in that direction. An image with fewer than 2 px in a direction gets a black
    pixel on each side, which is cut off again. Proof that the result is that of the definition: the image fades to
    black within one pixel beyond its border, so the added pixels have the values that are read there in any case; and
    the centre stays.

    >>> from kornia.geometry.transform import rotate
    >>> row, turned = torch.ones(1, 1, 1, 3), lambda images: rotate(images, torch.tensor([90.0])).round()
    >>> turned(row).flatten(), warp_on_black(turned, row).flatten()
    (tensor([1., 1., 1.]), tensor([0., 1., 0.]))
    """
    return warp(images) if min(images.shape[-2:]) > 1 else warp(pad(images, (1, 1, 1, 1)))[..., 1:-1, 1:-1]


def _mirrored(size: int, reach: int, repeat: bool) -> Tensor:
    """The indices, within the image, of positions −reach to size − 1 + reach."""
    position = torch.arange(-reach, size + reach)
    period = max(1, 2 * size if repeat else 2 * size - 2)
    position = position % period
    return torch.where(position < size, position, period - position - int(repeat))
