"""What lies beyond an image's border."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


def extend_border(images: Tensor, reach: int, mode: Literal["symmetric", "reflect"] = "symmetric") -> Tensor:
    """Images (batch, channel, height, width) continued by ``reach`` px on each side, however small they are.

    ``"symmetric"`` repeats the border pixel (… b a | a b … y z | z y …), ``"reflect"`` does not (… c b | a b …);
    the names are numpy's.

    >>> extend_border(torch.arange(3.0).view(1, 1, 1, 3), 2)[0, 0, 0]
    tensor([1., 0., 0., 1., 2., 2., 1.])
    """
    height, width = images.shape[-2:]
    rows, columns = (_mirrored(size, reach, mode == "symmetric").to(images.device) for size in (height, width))
    return images[..., rows, :][..., columns]


def _mirrored(size: int, reach: int, repeat: bool) -> Tensor:
    """The indices, within the image, of positions −reach to size − 1 + reach."""
    position = torch.arange(-reach, size + reach)
    period = max(1, 2 * size if repeat else 2 * size - 2)
    position = position % period
    return torch.where(position < size, position, period - position - int(repeat))
