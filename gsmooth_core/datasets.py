"""Images that come with the package, and images in folders."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import ImageFolder
from torchvision.transforms import Compose, Grayscale, ToTensor


def fashion_mnist(split: Literal["train", "test"] = "test") -> tuple[Tensor, Tensor]:
    """A class-balanced part of Fashion-MNIST (Xiao et al. 2017, MIT licence): 4,000 training or 1,000 test images.

    Returns float32 images (count, 1, 28, 28) in [0, 1] and int64 labels (count,), shuffled: any prefix is nearly
    balanced. The split is by the original's own.

    >>> images, labels = fashion_mnist("test")
    >>> images.shape, labels.bincount().tolist()
    (torch.Size([1000, 1, 28, 28]), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    if split not in ("train", "test"):
        raise ValueError(f"the split is 'train' or 'test', not {split!r}")
    with (files("gsmooth_core") / "data" / "fashion_mnist.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    return torch.from_numpy(images).float().div(255).unsqueeze(1), torch.from_numpy(labels).long()


def image_folder(path: str | Path, channels: Literal[1, 3] = 3) -> ImageFolder:
    """Images of one size in one folder per class (``path/class/image.png``), as a dataset of (image, label).

    Images come as float32 (channels, height, width) in [0, 1]; classes are numbered in alphabetical order.
    """
    if not Path(path).is_dir():
        raise ValueError(f"there is no folder {str(path)!r}; give one that holds a folder of images per class")
    steps = [ToTensor()] if channels == 3 else [Grayscale(), ToTensor()]
    try:
        return ImageFolder(str(path), transform=Compose(steps))
    except FileNotFoundError as error:
        raise ValueError(f"{str(path)!r} is no image folder: {error}; make one folder of images per class") from error


def circle_mask(images: Tensor) -> Tensor:
    """Images (batch, channel, height, width), black outside the inscribed circle.

    For comparisons with TSS (Li et al. 2021), which masks its images before it rotates them. A pixel stays if its
    centre lies in the circle.

    >>> circle_mask(torch.ones(1, 1, 4, 4))[0, 0, 0]
    tensor([0., 1., 1., 0.])
    """
    height, width = images.shape[-2:]
    rows, columns = (torch.arange(size, device=images.device) - (size - 1) / 2 for size in (height, width))
    return images * (rows[:, None].square() + columns.square() <= (min(height, width) / 2) ** 2)
