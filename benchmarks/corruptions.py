"""Accuracy on CIFAR-10-C's corruptions, as in the paper's Table 4: once only; better on a machine with a GPU.

    pip install --editable ".[train,zoo]"
    python -m benchmarks.corruptions --data folder --device cuda

``--data`` as for ``benchmarks.cifar10``. Three networks: a plain one; one that was trained on the six corruptions, of
strengths drawn from the recipes' regions; and one that was trained on the same under pixel noise, and is judged as the
smoothed classifier, by 100 votes. The images are corrupted here, at the benchmark's five severities. A stopped run goes
on where it stopped: checkpoints, weights and finished tables lie in ``--work``. With ``--only`` several processes can
share the networks; the last call, without it, writes ``benchmarks/results/corruptions.md``.
"""

from __future__ import annotations

import argparse
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import attrs
from torch import nn

from benchmarks.shared import RESULTS, Splits, cifar10, machine, read_json, trained, untouched, write_json, write_page
from gsmooth_core import (
    Corruption,
    IdentitySurrogate,
    LatentSmoothing,
    NoSmoothing,
    Rate,
    SmoothedClassifier,
    Smoothing,
    corruption_accuracy,
    get_corruption,
)

FIGURES = RESULTS / "corruptions.json"
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
    """What a network of a kind other than a plain one is trained for."""
    smoothing: Smoothing = NOISE if kind == "smoothed" else NoSmoothing()
    return [attrs.evolve(get_corruption(name), smoothing=smoothing) for name in TRAINED_FOR]


def classifier(kind: str, options: argparse.Namespace, splits: Splits) -> nn.Module:
    """A network of a kind; from ``--work``, if it lies there."""
    aims, radius = untouched() if kind == "plain" else (recipes(kind), None)
    return trained(
        Path(options.work) / f"corruptions-{kind}.safetensors",
        options.network,
        3,
        aims,
        *splits["train"],
        radius=radius,
        epochs=options.epochs,
        batch=options.batch,
        jitter=4,
        mirror=True,
        device=options.device,
    )


def measure(kind: str, options: argparse.Namespace, splits: Splits) -> dict[str, Any]:
    """The scores of a network; what lies in ``--work`` of them is not measured again."""
    model = classifier(kind, options, splits)
    images, labels = (part[:IMAGES] for part in splits["test"])
    judged = SmoothedClassifier(model, NOISE) if kind == "smoothed" else model
    out = Path(options.work) / f"corruptions-{kind}-table.json"
    table = corruption_accuracy(
        judged, images, labels, corruptions=JUDGED_ON, samples=SAMPLES, device=options.device, out=out
    )
    return {
        "clean": attrs.asdict(table.clean),
        "scores": {name: [attrs.asdict(score) for score in table.scores[name]] for name in JUDGED_ON},
        "network": options.network,
        "epochs": options.epochs,
        "device": options.device,
        "date": str(date.today()),
        "machine": machine(options.device),
    }


def share(score: dict[str, int], what: str = "correct") -> float:
    """The share of the images, in per cent."""
    return 100 * score[what] / score["count"]


def page(found: dict[str, dict[str, Any]]) -> str:
    """The whole of ``corruptions.md``."""
    one = found["smoothed"]
    clean = " | ".join(f"{share(found[kind]['clean']):.1f}" for kind in KINDS)
    lines = [
        "# CIFAR-10-C",
        "",
        f"`python -m benchmarks.corruptions --data folder --device {one['device']} --network {one['network']} "
        f"--epochs {one['epochs']}`, {max(row['date'] for row in found.values())}, "
        f"{'; '.join(sorted({row['machine'] for row in found.values()}))}. Raw figures: "
        "[corruptions.json](corruptions.json).",
        "",
        f"{one['network']}, {one['epochs']} epochs; the first {IMAGES} test images, corrupted here; the mean over "
        f"five severities, in per cent. The smoothed classifier answers by {SAMPLES} votes; abstentions are wrong. The "
        "paper's figures are as printed, of its own networks.",
        "",
        f"| corruption | {' | '.join(KINDS)} | AugMix, paper | TSS, paper | GSmooth, paper |",
        "|---|" + "---|" * (len(KINDS) + 3),
        f"| none | {clean} | – | – | – |",
    ]
    for name in JUDGED_ON:
        means = [statistics.mean(map(share, found[kind]["scores"][name])) for kind in KINDS]
        lines.append(
            f"| `{name}` | {' | '.join(f'{mean:.1f}' for mean in means)} | {' | '.join(map(str, PAPER[name]))} |"
        )
    half = Rate.of(IMAGES // 2, IMAGES)
    silent = statistics.mean(share(score, "abstained") for row in one["scores"].values() for score in row)
    lines += [
        "",
        f"The smoothed classifier abstains on {share(one['clean'], 'abstained'):.1f} % of the "
        f"unchanged images and on {silent:.1f} % of the corrupted ones. The 95 % interval of a share of {IMAGES} "
        f"images reaches up to {100 * (half.high - half.value):.1f} points to each side.",
        "",
        "By severity, from 1 to 5:",
        "",
        f"| corruption | {' | '.join(KINDS)} |",
        "|---|" + "---|" * len(KINDS),
    ]
    for name in JUDGED_ON:
        columns = [", ".join(f"{share(score):.1f}" for score in found[kind]["scores"][name]) for kind in KINDS]
        lines.append(f"| `{name}` | {' | '.join(columns)} |")
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
    splits: Splits = {}
    found: dict[str, dict[str, Any]] = {}
    for kind in options.only or KINDS:
        finished = options.work / f"figures-{kind}.json"
        if not finished.exists():
            splits = splits or cifar10(options.data)
            write_json(finished, measure(kind, options, splits))
        found[kind] = read_json(finished)
    if not options.only:
        write_json(FIGURES, found)
        write_page(FIGURES.with_suffix(".md"), page(found))


if __name__ == "__main__":
    main()
