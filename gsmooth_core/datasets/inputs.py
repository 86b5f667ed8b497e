"""The images and labels of a call, from tensors, a dataset, or the name of bundled images."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.common.fingerprints import data_hash, fingerprint, image_hash
from gsmooth_core.common.resuming import AnotherRun
from gsmooth_core.common.validators import check_whole
from gsmooth_core.datasets.bundled import load_fashion_mnist
from gsmooth_core.datasets.checks import check_images, check_labels
from gsmooth_core.datasets.items import class_names_of, collect, describe_dataset, read_item

BUNDLED_NAME = "fashion-mnist"
"""The value of ``images=`` for the bundled test images."""
BUNDLED = "the bundled Fashion-MNIST test images"
"""The name of the bundled images in a report."""
DEFAULT_LIMIT = 50
"""How many of the bundled images are used unless a call says which."""
NO_IMAGES = (
    f"no images were given, so bundled Fashion-MNIST test images are used, the first {DEFAULT_LIMIT} unless limit says "
    "otherwise"
)
"""The warning if they are used because no images were given."""


@attrs.frozen
class Inputs:
    """Checked float32 images (count, channel, height, width), their labels if any, and their places in the data.

    ``data_hash`` covers the whole data of the call: all images and labels given, or a dataset's length and its first,
    middle and last item, with the names of its classes. ``class_names``: the names of the classes 0, 1, …, a dataset's
    ``classes``; empty where they are not known.
    """

    images: Tensor = attrs.field(eq=False)
    labels: list[int] | None
    indices: list[int]
    description: str
    data_hash: str
    class_names: tuple[str, ...] = ()
    places: dict[int, int] = attrs.field(init=False, eq=False, repr=False)
    """Where the image with an index is in ``images``."""

    @places.default
    def _places(self) -> dict[int, int]:
        return {index: place for place, index in enumerate(self.indices)}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channel, height, width) of each image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def place_of(self, index: int, hash_: str, label: int | None) -> int:
        """Where the image with that index is in ``images``; ``AnotherRun`` unless it has that hash and label."""
        if index not in self.places:
            raise AnotherRun(f"its image {index} is not among the images given")
        place = self.places[index]
        if (image_hash(self.images[place]), self.label_of(index)) != (hash_, label):
            raise AnotherRun(f"its image {index} or the label has changed")
        return place

    def label_of(self, index: int) -> int | None:
        """The label of the image with that index, if there are labels."""
        return None if self.labels is None else self.labels[self.places[index]]


def gather(
    images: Tensor | str | None,
    labels: Tensor | Sequence[int] | None,
    dataset: Dataset[Any] | None,
    limit: int | None,
    indices: Iterable[int] | None,
) -> Inputs:
    """The images of one call, from tensors, the name of the bundled test set, or a dataset of (image, label) or images.

    Of the bundled ones the first 50, unless ``limit`` or ``indices`` says which. ``ValueError`` if not exactly one
    of images and dataset is given, or one does not fit.
    """
    _check_source(images, labels, dataset)
    if limit is not None:
        limit = check_whole("limit", limit, least=1)
    if dataset is not None:
        return _from_dataset(dataset, _choose(_length(dataset), limit, indices))
    description = "the images given"
    if isinstance(images, str):
        images, labels = load_fashion_mnist("test")
        limit = DEFAULT_LIMIT if limit is None and indices is None else limit
        description = BUNDLED
    images = check_images(images)
    checked = None if labels is None else check_labels(labels, len(images))
    chosen = _choose(len(images), limit, indices)
    return Inputs(
        images=images[chosen].float(),
        labels=None if checked is None else [checked[index] for index in chosen],
        indices=chosen,
        description=_describe(description, chosen, len(images)),
        data_hash=data_hash(images, checked or []),
    )


def gather_at(images: Tensor | str | None, dataset: Dataset[Any] | None, places: Iterable[int]) -> Inputs:
    """The first image, and those at the places that exist, without labels; ``ValueError`` as in :func:`gather`."""
    _check_source(images, None, dataset)
    if dataset is not None:
        count = _length(dataset)
    else:
        images = check_images(load_fashion_mnist("test")[0] if isinstance(images, str) else images)
        count = len(images)
    return gather(images, None, dataset, None, sorted({0, *(place for place in places if place < count)}))


def _check_source(
    images: Tensor | str | None, labels: Tensor | Sequence[int] | None, dataset: Dataset[Any] | None
) -> None:
    """Raise ``ValueError`` unless exactly one of images and dataset is given, and labels only with tensors."""
    if images is not None and dataset is not None:
        raise ValueError("both images and dataset were given; pass one of them")
    if isinstance(images, Dataset):
        raise ValueError(f"images must be a tensor, not the dataset {type(images).__name__}; pass it as dataset=")
    if labels is not None and images is None:
        raise ValueError("labels were given without images; pass images too, or a dataset of (image, label)")
    if images is None and dataset is None:
        raise ValueError(f"no images were given; pass images= or dataset=, or name images={BUNDLED_NAME!r}")
    if isinstance(images, str):
        if images != BUNDLED_NAME:
            raise ValueError(
                f"the only images with a name of their own are {BUNDLED_NAME!r}, not {images!r}; pass a tensor or "
                "dataset=, such as load_images and load_image_folder give"
            )
        if labels is not None:
            raise ValueError(f"{BUNDLED_NAME!r} has labels of its own; leave out labels")


def _length(dataset: Dataset[Any]) -> int:
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
        raise ValueError(
            f"the dataset must have a length and places, unlike {type(dataset).__name__}; use a map-style dataset"
        )
    return len(dataset)


def _choose(count: int, limit: int | None, indices: Iterable[int] | None) -> list[int]:
    if count == 0:
        raise ValueError("there are no images; pass at least one")
    available = count if limit is None else min(limit, count)
    if indices is None:
        return list(range(available))
    try:
        chosen = [operator.index(index) for index in indices]
    except TypeError as error:
        raise ValueError(f"indices must be whole numbers, not {indices!r}; pass a list or a range") from error
    outside = [index for index in chosen if not 0 <= index < available]
    if outside or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"indices must be distinct places from 0 to {available - 1}, at least one, not {chosen[:5]}"
            f"{'…' if len(chosen) > 5 else ''}; correct them, or raise limit"
        )
    return chosen


def _from_dataset(dataset: Dataset[Any], chosen: list[int]) -> Inputs:
    count: int = len(dataset)  # type: ignore[arg-type]
    images, labels = collect(dataset, chosen)
    names = class_names_of(dataset)
    samples = [read_item(dataset, index) for index in (0, count // 2, count - 1)]
    return Inputs(
        images=images.float(),
        labels=None if labels is None else check_labels(labels, len(chosen)),
        indices=chosen,
        description=_describe(describe_dataset(dataset), chosen, count),
        data_hash=fingerprint([count, *samples, *([names] if names else [])]),
        class_names=names,
    )


def _describe(source: str, chosen: list[int], count: int) -> str:
    if chosen == list(range(count)):
        return f"{source} (all {count:,})"
    if chosen == list(range(len(chosen))):
        return f"{source} (the first {len(chosen):,} of {count:,})"
    return f"{source} ({len(chosen):,} of {count:,})"
