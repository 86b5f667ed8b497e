"""Everything that waits for a GPU, best first, in at most so many minutes.

    pip install --editable ".[testing,train,zoo]"
    python -m benchmarks.gpu --data folder --minutes 12 --device cuda

First the tests that need a GPU, then the overhead on it, then the rows that the table of CIFAR-10 lacks (``--data`` as
for ``benchmarks.cifar10``). Each stage has a share of the minutes and is stopped at its end; what a stage leaves, the
next ones have. Results are written to ``--out`` after each model, row and stage, so a stop loses the current one at
most, and the next call goes on with what is missing: networks and reports lie in ``--work``. All ends in time, however
the stages do. ``--device cpu --minutes 1`` tries the machinery; its figures mean nothing, and lie in build/gpu/results.

To add a stage, add it to ``STAGES``: a command that writes its own results, and a pattern for the lines of its output
that say what came out.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
ENDING = (5.0, 0.03)
"""Seconds, and a share of all time, that are kept for the end: to stop what still runs, and to write."""


@attrs.frozen
class Stage:
    """A command, given the options and the seconds it has; its share of the minutes; the lines that tell the outcome.

    A share of 1 is all that is left.
    """

    name: str
    share: float
    command: Callable[[argparse.Namespace, float], list[str]]
    outcome: str


def tests(options: argparse.Namespace, seconds: float) -> list[str]:
    """The files of tests that mention CUDA, and the plugins' own; ``gpu_tests`` chooses among their tests."""
    files = [file for file in sorted((ROOT / "tests").rglob("test_*.py")) if "cuda" in file.read_text(encoding="utf-8")]
    files += sorted((ROOT / "plugins").glob("*/tests/test_conformance.py"))
    return ["pytest", "-q", "-p", "benchmarks.gpu.gpu_tests", *map(str, files)]


def overhead(options: argparse.Namespace, seconds: float) -> list[str]:
    """Certifying beside the bare forward pass, with fewer rounds and draws where time is short."""
    on_gpu = options.device != "cpu"
    rounds, draws = max(1, min(3, int(options.minutes // 6))), 100_000 if on_gpu else 1_000
    how = ["--device", "cuda" if on_gpu else "cpu", "--rounds", str(rounds), "--draws", str(draws)]
    return ["benchmarks.overhead", *how, "--out", str(options.out)]


def rows(options: argparse.Namespace, seconds: float) -> list[str]:
    """The rows that the table of CIFAR-10 lacks."""
    return [
        "benchmarks.gpu.rows",
        *("--data", str(options.data)),
        *("--work", str(options.work)),
        *("--out", str(options.out)),
        *("--device", options.device),
        *("--seconds", f"{seconds:.1f}"),
        *("--minutes", f"{options.minutes:g}"),
        *(("--network", options.network) if options.network else ()),
    ]


STAGES = (
    Stage("tests on the GPU", 0.12, tests, r"\d+ (passed|failed|skipped|error).*|(FAILED|ERROR) .*"),
    Stage("overhead", 0.14, overhead, r".+: \d+\.\d+"),
    Stage("rows of CIFAR-10", 1.0, rows, r"row: .*"),
)


def perform(stage: Stage, options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Run a stage for so many seconds at most, show what it prints, and say how it ended."""
    start, lines = time.monotonic(), list[str]()
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.gpu.watched", str(os.getpid())]
    process = subprocess.Popen(
        [*command, *stage.command(options, seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def show() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                print(line, end="", flush=True)
                lines.append(line.rstrip())

    reader = threading.Thread(target=show, daemon=True)
    reader.start()
    try:
        code = process.wait(seconds)
        ended = "finished" if code == 0 else f"failed with exit code {code}"
    except subprocess.TimeoutExpired:
        ended = "stopped at its limit"
    finally:
        stop(process)
        reader.join(1)
    found = [line for line in lines if re.fullmatch(stage.outcome, line)]
    if ended.startswith("failed") and not found:
        found = lines[-3:]
    return {"stage": stage.name, "seconds": round(time.monotonic() - start, 1), "ended": ended, "outcome": found}


def stop(process: subprocess.Popen[str]) -> None:
    """The process and all that it started have ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def page(figures: dict[str, Any]) -> str:
    """The whole of ``gpu.md``."""
    lines = [
        "# The last run on a GPU",
        "",
        f"`{figures['command']}`, {figures['date']}, {figures['machine']}. Raw figures: [gpu.json](gpu.json).",
        "",
        "| stage | seconds | how it ended | outcome |",
        "|---|---|---|---|",
    ]
    for one in figures["stages"]:
        outcome = "; ".join(one["outcome"]).replace("|", r"\|") or "–"
        lines.append(f"| {one['stage']} | {one['seconds']:.0f} | {one['ended']} | {outcome} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the stages one after the other, and write and print what came out."""
    begin = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of CIFAR-10, or an .npz file")
    parser.add_argument("--minutes", type=float, default=12, help="for everything")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--network", help="of make_classifier; default: a large one on a GPU, a small one on the CPU")
    parser.add_argument("--work", type=Path, default=Path("build/gpu"), help="checkpoints, weights, reports")
    parser.add_argument("--out", type=Path, help="the folder of results; default: benchmarks/results, for a GPU")
    parser.add_argument("--stages", nargs="+", choices=[stage.name.split()[0] for stage in STAGES], help="only these")
    options = parser.parse_args()
    if not options.data.exists():
        parser.error(f"there is no {str(options.data)!r}; name the folder of CIFAR-10, or an .npz file")
    options.out = options.out or (ROOT / "build" / "gpu" / "results" if options.device == "cpu" else RESULTS)
    options.data, options.work, options.out = (p.resolve() for p in (options.data, options.work, options.out))
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    end = begin + 60 * options.minutes * (1 - ENDING[1]) - ENDING[0]
    loading = threading.Thread(target=import_module, args=("benchmarks.shared",))  # torch takes its time
    loading.start()
    command = f"python -m benchmarks.gpu --data folder --minutes {options.minutes:g} --device {options.device}"
    done: list[dict[str, Any]] = []
    for stage in STAGES:
        if not options.stages or stage.name.split()[0] in options.stages:
            seconds = min(60 * options.minutes * stage.share, end - time.monotonic())
            print(f"--- {stage.name}: {max(0, seconds):.0f} s at most", flush=True)
            if seconds > 1:
                done.append(perform(stage, options, seconds))
            else:
                done.append({"stage": stage.name, "seconds": 0.0, "ended": "no time was left", "outcome": []})
            loading.join()
            from benchmarks.shared import machine, write_json, write_page

            figures = {"command": command, "date": str(date.today()), "machine": machine(options.device)}
            write_json(options.out / "gpu.json", figures | {"stages": done})
            write_page(options.out / "gpu.md", page(figures | {"stages": done}))
    print(f"--- {time.monotonic() - begin:.0f} s in all; results in {options.out}")
    for one in done:
        print(f"{one['stage']}: {one['seconds']:.0f} s, {one['ended']}", *one["outcome"], sep="\n    ")


if __name__ == "__main__":
    main()
