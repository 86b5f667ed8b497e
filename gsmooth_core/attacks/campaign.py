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
from gsmooth_core.attacks.methods import ALL, check_settings, search_for, settle
from gsmooth_core.attacks.report import Attacked, AttackReport, AttackRun, describe_run
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import PlainTarget, Target, even_share, target_of
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.progress import track
from gsmooth_core.common.resuming import AnotherRun, continued, kept
from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import Inputs, gather
from gsmooth_core.models.example import images_or_bundled
from gsmooth_core.plugins.registry import provider_of, recipe_of
from gsmooth_core.transformations.base import DiscreteTransformation
from gsmooth_core.transformations.regions import Region

DOUBT = 1e-3
"""The probability, for each image, with which votes may elect a class that is not the smoothed classifier's own."""


def attack(
    classifier: Callable[[Tensor], Tensor] | SmoothedClassifier,
    corruption: str | Corruption,
    images: Tensor | str | None = None,
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
        images: as for :func:`certify`, the bundled ones included.
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
    images = images_or_bundled(images, labels, dataset, [classifier])
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
