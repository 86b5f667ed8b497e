"""Checks of arguments while the command line is read, before torch is imported; ``ValueError`` for what cannot work.

Each takes the argument's type, which cyclopts passes, and its value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gsmooth_core.common.files import check_writable
from gsmooth_core.plugins.installed import check_installed

FOLDERS = ("idx", "cifar10", "cifar100", "folder", "greyfolder")
"""The kinds of images that stand before a folder, with a colon, in ``--data``."""
BUNDLED = "fashion-mnist"
"""The images that need no folder."""


def installed(_: Any, name: str | None) -> None:
    """One installed plugin provides this corruption; whether it has the variant is found later."""
    if name is not None:
        check_installed(name)


def writable(_: Any, path: Path | None) -> None:
    """A file can be written there."""
    if path is not None:
        check_writable(path, "result")


def readable(_: Any, path: Path | None) -> None:
    """There is such a file."""
    if path is not None and not path.is_file():
        raise ValueError(f"there is no file {str(path)!r}; check the path")


def existing(_: Any, path: Path) -> None:
    """There is such a file or folder."""
    if not path.is_dir():
        readable(_, path)


def readable_model(_: Any, name: str) -> None:
    """A model that is a file is there; a name with braces is that of several."""
    if name.endswith((".safetensors", ".onnx", ".pt2")) and "{" not in name:
        readable(_, Path(name))


def readable_images(_: Any, name: str | None) -> None:
    """The folder of a kind of images is there."""
    kind, colon, folder = (name or "").partition(":")
    if colon and kind in FOLDERS and not Path(folder).is_dir():
        raise ValueError(f"there is no folder {folder!r}; check the path after '{kind}:' in --data")


def readable_folder(_: Any, name: str | None) -> None:
    """The folder of images, with its kind before it or alone, is there."""
    readable_images(_, name)
    if name is not None and ":" not in name and name != BUNDLED and not Path(name).is_dir():
        raise ValueError(f"there is no folder {name!r}; name one that holds images, or a folder of images per class")
