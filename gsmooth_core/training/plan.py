"""What is trained, and how long: the input of the training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from gsmooth_core.common.seeds import generator_of, seed_of
from gsmooth_core.common.validators import check_whole
from gsmooth_core.datasets.checks import check_classes, check_images, check_labels
from gsmooth_core.datasets.items import collect

ORDER, STEP, DROPOUT, ITEMS = range(4)
"""Purposes of random numbers, the first part of a key."""

LARGEST_RATE = 1e3
"""No learning rate reaches this."""


class Objective(nn.Module, ABC):
    """Networks in training, and the loss of a batch.

    All random numbers come from the generator that :meth:`forward` gets, except a network's own, such as dropout's.
    """

    classes: int | None = None
    """How many classes the labels may name; ``None`` if labels are ignored."""

    @abstractmethod
    def forward(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """The mean loss, (), of images (batch, channel, height, width) in [0, 1] with labels (batch,)."""


def _positive(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 < value < LARGEST_RATE:
        raise ValueError(
            f"{attribute.name} must be above 0 and below {LARGEST_RATE:g}, not {value}; 1e-3 is a good start"
        )


@attrs.frozen
class Plan:
    """How long and how fast to train, and where to keep checkpoints.

    Random numbers are keyed by (seed, purpose, number), so a stopped training continues as if it had not been stopped.
    """

    epochs: int
    batch: int
    learning_rate: float = attrs.field(validator=_positive)
    weight_decay: float = 0.0
    seed: int = 0
    patience: int | None = None
    """Stop after this number of epochs without a lower mean loss."""
    out: Path | None = attrs.field(default=None, converter=attrs.converters.optional(Path))
    """The folder of checkpoints, from which a stopped training continues."""
    trainer: Mapping[str, Any] = attrs.field(factory=dict)
    """Options of Lightning's Trainer, such as ``precision``, ``devices``, ``num_nodes``, ``strategy``."""

    def __attrs_post_init__(self) -> None:
        for name in ("epochs", "batch", "patience"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least=1)
        check_whole("seed", self.seed, least=0)

    def steps(self, images: int, processes: int = 1) -> int:
        """The steps of an epoch over ``images`` images."""
        return len(_parts(-(-images // processes), self.batch))

    def order(self, images: int, epoch: int, process: int = 0, processes: int = 1) -> list[list[int]]:
        """The batches of an epoch, as lists of places, for one of several processes, which all get equally many.

        A last batch of one image is added to the one before it, because batch normalisation needs more than one.

        >>> [sorted(part) for part in Plan(epochs=1, batch=2, learning_rate=0.1).order(images=3, epoch=0)]
        [[0, 1, 2]]
        """
        whole = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(ORDER, epoch))).permutation(images)
        own = np.resize(whole, -(-images // processes) * processes)[process::processes]
        return [own[start:stop].tolist() for start, stop in _parts(len(own), self.batch)]

    def generator(self, device: torch.device, step: int, process: int = 0) -> torch.Generator:
        """The generator of a step, on the device."""
        return generator_of(self.seed, ("training", STEP, step, process), device)

    def seed_for(self, *key: int) -> int:
        """A seed for a key: what it is for, and numbers."""
        return seed_of(self.seed, ("training", *key))


def _parts(count: int, batch: int) -> list[tuple[int, int]]:
    ends = [*range(batch, count, batch), count]
    if len(ends) > 1 and ends[-1] - ends[-2] == 1:
        del ends[-2]
    return list(zip([0, *ends], ends, strict=False))


def training_data(
    images: Tensor | Dataset[Any] | None,
    labels: Tensor | Sequence[int] | None,
    dataset: Dataset[Any] | None = None,
) -> Dataset[Any]:
    """Checked images with labels, or the dataset itself; ``ValueError`` if they do not fit.

    A dataset may also stand in the place of images. Without labels, all are 0. A dataset's items are checked when they
    are used, except those of a ``TensorDataset``.
    """
    if images is not None and dataset is not None:
        raise ValueError("both images and dataset were given; pass one of them")
    given = dataset if images is None else images
    if given is None:
        raise ValueError("no images were given; pass images and labels, or dataset=")
    if type(given) is TensorDataset and labels is None and len(given.tensors) == 2:
        given, labels = given.tensors
    if isinstance(given, Tensor):
        checked = check_images(given).float()
        whole = [0] * len(checked) if labels is None else check_labels(labels, len(checked))
        return TensorDataset(checked, torch.tensor(whole))
    if labels is not None:
        raise ValueError("labels were given beside a dataset, which has its own; leave them out, or pass images")
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")):
        raise ValueError(f"training needs images or a dataset with a length, not {type(given).__name__}")
    if len(given) == 0:
        raise ValueError("the dataset is empty; pass at least one image")
    return given


def first_images(data: Dataset[Any] | Sequence[Any], count: int) -> tuple[Tensor, list[Any] | None]:
    """The first images of a dataset (count, channel, height, width), checked, and their labels unchanged, if any."""
    return collect(data, range(min(count, len(data))))  # type: ignore[arg-type]


def checked_batch(items: list[Any], classes: int | None) -> tuple[Tensor, Tensor]:
    """Items (image, label) as images (batch, channel, height, width) and labels (batch,), 0 where ``classes`` is none.

    ``ValueError`` for images outside [0, 1] or not finite, and for labels that the model has no class for.
    """
    images, labels = first_images(items, len(items))
    if classes is None:
        return images.float(), torch.zeros(len(images), dtype=torch.int64)
    whole = check_labels(known(labels), len(images))
    check_classes(whole, classes)
    return images.float(), torch.tensor(whole)


def known(labels: list[Any] | None) -> list[Any]:
    """The labels of a dataset's items; ``ValueError`` if it has none."""
    if labels is None:
        raise ValueError(
            "a classifier learns from labels, but the dataset gives images without labels; pass pairs (image, label)"
        )
    return labels
