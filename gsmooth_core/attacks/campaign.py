"""The function ``attack``: from a classifier and a corruption to what an adversary achieves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.attacks.methods import ALL, check_settings, search_for, settle, usable_method
from gsmooth_core.attacks.report import Attacked, AttackReport, AttackRun, describe_run
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import PlainTarget, Target, even_share, target_of
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.resuming import AnotherRun
from gsmooth_core.common.seeds import generator_of
from gsmooth_core.common.validators import check_whole
from gsmooth_core.common.work import Work, carry_out
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import Inputs, gather
from gsmooth_core.engine.probe import Probe
from gsmooth_core.models.example import images_or_bundled
from gsmooth_core.plugins.registry import provider_of, recipe_of
from gsmooth_core.transformations.discrete import DiscreteTransformation
from gsmooth_core.transformations.regions import Region

DOUBT = 1e-3
"""The probability, for each image, that the votes name a class which is not the smoothed classifier's own."""

UNLABELLED = ", whose own answers on the unchanged images count as right, because these have no labels"
"""What a report says about the classifier if there are no labels."""


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
    batch: int | None = None,
) -> AttackReport:
    """Look for the corruption of a region under which a classifier fails, image by image.

    Args:
        classifier: a model from images (batch, channel, height, width) to logits, or what :func:`smooth` returns.
        corruption: a name or a recipe. Only its transformation matters; it is the real one, whatever the smoothing.
        images: as for :func:`certify`, the bundled ones included.
        labels: one class per image. Without labels the class that the classifier itself answers on an image, unchanged,
            counts as right, and the report names the classifier so.
        dataset: in place of images and labels, any torch dataset of (image, label) or of images.
        limit: how many images to use, from the first on.
        radius: the attack radius in the parameter's unit, or a region; default: the recipe's for this kind of image.
        method: ``grid``, ``random`` (Sobol points), ``pgd`` (projected gradient ascent with expectation over
            transformation), ``evolution`` (differential evolution), or ``all``, each with an equal share of the calls.
            ``gradient-free`` is all but ``pgd``, and takes the place of ``all``, with a warning, where the model's
            logits have no gradients. Every output of a corruption with finitely many outputs is tried, whatever the
            method.
        budget: calls of the model per image.
        seed: of starts and noise; the same seed gives the same report.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps the results so far; if it exists and is of the same run, its images are not redone.
        batch: images per call of the model, which changes speed and memory but no result; default: by the model's
            activations. A model that takes one image at a time needs 1.

    Returns:
        The report. The classifier's true accuracy under attack lies between its certified accuracy and the report's
        ``bound``.

    Raises:
        ValueError: an argument does not fit; the sentence names the next step.
    """
    recipe = recipe_of(corruption)
    check_settings(method, budget)
    seed = check_whole("seed", seed, least=0)
    images = images_or_bundled(images, labels, dataset, [classifier])
    inputs = gather(images, labels, dataset, limit, None)
    region = recipe.region(radius, inputs.shape)
    alpha = even_share(DOUBT, 1 + budget.finalists)  # the unchanged image and the finalists
    target = target_of(classifier, device, budget.draws, budget.confirm, alpha, batch)
    begun = _begun(recipe, provider_of(corruption), target, region, inputs, method, budget, seed)
    return carry_out(
        begun, load=AttackReport.load, out=out, what="report", title=f"attack {recipe.name}", progress=progress
    )


@contextmanager
def _begun(
    recipe: Corruption,
    plugin: str | None,
    target: Target,
    region: Region,
    inputs: Inputs,
    method: str,
    budget: AttackBudget,
    seed: int,
) -> Iterator[_Campaign]:
    """The attack on a target that passed the checks; the target stays ready until the context ends."""
    with target.ready():
        probe = target.tried(inputs.images)
        check_classes(inputs.labels or [], probe.classes)
        method = usable_method(method, recipe, target, inputs.images[0])
        run = describe_run(recipe, plugin, target, probe.model_hash, region, method, budget, seed)
        if inputs.labels is None:
            run = attrs.evolve(run, classifier=f"{run.classifier}{UNLABELLED}")
            inputs = attrs.evolve(inputs, labels=_own_answers(target, inputs, seed))
        yield _Campaign(recipe, run, target, inputs, probe)


def _own_answers(target: Target, inputs: Inputs, seed: int) -> list[int]:
    """The class that leads on each unchanged image."""
    answers = []
    for index, image in zip(inputs.indices, inputs.images, strict=True):
        generator = generator_of(seed, ("own answer", index), target.device)
        answers += target.leaders(image[None].to(target.device), generator)
    return answers


@attrs.frozen
class _Campaign(Work[AttackReport, int, Attacked]):
    """The work of one attack for each image."""

    recipe: Corruption
    run: AttackRun
    target: Target
    inputs: Inputs
    probe: Probe

    @property
    def keys(self) -> list[int]:
        """The indices of the images."""
        return self.inputs.indices

    def found_in(self, earlier: AttackReport) -> dict[int, Attacked]:
        """The earlier results for these images; the plain model must give the same answers as before on all of them."""
        for one in earlier.images:
            place = self.inputs.place_of(one.index, one.image_hash, one.label)
            image = self.inputs.images[place].to(self.target.device)
            plain = isinstance(self.target, PlainTarget)
            if plain and self.target.answers(image[None], torch.Generator()) != [one.clean]:
                raise AnotherRun(f"the model now answers differently on image {one.index}")
        return {one.index: one for one in earlier.images}

    def results(self, left: Sequence[int]) -> Iterator[tuple[int, Attacked]]:
        """Attack the images with these indices, one after the other."""
        run, target = self.run, self.target
        for index in left:
            image, label = self.inputs.images[self.inputs.places[index]], self.inputs.label_of(index)
            assert label is not None
            key = (run.seed, index)
            search = search_for(
                self.recipe, target, image.to(target.device), label, run.region, run.method, run.budget, key
            )
            [clean] = target.answers(search.image[None], search.generator)
            parameter, margin, predicted = settle(search, run.budget.finalists)
            yield index, Attacked(index, label, clean, predicted, parameter, margin, search.used, image_hash(image))

    def record(self, found: dict[int, Attacked]) -> AttackReport:
        """The report of these images; exact where every output of a plain model was tried."""
        discrete = isinstance(self.recipe.transformation, DiscreteTransformation)
        exact = discrete and isinstance(self.target, PlainTarget)
        return AttackReport(self.run, exact, tuple(found[index] for index in sorted(found)))
