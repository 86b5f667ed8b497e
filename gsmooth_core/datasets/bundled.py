"""The images that come with the package."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Split = Literal["train", "test"]


def load_fashion_mnist(split: Split = "test") -> tuple[Tensor, Tensor]:
    """A class-balanced part of Fashion-MNIST (Xiao et al. 2017, MIT licence): 4,000 training or 1,000 test images.

    Returns float32 images (count, 1, 28, 28) in [0, 1] and int64 labels (count,), shuffled, so that any prefix is
    nearly balanced. The images of each split are from the original's split of that name.

    >>> images, labels = load_fashion_mnist("test")
    >>> images.shape, labels.bincount().tolist()
    (torch.Size([1000, 1, 28, 28]), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    check_split(split)
    with (files("gsmooth_core") / "data" / "fashion_mnist.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    return torch.from_numpy(images).float().div(255).unsqueeze(1), torch.from_numpy(labels).long()


def check_split(split: str) -> None:
    """Raise ``ValueError`` unless the split is one of the two."""
    if split not in ("train", "test"):
        raise ValueError(f"the split is 'train' or 'test', not {split!r}")
