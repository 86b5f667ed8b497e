"""What certifying costs beside the bare forward pass of the same model: ``make bench``.

    pip install --editable ".[bench]"
    python -m benchmarks.overhead

In each round, one after the other: ``certify`` with 10,000 draws an image; the loop that one would write first (batches
of 1,000, pixel noise); and the Adversarial Robustness Toolbox (pixel noise), if it is installed; before and after each,
the bare model on random images at its best batch size. The times an image are divided by the mean of those two, and the
median round is taken. About ten minutes on two cores. Writes ``benchmarks/results/overhead.md`` after each model; with
``--device cuda``, ``benchmarks/results/overhead_cuda.md``, where more draws are worth while: ``--draws 500000``.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from benchmarks.shared import RESULTS, machine, write_json, write_page
from gsmooth_core import (
    Budget,
    Corruption,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    Region,
    SmallConvNet,
    certify,
    get_corruption,
)

NAMES = {"cpu": "overhead.json", "cuda": "overhead_cuda.json"}
STD = 0.25
LIMITS = {"brightness": 1.05, "rotation": 1.10, "gaussianblur": 1.15, "translation": 1.15}
ROWS = {name: f"`{name}`" for name in LIMITS} | {"rotation": "`latent`, identity surrogate (`rotation`, one anchor)"}
LOOP, ART = "plain loop, batches of 1,000, pixel noise", "Adversarial Robustness Toolbox, pixel noise"


@attrs.frozen
class Case:
    """A model, and the images that it is certified on."""

    name: str
    model: nn.Module
    shape: tuple[int, int, int]
    images: int
    device: str = "cpu"
    draws: int = 10_000

    @property
    def everything(self) -> int:
        """The draws of all images."""
        return self.images * self.draws


def usual_convnet() -> nn.Module:
    """A classifier of MNIST that certification papers measure with, TSS's among them: 4 convolutions, 3 linear."""
    convolutions = ((1, 32, 3, 1), (32, 32, 4, 2), (32, 64, 3, 1), (64, 64, 4, 2))
    layers = [layer for shape in convolutions for layer in (nn.Conv2d(*shape), nn.ReLU())]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(1_024, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)
    )


def cases(device: str, draws: int, seed: int = 0) -> list[Case]:
    """The models; random weights do as well for timing."""
    torch.manual_seed(seed)
    found = [
        Case("ConvNet of the field, 28 × 28", usual_convnet(), (1, 28, 28), 3),
        Case("SmallConvNet, 28 × 28", SmallConvNet(), (1, 28, 28), 8),
    ]
    if find_spec("pytorchcv"):
        from pytorchcv.model_provider import get_model

        found.append(Case("ResNet-20, 32 × 32", get_model("resnet20_cifar10"), (3, 32, 32), 1))
    return [attrs.evolve(case, model=case.model.eval().to(device), device=device, draws=draws) for case in found]


def each(work: Callable[[], int]) -> float:
    """The seconds an image of some work, which says how many it did."""
    start = time.perf_counter()
    count = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


@torch.inference_mode()
def bare(case: Case, batch: int, count: int) -> int:
    """The model alone, on at least ``count`` images: how many."""
    images = torch.rand(batch, *case.shape, device=case.device)
    for _ in range(-(-count // batch)):
        case.model(images)
    return -(-count // batch) * batch


def best_batch(case: Case) -> int:
    """The batch size with the least time an image, of three tries each."""
    batches = [16, 32, 64, 100, 150, 200, 300, 400, 600, 1_000]
    if case.device == "cuda":
        batches = [1_000, 2_000, 4_000, 7_000, 10_000, 15_000, 20_000]
    for batch in batches[:3]:
        bare(case, batch, 500)  # warm up
    least = {batch: min(each(partial(bare, case, batch, case.draws // 5)) for _ in range(3)) for batch in batches}
    return min(least, key=lambda batch: least[batch])


def recipe_for(name: str) -> Corruption:
    """The recipe; for the latent certifier under a noise of ``STD``."""
    recipe = get_corruption(name)
    if isinstance(recipe.certifier, LatentCertifier):
        return attrs.evolve(recipe, smoothing=LatentSmoothing(IdentitySurrogate(), 0.0, STD))
    return recipe


def certified(case: Case, recipe: Corruption, images: Tensor) -> int:
    """Certify on a region as small as it can be, with a fixed number of draws an image: the draws taken."""
    identity = recipe.transformation.space.identity
    budget = Budget(samples=case.draws, stopping="fixed", anchors=1)
    report = certify(case.model, recipe, images, radius=Region(identity, identity), budget=budget, progress=False)
    return sum(certificate.samples for certificate in report.certificates)


@torch.inference_mode()
def plain_loop(case: Case, images: Tensor) -> int:
    """What one would write first."""
    for image in images.to(case.device):
        counts = torch.zeros(10, dtype=torch.int64, device=case.device)
        for _ in range(case.draws // 1_000):
            views = image.repeat(1_000, 1, 1, 1)
            counts += case.model(views + torch.randn_like(views) * STD).argmax(1).bincount(minlength=10)
    return case.everything


def toolbox(case: Case) -> Callable[[Tensor], int] | None:
    """The toolbox's certification, where it is installed."""
    if not find_spec("art"):
        return None
    from art.estimators.certification.randomized_smoothing import PyTorchRandomizedSmoothing

    smoothed: Any = PyTorchRandomizedSmoothing(
        case.model,
        nn.CrossEntropyLoss(),
        case.shape,
        10,
        device_type="cpu" if case.device == "cpu" else "gpu",
        sample_size=100,
        scale=STD,
        alpha=0.001,
    )

    def run(images: Tensor) -> int:
        smoothed.certify(images.numpy(), n=case.draws, batch_size=400)
        return (case.draws + 100) * len(images)

    return run


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """The best batch, the bare model's microseconds an image, and the ratios of each way, round by round."""
    batch, images = best_batch(case), torch.rand(case.images, *case.shape)
    ways: dict[str, Callable[[], int]] = {
        ROWS[name]: partial(certified, case, recipe_for(name), images) for name in LIMITS
    }
    ways[LOOP] = partial(plain_loop, case, images)
    if (art := toolbox(case)) is not None:
        ways[ART] = partial(art, images)
    alone, ratios = [], {way: list[float]() for way in ways}
    for _ in range(rounds):
        before = each(partial(bare, case, batch, case.everything))
        for way, run in ways.items():
            taken, after = each(run), each(partial(bare, case, batch, case.everything))
            ratios[way].append(2 * taken / (before + after))
            alone.append(before := after)
    figures = {"model": case.name, "best batch": batch, "microseconds an image alone": 1e6 * min(alone)}
    return {**figures, "ratios": ratios, "busy": utilisation(case) if case.device == "cuda" else None}


def utilisation(case: Case) -> float | None:
    """In what share of the moments at which the driver looks the GPU is busy during a certification, if it tells."""
    seen, done = list[int](), threading.Event()

    def watch() -> None:
        with suppress(ModuleNotFoundError, RuntimeError):  # torch asks the driver through nvidia-ml-py
            while not done.wait(0.05):
                seen.append(torch.cuda.utilization())

    watcher = threading.Thread(target=watch)
    watcher.start()
    more = attrs.evolve(case, draws=4 * case.draws)
    certified(more, recipe_for("rotation"), torch.rand(case.images, *case.shape))
    done.set()
    watcher.join()
    return statistics.mean(seen[len(seen) // 4 :]) / 100 if seen else None


def installed(package: str) -> str:
    """The package's version."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def page(figures: dict[str, Any]) -> str:
    """The whole of ``overhead.md``, or of the page of a GPU."""
    on_gpu, name = figures["device"] == "cuda", NAMES[figures["device"]]
    lines = [
        f"# Overhead{' on a GPU' * on_gpu}",
        "",
        f"`{figures['command']}`, {figures['date']}, {figures['machine']}, adversarial-robustness-toolbox "
        f"{figures['toolbox']}. Raw figures: [{name}]({name}).",
        "",
        "The time of a draw, as a multiple of the bare model's time an image at its best batch size, measured just "
        f"before and after; {figures['draws']:,} draws an image, everything in a call of `certify` counted. The median "
        f"of {figures['rounds']} rounds (least to most).",
        "",
        "| model | way | time / bare forward | at most |",
        "|---|---|---|---|",
    ]
    for case in figures["cases"]:
        for way, values in case["ratios"].items():
            allowed = next((f"{LIMITS[name]:.2f}" for name, row in ROWS.items() if row == way and not on_gpu), "–")
            spread = f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"
            lines.append(f"| {case['model']} | {way} | {spread} | {allowed} |")
    for case in figures["cases"]:
        busy = f" The GPU is busy {case['busy']:.0%} of the time under `latent`." if case["busy"] is not None else ""
        alone = f"{case['microseconds an image alone']:.3g} µs an image alone"
        lines += ["", f"{case['model']}: {alone}, best batch {case['best batch']}.{busy}"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=NAMES, default="cpu")
    parser.add_argument("--draws", type=int, default=10_000, help="draws an image")
    parser.add_argument("--only", default="", help="models whose names hold this word")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the figures and the page")
    options = parser.parse_args()
    more = " --device cuda" * (options.device == "cuda") + f" --draws {options.draws}" * (options.draws != 10_000)
    figures: dict[str, Any] = {
        "command": f"python -m benchmarks.overhead --rounds {options.rounds}{more}"
        + f" --only {options.only}" * bool(options.only),
        "device": options.device,
        "draws": options.draws,
        "rounds": options.rounds,
        "toolbox": installed("adversarial-robustness-toolbox"),
        "date": str(date.today()),
        "machine": machine(options.device),
        "cases": [],
    }
    for case in cases(options.device, options.draws):
        if options.only in case.name:
            figures["cases"].append(measure(case, options.rounds))
            target = options.out / NAMES[options.device]
            write_json(target, figures)
            write_page(target.with_suffix(".md"), page(figures))
            for way, values in figures["cases"][-1]["ratios"].items():
                print(f"{case.name}, {way}: {statistics.median(values):.2f}", flush=True)


if __name__ == "__main__":
    main()
