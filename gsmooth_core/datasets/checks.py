"""Checks of images and labels before any work starts: each error is a sentence and the next step."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np
from torch import Tensor

SLIGHT = 0.02
"""How far images may leave [0, 1] for clamping to be the cure."""


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
        slightly = low >= -margin - SLIGHT and high <= 1 + margin + SLIGHT
        raise ValueError(
            f"images must lie in [0, 1], not in [{_outside(low)}, {_outside(high)}]; "
            + (
                "they leave it by rounding or resizing only: clamp them with images.clamp(0, 1)"
                if slightly
                else "undo any normalisation (put it into the model) or divide by 255"
            )
        )
    return images


def _outside(value: float) -> str:
    """The value in few digits, but in as many as show that it is outside [0, 1] if it is."""
    few = f"{value:.4g}"
    return few if (0 <= float(few) <= 1) == (0 <= value <= 1) else repr(value)


def check_labels(labels: object, count: int) -> list[int]:
    """The labels as ``count`` whole numbers ≥ 0; otherwise ``ValueError``. Their range is checked with the model.

    In a list, a label may also be a tensor of one value, as datasets give.
    """
    if isinstance(labels, Tensor | np.ndarray):
        if labels.ndim > 1:
            raise _not_whole(tuple(labels.shape[1:]))
        labels = labels.tolist()
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        raise ValueError(f"labels must be a tensor or a list of whole numbers, not {labels!r}")
    whole = [_whole(label) for label in labels]
    if len(labels) != count:
        raise ValueError(f"there are {count} images but {len(labels)} labels; pass one label per image")
    return whole


def _whole(label: object) -> int:
    if isinstance(label, Tensor | np.ndarray) and math.prod(label.shape) == 1:
        label = label.item()
    try:
        return operator.index(label)  # type: ignore[arg-type]
    except TypeError as error:
        rows = (len(label),) if isinstance(label, list | tuple) else getattr(label, "shape", ())
        raise _not_whole(tuple(rows)) from error


def _not_whole(shape: tuple[int, ...]) -> ValueError:
    """The error for labels of which each has this shape."""
    wanted = "labels must be whole numbers, one class per image"
    if math.prod(shape) == 1 and shape:
        return ValueError(f"{wanted}, not rows of one number; use labels.squeeze(1)")
    if shape:
        return ValueError(f"{wanted}, not rows of {shape[-1]}; if the rows are one-hot, use labels.argmax(1)")
    return ValueError(f"{wanted}; use labels.long()")


def check_classes(labels: list[int], classes: int) -> None:
    """Raise ``ValueError`` unless every label is one of the model's ``classes``."""
    outside = sorted({label for label in labels if not 0 <= label < classes})
    if outside:
        raise ValueError(
            f"the model returns {classes} logits (classes 0 to {classes - 1}), but there are labels {outside[:5]}; "
            "pass the model that belongs to these labels"
        )
