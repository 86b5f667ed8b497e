"""Hostile classifiers against every recipe, once only, for the full count takes most of an hour.

    OMP_NUM_THREADS=1 python -m benchmarks.adversaries --minutes 60

Each adversary of ``gsmooth_core.testing.adversaries`` is built against an image and an attacked image, certified with
the recipe's defaults on the largest of a few shares of the default radius that certifies, and the deployed classifier
votes all over the region that was proved. A certificate is false where another class has more than half of the votes
with confidence 1 − 1e-6, twice. A stopped run, or one that used up its minutes, goes on where it stopped: rows that
were finished with the same options lie in ``benchmarks/results/adversaries.json``. Writes
``benchmarks/results/adversaries.md``.

Code from before the adversaries is tried by putting it on the path, with ``--out`` for a file elsewhere:

    PYTHONPATH=old:old/plugins/defocus:…:. python -P -m benchmarks.adversaries --out old.json
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from torch import Tensor

import gsmooth_core.testing
from benchmarks.shared import RESULTS, all_recipes, machine, read_json, write_json, write_page
from gsmooth_core import Corruption, NoSmoothing, fashion_mnist

# Code from before the adversaries has no such package: then it comes from beside this script.
gsmooth_core.testing.__path__.append(str(Path(__file__).parents[1] / "gsmooth_core" / "testing"))
from gsmooth_core.testing.adversaries import ADVERSARIES, QUICK, Adversary, attempt, images  # noqa: E402

FIGURES = RESULTS / "adversaries.json"


def rows(kinds: list[str], names: list[str]) -> Iterator[tuple[str, Tensor, Corruption, Adversary]]:
    """The key, the image, the recipe and the adversary of each trial; colours are dear, so at first by a few."""
    bundled = fashion_mnist("test")[0]
    noisy = [recipe for recipe in all_recipes() if not isinstance(recipe.smoothing, NoSmoothing)]
    for few in (True, False):
        for kind in kinds:
            image = images.IMAGES[kind](bundled)
            for recipe in noisy:
                for adversary in ADVERSARIES:
                    first = len(image) == 1 or adversary in QUICK
                    if first is few and (not names or recipe.name in names):
                        yield f"{recipe.name} | {kind} | {adversary.name}", image, recipe, adversary


def measure(recipe: Corruption, image: Tensor, adversary: Adversary, parameters: int, draws: int) -> dict[str, Any]:
    """One trial, and what came out."""
    start = time.perf_counter()
    trial = attempt(adversary, recipe, image, parameters=parameters, draws=draws)
    return {
        "proved": None if trial.region is None else [list(trial.region.lower), list(trial.region.upper)],
        "parameters": parameters,
        "draws": draws,
        "tried": trial.tried,
        "false": [list(point) for point in trial.false],
        "seconds": round(time.perf_counter() - start, 2),
        "date": str(date.today()),
        "machine": machine(),
    }


def page(done: dict[str, dict[str, Any]]) -> str:
    """The whole of ``adversaries.md``."""
    keys = {key: key.split(" | ") for key in done}
    certified = [key for key, row in done.items() if row["proved"] is not None]
    votes = sum(done[key]["tried"] * done[key]["draws"] for key in certified)
    lines = [
        "# Hostile classifiers against every recipe",
        "",
        f"`OMP_NUM_THREADS=1 python -m benchmarks.adversaries`, {max(row['date'] for row in done.values())}, "
        f"{'; '.join(sorted({row['machine'] for row in done.values()}))}: "
        f"{sum(row['seconds'] for row in done.values()) / 60:.0f} minutes of a core, over several calls.",
        "",
        f"{len(done):,} trials of {len(ADVERSARIES)} adversaries; {len(certified):,} of them ended in a certificate, "
        f"which was tried at {sum(done[key]['tried'] for key in certified):,} parameters with {votes:,} draws of the "
        f"deployed classifier: **{sum(bool(row['false']) for row in done.values()):,} certificates are false.** The "
        "others were not certified, at none of three shares of the default radius. Of certificates that hold, one in a "
        "million may be false by chance, and votes call one of them false with a chance of 1e-12 a parameter.",
        "",
    ]
    for title, place in (("recipe", 0), ("image", 1), ("adversary", 2)):
        lines += [f"| {title} | trials | certificates | parameters | false certificates |", "|---|---|---|---|---|"]
        for name in dict.fromkeys(parts[place] for parts in keys.values()):
            own = [done[key] for key, parts in keys.items() if parts[place] == name]
            false = [parts for key, parts in keys.items() if parts[place] == name and done[key]["false"]]
            where = ", ".join(dict.fromkeys(parts[2 if place == 0 else 0] for parts in false))
            proved = sum(row["proved"] is not None for row in own)
            tried = sum(row["tried"] for row in own)
            broken = f"{len(false)}: {where}" if false else "0"
            lines.append(f"| {name} | {len(own):,} | {proved:,} | {tried:,} | {broken} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Try what was not tried yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parameters", type=int, default=200, help="tried in each proved region")
    parser.add_argument("--draws", type=int, default=1_000, help="of the deployed classifier at each parameter")
    parser.add_argument("--minutes", type=float, default=60, help="start no more trials after so many")
    parser.add_argument("--images", nargs="*", default=list(images.IMAGES), choices=list(images.IMAGES))
    parser.add_argument("--recipes", nargs="*", default=[], help="default: all")
    parser.add_argument("--out", type=Path, default=FIGURES, help="the JSON file; the page lies beside it")
    options = parser.parse_args()
    done: dict[str, dict[str, Any]] = read_json(options.out, {})
    end = time.monotonic() + 60 * options.minutes
    asked = {"parameters": options.parameters, "draws": options.draws}
    left = [
        row
        for row in rows(options.images, options.recipes)
        if {name: done.get(row[0], {}).get(name) for name in asked} != asked
    ]
    for number, (key, image, recipe, adversary) in enumerate(left):
        if time.monotonic() > end:
            sys.exit(f"{len(left) - number:,} trials are left; call again to go on")
        done[key] = measure(recipe, image, adversary, options.parameters, options.draws)
        if done[key]["false"] or number % 20 == 0 or number == len(left) - 1:
            print(f"{number + 1:,} of {len(left):,}: {key}: {done[key]['false'][:1] or 'holds'}", flush=True)
        write_json(options.out, done)
        write_page(options.out.with_suffix(".md"), page(done))


if __name__ == "__main__":
    main()
