"""The items of a dataset as images and labels, and what it says about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, Subset

from gsmooth_core.datasets.checks import check_images
from gsmooth_core.datasets.folders import PictureFolder


def read_item(dataset: Dataset[Any] | Sequence[Any], index: int) -> Any:
    """The item of a dataset; where a file of it cannot be read, a ``ValueError`` names the file or the place."""
    try:
        return dataset[index]
    except (OSError, SyntaxError) as error:  # what Pillow raises on damaged files
        file = _file_of(dataset, index)
        reason = getattr(error, "strerror", None) or error
        what = f"the image {file!r}" if file else f"item {index} of the dataset"
        raise ValueError(f"{what} cannot be read: {reason}; replace or remove it") from error


def collect(dataset: Dataset[Any] | Sequence[Any], indices: Sequence[int]) -> tuple[Tensor, list[Any] | None]:
    """The images (count, channel, height, width) at some places, checked, and their labels unchanged if there are any.

    Items are (image, label), or images alone, as tensors or in a tuple of one. ``ValueError`` for anything else, and
    for images of several sizes.
    """
    images: list[Tensor] = []
    labels: list[Any] = []
    for index in indices:
        item = read_item(dataset, index)
        image, *label = item if isinstance(item, tuple | list) else (item,)
        if len(label) > 1 or isinstance(item, dict):
            raise ValueError(
                f"the dataset must give a pair (image, label), or an image, for each item, not {_words(item)}; wrap it"
            )
        if not isinstance(image, Tensor):
            raise ValueError(
                f"the dataset must give images as tensors, not {type(image).__name__}; give it a transform such as "
                "torchvision.transforms.ToTensor()"
            )
        if images and image.shape != images[0].shape:
            raise _of_several_sizes(dataset, (indices[0], images[0]), (index, image))
        images.append(image)
        labels += [one for one in label if one is not None]
    if labels and len(labels) < len(images):
        raise ValueError("only some items of the dataset have labels; give all of them one, or none")
    return check_images(torch.stack(images)), labels or None


def class_names_of(dataset: Dataset[Any]) -> tuple[str, ...]:
    """The names of the classes, where a dataset has distinct ones in ``classes``, as torchvision's do."""
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    given = getattr(dataset, "classes", ())
    given = given if isinstance(given, list | tuple) else ()
    names = tuple(", ".join(name) if isinstance(name, tuple) else name for name in given)  # ImageNet's are tuples
    fitting = all(isinstance(name, str) for name in names) and len(set(names)) == len(names)
    return names if fitting else ()


def describe_dataset(dataset: Dataset[Any]) -> str:
    """What a report says about where the images are from."""
    return dataset.description if isinstance(dataset, PictureFolder) else type(dataset).__name__


def _file_of(dataset: Any, index: int) -> str | None:
    """The file of an item, where a dataset has ``samples``, as torchvision's folders do."""
    while isinstance(dataset, Subset):
        dataset, index = dataset.dataset, dataset.indices[index]
    samples = getattr(dataset, "samples", None)
    return str(samples[index][0]) if samples else None


def _words(item: Any) -> str:
    return f"{len(item)} values" if isinstance(item, tuple | list) else type(item).__name__


def _of_several_sizes(dataset: Any, first: tuple[int, Tensor], second: tuple[int, Tensor]) -> ValueError:
    """The error for two images that differ in shape."""
    if isinstance(dataset, PictureFolder):
        one, other = (f"{dataset.files[index]!r} has {_pixels(image)}" for index, image in (first, second))
        return ValueError(
            f"the images differ in height and width: {one}, {other}; pass size= (--size), such as 224, or resize them"
        )
    shapes = " and ".join(str(tuple(image.shape)) for _, image in (first, second))
    return ValueError(
        f"the dataset's images differ in shape ({shapes}); resize them to one, as torchvision's Resize and CenterCrop "
        "do in a transform"
    )


def _pixels(image: Tensor) -> str:
    return f"{image.shape[1]} px by {image.shape[2]} px"
