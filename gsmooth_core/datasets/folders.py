"""Folders of image files as datasets: with one folder per class, or without classes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

from torch import Tensor
from torch.utils.data import Dataset
from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset

from gsmooth_core.common.validators import check_whole
from gsmooth_core.datasets.bundled import Split
from gsmooth_core.datasets.class_names import (
    ClassNames,
    NamesSource,
    class_names,
    in_natural_order,
    numbered,
)
from gsmooth_core.datasets.pictures import Channels, read_picture

EXTENSIONS = (*IMG_EXTENSIONS, ".avif", ".gif", ".heic", ".heif", ".jfif", ".jp2")
"""The endings of files that are taken for images, those included that are refused when they are read."""
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
"""What folders are called that hold splits of a data set and not its classes."""


class PictureFolder(Dataset[Any]):
    """The images of a folder, read when they are used: items are (image, label), or images where there are no classes.

    ``files`` are the images' paths and ``targets`` their labels (none without classes). ``classes`` names the model's
    classes, as far as they are known, and ``class_to_idx`` says which of them each folder is.
    """

    def __init__(
        self, root: Path, channels: Channels, size: tuple[int, int] | None, names: ClassNames | None, labelled: bool
    ) -> None:
        self.root, self.channels, self.size = root, channels, size
        self.class_to_idx: dict[str, int] = {}
        self.files: list[str] = []
        self.targets: list[int] = []
        if labelled:
            folders = class_folders_in(root)
            names = names or numbered(folders, root)
            self.class_to_idx = {folder: names.index_of(folder) for folder in folders}
            for file, label in _in_turn(_labelled_files(root, self.class_to_idx)):
                self.files.append(file)
                self.targets.append(label)
        else:
            self.files = [str(root / name) for name in in_natural_order(_images_in(root))]
        self.classes = [] if names is None else list(names.shown)

    @property
    def samples(self) -> list[tuple[str, int]]:
        """The path and the label of each image, if there are classes."""
        return list(zip(self.files, self.targets, strict=False))

    @property
    def description(self) -> str:
        """What a report says about the images."""
        fitted = "" if self.size is None else f", resized and cut to {self.size[0]} × {self.size[1]} px"
        root = self.root.resolve()
        name = f"{root.parent.name}/{root.name}" if root.name.lower() in SPLITS else root.name
        return f"the image folder {name!r}{fitted}"

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        image: Tensor = read_picture(self.files[index], self.channels, self.size)
        return (image, self.targets[index]) if self.targets else image


def load_image_folder(
    path: str | Path,
    channels: Channels = 3,
    *,
    size: int | tuple[int, int] | None = None,
    names: NamesSource | None = None,
) -> PictureFolder:
    """The images in one folder per class (``path/class/image.png``), or directly in ``path``, as a dataset.

    Items are (image, label), or images without labels where ``path`` has no class folders. Images are float32
    (channels, height, width) in [0, 1], as a viewer shows them: the orientation in Exif data is applied, and files of
    16 bits keep them. The classes take turns, so that the first images are not all of the first class.

    Args:
        path: the folder. Files and folders whose names begin with a full stop are left out.
        channels: 3 for colour, 1 for grey.
        size: the side of a square in px, or (height, width). Each image is resized (bilinear, antialiased) until it
            covers this size, its shorter side first, and cut to its centre, as torchvision's ``Resize`` and
            ``CenterCrop`` do. Without it, all images must have one size.
        names: the model's classes in order, where the folders are some of them: a list of names, a file (one name a
            line, or JSON as ImageNet's class index), or how many classes there are. A folder is the class that it is
            named after (WordNet ID or words), or whose number it has, counted from 0. Without it, the folders are all
            classes, in natural order: ``2`` before ``10``.

    Raises:
        ValueError: the folder cannot be used so; the sentence names the next step. An image that cannot be read is
            an error, with its file, when it is used.
    """
    if channels not in get_args(Channels):
        raise ValueError(
            f"channels is 3 for colour or 1 for grey, not {channels!r}; images with alpha are read as colour"
        )
    classes = None if names is None else class_names(names)
    return _opened(Path(path), channels, None if size is None else check_size(size), classes)


def load_split(
    path: str | Path,
    split: Split,
    channels: Channels = 3,
    *,
    size: int | tuple[int, int] | None = None,
    names: NamesSource | None = None,
) -> PictureFolder:
    """The image folder ``path/split``, whose classes have the numbers that they have in ``path/train``."""
    classes = None if names is None else class_names(names)
    train = Path(path) / "train"
    if classes is None and split == "test" and train.is_dir() and (folders := class_folders_in(train)):
        classes = numbered(folders, train)
    return _opened(Path(path) / split, channels, None if size is None else check_size(size), classes)


def _opened(root: Path, channels: Channels, size: tuple[int, int] | None, classes: ClassNames | None) -> PictureFolder:
    """The folder as a dataset, after the checks of what it holds."""
    if not root.is_dir():
        raise ValueError(f"there is no folder {str(root)!r}; give one that holds a folder of images per class")
    folders, loose = class_folders_in(root), _images_in(root)
    if classes is None and folders and {folder.lower() for folder in folders} <= SPLITS:
        shown = " and ".join(repr(folder) for folder in folders)
        raise ValueError(
            f"{str(root)!r} holds {shown}, which are splits of a data set and not classes; name "
            f"{str(root / folders[-1])!r}, or 'folder:{root}', which means its folder test (to train: train)"
        )
    if classes is None and len(folders) == 1 and not _images_in(inner := root / folders[0]) and class_folders_in(inner):
        raise ValueError(
            f"{str(root)!r} holds only the folder {folders[0]!r}, which holds folders; name {str(inner)!r}, or pass "
            f"names=[{folders[0]!r}] if it is the only class"
        )
    if folders and loose:
        raise ValueError(
            f"{str(root)!r} holds images ({loose[0]} …) beside folders ({folders[0]} …), so it is not clear whether "
            "the folders are classes; move one of them elsewhere"
        )
    if not folders and not loose:
        raise ValueError(f"{str(root)!r} is no image folder: it holds neither folders nor images; name another")
    return PictureFolder(root, channels, size, classes, labelled=bool(folders))


def check_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """The height and width in px that ``size`` names: one number for a square, or both; otherwise ``ValueError``."""
    sides = (size, size) if not isinstance(size, tuple | list) else tuple(size)
    if len(sides) != 2:
        raise ValueError(f"size is one number of px, or (height, width), not {size!r}; pass 224, for example")
    height, width = (check_whole("size", side, least=1) for side in sides)
    return height, width


def class_folders_in(root: Path) -> list[str]:
    """The names of the folders in a folder, in text order, except hidden ones."""
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not _hidden(entry.name))


def _images_in(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir() if _is_image(entry.name) and entry.is_file())


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _is_image(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS) and not _hidden(name)


def _labelled_files(root: Path, classes: dict[str, int]) -> list[tuple[str, int]]:
    """All images below the class folders, with their labels."""

    def belongs(file: str) -> bool:
        *folders, name = Path(file).relative_to(root).parts
        return _is_image(name) and not any(_hidden(folder) for folder in folders)

    try:
        found: list[tuple[str, int]] = make_dataset(str(root), classes, is_valid_file=belongs)
    except FileNotFoundError as error:
        raise ValueError(
            f"{str(root)!r} is no image folder: {error}; make one folder of images per class ({', '.join(EXTENSIONS)})"
        ) from error
    return found


def _in_turn(files: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The files ordered so that the classes take turns."""
    places: Counter[int] = Counter()
    turns = []
    for file, label in files:
        turns.append((places[label], label, file))
        places[label] += 1
    return [(file, label) for _, label, file in sorted(turns)]
