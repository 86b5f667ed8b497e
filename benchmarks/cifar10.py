"""Certified accuracy on CIFAR-10, beside the paper's figures: once only; made for a machine with a GPU.

    pip install --editable ".[train,zoo]"
    python -m benchmarks.cifar10 --data folder --device cuda --precision bf16-mixed

``--data`` is a folder that holds ``cifar-10-batches-py``, or an .npz file with the arrays train_images and test_images
(uint8, count × 3 × 32 × 32), train_labels and test_labels. One network is trained on the three corruptions with
finitely many outputs, and certified exactly; and one for each of the three continuous ones, under the noise that it is
then certified with. A stopped run goes on where it stopped: checkpoints, weights and finished rows lie in ``--work``.
With ``--only`` several processes can share the rows; the last call, without it, writes ``benchmarks/cifar10.md``.
``--minutes`` trains each network for as many epochs as fit, and certifies with noise as many images as fit.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from gsmooth_core import (
    Budget,
    Corruption,
    IdentitySurrogate,
    LatentSmoothing,
    Report,
    accelerate,
    certify,
    fit_classifier,
    get_corruption,
    load_cifar,
    load_classifier,
    make_classifier,
    read_card,
    save_classifier,
)
from gsmooth_core.common.files import write_text
from gsmooth_core.models.devices import evaluating
from gsmooth_core.smoothing.base import NoSmoothing

TARGET = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).with_suffix(".json")
PAPER = {"zoomblur": 44.6, "defocus": 25.0, "pixelate": 45.3}
STDS = {"zoomblur": 0.12, "defocus": 0.12, "pixelate": 0.25}
ALPHA, ANCHORS = 0.001, 256
DISCRETE, EXACT_IMAGES, LATENT_IMAGES, SLICE = "discrete", 500, 100, 50
PROBE = 5_000


def data(path: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Images in [0, 1] and labels, by split."""
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


def recipes(job: str) -> list[Corruption]:
    """What a job's network is trained for."""
    if job == DISCRETE:
        return [get_corruption(f"{name}:discrete") for name in PAPER]
    smoothing = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=STDS[job])
    return [attrs.evolve(get_corruption(job), smoothing=smoothing)]


def fit(
    job: str, options: argparse.Namespace, images: Tensor, labels: Tensor, epochs: int, out: Path | None
) -> nn.Module:
    """A network trained for a job."""
    torch.manual_seed(0)
    return fit_classifier(
        make_classifier(options.network, classes=10, channels=3).to(memory_format=torch.channels_last),
        recipes(job),
        images,
        labels,
        epochs=epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
        jitter=4,
        mirror=True,
        device=options.device,
        out=out,
        trainer={"precision": options.precision, "benchmark": True},
    )


def epochs_in(minutes: float, job: str, options: argparse.Namespace, images: Tensor, labels: Tensor) -> int:
    """How many epochs fit, by a short training that is thrown away."""
    seconds = 0.0
    for _ in range(2):  # the first one warms up
        start = time.perf_counter()
        fit(job, options, images[:PROBE], labels[:PROBE], 1, None)
        seconds = time.perf_counter() - start
    return max(1, int(60 * minutes / (seconds * len(images) / PROBE)))


def trained(job: str, options: argparse.Namespace, splits: dict[str, tuple[Tensor, Tensor]]) -> tuple[nn.Module, str]:
    """The job's network, from ``--work`` if it lies there, and how it was trained."""
    path = Path(options.work) / f"cifar10-{job}.safetensors"
    if not path.with_suffix(".json").exists():
        planned = path.with_suffix(".epochs")
        if not planned.exists():
            epochs = options.epochs
            if options.minutes is not None:
                epochs = epochs_in(options.minutes, job, options, *splits["train"])
            write_text(planned, str(epochs))
        epochs, start = int(planned.read_text()), time.perf_counter()
        model = fit(job, options, *splits["train"], epochs, path.with_suffix(".checkpoints"))
        how = f"{options.network}, {epochs} epochs of batches of {options.batch}, {options.precision}, "
        card = {"how": f"{how}{time.perf_counter() - start:.0f} s"}
        save_classifier(model, path, name=options.network, classes=10, channels=3, card=card)
    return load_classifier(path).to(options.device), str(read_card(path)["how"])


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, device: str) -> float:
    """The share of images that the bare model gets right."""
    with evaluating(model, NoSmoothing()):
        answers = [model(part.to(device)).argmax(dim=1).cpu() for part in images.split(500)]
    return float((torch.cat(answers) == labels).float().mean())


def certified(
    model: nn.Module, recipe: Corruption, options: argparse.Namespace, images: Tensor, labels: Tensor
) -> Report:
    """The report over the first images; under noise, over as many of them as fit into ``--minutes``."""
    network, exact = model, recipe.name.endswith(DISCRETE)
    if options.autocast:
        network = accelerate(model, autocast=options.autocast, channels_last=True)
    count, start = (EXACT_IMAGES, 0.0) if exact else (LATENT_IMAGES, time.perf_counter())
    path = Path(options.work) / f"report-{recipe.name.replace(':', '-')}.json"
    if path.exists() and len((finished := Report.load(path)).certificates) == count:
        return finished  # on whatever machine
    for limit in [count] if exact else range(SLICE, count + 1, SLICE):
        report = certify(
            network,
            recipe,
            images,
            labels,
            limit=limit,
            budget=Budget(samples=options.samples, alpha=ALPHA, anchors=ANCHORS),
            device=options.device,
            out=path,
        )
        if not exact and options.minutes is not None and time.perf_counter() - start > 60 * options.certify_minutes:
            break
    return report


def measure(job: str, options: argparse.Namespace, splits: dict[str, tuple[Tensor, Tensor]]) -> list[dict[str, Any]]:
    """Train and certify: a row for each corruption."""
    model, how = trained(job, options, splits)
    images, labels = splits["test"]
    rows = []
    for recipe in recipes(job):
        report = certified(model, recipe, options, images, labels)
        count = len(report.certificates)
        rows.append(
            {
                "corruption": recipe.name,
                "radius": report.run.radius,
                "noise": STDS.get(recipe.name),
                "guarantee": report.run.guarantee.value,
                "images": count,
                "certified": str(report.certified_accuracy()),
                "smoothed accuracy": str(report.accuracy),
                "bare accuracy": accuracy(model, images, labels, options.device),
                "anchors": statistics.median(certificate.anchors for certificate in report.certificates),
                "draws": sum(certificate.samples for certificate in report.certificates) / count,
                "seconds an image": report.seconds / count,
                "samples": options.samples,
                "training": how,
                "command": command(options),
                "model": report.run.model,
                "date": str(date.today()),
                "machine": machine(options.device),
            }
        )
    return rows


def machine(device: str) -> str:
    """What ran it."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else f"{os.cpu_count()} cores"
    return f"{name}, {platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"


def command(options: argparse.Namespace) -> str:
    """What to type for a row."""
    minutes = f"--epochs {options.epochs}" if options.minutes is None else f"--minutes {options.minutes:g}"
    return (
        f"python -m benchmarks.cifar10 --data folder --device {options.device} --precision {options.precision} "
        f"--network {options.network} --batch {options.batch} {minutes} --samples {options.samples}"
    )


def page(rows: list[dict[str, Any]], note: str) -> str:
    """The whole of ``cifar10.md``."""
    commands = list(dict.fromkeys(row["command"] for row in rows))
    lines = [
        "# CIFAR-10",
        "",
        f"{max(row['date'] for row in rows)}; {'; '.join(sorted({row['machine'] for row in rows}))}.",
        "",
        *(f"- `{line}`" for line in commands),
        "",
        "Trained on 50,000 images: one network for the three `:discrete` corruptions, one each for the others. "
        f"α = {ALPHA:g} an image, at most {ANCHORS} anchors. Per cent, with 95 % intervals.",
        "",
        "The paper's figures (Hao et al. 2022, Table 1; ResNet-110, N = 100,000, about 500 images) hold for a "
        "surrogate that imitates the corruption; ours hold for the corruption itself.",
        "",
        "| corruption, 0 to | guarantee | noise | images | certified | the paper | smoothed or plain accuracy, clean | "
        "bare accuracy, all test images | anchors, median | draws an anchor, at most | draws an image | "
        "seconds an image | training |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        noise = "–" if row["noise"] is None else f"{row['noise']:g}"
        lines.append(
            f"| `{row['corruption']}`, {row['radius']:g} | `{row['guarantee']}` | {noise} | {row['images']} | "
            f"{row['certified']} | {PAPER[row['corruption'].partition(':')[0]]} | {row['smoothed accuracy']} | "
            f"{row['bare accuracy']:.1%} | {row['anchors']:.0f} | {row['samples']:,} | "
            f"{row['draws']:,.0f} | {row['seconds an image']:.2f} | {row['training']} |"
        )
    return "\n".join([*lines, *(["", note] if note else [])]) + "\n"


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of CIFAR-10, or an .npz file")
    parser.add_argument("--work", type=Path, default=Path("build/cifar10"), help="checkpoints, weights, finished rows")
    parser.add_argument("--only", choices=[DISCRETE, *PAPER], help="one job, and no page")
    parser.add_argument("--skip", choices=[DISCRETE, *PAPER], nargs="*", default=[], help="jobs to leave out")
    parser.add_argument("--note", default="", help="a sentence below the table")
    parser.add_argument("--network", default="resnet110_cifar10")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--minutes", type=float, help="of training for each network")
    parser.add_argument("--certify-minutes", type=float, default=3.0, help="with --minutes, of each certification")
    parser.add_argument("--autocast", help="such as bfloat16, for certification")
    parser.add_argument("--samples", type=int, default=2_000, help="draws an anchor, at most")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    splits: dict[str, tuple[Tensor, Tensor]] = {}
    rows: list[dict[str, Any]] = []
    for job in [options.only] if options.only else [job for job in (DISCRETE, *PAPER) if job not in options.skip]:
        finished = options.work / f"row-{job}.json"
        if not finished.exists():
            splits = splits or data(options.data)
            write_text(finished, json.dumps(measure(job, options, splits), indent=1))
        rows += json.loads(finished.read_text())
    if not options.only:
        write_text(FIGURES, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
        write_text(TARGET, page(rows, options.note))


if __name__ == "__main__":
    main()
