"""The function ``certify``: from a model and the name of a corruption to a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from gsmooth_core.certifier import Certifier, Model, Problem, Task
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.notices import notify
from gsmooth_core.common.resuming import AnotherRun
from gsmooth_core.common.stopwatch import Stopwatch
from gsmooth_core.common.validators import check_whole
from gsmooth_core.common.work import Work, carry_out
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import Inputs, gather
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.engine import Engine, Outcome
from gsmooth_core.engine.probe import Probe
from gsmooth_core.engine.spot_checks import check_smoothing, check_transformation
from gsmooth_core.models.devices import choose_device, evaluating
from gsmooth_core.models.example import images_or_bundled
from gsmooth_core.models.kinds import check_callable
from gsmooth_core.plugins.installed import PluginError
from gsmooth_core.plugins.registry import get_corruption, provider_of, recipe_of
from gsmooth_core.results.agreement import check_certified
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.claims import claim
from gsmooth_core.results.guessing import guessing
from gsmooth_core.results.identity import identified, identified_map, model_name, used_versions
from gsmooth_core.results.next_step import training_calls
from gsmooth_core.results.report import Report
from gsmooth_core.results.run import Run
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.distribution import NoiseDistribution
from gsmooth_core.smoothing.parameter import ParameterNoise
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region

TRIED = 32
"""On that many images, evenly spread, the plain model is asked whether it seems to guess."""


def certify(
    model: Model,
    corruption: str | Corruption,
    images: Tensor | str | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    limit: int | None = None,
    radius: float | Region | None = None,
    maximize: bool = False,
    smoothing: Smoothing | ParameterNoise | None = None,
    certifier: str | Certifier | None = None,
    budget: Budget = Budget(),
    seed: int = 0,
    indices: Iterable[int] | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
) -> Report:
    """Certify that the smoothed ``model`` keeps its answer on images under a corruption.

    Args:
        model: from float images (batch, channel, height, width) to logits (batch, classes). It must accept any finite
            float, because noise leaves [0, 1], and give an image the same answer in every call and batch. A module is
            put into evaluation mode, and is in its earlier mode again afterwards.
        corruption: ``"name"``, ``"name:variant"``, or a recipe.
        images: float in [0, 1], (batch, channel, height, width); or ``"fashion-mnist"``, the bundled test images with
            their labels, of which the first 50 are used unless ``limit`` or ``indices`` says otherwise. These are also
            used if neither images nor a dataset is given: with a warning, except for the example model.
        labels: one class per image; without labels the report has no accuracy.
        dataset: in place of images and labels, any torch dataset of (image, label) or of images.
        limit: how many images to use, from the first on.
        radius: the attack radius in the parameter's unit, or a region; default: the recipe's for this kind of image.
        maximize: look for the largest certified radius up to ``radius``, or the largest part of a region (see
            ``Task.largest_region``), instead of deciding about ``radius`` alone.
        smoothing: default: the recipe's.
        certifier: by name or as an object; default: the recipe's.
        budget: draws, confidence, anchors and cells of each image.
        seed: of all noise; the same seed gives the same certificates.
        indices: certify only the images at these places, as one of several shards.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps the results so far; if it exists and is of the same run, its images are not redone.

    Returns:
        The report, one certificate per image.

    Raises:
        ValueError: an argument does not fit, and nothing was sampled yet; or the model fails during the work (the
            results before that are kept), or answers differently after it (nothing of this call is kept). The sentence
            names the next step.
        PluginError: no plugin, or a broken one, provides the corruption.
    """
    watch = Stopwatch()
    check_callable(model)
    _check_settings(smoothing, certifier, budget, maximize)
    seed = check_whole("seed", seed, least=0)
    recipe = recipe_of(corruption, smoothing=smoothing, certifier=certifier)
    images = images_or_bundled(images, labels, dataset, [model])
    inputs = gather(images, labels, dataset, limit, indices)
    problem = recipe.problem(radius, inputs.shape, model)
    recipe.certifier.check(problem)
    training = _training_calls(model, corruption, recipe, radius, inputs.shape)
    about = _About(provider_of(corruption), training, watch)
    begun = _begun(model, recipe, about, problem, inputs, budget, seed, maximize, choose_device(model, device))
    return carry_out(begun, load=Report.load, out=out, what="report", title=f"certify {recipe.name}", progress=progress)


def _check_settings(smoothing: object, certifier: object, budget: object, maximize: object) -> None:
    """Raise ``ValueError`` for an argument of a type that ``certify`` does not take."""
    for name, value, kinds in (
        ("smoothing", smoothing, (Smoothing, ParameterNoise, type(None))),
        ("certifier", certifier, (Certifier, str, type(None))),
        ("budget", budget, (Budget,)),
    ):
        if isinstance(value, NoiseDistribution):
            raise ValueError(f"{name} must say where noise enters; for the parameters write ParameterNoise({value})")
        if not isinstance(value, kinds):
            raise ValueError(f"{name} must be a {kinds[0].__name__}{' or a name' * (str in kinds)}, not {value!r}")
    if not isinstance(maximize, bool):
        raise ValueError(f"maximize must be True or False, not {maximize!r}")


def _check_prospects(certifier: Certifier, task: Task) -> None:
    """Raise ``ValueError`` if no image like the task's could be certified, whatever the model answers."""
    if reason := certifier.prospects(task):
        raise ValueError(f"no image could be certified: {reason}")


@contextmanager
def _begun(
    model: Model,
    recipe: Corruption,
    about: _About,
    problem: Problem,
    inputs: Inputs,
    budget: Budget,
    seed: int,
    maximize: bool,
    device: torch.device,
) -> Iterator[_Certification]:
    """Certification after the checks of transformation, smoothing and model, ready until the context ends."""
    with evaluating(model, recipe.smoothing, device):
        few = inputs.images[:3].to(device)
        check_transformation(recipe.transformation, few[0], problem.region)
        check_smoothing(recipe.smoothing, few[0])
        _check_prospects(recipe.certifier, Task(few[0], problem, budget, maximize))
        batch = budget.batch or choose_batch(model, few[0])
        probe = Probe.of(model, few, batch, recipe.smoothing)
        check_classes(inputs.labels or [], probe.classes)
        _notice_other_classes(inputs.class_names, probe.classes)
        run = Run(
            corruption=str(recipe.name),
            plugin=about.plugin,
            names=recipe.transformation.space.names,
            units=recipe.transformation.space.units,
            transformation=identified_map(recipe.transformation),
            smoothing=identified(recipe.smoothing),
            certifier=str(recipe.certifier),
            theorem=recipe.certifier.name,
            tries=recipe.certifier.tries,
            guarantee=recipe.certifier.guarantee(problem),
            region=problem.region,
            radius=recipe.transformation.largest_radius(lambda region: region.inside(problem.region)),
            maximize=maximize,
            budget=budget,
            seed=seed,
            model=model_name(model),
            model_hash=probe.model_hash,
            classes=probe.classes,
            data_hash=inputs.data_hash,
            device=device.type,
            versions=used_versions(),
        )
        engine = Engine(model, recipe.smoothing, budget, seed, batch, probe.classes)
        _notice_guessing(engine, inputs, device)
        yield _Certification(recipe, problem, run, about, inputs, engine, probe, device)


def _training_calls(
    model: Model,
    corruption: str | Corruption,
    recipe: Corruption,
    radius: float | Region | None,
    shape: tuple[int, int, int],
) -> tuple[str, ...]:
    """How to train a classifier for ``recipe``: the ``corruption`` with the smoothing and certifier of the call."""
    if not isinstance(model, nn.Module):
        return ()
    name = str(recipe.name)
    try:
        before = get_corruption(name)
        known = identified_map(before.transformation) == identified_map(recipe.transformation)
    except PluginError:
        known = False
    if not known:
        before = recipe_of(corruption)
    asked = recipe.radius.get(shape) if radius is None else radius
    return training_calls(
        name if known else None,
        before.smoothing,
        recipe.smoothing,
        recipe.transformation,
        None if asked == before.radius.get(shape) else asked,
    )


@attrs.frozen
class _About:
    """What a report says beside its certificates: the corruption's plugin, the calls that train for it, the time."""

    plugin: str | None
    training: tuple[str, ...]
    watch: Stopwatch


def _notice_other_classes(names: Sequence[str], classes: int) -> None:
    """Issue a ``UserWarning`` where there are fewer or more class names than logits: labels may be of other classes."""
    if names and len(names) != classes:
        shown = ", ".join([*names[:3], *["…"] * (len(names) > 3)])
        notify(
            f"the model returns {classes} logits, but there are {len(names)} classes ({shown}), so labels may be those "
            "of other classes; name the model's classes in order with load_image_folder(names=...) (--names)"
        )


def _notice_guessing(engine: Engine, inputs: Inputs, device: torch.device) -> None:
    """Issue a ``UserWarning`` if the plain model seems to guess on the images, tried on at most ``TRIED`` of them."""
    chosen = inputs.indices[:: -(-len(inputs.indices) // TRIED)]
    images = inputs.images[[inputs.places[index] for index in chosen]].to(device)
    labels = None if inputs.labels is None else [label for label in map(inputs.label_of, chosen) if label is not None]
    sentence = guessing(engine.classes(images).tolist(), labels, engine.width or 2)
    if sentence is not None:
        notify(sentence)


@attrs.frozen
class _Certification(Work[Report, int, Certificate]):
    """The work of one call for each image."""

    recipe: Corruption
    problem: Problem
    run: Run
    about: _About
    inputs: Inputs
    engine: Engine
    probe: Probe
    device: torch.device

    @property
    def keys(self) -> list[int]:
        """The indices of the images."""
        return self.inputs.indices

    def found_in(self, earlier: Report) -> dict[int, Certificate]:
        """The earlier certificates, by index.

        The plain model must give the same answers as before on all of their images, and new votes on the first image
        must give its certificate again.
        """
        if earlier.class_names not in ((), self.inputs.class_names):
            raise AnotherRun("its classes have other names")
        found = {one.index: one for one in earlier.certificates}
        for one in earlier.certificates:
            self.inputs.place_of(one.index, one.image_hash, one.label)
            if one.base_predicted != self.engine.base_class(self._image(one.index)):
                raise AnotherRun(f"the model now answers differently on image {one.index}")
        for index, again in self.results(sorted(found)[:1]):
            if attrs.evolve(again, seconds=0.0) != attrs.evolve(found[index], seconds=0.0):
                raise AnotherRun(f"the same votes now end in another certificate for image {index}")
        self.about.watch.add(earlier.wall_seconds)
        return found

    def results(self, left: Sequence[int]) -> Iterator[tuple[int, Certificate]]:
        """Certify the images with these indices, side by side; results come in the order in which they are finished."""
        tasks = ((index, Task(self._image(index), self.problem, self.run.budget, self.run.maximize)) for index in left)
        for outcome in self.engine.run(self.recipe.certifier, tasks):
            certificate = self._certificate(outcome)
            check_certified(self.run, certificate)
            self.about.watch.lap()
            yield certificate.index, certificate

    def record(self, found: dict[int, Certificate]) -> Report:
        """The report of these certificates."""
        return Report(
            self.run,
            self.inputs.description,
            tuple(found[index] for index in sorted(found)),
            class_names=self.inputs.class_names,
            wall_seconds=self.about.watch.seconds,
            training=self.about.training,
        )

    def _image(self, index: int) -> Tensor:
        return self.inputs.images[self.inputs.places[index]].to(self.device)

    def _certificate(self, outcome: Outcome) -> Certificate:
        recipe, run, finding, image = self.recipe, self.run, outcome.finding, self._image(outcome.image)
        drawn = Guarantee.PROBABILISTIC if outcome.samples else Guarantee.EXACT  # votes are never exact
        finding = attrs.evolve(finding, guarantee=Guarantee.weakest(run.guarantee, finding.guarantee, drawn))
        certified = finding.proved is not None and run.region.inside(finding.proved)
        radius = run.radius if certified else None
        if finding.proved is not None and not certified:
            proved = finding.proved
            radius = recipe.transformation.largest_radius(lambda r: r.inside(proved))
        return Certificate(
            index=outcome.image,
            label=self.inputs.label_of(outcome.image),
            predicted=finding.predicted,
            base_predicted=self.engine.base_class(image),
            certified=certified,
            region=finding.proved,
            radius=radius,
            guarantee=finding.guarantee,
            claim=claim(finding, self.problem, run, recipe.certifier.basis(self.problem)),
            alpha=0.0 if finding.guarantee is Guarantee.EXACT else run.budget.alpha,
            samples=outcome.samples,
            tried=finding.tried,
            witness=finding.witness,
            seconds=outcome.seconds,
            image_hash=image_hash(image),
        )
