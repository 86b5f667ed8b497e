"""Images a second of every installed corruption, beside imagecorruptions where it has the same one.

    OMP_NUM_THREADS=1 python -m benchmarks.throughput --peer other/environment/bin/python

``--peer`` names the interpreter of an environment of its own with imagecorruptions in it (for instance
``pip install imagecorruptions-imaug``, a maintained copy), which need not have gsmooth; without it those columns stay
empty. A few minutes. Writes ``benchmarks/results/throughput.md``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import torch

from benchmarks.shared import RESULTS, all_recipes, machine, write_json, write_page
from gsmooth_core import Corruption

FIGURES = RESULTS / "throughput.json"
BATCHES = {32: 64, 224: 8}
"""The batch for each size of image (px)."""
PEERS = {
    "gaussianblur": "gaussian_blur",
    "brightness": "brightness",
    "contrast": "contrast",
    "defocus": "defocus_blur",
    "zoomblur": "zoom_blur",
    "motionblur": "motion_blur",
    "pixelate": "pixelate",
}
"""What imagecorruptions calls a plugin's corruption."""
REPETITIONS, SECONDS = 5, 1.0
"""A call is repeated at least so often, and for at least so long."""
OURS = """
Ours: float32 in and out (some compute in float64 inside), random images, and for each image of a batch a parameter of
its own, drawn evenly from the recipe's default region for colour images of 32 × 32 px; at 224 × 224 px the same
parameters, in the same unit. One at a time: the same images and parameters, one call each. No gradients. A batch may
be slower than single images where the largest parameter sets the work for all of it, or where its temporaries are so
large that the C library fetches their memory from the system at every call.
"""
THEIRS = """Not the same work:

- it takes one image a call, uint8 (height, width, channel) of at least 32 px, and gives back uint8, so it also converts
  and clips; ours take batches of floats and do not clip;
- it knows five whole severities, of which 3 is measured here; ours take any parameter, another for each image;
- its definitions differ: a truncated Gaussian kernel of standard deviation 3 px (ours, on average, of variance 8 px²),
  a smoothed disk of 6 px (ours up to 5), a line whose weights fall off, in a random direction (ours even, at 45°),
  zooms up to 1.2 in steps of 0.02 (ours up to 1.5, eleven of them, or in steps of 0.01 in `zoomblur:discrete`),
  brightness in HSV space, contrast about the image's mean, 60 % of the resolution removed (ours up to 50 %).

So the columns say what a call costs a user, not which code does one job faster.
"""
PEER_SCRIPT = """
import json, platform, sys, time, warnings
from importlib.metadata import distributions
import cv2
import numpy as np
warnings.simplefilter("ignore")
from imagecorruptions import corrupt

task = json.load(sys.stdin)
cv2.setNumThreads(task["threads"])
found = {}
for size, count in task["batches"].items():
    images = np.random.default_rng(0).integers(0, 256, (count, int(size), int(size), 3), dtype=np.uint8)
    for name in task["names"]:
        best, spent, times = float("inf"), 0.0, 0
        corrupt(images[0], corruption_name=name, severity=3)
        while times < task["repetitions"] or spent < task["seconds"]:
            start = time.perf_counter()
            for image in images:
                corrupt(image, corruption_name=name, severity=3)
            passed = time.perf_counter() - start
            best, spent, times = min(best, passed), spent + passed, times + 1
        found[f"{name} {size}"] = count / best
names = [f"{d.name} {d.version}" for d in distributions() if d.name.lower().startswith("imagecorruptions")]
json.dump({"found": found, "versions": f"{', '.join(names)}, Python {platform.python_version()}"}, sys.stdout)
"""


def best_seconds(call: Callable[[], object], device: torch.device) -> float:
    """The least time that one of several calls takes, after one that does not count."""
    call()
    best, spent, times = float("inf"), 0.0, 0
    while times < REPETITIONS or spent < SECONDS:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        passed = time.perf_counter() - start
        best, spent, times = min(best, passed), spent + passed, times + 1
    return best


@torch.inference_mode()
def images_per_second(recipe: Corruption, size: int, device: torch.device) -> tuple[float, float]:
    """Colour images of ``size`` px a second: in one batch, and the same ones one at a time."""
    count, transformation = BATCHES[size], recipe.transformation
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, size, size, generator=generator).to(device)
    region = recipe.region(recipe.default_radius((3, 32, 32)), (3, size, size))
    parameters = transformation.space.snap(region.sample(count, generator)).to(device)

    def one_at_a_time() -> None:
        for image, parameter in zip(images.split(1), parameters.split(1), strict=True):
            transformation.apply(image, parameter)

    calls: tuple[Callable[[], object], ...] = (lambda: transformation.apply(images, parameters), one_at_a_time)
    batched, single = (count / best_seconds(call, device) for call in calls)
    return batched, single


def ask_peer(interpreter: str) -> dict[str, Any]:
    """What imagecorruptions does in the environment of that interpreter: images a second, and versions."""
    task = {
        "names": list(PEERS.values()),
        "batches": BATCHES,
        "threads": torch.get_num_threads(),
        "repetitions": REPETITIONS,
        "seconds": SECONDS,
    }
    done = subprocess.run(
        [interpreter, "-c", PEER_SCRIPT], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{interpreter} could not run imagecorruptions:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # it prints too
    return answer


def rate(value: float | None) -> str:
    """Images a second with three significant digits, or a dash."""
    if value is None:
        return "–"
    return f"{value:.3g}" if value < 100 else f"{int(float(f'{value:.3g}')):,}"


def page(figures: dict[str, Any]) -> str:
    """The whole of ``throughput.md``."""
    header = "".join(
        f" {size} px: batch of {batch} | {size} px: one at a time | {size} px: imagecorruptions |"
        for size, batch in BATCHES.items()
    )
    lines = [
        "# Throughput",
        "",
        f"`{figures['command']}`, {figures['date']}, {figures['machine']}. Raw figures: "
        "[throughput.json](throughput.json).",
        "",
        "Images a second, colour images of 32 × 32 and 224 × 224 px; the best of at least "
        f"{REPETITIONS} repetitions within at least {SECONDS:g} s, after a warm-up.",
        "",
        f"| corruption |{header}",
        "|---|" + 3 * len(BATCHES) * "---|",
        *(f"| `{name}` | {' | '.join(map(rate, row))} |" for name, row in figures["rows"].items()),
    ]
    text = "\n".join(lines) + "\n" + OURS
    if figures["peer"]:
        threads = figures["threads"]
        text += f"\nimagecorruptions: {figures['peer']}, in an environment of its own, with {threads} thread"
        text += f"{'s' * (threads > 1)}.\n{THEIRS}"
    return text


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", metavar="PYTHON", help="an interpreter that has imagecorruptions")
    parser.add_argument("--device", default="cpu", help="where ours run; imagecorruptions knows the CPU alone")
    options = parser.parse_args()
    device, threads = torch.device(options.device), torch.get_num_threads()
    answer: dict[str, Any] = ask_peer(options.peer) if options.peer else {"found": {}, "versions": None}
    command = f"OMP_NUM_THREADS={threads} python -m benchmarks.throughput" + " --peer PYTHON" * bool(options.peer)
    command += f" --device {device}" * (device.type != "cpu")
    rows: dict[str, list[float | None]] = {}
    for recipe in all_recipes():
        row = rows[recipe.name] = list[float | None]()
        for size in BATCHES:
            peer = answer["found"].get(f"{PEERS.get(recipe.name.partition(':')[0])} {size}")
            row += [*images_per_second(recipe, size, device), peer]
        print(recipe.name, *map(rate, row), flush=True)
    figures = {
        "command": command,
        "rows": rows,
        "peer": answer["versions"],
        "threads": threads,
        "date": str(date.today()),
        "machine": machine(device),
    }
    write_json(FIGURES, figures)
    write_page(FIGURES.with_suffix(".md"), page(figures))


if __name__ == "__main__":
    main()
