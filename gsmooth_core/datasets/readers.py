"""The files of well-known data sets, and the names of all data sets."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100

from gsmooth_core.datasets.bundled import Split, check_split, load_fashion_mnist
from gsmooth_core.datasets.class_names import NamesSource
from gsmooth_core.datasets.folders import load_split
from gsmooth_core.datasets.items import collect
from gsmooth_core.datasets.pictures import Channels


def load_idx_images(folder: str | Path, split: Split) -> tuple[Tensor, Tensor]:
    """MNIST or Fashion-MNIST from the idx files in a folder, as they are published, plain or with ``.gz``.

    Returns float32 images (count, 1, height, width) in [0, 1], 28 × 28 for these sets, and int64 labels (count,).
    ``ValueError`` if a file is missing or damaged.
    """
    check_split(split)
    prefix = "train" if split == "train" else "t10k"
    images = _read_idx(Path(folder) / f"{prefix}-images-idx3-ubyte", dimensions=3)
    labels = _read_idx(Path(folder) / f"{prefix}-labels-idx1-ubyte", dimensions=1)
    if len(images) != len(labels):
        raise ValueError(
            f"{str(folder)!r} has {len(images):,} images but {len(labels):,} labels for {split!r}; "
            "take both files from one data set"
        )
    return images.float().div(255).unsqueeze(1), labels.long()


def _read_idx(path: Path, dimensions: int) -> Tensor:
    """The bytes of an idx file, uint8, in the shape that its header gives."""
    packed = path.with_name(f"{path.name}.gz")
    try:
        content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    except FileNotFoundError as error:
        raise ValueError(
            f"there is neither {str(path)!r} nor the same with .gz; put the four files of the data set there"
        ) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{str(packed)!r} is damaged: {error}; download it again") from error
    magic = bytes((0, 0, 8, dimensions))
    if content[:4] != magic:
        raise ValueError(
            f"{str(path)!r} is no idx file of bytes in {dimensions} dimensions: it starts with {content[:4].hex()}, "
            f"not {magic.hex()}; download it again"
        )
    header = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if len(content) != header + math.prod(shape):
        raise ValueError(
            f"{str(path)!r} has {len(content):,} bytes, but its header promises {header + math.prod(shape):,} "
            f"(shape {shape}); download it again"
        )
    return torch.tensor(np.frombuffer(content, dtype=np.uint8, offset=header)).reshape(shape)


def load_cifar(folder: str | Path, split: Split, classes: Literal[10, 100] = 10) -> tuple[Tensor, Tensor]:
    """CIFAR-10 or CIFAR-100 (Krizhevsky 2009), from the folder of ``cifar-10-batches-py`` or ``cifar-100-python``.

    Returns float32 images (count, 3, 32, 32) in [0, 1] and int64 labels (count,), of the 100 fine classes in CIFAR-100.
    The files are pickles. They are opened only if their checksums are the published ones; otherwise ``ValueError``.
    """
    check_split(split)
    if classes not in (10, 100):
        raise ValueError(f"there are CIFAR-10 and CIFAR-100, not a CIFAR with {classes!r} classes; give 10 or 100")
    kind = CIFAR10 if classes == 10 else CIFAR100
    try:
        data = kind(str(folder), train=split == "train", download=False)
    except RuntimeError as error:
        raise ValueError(
            f"{str(folder)!r} holds no {kind.base_folder!r} with the published files of CIFAR-{classes}; "
            f"download {kind.url} and unpack it there"
        ) from error
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous().float().div_(255)
    return images, torch.tensor(data.targets, dtype=torch.int64)


def _folder_images(
    path: str | Path, split: Split, channels: Channels, size: int | tuple[int, int] | None, names: NamesSource | None
) -> tuple[Tensor, Tensor]:
    """The images (count, channels, height, width) and labels (count,) of the image folder ``path/split``."""
    folder = load_split(path, split, channels, size=size, names=names)
    if not folder.targets:
        raise ValueError(
            f"{str(folder.root)!r} has no class folders, so its images have no labels; make one folder of images per "
            "class, or use load_image_folder"
        )
    images, labels = collect(folder, range(len(folder)))
    return images, torch.tensor(labels, dtype=torch.int64)


_READERS: dict[str, Callable[[str, Split], tuple[Tensor, Tensor]]] = {
    "idx": load_idx_images,
    "cifar10": load_cifar,
    "cifar100": partial(load_cifar, classes=100),
}
FOLDERS: dict[str, Channels] = {"folder": 3, "greyfolder": 1}
"""The names of folders with splits, and the channels in which they are read."""


def load_images(
    source: str,
    split: Split,
    *,
    size: int | tuple[int, int] | None = None,
    names: NamesSource | None = None,
) -> tuple[Tensor, Tensor]:
    """The images and labels of the data set that ``source`` names.

    ``source`` is ``"fashion-mnist"`` (:func:`load_fashion_mnist`), ``"idx:folder"`` (:func:`load_idx_images`),
    ``"cifar10:folder"`` or ``"cifar100:folder"`` (:func:`load_cifar`), or ``"folder:path"`` or ``"greyfolder:path"``
    (:func:`load_image_folder` of ``path/train`` or ``path/test``, in colour or grey; classes are numbered as in
    ``path/train``). Folders take ``size`` and ``names``. Returns float32 images (count, channel, height, width) in
    [0, 1] and int64 labels (count,). ``ValueError`` for any other name.

    >>> load_images("fashion-mnist", "train")[0].shape
    torch.Size([4000, 1, 28, 28])
    """
    check_split(split)
    kind, _, folder = source.partition(":")
    if kind in FOLDERS and folder:
        return _folder_images(folder, split, FOLDERS[kind], size, names)
    if size is not None or names is not None:
        instead = (
            f"name it folder:{source}, with folders train and test in it" if Path(source).is_dir() else "leave them out"
        )
        raise ValueError(f"size and names are for folders of image files, not for {source!r}; {instead}")
    if source == "fashion-mnist":
        return load_fashion_mnist(split)
    if kind not in _READERS or not folder:
        raise ValueError(
            f"there are no images called {source!r}; name 'fashion-mnist', 'idx:folder', 'cifar10:folder', "
            "'cifar100:folder', 'folder:path' or 'greyfolder:path'"
        )
    return _READERS[kind](folder, split)


def mask_circle(images: Tensor) -> Tensor:
    """Images (batch, channel, height, width), black outside the inscribed circle.

    For comparisons with TSS (Li et al. 2021), which masks its images before it rotates them. A pixel stays if its
    centre lies in the circle.

    >>> mask_circle(torch.ones(1, 1, 4, 4))[0, 0, 0]
    tensor([0., 1., 1., 0.])
    """
    height, width = images.shape[-2:]
    rows, columns = (torch.arange(size, device=images.device) - (size - 1) / 2 for size in (height, width))
    return images * (rows[:, None].square() + columns.square() <= (min(height, width) / 2) ** 2)
