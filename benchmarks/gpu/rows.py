"""The rows that the table of CIFAR-10 lacks, best first, within so many seconds: a stage of ``benchmarks.gpu``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import attrs
import torch

from benchmarks.cifar10 import FIGURES, JOBS, PAPER, Settings, keep, measure
from benchmarks.shared import Splits, cifar10, read_json

ROWS = ("gaussianblur", "translation", "brightnesscontrast", "rotationalblur", "rotation", "pixelate", "scaling")
"""Jobs, the cheapest and likeliest to be good first: those under noise on parameters alone need no anchors."""
ROW, LEAST = 0.2, 0.6
"""A row's share of all minutes, and the share of that without which none is begun."""
TRAINING, CERTIFYING = {True: 0.6, False: 0.5}, {True: 0.3, False: 0.4}
"""Shares of a row's time, by whether it needs no anchors."""


def one_row(name: str, settings: Settings, splits: Splits, seconds: float, figures: Path) -> str:
    """The row is measured within so many seconds and kept: what came out, in words."""
    start, simple = time.monotonic(), JOBS[name].std is None
    try:
        limited = attrs.evolve(
            settings, minutes=TRAINING[simple] * seconds / 60, certify_minutes=CERTIFYING[simple] * seconds / 60
        )
        found = measure(name, limited, splits)
    except (ValueError, RuntimeError) as error:
        if not settings.device.startswith("cuda") or not torch.backends.cudnn.allow_tf32:
            return f"row: {name} failed: {' '.join(str(error).split())}"
        torch.backends.cudnn.allow_tf32 = False  # TF32 may answer by the batch, which is refused
        print(f"{name}: {error}; once more in full float32", flush=True)
        left = seconds - (time.monotonic() - start)
        return one_row(name, settings, splits, max(1.0, left), figures)
    finally:
        torch.backends.cudnn.allow_tf32 = True
    keep(found, figures)
    told = [
        f"{row['corruption']}: {row['certified']} of {row['images']} images certified, the paper {PAPER[name]}"
        for row in found
    ]
    return f"row: {'; '.join(told)} ({time.monotonic() - start:.0f} s)"


def main() -> None:
    """Measure rows as long as the time suffices for one more."""
    begin = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of CIFAR-10, or an .npz file")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints, weights, reports")
    parser.add_argument("--out", type=Path, required=True, help="the folder of results")
    parser.add_argument("--seconds", type=float, required=True, help="for all rows")
    parser.add_argument("--minutes", type=float, required=True, help="of the whole run, of which a row has a share")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--network")
    options = parser.parse_args()
    on_gpu = options.device.startswith("cuda")
    settings = Settings(
        work=options.work,
        command=f"python -m benchmarks.gpu --data folder --minutes {options.minutes:g} --device {options.device}",
        network=options.network or ("wrn16_10_cifar10" if on_gpu else "convnet"),
        device=options.device,
        precision="bf16-mixed" if on_gpu else "32-true",
        batch=512 if on_gpu else 64,
        samples=2_000 if on_gpu else 500,
    )
    figures = options.out / FIGURES.name
    splits, most = cifar10(options.data), 60 * options.minutes * ROW
    for name in ROWS:
        known = {row["corruption"] for row in read_json(figures, read_json(FIGURES, []))}
        left = options.seconds - (time.monotonic() - begin)
        if known.issuperset(JOBS[name].corruptions):
            continue
        if left < LEAST * most:
            print(f"row: {name} and later ones are left: {left:.0f} s do not suffice for one", flush=True)
            break
        print(one_row(name, settings, splits, min(most, left), figures), flush=True)
    else:
        print("row: none is missing that this stage knows of", flush=True)


if __name__ == "__main__":
    main()
