"""The main job, timed: certify the example model on bundled images, and say where the time goes.

    python -m benchmarks.main_job

About two minutes on two cores. Writes ``benchmarks/results/main_job.md``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.shared import RESULTS, machine, write_json, write_page
from gsmooth_core import Budget, Problem, Task, certify, fashion_mnist, get_corruption, load_example_model
from gsmooth_core.certifiers.cover import Cover

FIGURES = RESULTS / "main_job.json"
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


def measure(name: str, model: nn.Module, limit: int) -> dict[str, Any]:
    """Certify for a corruption, and say what came out and where the time went."""
    timed, start = Timed(model), time.perf_counter()
    report = certify(timed, name, limit=limit)
    seconds = time.perf_counter() - start
    anchors = [certificate.tried for certificate in report.certificates]
    return {
        "corruption": report.run.corruption,
        "certified": str(report.certified_accuracy()),
        "smoothed accuracy": str(report.accuracy),
        "plain accuracy": str(report.base_accuracy),
        "seconds": seconds,
        "seconds in the model": timed.seconds,
        "draws": sum(certificate.samples for certificate in report.certificates),
        "anchors": [statistics.median(anchors), max(anchors)],
    }


def cells(limit: int) -> dict[str, list[float]]:
    """How many cells defocus needs, how long they take, and how tight they are: median and most over the images."""
    recipe = get_corruption("defocus")
    counts, seconds, ratios = [], [], []
    for image in fashion_mnist("test")[0][:limit]:
        task = Task(image, Problem(recipe.transformation, recipe.smoothing, recipe.region(None, (1, 28, 28))), Budget())
        start = time.perf_counter()
        with torch.inference_mode():
            cover = Cover(task)
        seconds.append(time.perf_counter() - start)
        counts.append(len(cover.radius))
        path = cover.codes[cover.centre[:, 0].argsort()]
        length = float(cover.smoothing.distance(path[1:] - path[:-1]).sum())
        ratios.append(float(2 * cover.radius.sum()) / length)
    measured: dict[str, list[Any]] = {"cells": counts, "seconds": seconds, "diameters over length": ratios}
    return {name: [statistics.median(values), max(values)] for name, values in measured.items()}


def page(figures: dict[str, Any]) -> str:
    """The whole of ``main_job.md``."""
    limit, bare, cover = figures["limit"], figures["seconds an image alone"], figures["cover of defocus"]
    lines = [
        "# The main job",
        "",
        f"`python -m benchmarks.main_job --limit {limit}`, {figures['date']}, {figures['machine']}. Raw figures: "
        "[main_job.json](main_job.json).",
        "",
        f"Example model, first {limit} bundled test images, default budget (at most 10,000 draws an anchor, α = 0.001) "
        f"and radius. The model alone takes {1e6 * bare:.0f} µs an image at its best batch size.",
        "",
        "| corruption | certified accuracy | smoothed accuracy | seconds | draws | anchors, median (most) | share of "
        "the time in the model | time / bare forward of as many images |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        median, most = row["anchors"]
        lines.append(
            f"| {row['corruption']} | {row['certified']} | {row['smoothed accuracy']} | {row['seconds']:.1f} | "
            f"{row['draws']:,} | {median:.0f} ({most}) | {row['seconds in the model'] / row['seconds']:.0%} | "
            f"{row['seconds'] / (row['draws'] * bare):.2f} |"
        )
    (count, most), (seconds, longest), (ratio, loosest) = cover.values()
    return "\n".join(
        [
            *lines,
            "",
            f"Plain model's accuracy on these images: {figures['rows'][-1]['plain accuracy']}.",
            "",
            f"Enclosing defocus over 0–5 px: {count:.0f} cells an image (most {most}), {seconds:.2f} s (most "
            f"{longest:.2f} s); the cells' diameters sum to {ratio:.2f} times the path's length (most {loosest:.2f}).",
            "",
        ]
    )


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=50)
    limit = parser.parse_args().limit
    model = load_example_model()
    figures = {
        "limit": limit,
        "seconds an image alone": bare_seconds_per_image(model),
        "rows": [measure(name, model, limit) for name in CORRUPTIONS],
        "cover of defocus": cells(limit),
        "date": str(date.today()),
        "machine": machine(),
    }
    write_json(FIGURES, figures)
    write_page(FIGURES.with_suffix(".md"), page(figures))
    print(page(figures))


if __name__ == "__main__":
    main()
