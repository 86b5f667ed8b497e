"""The images and the noise that options name; and whether a classifier was trained for that noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
from torch import Tensor

from gsmooth_core.cli.printing import warn
from gsmooth_core.cli.shared_options import ImageOptions
from gsmooth_core.datasets.folders import load_image_folder, load_split
from gsmooth_core.datasets.inputs import BUNDLED_NAME, NO_IMAGES, gather
from gsmooth_core.datasets.readers import FOLDERS, load_images
from gsmooth_core.plugins.registry import get_corruption
from gsmooth_core.results.report import Report
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.smoothing.unet import UNetSurrogate
from gsmooth_core.training.surrogate import use_surrogate


def choose_images(images: ImageOptions, model: str | None = None) -> dict[str, Any]:
    """The images that the options name, as ``certify`` and ``attack`` take them; without ``--data``, the bundled ones.

    A sentence on standard error says so where ``model``, as ``--model`` names it, is not the example model.
    """
    if images.data is not None:
        if model == "example" and images.data != BUNDLED_NAME:
            warn("the model is the example model for Fashion-MNIST; name yours with --model")
        return named_images(images, images.data)
    if images.grey or images.size is not None or images.names is not None:
        raise ValueError("--grey, --size and --names are for a folder of images; name it with --data")
    if model not in (None, "example"):
        warn(f"{NO_IMAGES}; name yours with --data")
    return {"images": BUNDLED_NAME}


def named_images(images: ImageOptions, data: str) -> dict[str, Any]:
    """The images and labels, or the dataset, that ``data`` names."""
    kind, _, path = data.partition(":")
    options: dict[str, Any] = {"size": parse_size(images.size), "names": images.names}
    if data != BUNDLED_NAME and (not path or Path(data).is_dir()):
        return {"dataset": load_image_folder(data, 1 if images.grey else 3, **options)}
    if images.grey:
        raise ValueError(f"--grey is for a plain folder, not for {data!r}; leave it out, or name greyfolder:path")
    if kind in FOLDERS:
        return {"dataset": load_split(path, "test", FOLDERS[kind], **options)}
    tensors, labels = load_images(data, "test", **options)
    return {"images": tensors, "labels": labels}


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """The size that ``--size`` names: ``"224"``, or height and width as ``"224x320"``."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(f"--size is a side in px such as 224, or height x width such as 224x320, not {text!r}")
    return (int(sides[0]), int(sides[1])) if len(sides) == 2 else int(sides[0])


def certified_images(reports: Iterable[Report], images: ImageOptions) -> Tensor:
    """The images that the options name, or the bundled ones, up to the last image that the reports are about."""
    given = choose_images(images)
    last = max((certificate.index for report in reports for certificate in report.certificates), default=0)
    return gather(given.get("images"), None, given.get("dataset"), last + 1, None).images


def choose_smoothing(
    corruption: str,
    surrogate: Path | None,
    parameter_std: float | None,
    latent_std: float | None,
    plain: bool = False,
) -> Smoothing:
    """The recipe's smoothing, or that of a saved surrogate, with the noise that is named; none if ``plain``."""
    if plain:
        if (surrogate, parameter_std, latent_std) != (None, None, None):
            raise ValueError(
                "--plain is without noise; leave out --surrogate, --parameter-std and --latent-std, or --plain"
            )
        return NoSmoothing()
    if surrogate is not None:
        return use_surrogate(corruption, UNetSurrogate.load(surrogate), parameter_std, latent_std).smoothing
    smoothing = get_corruption(corruption).smoothing
    stds = {"parameter_std": parameter_std, "latent_std": latent_std}
    given: dict[str, Any] = {name: value for name, value in stds.items() if value is not None}
    if not given:
        return smoothing
    if not isinstance(smoothing, LatentSmoothing):
        raise ValueError(
            f"{corruption!r} is not smoothed in a latent layer, so it has no {' and no '.join(given)}; leave that out, "
            "or name a surrogate"
        )
    return attrs.evolve(smoothing, **given)


def describe_smoothing(smoothing: Smoothing) -> dict[str, Any]:
    """What a card says about a smoothing: "smoothing" in words, and the SHA-256 of the "surrogate"'s weights."""
    card = smoothing.surrogate.card if isinstance(smoothing, LatentSmoothing) else {}
    return {"smoothing": str(smoothing), "surrogate": card.get("sha256")}


def mismatch(card: Mapping[str, Any], smoothing: Smoothing) -> str | None:
    """A sentence if a classifier's card names another smoothing than the one that it is certified under."""
    here = describe_smoothing(smoothing)
    there = {name: card.get(name) for name in here}
    if there["smoothing"] is None or there == here or isinstance(smoothing, NoSmoothing):
        return None
    return f"the classifier was trained under {_words(there)}, but is certified under {_words(here)}"


def _words(description: Mapping[str, Any]) -> str:
    surrogate = description["surrogate"]
    return f"{description['smoothing']}" + (f" with surrogate {surrogate[:8]}" if surrogate else "")
