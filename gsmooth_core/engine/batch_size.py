"""How many images the model is given at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gsmooth_core.engine.draws import BLOCK
from gsmooth_core.models.logits import logits_of

ACTIVATION_CHANNELS = 64
"""For a function, whose layers cannot be watched: its assumed largest activation, in channels of the image's size."""

ACTIVATION_BYTES = {"cpu": 4 * 2**20, "cuda": 2**30}
"""The largest activation of a batch should stay below this: on the CPU, in the caches; elsewhere, in memory."""

LARGEST_KEPT = 31 * 2**20
"""The largest block of memory that Linux' C library can be made to keep, instead of requesting it again each time."""

FEW = 8
"""The smallest batch, if its largest activation fits into memory that is kept."""


def choose_batch(model: Callable[[Tensor], Tensor], image: Tensor) -> int:
    """A batch size, from 1 to 10,000, for images like this one (channel, height, width), by the largest activation.

    For a module, the layers' outputs for one image are watched; for a function or a scripted module, their size is an
    assumption.
    ``ValueError`` if the model fails on that image.
    """
    seen: list[int] = []

    def watch(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen.append(output.numel() * output.element_size())

    layers = list(model.modules()) if isinstance(model, nn.Module) else []
    if layers and not any(isinstance(layer, torch.jit.ScriptModule) for layer in layers):
        hooks = [layer.register_forward_hook(watch) for layer in layers]
        try:
            logits_of(model, image[None].clone())
        finally:
            for hook in hooks:
                hook.remove()
    guess = ACTIVATION_CHANNELS * 4 * image.shape[-2] * image.shape[-1]
    largest = max(4 * image.numel(), *seen) if len(seen) > 1 else guess  # a compiled module shows only its result
    limit = ACTIVATION_BYTES.get(image.device.type, ACTIVATION_BYTES["cpu"])
    most = max(1, min(FEW, LARGEST_KEPT // largest), min(10_000, limit // largest))
    if 0.9 * BLOCK / 2 <= most < BLOCK:
        return BLOCK // 2
    return most // BLOCK * BLOCK or most  # whole and half blocks do not have to be joined
