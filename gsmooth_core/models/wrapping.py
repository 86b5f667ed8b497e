"""What modules around a model have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Wrapper(nn.Module):
    """A module around a model, which is a submodule if it is a module, and otherwise any callable."""

    settings: Mapping[str, Any] = {}
    """What makes the wrapper again around the same model, as JSON values."""

    def __init__(self, model: Callable[..., Any]) -> None:
        """Hold ``model``."""
        super().__init__()
        self.model = model

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={value}" for name, value in self.settings.items())


def in_parts(model: Callable[[Tensor], Tensor], images: Tensor, size: int) -> Tensor:
    """The answers (batch, …) of a model that takes ``size`` images in every call; the last part is filled up."""
    missing = -len(images) % size
    filled = torch.cat([images, images[-1:].expand(missing, *images.shape[1:])]) if missing else images
    answers = []
    for part in filled.split(size):
        answer = model(part)
        if not isinstance(answer, Tensor):
            raise ValueError(
                f"batches are joined of tensors, and the model returned a {type(answer).__name__}; put logits_of "
                "inside: in_batches_of(logits_of(model), n)"
            )
        answers.append(answer.clone())  # the model may use its output's memory again
    return torch.cat(answers)[: len(images)]
