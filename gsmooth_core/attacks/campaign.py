"""The way in: from a classifier and a corruption to what an adversary achieves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.attacks.report import Attacked, AttackReport, AttackRun
from gsmooth_core.attacks.search import METHODS, Search
from gsmooth_core.attacks.target import PlainTarget, Target, even_share, target_of
from gsmooth_core.checks import check_classes, check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.evaluation import identified, identified_map, image_hash, used_versions
from gsmooth_core.inputs import Inputs, gather
from gsmooth_core.plugins import provider_of, recipe_of
from gsmooth_core.progress import track
from gsmooth_core.randomness import generator_of
from gsmooth_core.records import AnotherRun, continued, kept
from gsmooth_core.region import Region
from gsmooth_core.smoothed_classifier import SmoothedClassifier
from gsmooth_core.transformation import DiscreteTransformation

ALL = "all"
DOUBT = 1e-3
"""The probability, for each image, with which votes may elect a class that is not the smoothed classifier's own."""


def check_settings(method: object, budget: object) -> None:
    """Refuse a method that is none, and a budget of another kind."""
    if method != ALL and method not in METHODS:
        raise ValueError(f"there is no attack {method!r}; use {', '.join(sorted(METHODS))} or {ALL}")
    if not isinstance(budget, AttackBudget):
        raise ValueError(f"budget must be an AttackBudget, not {budget!r}; pass AttackBudget(calls=1_000)")


def attack(
    classifier: Callable[[Tensor], Tensor] | SmoothedClassifier,
    corruption: str | Corruption,
    images: Tensor | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    limit: int | None = None,
    radius: float | Region | None = None,
    method: str = ALL,
    budget: AttackBudget = AttackBudget(),
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
) -> AttackReport:
    """Look for the corruption of a region under which a classifier fails, image by image.

    Args:
        classifier: a model from images (batch, channel, height, width) to logits, or what :func:`smooth` returns.
        corruption: a name or a recipe. Only its transformation matters; it is the real one, whatever the smoothing.
        images: float in [0, 1], (batch, channel, height, width); default: the first 50 bundled test images.
        labels: one class an image.
        dataset: in place of images and labels, any torch dataset of (image, label).
        limit: use the first so many images.
        radius: the attack radius in the parameter's unit, or a region; default: the recipe's for this kind of image.
        method: ``grid``, ``random`` (Sobol points), ``pgd`` (projected gradient ascent with expectation over
            transformation), ``evolution`` (differential evolution), or ``all``, each with an equal share of the calls.
            A corruption with finitely many outputs is searched through whatever the method.
        budget: calls of the model an image.
        seed: of starts and noise; the same seed gives the same report.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps what is done; if it exists and is of the same run, its images are not redone.

    Returns:
        The report. The classifier's true accuracy under attack lies between its certified accuracy and the report's
        ``bound``.

    Raises:
        ValueError: something given does not fit; the sentence names the next step.
    """
    recipe = recipe_of(corruption)
    check_settings(method, budget)
    seed = check_whole("seed", seed, least=0)
    inputs = gather(images, labels, dataset, limit, None)
    if inputs.labels is None:
        raise ValueError("an attack needs labels to know what is wrong; pass labels=, or a dataset of (image, label)")
    channels, height, width = inputs.images.shape[1:]
    region = recipe.region(radius, (channels, height, width))
    alpha = even_share(DOUBT, 1 + budget.finalists)  # the unchanged image and the finalists
    target = target_of(classifier, device, budget.draws, budget.confirm, alpha)
    exact = isinstance(recipe.transformation, DiscreteTransformation) and isinstance(target, PlainTarget)
    with target.ready(), kept(out, "report") as keep:
        probe = target.tried(inputs.images)
        check_classes(inputs.labels, probe.classes)
        run = describe_run(recipe, provider_of(corruption), target, probe.model_hash, region, method, budget, seed)
        found = _resumed(run, inputs, target, out)
        left = [one for one in zip(inputs.indices, inputs.images, inputs.labels, strict=True) if one[0] not in found]
        for index, image, label in track(left, len(inputs.indices), f"attack {recipe.name}", progress, len(found)):
            search = search_for(recipe, target, image.to(target.device), label, region, method, budget, (seed, index))
            [clean] = target.answers(search.image[None], search.generator)
            parameter, margin, predicted = settle(search, budget.finalists)
            found[index] = Attacked(index, label, clean, predicted, parameter, margin, search.used, image_hash(image))
            keep(partial(_report, run, exact, found))
        if left:
            probe.again()
    return _report(run, exact, found)


def _report(run: AttackRun, exact: bool, found: dict[int, Attacked]) -> AttackReport:
    return AttackReport(run, exact, tuple(found[index] for index in sorted(found)))


def describe_run(
    recipe: Corruption,
    plugin: str | None,
    target: Target,
    model_hash: str,
    region: Region,
    method: str,
    budget: AttackBudget,
    seed: int,
) -> AttackRun:
    """Everything that decides what an attack finds."""
    return AttackRun(
        corruption=recipe.name,
        plugin=plugin,
        names=recipe.transformation.space.names,
        units=recipe.transformation.space.units,
        transformation=identified_map(recipe.transformation),
        region=region,
        method=method,
        budget=budget,
        classifier=target.name,
        model_hash=model_hash,
        smoothing=identified(target.smoothing),
        seed=seed,
        device=target.device.type,
        versions=used_versions(),
    )


def _resumed(run: AttackRun, inputs: Inputs, target: Target, out: str | Path | None) -> dict[int, Attacked]:
    """What ``out`` already holds about these images, by index, if it is of this run."""
    with continued(out, AttackReport.load, run) as earlier:
        if earlier is None:
            return {}
        for one in earlier.images:
            image = inputs.images[inputs.place_of(one.index, one.image_hash, one.label)].to(target.device)
            if isinstance(target, PlainTarget) and target.answers(image[None], torch.Generator()) != [one.clean]:
                raise AnotherRun(f"the model now answers otherwise on image {one.index}")
        return {one.index: one for one in earlier.images}


def search_for(
    recipe: Corruption,
    target: Target,
    image: Tensor,
    class_: int,
    region: Region,
    method: str,
    budget: AttackBudget,
    key: tuple[int, ...],
) -> Search:
    """A finished search against a class, on an image (channel, height, width) on the target's device.

    The unchanged image is looked at first, so that something was.
    """
    generator = generator_of(key[0], ("attack", *key[1:]), image.device)
    search = Search(image, class_, region, recipe.transformation, target, budget.calls, generator)
    search.calls = max(search.calls, target.draws)
    search.look_exactly(torch.tensor([recipe.transformation.space.identity], dtype=torch.float64))
    if isinstance(recipe.transformation, DiscreteTransformation):
        every = recipe.transformation.representatives(region, *image.shape[-2:])
        search.calls = search.used + len(every) * target.draws
        search.look_exactly(every)
        return search
    names = list(METHODS) if method == ALL else [method]
    for number, name in enumerate(names, start=1):
        search.calls = budget.calls * number // len(names)
        METHODS[name](search)
    return search


def settle(search: Search, finalists: int) -> tuple[tuple[float, ...], float, int | None]:
    """The worst parameter found, its margin, and the classifier's answer there.

    Of the finalists, the first that is answered by another class counts; else the first about which the classifier
    abstains; else the one with the least margin.
    """
    parameters, margins = search.worst(finalists)
    with torch.no_grad():
        answers = search.target.answers(search.transformed(parameters), search.generator)
    wrong = [place for place, answer in enumerate(answers) if answer not in (None, search.class_)]
    silent = [place for place, answer in enumerate(answers) if answer is None]
    place = (wrong + silent + [0])[0]
    return tuple(parameters[place].tolist()), float(margins[place]), answers[place]
