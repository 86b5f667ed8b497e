"""Why a model failed on images, as far as a look at its weights and one more call can tell, and what to do."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

USUAL = (
    "it must take such images, also with values outside [0, 1]; if it takes batches of one size n only, use "
    "gsmooth_core.adapters.in_batches_of(model, n)"
)
"""The advice where no cause is seen."""


def advice(model: Callable[[Tensor], Tensor], images: Tensor, error: Exception) -> str:
    """What to do about a model that failed on images (batch, channel, height, width) with an error: part of a sentence.

    A module may lie on several devices, or have weights of another type than the images; others take one image at a
    time, as programs do that were exported for one.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return "where memory is short, set Budget(batch=...) (--batch)"
    weights = [*model.parameters(), *model.buffers()] if isinstance(model, nn.Module) else []
    places = sorted({str(tensor.device) for tensor in weights})
    if len(places) > 1 or (places and places != [str(images.device)]):
        return (
            f"its weights lie on {' and '.join(places)} and the images on {images.device}; move it to one device with "
            "model.to(...), or let its forward move the images"
        )
    kinds = sorted({str(tensor.dtype) for tensor in weights if tensor.is_floating_point()} - {str(images.dtype)})
    if kinds and str(error).count("type"):
        return (
            f"its weights are {' and '.join(kinds)}; make them float32 with model.float(), and for half precision use "
            "gsmooth_core.accelerate(model.float(), autocast=...)"
        )
    if len(images) > 1 and _takes(model, images[:1]):
        return "it takes one image at a time, so give it one with Budget(batch=1), or batch=1 (--batch 1)"
    if images.shape[1] == 3:
        return f"{USUAL}; for a model of grey images read them with one channel (--grey, or channels=1)"
    return USUAL


def _takes(model: Callable[[Tensor], Tensor], images: Tensor) -> bool:
    """Whether the model answers for these images."""
    try:
        model(images.clone())
    except Exception:
        return False
    return True
