"""Accuracy on CIFAR-10-C's corruptions, as in the paper's Table 4: once only; better on a machine with a GPU.

    pip install --editable ".[train,zoo]"
    python -m benchmarks.corruptions --data folder --device cuda

``--data`` as for ``benchmarks.cifar10``. Three networks: a plain one; one that was trained on the six corruptions, of
strengths drawn from the recipes' regions; and one that was trained on the same under pixel noise, and is judged as the
smoothed classifier, by 100 votes. The images are corrupted here, at the benchmark's five severities. A stopped run goes
on where it stopped: checkpoints, weights and finished tables lie in ``--work``. With ``--only`` several processes can
share the networks; the last call, without it, writes ``benchmarks/corruptions.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from datetime import date
from pathlib import Path

import attrs
import torch
from torch import Tensor, nn

from benchmarks.cifar10 import data
from gsmooth_core import (
    Box,
    Corruption,
    CorruptionTable,
    IdentitySurrogate,
    LatentSmoothing,
    NoSmoothing,
    Rate,
    SmoothedClassifier,
    Smoothing,
    corruption_accuracy,
    fit_classifier,
    get_corruption,
    load_classifier,
    make_classifier,
    save_classifier,
)

TARGET = Path(__file__).with_suffix(".md")
TRAINED_FOR = ("gaussianblur", "brightness", "defocus", "zoomblur", "motionblur", "pixelate")
JUDGED_ON = ("gaussian_blur", "brightness", "defocus_blur", "zoom_blur", "motion_blur", "pixelate")
PAPER = {  # AugMix, TSS, GSmooth (Hao et al. 2022, Table 4)
    "gaussian_blur": (67.4, 75.8, 76.0),
    "brightness": (82.4, 71.8, 72.1),
    "defocus_blur": (72.2, 75.6, 76.8),
    "zoom_blur": (70.8, 75.2, 77.1),
    "motion_blur": (68.6, 70.2, 70.5),
    "pixelate": (50.9, 76.0, 76.7),
}
NOISE = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.12)
KINDS = ("plain", "augmented", "smoothed")
IMAGES, SAMPLES = 200, 100


def recipes(kind: str) -> list[Corruption]:
    """What a network is trained for; a plain one for nothing."""
    smoothing: Smoothing = NOISE if kind == "smoothed" else NoSmoothing()
    return [attrs.evolve(get_corruption(name), smoothing=smoothing) for name in TRAINED_FOR]


def trained(kind: str, options: argparse.Namespace, images: Tensor, labels: Tensor) -> nn.Module:
    """A network of a kind; from ``--work``, if it lies there."""
    path = Path(options.work) / f"corruptions-{kind}.safetensors"
    if not path.with_suffix(".json").exists():
        still = kind == "plain"
        torch.manual_seed(0)
        model = fit_classifier(
            make_classifier(options.network, classes=10, channels=3),
            recipes(kind)[1] if still else recipes(kind),
            images,
            labels,
            radius=Box(0.0, 0.0) if still else None,
            epochs=options.epochs,
            batch=options.batch,
            jitter=4,
            mirror=True,
            device=options.device,
            out=path.with_suffix(".checkpoints"),
        )
        save_classifier(model, path, name=options.network, classes=10, channels=3)
    return load_classifier(path).to(options.device)


def table(kind: str, options: argparse.Namespace, splits: dict[str, tuple[Tensor, Tensor]]) -> CorruptionTable:
    """A network's table; what lies in ``--work`` of it is not measured again."""
    model = trained(kind, options, *splits["train"])
    images, labels = (part[:IMAGES] for part in splits["test"])
    classifier = SmoothedClassifier(model, NOISE) if kind == "smoothed" else model
    out = Path(options.work) / f"corruptions-{kind}-table.json"
    return corruption_accuracy(
        classifier, images, labels, corruptions=JUDGED_ON, samples=SAMPLES, device=options.device, out=out
    )


def page(tables: dict[str, CorruptionTable], options: argparse.Namespace) -> str:
    """The whole of ``corruptions.md``."""
    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else f"{os.cpu_count()} cores"
    lines = [
        "# CIFAR-10-C",
        "",
        f"`python -m benchmarks.corruptions --data folder --device {options.device} --network {options.network} "
        f"--epochs {options.epochs}`, {date.today()}, {device}, {platform.machine()}, Python "
        f"{platform.python_version()}, torch {torch.__version__}.",
        "",
        f"{options.network}, {options.epochs} epochs; the first {IMAGES} test images, corrupted here; the mean over "
        f"five severities, in per cent. The smoothed classifier answers by {SAMPLES} votes; abstentions are wrong. The "
        "paper's figures are as printed, of its own networks.",
        "",
        f"| corruption | {' | '.join(KINDS)} | AugMix, paper | TSS, paper | GSmooth, paper |",
        "|---|" + "---|" * (len(KINDS) + 3),
        f"| none | {' | '.join(f'{100 * tables[kind].clean_accuracy.value:.1f}' for kind in KINDS)} | – | – | – |",
    ]
    for name in JUDGED_ON:
        means = [tables[kind].mean_accuracy(name) for kind in KINDS]
        lines.append(
            f"| `{name}` | {' | '.join(f'{100 * mean:.1f}' for mean in means)} | {' | '.join(map(str, PAPER[name]))} |"
        )
    smoothed, half = tables["smoothed"], Rate.of(IMAGES // 2, IMAGES)
    silent = statistics.mean(score.abstained / score.count for row in smoothed.scores.values() for score in row)
    lines += [
        "",
        f"The smoothed classifier abstains on {100 * smoothed.clean.abstained / smoothed.clean.count:.1f} % of the "
        f"unchanged images and on {100 * silent:.1f} % of the corrupted ones. The 95 % interval of a share of {IMAGES} "
        f"images reaches up to {100 * (half.high - half.value):.1f} points to each side.",
        "",
        "By severity, from 1 to 5:",
        "",
        f"| corruption | {' | '.join(KINDS)} |",
        "|---|" + "---|" * len(KINDS),
    ]
    for name in JUDGED_ON:
        shares = [[100 * score.correct / score.count for score in tables[kind].scores[name]] for kind in KINDS]
        lines.append(f"| `{name}` | {' | '.join(', '.join(f'{share:.1f}' for share in row) for row in shares)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of CIFAR-10, or an .npz file")
    parser.add_argument("--work", type=Path, default=Path("build/corruptions"), help="checkpoints, weights, tables")
    parser.add_argument("--network", default="resnet20_cifar10")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="+", choices=KINDS, help="some of the networks, and no page")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    splits = data(options.data)
    tables = {kind: table(kind, options, splits) for kind in options.only or KINDS}
    if not options.only:
        TARGET.write_text(page(tables, options))


if __name__ == "__main__":
    main()
