"""Try to break certificates: an attack on every corruption, once only, for it takes most of an hour.

    OMP_NUM_THREADS=1 python -m benchmarks.falsify

For each corruption and variant, bundled images are certified with the example model (on the largest of a few shares of
the default radius that certifies any), and each certified image is attacked on the real corruption by ``verify``: a
grid, Sobol points, gradient ascent through the noise and differential evolution, within 10,000 draws of the smoothed
classifier per image (corruptions with finitely many outputs are searched through). A break is an answer of another
class by enough votes to be sure; an abstention is none. A stopped run goes on where it stopped: corruptions that were
finished with the same options lie in ``benchmarks/results/falsify.json``. Writes ``benchmarks/results/falsify.md``.
"""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

import attrs

from benchmarks.shared import RESULTS, all_recipes, machine, read_json, write_json, write_page
from gsmooth_core import (
    AttackBudget,
    Budget,
    Corruption,
    certify,
    fashion_mnist,
    load_example_model,
    verify,
)

FIGURES = RESULTS / "falsify.json"
SHARES = (1.0, 0.5, 0.25, 0.1, 0.03)
BUDGET = Budget(samples=1_000, alpha=0.001, stopping="fixed")
ATTACK = AttackBudget(calls=5_000, draws=20, finalists=5, confirm=1_000)


def measure(recipe: Corruption, limit: int, most: int) -> dict[str, Any]:
    """Certify, attack, and say what came out."""
    model, (images, labels) = load_example_model(), fashion_mnist("test")
    for share in SHARES:
        region = recipe.transformation.region(share * recipe.default_radius((1, 28, 28)))
        report = certify(model, recipe, images, labels, limit=limit, radius=region, budget=BUDGET, progress=False)
        certified = [certificate for certificate in report.certificates if certificate.certified][:most]
        if len(certified) >= min(10, most):
            break
    kept = attrs.evolve(report, certificates=tuple(certified))
    verification = verify(kept, model, images, corruption=recipe, budget=ATTACK, progress=False)
    breaks = [{"image": one.index, "parameter": list(one.parameter)} for one in verification.broken]
    return {
        "share of the default radius": share,
        "guarantee": report.run.guarantee.value,
        "certified": len(certified),
        "limit": limit,
        "most": most,
        "attack": str(ATTACK),
        "breaks": breaks,
        "date": str(date.today()),
        "machine": machine(),
    }


def page(done: dict[str, dict[str, Any]], limit: int, most: int) -> str:
    """The whole of ``falsify.md``."""
    lines = [
        "# Attacks on certified images",
        "",
        f"`OMP_NUM_THREADS=1 python -m benchmarks.falsify --limit {limit} --most {most}`, "
        f"{max(result['date'] for result in done.values())}, "
        f"{'; '.join(sorted({result['machine'] for result in done.values()}))}.",
        "",
        f"The example model on the first {limit} bundled test images, at most {most} certified ones attacked per "
        f"corruption: {ATTACK.calls:,} draws of the smoothed classifier in search (a grid, Sobol points, gradient "
        f"ascent through the noise and differential evolution, on the real corruption) and {ATTACK.confirm:,} at each "
        f"of the {ATTACK.finalists} worst points. The model was trained for `defocus` and `gaussianblur` alone; where "
        "it certifies next to nothing at the default radius, a share of it is taken. A break would be a bug in a bound "
        "(one in 1,000 certificates may be wrong).",
        "",
        "| corruption | share of the default radius | guarantee | certified images attacked | breaks |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {result['share of the default radius']:g} | `{result['guarantee']}` | {result['certified']} | "
        f"{len(result['breaks'])} |"
        for name, result in done.items()
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Attack what was not attacked yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, default=100, help="images to certify")
    parser.add_argument("--most", type=int, default=50, help="certified images to attack")
    options = parser.parse_args()
    done: dict[str, dict[str, Any]] = read_json(FIGURES, {})
    for recipe in all_recipes():
        earlier = done.get(recipe.name, {})
        asked = {"limit": options.limit, "most": options.most, "attack": str(ATTACK)}
        if {name: earlier.get(name) for name in asked} != asked:
            done[recipe.name] = measure(recipe, options.limit, options.most)
            write_json(FIGURES, done)
            current = {name: row for name, row in done.items() if row.get("attack") == str(ATTACK)}
            write_page(FIGURES.with_suffix(".md"), page(current, options.limit, options.most))
            print(recipe.name, done[recipe.name], flush=True)


if __name__ == "__main__":
    main()
