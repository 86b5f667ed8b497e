"""Try to break certificates: an attack on every corruption, once only, for it takes most of an hour.

    OMP_NUM_THREADS=1 python benchmarks/falsify.py

For each corruption and variant, bundled images are certified with the example model (on the largest of a few shares of
the default radius that certifies any), and each certified image is attacked on the real corruption: a dense grid,
random search, and ascent by the gradient through the noise (PGD with expectation over transformation), within 10,000
draws of the smoothed classifier per image. A break is an answer of another class by ``SmoothedClassifier.predict``; an
abstention is none. A stopped run goes on where it stopped: corruptions that were finished with the same options lie in
``benchmarks/falsify.json``.
Writes ``benchmarks/falsify.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gsmooth_core import (
    Budget,
    Corruption,
    Region,
    SmoothedClassifier,
    certify,
    fashion_mnist,
    list_corruptions,
    load_example_model,
)
from gsmooth_core.files import write_text
from gsmooth_core.plugins import corruptions_of
from gsmooth_core.transformation import DiscreteTransformation

TARGET = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).with_suffix(".json")
SHARES = (1.0, 0.5, 0.25, 0.1, 0.03)
BUDGET = Budget(samples=1_000, alpha=0.001, stopping="fixed")
GRID, RANDOM, SCREEN = 100, 100, 20  # parameters, parameters, draws for each
STARTS, STEPS, GRADIENT_DRAWS = 4, 10, 25
FINALISTS, FINAL = 10, 450
DRAWS = (GRID + RANDOM) * SCREEN + STARTS * STEPS * GRADIENT_DRAWS + FINALISTS * FINAL


def inside(parameters: Tensor, region: Region) -> Tensor:
    """Parameters drawn back into the region: cut off at its box, and pulled to the centre of a ball."""
    low, high = torch.tensor(region.lower), torch.tensor(region.upper)
    cut = parameters.clamp(low, high)
    if region.norm == "l2":
        centre, half = (low + high) / 2, ((high - low) / 2).clamp_min(1e-12)
        length = ((cut - centre) / half).norm(dim=1, keepdim=True).clamp_min(1.0)
        cut = centre + (cut - centre) / length * (1 - 1e-6)
    return cut


def ascend(
    recipe: Corruption, model: Any, image: Tensor, class_: int, region: Region, generator: torch.Generator
) -> Tensor:
    """Parameters where the gradient leads that lowers the class's mean log probability under the noise."""
    parameters = region.sample(STARTS, generator)
    size = (torch.tensor(region.upper) - torch.tensor(region.lower)) / 2
    found = [parameters]
    for step in range(STEPS):
        at = parameters.clone().requires_grad_()
        images = recipe.transformation.apply(image.expand(STARTS, -1, -1, -1), at)
        codes = recipe.smoothing.encode(images).repeat_interleave(GRADIENT_DRAWS, dim=0)
        noise = recipe.smoothing.draw(len(codes), tuple(codes.shape[1:]), generator, codes.device)
        loss = torch.log_softmax(model(recipe.smoothing.perturb(codes, noise)), dim=1)[:, class_].sum()
        [slope] = torch.autograd.grad(loss, at)
        parameters = inside(parameters - slope.sign() * size * 0.5 * 0.7**step, region)
        found.append(parameters)
    return torch.cat(found)


def broken(recipe: Corruption, model: Any, image: Tensor, class_: int, region: Region, seed: int) -> list[float] | None:
    """A parameter of the region at which the smoothed classifier answers another class, if the attack finds one."""
    generator, space = torch.Generator().manual_seed(seed), recipe.transformation.space
    even = region.grid(max(2, round(GRID ** (1 / region.dimension))))
    candidates = torch.cat([even, region.sample(RANDOM, generator)])
    if not (space.integer or isinstance(recipe.transformation, DiscreteTransformation)):
        candidates = torch.cat([candidates, ascend(recipe, model, image, class_, region, generator)])
    candidates = space.snap(candidates)
    candidates = candidates[region.contains(candidates)]
    attacked = recipe.transformation.apply(image.expand(len(candidates), -1, -1, -1), candidates)
    classifier = SmoothedClassifier(model, recipe.smoothing)
    support = classifier(attacked, samples=SCREEN, generator=generator)[:, class_]
    worst = support.argsort()[:FINALISTS]
    answers = classifier.predict(attacked[worst], samples=FINAL, generator=generator)
    for answer, parameter in zip(answers, candidates[worst].tolist(), strict=True):
        if answer not in (None, class_):
            return [float(value) for value in parameter]
    return None


def measure(recipe: Corruption, limit: int, most: int) -> dict[str, Any]:
    """Certify, attack, and say what came out."""
    model, (images, labels) = load_example_model(), fashion_mnist("test")
    for share in SHARES:
        region = recipe.transformation.region(share * recipe.default_radius((1, 28, 28)))
        report = certify(model, recipe, images, labels, limit=limit, radius=region, budget=BUDGET, progress=False)
        certified = [certificate for certificate in report.certificates if certificate.certified][:most]
        if len(certified) >= min(10, most):
            break
    breaks = []
    for certificate in certified:
        assert certificate.predicted is not None
        found = broken(recipe, model, images[certificate.index], certificate.predicted, region, certificate.index)
        breaks += [] if found is None else [{"image": certificate.index, "parameter": found}]
    return {
        "share of the default radius": share,
        "guarantee": report.run.guarantee.value,
        "certified": len(certified),
        "limit": limit,
        "most": most,
        "breaks": breaks,
        "date": str(date.today()),
        "torch": torch.__version__,
    }


def page(done: dict[str, dict[str, Any]], limit: int, most: int) -> str:
    """The whole of ``falsify.md``."""
    lines = [
        "# Attacks on certified images",
        "",
        f"`OMP_NUM_THREADS=1 python benchmarks/falsify.py --limit {limit} --most {most}`, "
        f"{max(result['date'] for result in done.values())}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {torch.__version__}.",
        "",
        f"The example model on the first {limit} bundled test images, at most {most} certified ones attacked per "
        f"corruption, with at most {DRAWS:,} draws of the smoothed classifier each: a grid, random search and gradient "
        "ascent on the real corruption. The model was trained for `defocus` and `gaussianblur` alone; where it "
        "certifies next to nothing at the default radius, a share of it is taken. A break would be a bug in a bound "
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
    done: dict[str, dict[str, Any]] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for info in list_corruptions():
        for recipe in corruptions_of(info.name):
            earlier = done.get(recipe.name, {})
            if (earlier.get("limit"), earlier.get("most")) != (options.limit, options.most):
                done[recipe.name] = measure(recipe, options.limit, options.most)
                write_text(FIGURES, json.dumps(done, indent=1, ensure_ascii=False) + "\n")
                write_text(TARGET, page(done, options.limit, options.most))
                print(recipe.name, done[recipe.name], flush=True)


if __name__ == "__main__":
    main()
