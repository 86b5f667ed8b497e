"""The one way to call a model: its answer is checked, and its errors become sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from gsmooth_core.models.diagnosis import advice

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""The memory layouts that logits may have."""
ADAPTERS = "gsmooth_core.adapters"
"""The module of :mod:`gsmooth_core.models.adapters`, as users import it."""


def logits_of(model: Callable[[Tensor], Tensor], images: Tensor, classes: int | None = None) -> Tensor:
    """The model's logits for images (batch, channel, height, width): float (batch, classes), in memory of the model's.

    ``ValueError`` if it fails, or if its answer is not a float tensor with a row for each image and ``classes`` columns
    (at least 2, if the number is not known yet). :func:`check_finite` checks separately whether they are finite, which
    costs less for many batches together. The model may change the images.
    """
    shape = tuple(images.shape)
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled()):  # restored if the model changes it
            logits: object = model(images)
    except Exception as error:
        raise ValueError(
            f"the model failed on a {images.dtype} batch of shape {shape} on {images.device}: "
            f"{type(error).__name__}: {error}; {advice(model, images, error)}"
        ) from error
    wanted = f"({shape[0]}, classes ≥ 2)" if classes is None else f"({shape[0]}, {classes}), as before"
    if isinstance(logits, nn.Module):
        raise ValueError(
            f"the model returned a network, a {type(logits).__name__}: it makes models and is none; call it first, and "
            "pass what it makes"
        )
    if not isinstance(logits, Tensor):
        raise ValueError(
            f"the model must return logits (batch, classes), here {wanted}; for a batch of shape {shape} it "
            f"returned {type(logits).__name__}; {_adapter_for(logits, shape[0])}"
        )
    if logits.dtype not in FLOATS:
        raise ValueError(
            f"the model must return float logits, not {logits.dtype}; leave out the last argmax or comparison, or "
            "convert them with .float()"
        )
    if logits.layout != torch.strided or logits.device.type == "meta":
        raise ValueError(
            f"the model must return logits with values in a dense tensor, not {logits.layout} on {logits.device}; "
            "convert them with .to_dense(), and load its weights"
        )
    rows, *rest = logits.shape or (None,)
    if rows != shape[0] or len(rest) != 1 or rest[0] < 2 or rest[0] != (classes or rest[0]):
        raise ValueError(
            f"the model must return logits (batch, classes) with at least 2 classes, here {wanted}; for a batch of "
            f"shape {shape} it returned shape {tuple(logits.shape)}; {_adapter_for(logits, shape[0])}"
        )
    return logits


def _adapter_for(answer: object, images: int) -> str:
    """What makes logits of an answer for so many images, in words."""
    if isinstance(answer, Tensor) and answer.numel() == images:
        return f"if that is one number for two classes, use {ADAPTERS}.two_classes(model)"
    if isinstance(answer, np.ndarray):
        return f"use {ADAPTERS}.from_numpy(function), or from_sklearn(estimator)"
    return f"use {ADAPTERS}.logits_of(model, part=...), or wrap it in a function that returns the logits"


def check_finite(logits: Tensor, where: str) -> None:
    """Raise ``ValueError`` unless all logits are finite; ``where`` says in words for which images."""
    if not bool(logits.isfinite().all()):
        raise not_finite(where)


def not_finite(where: str) -> ValueError:
    """The error for logits that are not finite, for images that ``where`` names in words."""
    return ValueError(
        f"the model returned NaN or infinite logits {where}; check its weights, and that it accepts any finite float "
        "image, also outside [0, 1]: look for logarithms, roots and divisions in its first layers"
    )


@contextmanager
def blamed(what: str) -> Iterator[None]:
    """Any error inside, except a ``ValueError``, becomes a ``ValueError`` that names ``what`` and the error."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{what} failed: {type(error).__name__}: {error}; correct it") from error
