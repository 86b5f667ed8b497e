"""The main job, timed: certify the example model on bundled images, and say where the time goes.

    python benchmarks/main_job.py

About two minutes on two cores. Writes ``benchmarks/main_job.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn

from gsmooth_core import Budget, Report, Task, certify, get_corruption, load_example_model, load_fashion_mnist
from gsmooth_core.certifiers.cover import Cover

TARGET = Path(__file__).with_suffix(".md")
CORRUPTIONS = ("defocus", "gaussianblur")


class Timed(nn.Module):
    """A model that adds up the time of its calls."""

    def __init__(self, model: nn.Module) -> None:
        """Wrap ``model``."""
        super().__init__()
        self.model = model
        self.seconds = 0.0

    def forward(self, images: Tensor) -> Tensor:
        """The model's logits."""
        start = time.perf_counter()
        logits: Tensor = self.model(images)
        self.seconds += time.perf_counter() - start
        return logits


@torch.inference_mode()
def bare_seconds_per_image(model: nn.Module) -> float:
    """Seconds per image of the model alone, at its best batch size."""
    best = float("inf")
    for batch in (25, 50, 100, 200, 400, 800):
        images = torch.rand(batch, 1, 28, 28)
        model(images)
        for _ in range(3):
            start = time.perf_counter()
            for _ in range(max(1, 3_200 // batch)):
                model(images)
            best = min(best, (time.perf_counter() - start) / (batch * max(1, 3_200 // batch)))
    return best


def row(report: Report, seconds: float, model_seconds: float, bare: float) -> str:
    """One row of the table of times."""
    draws = sum(certificate.samples for certificate in report.certificates)
    anchors = [certificate.anchors for certificate in report.certificates]
    return (
        f"| {report.run.corruption} | {report.certified_accuracy()} | {report.accuracy} | {seconds:.1f} | {draws:,} | "
        f"{statistics.median(anchors):.0f} ({max(anchors)}) | {model_seconds / seconds:.0%} | "
        f"{seconds / (draws * bare):.2f} |"
    )


def cells(limit: int) -> tuple[str, str]:
    """How many cells defocus needs, how long they take, and how tight they are, on the first test images."""
    recipe = get_corruption("defocus")
    counts, seconds, ratios = [], [], []
    for image in load_fashion_mnist("test")[0][:limit]:
        task = Task(image, recipe.region(None, (1, 28, 28)), recipe.transformation, recipe.smoothing, Budget())
        start = time.perf_counter()
        with torch.inference_mode():
            cover = Cover(task)
        seconds.append(time.perf_counter() - start)
        counts.append(len(cover.radius))
        path = cover.codes[cover.centre[:, 0].argsort()].flatten(1)
        length = float(cover.smoothing.distance(path[1:] - path[:-1]).sum())
        ratios.append(float(2 * cover.radius.sum()) / length)
    return (
        f"{statistics.median(counts):.0f} cells an image (most {max(counts)}), {statistics.median(seconds):.2f} s "
        f"(most {max(seconds):.2f} s)",
        f"the cells' diameters sum to {statistics.median(ratios):.2f} times the path's length (most {max(ratios):.2f})",
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=50)
    limit = parser.parse_args().limit
    model = load_example_model()
    bare = bare_seconds_per_image(model)
    lines = [
        "# The main job",
        "",
        f"`python benchmarks/main_job.py --limit {limit}`, {date.today()}, {platform.machine()}, {os.cpu_count()} "
        f"cores, {torch.get_num_threads()} threads, Python {platform.python_version()}, torch {torch.__version__}.",
        "",
        f"Example model, first {limit} bundled test images, default budget (at most 10,000 draws an anchor, α = 0.001) "
        f"and radius. The model alone takes {1e6 * bare:.0f} µs an image at its best batch size.",
        "",
        "| corruption | certified accuracy | smoothed accuracy | seconds | draws | anchors, median (most) | share of "
        "the time in the model | time / bare forward of as many images |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in CORRUPTIONS:
        timed = Timed(model)
        start = time.perf_counter()
        report = certify(timed, name, "fashion-mnist", limit=limit)
        lines.append(row(report, time.perf_counter() - start, timed.seconds, bare))
    lines += ["", f"Plain model's accuracy on these images: {report.base_accuracy}."]
    lines += ["", "Enclosing defocus over 0–5 px: " + "; ".join(cells(limit)) + "."]
    TARGET.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
