"""Checks of what users pass in: each failure is a sentence and the next step, before any work starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

VARIATION = 1e-3
"""How far a model's logits may differ between two calls, relative to the largest: float32 rounding, with room."""
VARIATION_HALF = 3e-2
"""The same for models that answer in half precision."""


def check_images(images: object) -> Tensor:
    """The images, float (batch, channel, height, width), finite, in [0, 1], not empty; else ``ValueError``."""
    if not isinstance(images, Tensor):
        raise ValueError(f"images must be a torch Tensor, not {type(images).__name__}; use torch.from_numpy or stack")
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
    if low < 0 or high > 1:
        raise ValueError(
            f"images must lie in [0, 1], not in [{low:.4g}, {high:.4g}]; undo any normalisation (put it into the "
            "model) or divide by 255"
        )
    return images


def check_labels(labels: object, count: int) -> list[int]:
    """The labels as ``count`` whole numbers ≥ 0; else ``ValueError``. Their width is checked with the model."""
    if isinstance(labels, Tensor):
        labels = labels.tolist()
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        raise ValueError(f"labels must be a tensor or a list of whole numbers, not {labels!r}")
    if not all(isinstance(label, int) and not isinstance(label, bool) for label in labels):
        raise ValueError(
            "labels must be whole numbers (one class an image); use labels.long(), or argmax of one-hot rows"
        )
    if len(labels) != count:
        raise ValueError(f"there are {count} images but {len(labels)} labels; pass one label an image")
    return list(labels)


def check_classes(labels: list[int], classes: int) -> None:
    """Raise ``ValueError`` unless every label is one of the model's ``classes``."""
    outside = sorted({label for label in labels if not 0 <= label < classes})
    if outside:
        raise ValueError(
            f"the model returns {classes} logits (classes 0 to {classes - 1}), but there are labels {outside[:5]}; "
            "pass the model that belongs to these labels"
        )


def check_model(model: Callable[[Tensor], Tensor], images: Tensor) -> int:
    """The number of classes of a model that can be certified; else ``ValueError``.

    The model is called on a few of the images, and on values outside [0, 1] that noise will produce. It must return
    finite logits (batch, classes ≥ 2), and the same ones for an image whatever the call and the rest of the batch.
    """
    few = images[:3]
    probe = torch.cat([few, 3 * few - 1, torch.zeros_like(few[:1]), torch.ones_like(few[:1])])
    logits = _logits(model, probe)
    size = max(1.0, float(logits.abs().max()))
    tolerance = size * (VARIATION if logits.element_size() >= 4 else VARIATION_HALF)
    if float((_logits(model, probe) - logits).abs().max()) > tolerance:
        raise ValueError(
            "the model's answer for an image varies from call to call, so no certificate would hold; switch off its "
            "randomness (dropout, sampling), for example with model.eval()"
        )
    apart = [_logits(model, probe.flip(0)).flip(0) - logits, _logits(model, probe[:1]) - logits[:1]]
    if max(float(difference.abs().max()) for difference in apart) > tolerance:
        raise ValueError(
            "the model's answer for an image depends on the other images of the batch, so no certificate would hold; "
            "put batch normalisation into evaluation mode, for example with model.eval()"
        )
    return logits.shape[1]


def _logits(model: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    shape = tuple(images.shape)
    try:
        logits = model(images.clone())
    except Exception as error:
        raise ValueError(
            f"the model failed on a {images.dtype} batch of shape {shape} on {images.device}: "
            f"{type(error).__name__}: {error}; it must take such images, also with values outside [0, 1]"
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < 2:
        got = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(
            f"the model must return logits (batch, classes) with at least 2 classes, but for a batch of shape {shape} "
            f"it returned {got}; wrap it in a function that returns the logits"
        )
    if not bool(logits.isfinite().all()):
        raise ValueError(
            f"the model returned NaN or infinite logits for a batch of shape {shape}; check its weights, and that it "
            "accepts any finite float image, also outside [0, 1]"
        )
    return logits
