"""The published files of CIFAR-10-C, read unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsmooth_core.benchmark.common_corruptions import check_severity
from gsmooth_core.benchmark.severities import LEVELS

TEST_IMAGES = 10_000
"""The number of images in each severity's block of the files of CIFAR-10-C."""


def load_cifar10c(folder: str | Path, name: str, severity: int) -> tuple[Tensor, Tensor]:
    """The published images of CIFAR-10-C under one corruption at one severity, and their labels.

    ``folder`` holds ``{name}.npy``, 50,000 × 32 × 32 × 3 bytes of which each severity has 10,000 in the order of
    CIFAR-10's test split, and ``labels.npy``. Returns float32 images (10000, 3, 32, 32) in [0, 1] and int64 labels
    (10000,). ``ValueError`` if a file is missing or has another content.
    """
    severity = check_severity(severity)
    images = floats_of(block_of(folder, name, severity))
    return images, torch.from_numpy(labels_of(folder, severity).astype(np.int64))


def block_of(folder: str | Path, name: str, severity: int) -> np.ndarray:
    """The images of one severity, uint8 (10000, 32, 32, 3), which are read only when they are used."""
    path = Path(folder) / f"{name}.npy"
    images = _opened(path)
    if images.shape != (LEVELS * TEST_IMAGES, 32, 32, 3) or images.dtype != np.uint8:
        raise ValueError(
            f"{str(path)!r} holds {images.dtype} of shape {images.shape}, not uint8 of shape "
            f"{(LEVELS * TEST_IMAGES, 32, 32, 3)}; take the file of CIFAR-10-C"
        )
    return images[(severity - 1) * TEST_IMAGES : severity * TEST_IMAGES]


def labels_of(folder: str | Path, severity: int) -> np.ndarray:
    """The labels of one severity's images, whole numbers (10000,)."""
    path = Path(folder) / "labels.npy"
    labels = _opened(path)
    if labels.shape != (LEVELS * TEST_IMAGES,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{str(path)!r} holds {labels.dtype} of shape {labels.shape}, not {LEVELS * TEST_IMAGES:,} whole numbers; "
            "take the file of CIFAR-10-C"
        )
    return labels[(severity - 1) * TEST_IMAGES : severity * TEST_IMAGES]


def _opened(path: Path) -> np.ndarray:
    """The array of a .npy file, left on the disk; pickles are refused."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise ValueError(
            f"there is no {str(path)!r}; unpack CIFAR-10-C.tar (https://zenodo.org/records/2535967) and name the "
            "folder with its .npy files"
        ) from error
    except (ValueError, EOFError) as error:
        raise ValueError(f"{str(path)!r} is no file of numbers: {error}; take the file of CIFAR-10-C") from error
    return array


def floats_of(block: np.ndarray) -> Tensor:
    """uint8 images (batch, height, width, channel) as float32 in [0, 1], (batch, channel, height, width)."""
    return torch.from_numpy(block.transpose(0, 3, 1, 2).copy()).float() / 255
