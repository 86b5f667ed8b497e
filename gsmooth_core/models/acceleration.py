"""Faster arithmetic for a model, on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


class Accelerated(nn.Module):
    """A model in another arithmetic. Certificates are for this model, not for the one inside, so deploy this one."""

    def __init__(
        self, model: nn.Module, autocast: Literal["bfloat16", "float16"] | None, channels_last: bool, compiled: bool
    ) -> None:
        """Wrap ``model``; see :func:`accelerate`."""
        super().__init__()
        self.model = model
        self.autocast, self.channels_last, self.compiled = autocast, channels_last, compiled
        self._call: list[Callable[[Tensor], Tensor]] = [torch.compile(model) if compiled else model]  # no submodule

    def forward(self, images: Tensor) -> Tensor:
        """The model's logits (batch, classes), float32, of images (batch, channel, height, width)."""
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        if self.autocast is None:
            return self._call[0](images).float()
        with torch.autocast(images.device.type, dtype=PRECISIONS[self.autocast]):
            return self._call[0](images).float()

    def extra_repr(self) -> str:
        """The settings."""
        return f"autocast={self.autocast}, channels_last={self.channels_last}, compiled={self.compiled}"


def accelerate(
    model: nn.Module,
    *,
    autocast: Literal["bfloat16", "float16"] | None = None,
    channels_last: bool = False,
    compile: bool = False,
) -> nn.Module:
    """``model`` in half precision, with channels last, or compiled, to be certified and deployed in its place.

    The report names it. On CUDA devices with tensor cores all three are usually faster; on a CPU measure first: for
    small networks none was faster in our tests. The weights are shared with the model.

    Args:
        model: from images (batch, channel, height, width) to logits.
        autocast: the precision of products and convolutions.
        channels_last: the memory format of the images, and of the model's weights from now on.
        compile: use ``torch.compile``, which takes some time at the first call with each batch size.

    >>> from gsmooth_core import accelerate, load_example_model, load_fashion_mnist
    >>> model = accelerate(load_example_model(), autocast="bfloat16")
    >>> model(load_fashion_mnist("test")[0][:2]).dtype
    torch.float32
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"only a torch module can be accelerated, not {model!r}; wrap the function in one")
    if autocast is not None and autocast not in PRECISIONS:
        raise ValueError(f"autocast is {' or '.join(map(repr, PRECISIONS))} or None, not {autocast!r}")
    if channels_last:
        model.to(memory_format=torch.channels_last)
    return Accelerated(model, autocast, channels_last, compile)
