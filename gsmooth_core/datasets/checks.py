"""Checks of images and labels before any work starts: each error is a sentence and the next step."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np
from torch import Tensor


def check_images(images: object, margin: float = 0.0) -> Tensor:
    """The images without their gradients, if float (batch, channel, height, width), finite, in [0, 1], not empty.

    ``ValueError`` otherwise. ``margin`` allows values outside [0, 1], which corrupted images may have.
    """
    if not isinstance(images, Tensor):
        raise ValueError(f"images must be a torch Tensor, not {type(images).__name__}; use torch.from_numpy or stack")
    images = images.detach()
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [0, 1], not {images.dtype}; divide by 255 with images.float() / 255")
    if images.ndim != 4:
        raise ValueError(
            f"images must be (batch, channel, height, width), not of shape {tuple(images.shape)}; "
            "add the missing dimension with images[None] or images[:, None]"
        )
    if images.numel() == 0:
        raise ValueError(f"there are no images: their shape is {tuple(images.shape)}; pass at least one")
    if not bool(images.isfinite().all()):
        raise ValueError(
            "images hold NaN or infinity; find where they come from, or replace them with torch.nan_to_num"
        )
    low, high = float(images.min()), float(images.max())
    if low < -margin or high > 1 + margin:
        raise ValueError(
            f"images must lie in [0, 1], not in [{low:.4g}, {high:.4g}]; undo any normalisation (put it into the "
            "model) or divide by 255"
        )
    return images


def check_labels(labels: object, count: int) -> list[int]:
    """The labels as ``count`` whole numbers ≥ 0; otherwise ``ValueError``. Their range is checked with the model."""
    if isinstance(labels, Tensor | np.ndarray):
        labels = labels.tolist()
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        raise ValueError(f"labels must be a tensor or a list of whole numbers, not {labels!r}")
    try:
        whole = [operator.index(label) for label in labels]
    except TypeError as error:
        raise ValueError(
            "labels must be whole numbers (one class per image); use labels.long(), or argmax of one-hot rows"
        ) from error
    if len(labels) != count:
        raise ValueError(f"there are {count} images but {len(labels)} labels; pass one label per image")
    return whole


def check_classes(labels: list[int], classes: int) -> None:
    """Raise ``ValueError`` unless every label is one of the model's ``classes``."""
    outside = sorted({label for label in labels if not 0 <= label < classes})
    if outside:
        raise ValueError(
            f"the model returns {classes} logits (classes 0 to {classes - 1}), but there are labels {outside[:5]}; "
            "pass the model that belongs to these labels"
        )
