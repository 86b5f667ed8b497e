"""What the benchmarks share: who ran them, the data, the training, and the files with results."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from gsmooth_core import (
    Box,
    Corruption,
    NoSmoothing,
    fit_classifier,
    get_corruption,
    list_corruptions,
    load_cifar,
    load_classifier,
    make_classifier,
    save_classifier,
)

RESULTS = Path(__file__).parent / "results"
"""A JSON file of figures for each benchmark, and the page that is made of it."""
BY_HAND = "<!-- What follows was written by hand, and is kept when the page is written again. -->"
"""Below this line a page is nobody's but its author's."""
Splits = dict[str, tuple[Tensor, Tensor]]
"""Images (count, channel, height, width) in [0, 1] and labels (count,), by split."""


def machine(device: str | torch.device = "cpu") -> str:
    """What runs a benchmark: the GPU, if it is on one, the processor, cores and threads, and versions."""
    gpu = [torch.cuda.get_device_name(device)] if torch.device(device).type == "cuda" else []
    threads = f"{torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"
    parts = [platform.machine(), f"{os.cpu_count()} cores", threads, f"Python {platform.python_version()}"]
    return ", ".join([*gpu, *parts, f"torch {torch.__version__}"])


def write(path: Path, text: str) -> None:
    """The text stands in the file, in UTF-8; a kill leaves the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, figures: Any) -> None:
    """The figures stand in the file, as JSON, as :func:`write` writes."""
    write(path, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path, default: Any = None) -> Any:
    """The figures of the file, or the default where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default


def write_page(path: Path, text: str) -> None:
    """The text stands in the file, and below it what was written by hand in the page before, here or in the results."""
    before = next((page.read_text(encoding="utf-8") for page in (path, RESULTS / path.name) if page.exists()), "")
    _, line, kept = before.partition(BY_HAND)
    write(path, text + (f"\n{line}{kept}" if line else ""))


def merged(rows: list[dict[str, Any]], more: list[dict[str, Any]], key: Callable[[Any], object]) -> list[Any]:
    """All rows, the later one of two with the same key at the place of the earlier."""
    found = {key(row): row for row in rows}
    return list((found | {key(row): row for row in more}).values())


def recipes_of(plugin: str) -> list[Corruption]:
    """All variants that an installed plugin offers, by the hook that each has."""
    [point] = entry_points(group="gsmooth", name=plugin)
    return list(point.load().gsmooth_corruptions())


def all_recipes() -> list[Corruption]:
    """All variants of all installed plugins."""
    return [recipe for info in list_corruptions() for recipe in recipes_of(info.name)]


def cifar10(path: Path) -> Splits:
    """CIFAR-10, from the folder of ``cifar-10-batches-py``, or from an .npz file.

    The file has the arrays train_images and test_images (uint8, count × 3 × 32 × 32), train_labels and test_labels.
    """
    if path.suffix != ".npz":
        return {"train": load_cifar(path, "train"), "test": load_cifar(path, "test")}
    with np.load(path) as arrays:
        return {
            split: (
                torch.from_numpy(arrays[f"{split}_images"]).float() / 255,
                torch.from_numpy(arrays[f"{split}_labels"]).long(),
            )
            for split in ("train", "test")
        }


def untouched() -> tuple[Corruption, Box]:
    """A recipe and a region that leave an image as it is: what a plain classifier is trained for."""
    return attrs.evolve(get_corruption("brightness"), smoothing=NoSmoothing()), Box(0.0, 0.0)


def trained(
    path: Path,
    name: str,
    channels: int,
    recipes: Corruption | list[Corruption],
    images: Tensor,
    labels: Tensor,
    *,
    change: Callable[[nn.Module], nn.Module] = lambda model: model,
    device: str = "cpu",
    **settings: Any,
) -> nn.Module:
    """The classifier in ``path``, on the device; trained for the recipes and saved there first, if none lies there.

    ``change`` makes another network of ``make_classifier``'s, in place or around it. ``settings`` are
    ``fit_classifier``'s. Checkpoints lie beside the path; the card says how many seconds the training took.
    """
    if not path.with_suffix(".json").exists():
        torch.manual_seed(0)
        start, inner = time.perf_counter(), make_classifier(name, classes=10, channels=channels)
        inner = inner.to(memory_format=torch.channels_last) if device.startswith("cuda") else inner
        out = path.with_suffix(".checkpoints")
        fit_classifier(change(inner), recipes, images, labels, device=device, out=out, **settings)
        card = {"seconds": time.perf_counter() - start}
        save_classifier(inner.cpu(), path, name=name, classes=10, channels=channels, card=card)
    return change(load_classifier(path)).eval().to(device)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, device: str = "cpu") -> float:
    """The share of images that the bare model, which lies on the device, gets right."""
    model.eval()
    answers = [model(part.to(device)).argmax(dim=1).cpu() for part in images.split(500)]
    return float((torch.cat(answers) == labels.cpu()).float().mean())
