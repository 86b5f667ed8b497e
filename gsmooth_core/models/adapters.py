"""Models in other shapes, as modules from images (batch, channel, height, width) to logits (batch, classes).

Each adapter holds the model that it adapts. A module inside moves, trains and is hashed with the adapter, and gradients
pass through it. A certificate is about the adapter: deploy that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from gsmooth_core.common.notices import notify
from gsmooth_core.common.validators import check_whole
from gsmooth_core.models.foreign import from_exported, from_numpy, from_onnx, from_sklearn
from gsmooth_core.models.kinds import check_kind
from gsmooth_core.models.wrapping import Wrapper, in_parts

__all__ = [
    "IMAGENET",
    "from_exported",
    "from_numpy",
    "from_onnx",
    "from_sklearn",
    "in_batches_of",
    "logits_of",
    "two_classes",
]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The mean and the standard deviation of most networks that were trained on ImageNet, for :func:`normalized`."""


class Normalized(Wrapper):
    """A model behind ``(images - mean) / std``; see :func:`normalized`."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: Callable[[Tensor], Tensor], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        """Normalise in front of ``model``."""
        super().__init__(model)
        self.settings = {"mean": list(mean), "std": list(std)}
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(-1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """The model's answer for normalised images."""
        if len(self.mean) not in (1, images.shape[1]):
            raise ValueError(f"mean and std are for {len(self.mean)} channels, and the images have {images.shape[1]}")
        answer: Tensor = self.model((images - self.mean) / self.std)
        return answer


def normalized(
    model: Callable[[Tensor], Tensor], mean: float | Iterable[float], std: float | Iterable[float]
) -> Normalized:
    """``model`` behind ``(images - mean) / std``, for a model that was trained on such images.

    ``mean`` and ``std`` are in the scale of images in [0, 1]: a number, or one for each channel. For a network that
    takes ``(255 x - 127) / 128`` they are ``127 / 255`` and ``128 / 255``; for one that takes 0..255 they are 0 and
    ``1 / 255``.
    ``ValueError`` unless they are finite, the stds are positive, and there are as many of each.

    >>> from gsmooth_core import adapters, normalized
    >>> normalized(lambda images: images.mean(dim=(2, 3)), 0.5, 0.25)(torch.ones(1, 3, 4, 4))
    tensor([[2., 2., 2.]])
    >>> normalized(torch.nn.Identity(), *adapters.IMAGENET)
    Normalized(
      mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
      (model): Identity()
    )
    """
    check_kind(model)
    means, stds = _numbers("mean", mean), _numbers("std", std)
    if not all(value > 0 for value in stds):
        raise ValueError(f"std must be positive, not {std!r}; it divides the images, and 1 changes nothing")
    if max(map(abs, means)) > 1:
        notify(
            f"a mean of {max(means):g} is not that of images in [0, 1]; if it is for images from 0 to 255, divide mean "
            "and std by 255"
        )
    if len(means) != len(stds):
        width = max(len(means), len(stds))
        if min(len(means), len(stds)) != 1:
            raise ValueError(f"there are {len(means)} means and {len(stds)} stds; give one of each, or one per channel")
        means, stds = (values * width if len(values) == 1 else values for values in (means, stds))
    return Normalized(model, means, stds)


class LogitsOf(Wrapper):
    """The logits in a model's answer; see :func:`logits_of`."""

    def __init__(self, model: Callable[[Tensor], Any], part: str | int | None) -> None:
        """Take ``part`` of what ``model`` returns."""
        super().__init__(model)
        self.settings = {"part": part}

    def forward(self, images: Tensor) -> Tensor:
        """The logits (batch, classes)."""
        logits = _part_of(self.model(images), self.settings["part"])
        if set(logits.shape[2:]) == {1}:
            return logits.flatten(1)
        return logits


def logits_of(model: Callable[[Tensor], Any], part: str | int | None = None) -> LogitsOf:
    """``model``, of which the answer holds the logits: an object of Hugging Face, a tuple, a list or a dict.

    ``part`` is the attribute or the key that holds them, or their place in a tuple. Without it, they are the attribute
    or key "logits", or else the first item of a tuple. Logits (batch, classes, 1, 1) become (batch, classes).

    >>> from gsmooth_core import adapters
    >>> def two_heads(images):
    ...     return {"digits": images.flatten(1)[:, :10], "parity": images.flatten(1)[:, :2]}
    >>> adapters.logits_of(two_heads, part="digits")(torch.rand(4, 1, 28, 28)).shape
    torch.Size([4, 10])
    """
    check_kind(model)
    if isinstance(part, bool) or not isinstance(part, str | int | None):
        raise ValueError(f"part is the name of an attribute or a key, or a place in a tuple, not {part!r}")
    return LogitsOf(model, part)


class TwoClasses(Wrapper):
    """A model of one number per image as a model of two classes; see :func:`two_classes`."""

    def __init__(self, model: Callable[[Tensor], Tensor], threshold: float) -> None:
        """Compare what ``model`` returns with ``threshold``."""
        super().__init__(model)
        self.settings = {"threshold": threshold}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 2): the threshold, and the model's number."""
        number = self.model(images)
        if number.numel() != len(images):
            raise ValueError(
                f"two_classes takes one number per image, and the model returned shape {tuple(number.shape)}"
            )
        number = number.reshape(-1)
        return torch.stack([torch.full_like(number, self.settings["threshold"]), number], dim=1)


def two_classes(model: Callable[[Tensor], Tensor], threshold: float = 0.0) -> TwoClasses:
    """``model``, which returns one number per image, (batch,) or (batch, 1), as a model of two classes.

    An image is of class 1 if its number is larger than ``threshold``, and otherwise of class 0: the logits are
    (threshold, number). The number is a logit, as for ``binary_cross_entropy_with_logits``, with threshold 0; for a
    model that ends in a sigmoid, give ``threshold=0.5``.

    >>> from gsmooth_core import adapters
    >>> adapters.two_classes(lambda images: images.mean(dim=(1, 2, 3)) - 0.5)(torch.ones(1, 1, 2, 2))
    tensor([[0.0000, 0.5000]])
    """
    check_kind(model)
    [value] = _numbers("threshold", threshold)
    return TwoClasses(model, value)


class InBatchesOf(Wrapper):
    """A model that takes batches of one size; see :func:`in_batches_of`."""

    def __init__(self, model: Callable[[Tensor], Tensor], size: int) -> None:
        """Give ``model`` batches of ``size``."""
        super().__init__(model)
        self.settings = {"n": size}

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of any number of images."""
        return in_parts(self.model, images, self.settings["n"])


def in_batches_of(model: Callable[[Tensor], Tensor], n: int) -> InBatchesOf:
    """``model``, which takes ``n`` images in every call, as a model of any number of images.

    The last batch is filled with copies of its last image, of which the answers are left out.

    >>> from gsmooth_core import adapters
    >>> network = torch.jit.trace(lambda images: images.reshape(2, 4), torch.rand(2, 1, 2, 2))
    >>> adapters.in_batches_of(network, 2)(torch.rand(5, 1, 2, 2)).shape
    torch.Size([5, 4])
    """
    check_kind(model)
    return InBatchesOf(model, check_whole("n", n, least=1))


LAYERS: dict[str, Callable[..., Wrapper]] = {
    "Normalized": normalized,
    "LogitsOf": logits_of,
    "TwoClasses": two_classes,
    "InBatchesOf": in_batches_of,
}
"""What makes an adapter around a model again, from its settings, by its class."""


def _numbers(name: str, value: object) -> tuple[float, ...]:
    """A number, or several, of any library as floats; ``ValueError`` unless all are finite."""
    try:
        listed = value.tolist() if hasattr(value, "tolist") else value
        several = tuple(listed) if isinstance(listed, Iterable) and not isinstance(listed, str) else (listed,)
        numbers = tuple(float(one) for one in several)
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not all(map(math.isfinite, numbers)) or isinstance(value, str):
        raise ValueError(f"{name} must be a finite number, or one for each channel, not {value!r}")
    return numbers


def _part_of(answer: Any, part: str | int | None) -> Tensor:
    """The tensor that an answer holds; ``ValueError``, with what there is, if it does not."""
    if part is None:
        part = _usual_part(answer)
    try:
        held = answer if part is None else getattr(answer, str(part)) if _is_attribute(answer, part) else answer[part]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"the answer has no part {part!r}; it has {_parts(answer)}") from error
    if not isinstance(held, Tensor):
        raise ValueError(f"the part {part!r} is a {type(held).__name__}, not a tensor; name another: {_parts(answer)}")
    return held


def _usual_part(answer: Any) -> str | int | None:
    if _is_attribute(answer, "logits") or (isinstance(answer, Mapping) and "logits" in answer):
        return "logits"
    return 0 if isinstance(answer, tuple | list) and answer else None


def _is_attribute(answer: Any, part: str | int) -> bool:
    mapping = isinstance(answer, Mapping) and part in answer
    return isinstance(part, str) and not mapping and hasattr(answer, part)


def _parts(answer: Any) -> str:
    if isinstance(answer, Mapping):
        return f"the keys {', '.join(map(repr, answer))}"
    if isinstance(answer, tuple | list):
        return f"the places 0 to {len(answer) - 1}"
    names = sorted(getattr(answer, "__dict__", {}))
    return f"the attributes {', '.join(names)}" if names else f"none: it is a {type(answer).__name__}"
