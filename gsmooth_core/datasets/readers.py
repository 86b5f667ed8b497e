"""Images that come with the package, images in folders, and the files of well-known data sets."""

from __future__ import annotations

import gzip
import math
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100, ImageFolder
from torchvision.transforms import Compose, Grayscale, ToTensor

Split = Literal["train", "test"]


def load_fashion_mnist(split: Split = "test") -> tuple[Tensor, Tensor]:
    """A class-balanced part of Fashion-MNIST (Xiao et al. 2017, MIT licence): 4,000 training or 1,000 test images.

    Returns float32 images (count, 1, 28, 28) in [0, 1] and int64 labels (count,), shuffled, so that any prefix is
    nearly balanced. The images of each split are from the original's split of that name.

    >>> images, labels = load_fashion_mnist("test")
    >>> images.shape, labels.bincount().tolist()
    (torch.Size([1000, 1, 28, 28]), [100, 100, 100, 100, 100, 100, 100, 100, 100, 100])
    """
    _check_split(split)
    with (files("gsmooth_core") / "data" / "fashion_mnist.npz").open("rb") as file, np.load(file) as arrays:
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    return torch.from_numpy(images).float().div(255).unsqueeze(1), torch.from_numpy(labels).long()


def load_idx_images(folder: str | Path, split: Split) -> tuple[Tensor, Tensor]:
    """MNIST or Fashion-MNIST from the idx files in a folder, as they are published, plain or with ``.gz``.

    Returns float32 images (count, 1, height, width) in [0, 1], 28 × 28 for these sets, and int64 labels (count,).
    ``ValueError`` if a file is missing or damaged.
    """
    _check_split(split)
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
    _check_split(split)
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


def load_image_folder(path: str | Path, channels: Literal[1, 3] = 3) -> ImageFolder:
    """Images of one size in one folder per class (``path/class/image.png``), as a dataset of (image, label).

    Images are float32 (channels, height, width) in [0, 1]; classes are numbered in alphabetical order. The images are
    ordered so that the classes take turns, and the first images are not all of the first class.
    """
    if not Path(path).is_dir():
        raise ValueError(f"there is no folder {str(path)!r}; give one that holds a folder of images per class")
    steps = [ToTensor()] if channels == 3 else [Grayscale(), ToTensor()]
    try:
        folder = ImageFolder(str(path), transform=Compose(steps))
    except FileNotFoundError as error:
        raise ValueError(f"{str(path)!r} is no image folder: {error}; make one folder of images per class") from error
    places: Counter[int] = Counter()
    turns = []
    for file, label in folder.samples:
        turns.append((places[label], label, file))
        places[label] += 1
    folder.samples = folder.imgs = [(file, label) for _, label, file in sorted(turns)]
    folder.targets = [label for _, label in folder.samples]
    return folder


def _folder_images(path: str | Path, split: Split, channels: Literal[1, 3]) -> tuple[Tensor, Tensor]:
    """The images (count, channels, height, width) and labels (count,) of the image folder ``path/split``."""
    try:
        images, labels = zip(*load_image_folder(Path(path) / split, channels), strict=True)
    except OSError as error:
        raise ValueError(f"an image in {str(path)!r} cannot be read: {error}; replace or remove it") from error
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise ValueError(f"the images in {str(path)!r} differ in shape ({sorted(shapes)[:3]} …); resize them to one")
    return torch.stack(images), torch.tensor(labels, dtype=torch.int64)


_READERS: dict[str, Callable[[str, Split], tuple[Tensor, Tensor]]] = {
    "idx": load_idx_images,
    "cifar10": load_cifar,
    "cifar100": partial(load_cifar, classes=100),
    "folder": partial(_folder_images, channels=3),
    "greyfolder": partial(_folder_images, channels=1),
}


def load_images(source: str, split: Split) -> tuple[Tensor, Tensor]:
    """The images and labels of the data set that ``source`` names.

    ``source`` is ``"fashion-mnist"`` (:func:`load_fashion_mnist`), ``"idx:folder"`` (:func:`load_idx_images`),
    ``"cifar10:folder"`` or ``"cifar100:folder"`` (:func:`load_cifar`), or ``"folder:path"`` or ``"greyfolder:path"``
    (:func:`load_image_folder` of ``path/train`` or ``path/test``, in colour or grey). Returns float32 images
    (count, channel, height, width) in [0, 1] and int64 labels (count,). ``ValueError`` for any other name.

    >>> load_images("fashion-mnist", "train")[0].shape
    torch.Size([4000, 1, 28, 28])
    """
    _check_split(split)
    kind, _, folder = source.partition(":")
    if source == "fashion-mnist":
        return load_fashion_mnist(split)
    if kind not in _READERS or not folder:
        raise ValueError(
            f"there are no images called {source!r}; name 'fashion-mnist', 'idx:folder', 'cifar10:folder', "
            "'cifar100:folder', 'folder:path' or 'greyfolder:path'"
        )
    return _READERS[kind](folder, split)


def _check_split(split: str) -> None:
    if split not in ("train", "test"):
        raise ValueError(f"the split is 'train' or 'test', not {split!r}")


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
