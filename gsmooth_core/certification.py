"""The front door: from a model and the name of a corruption to a report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.certifier import Certifier, Finding, Steps, Task
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.progress import track
from gsmooth_core.common.resuming import AnotherRun, continued, kept
from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import Inputs, gather
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.engine import Engine, Outcome
from gsmooth_core.engine.probe import Probe
from gsmooth_core.engine.spot_checks import check_smoothing, check_transformation
from gsmooth_core.models.devices import choose_device, evaluating
from gsmooth_core.plugins.registry import get_certifier, provider_of, recipe_of
from gsmooth_core.results.agreement import check_certified
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.identity import identified, identified_map, model_name, used_versions
from gsmooth_core.results.report import Report
from gsmooth_core.results.run import Run
from gsmooth_core.results.wording import odds_of, spans
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region

Model = Callable[[Tensor], Tensor]


def certify(
    model: Model,
    corruption: str | Corruption,
    images: Tensor | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    limit: int | None = None,
    radius: float | Region | None = None,
    maximize: bool = False,
    smoothing: Smoothing | None = None,
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
            float, for noise leaves [0, 1], and answer each image alike whatever the call and the batch. A module is
            put into evaluation mode, and given back as it was.
        corruption: ``"name"``, ``"name:variant"``, or a recipe.
        images: float in [0, 1], (batch, channel, height, width); default: the first 50 bundled test images.
        labels: one class an image; without them nothing is said about accuracy.
        dataset: in place of images and labels, any torch dataset of (image, label).
        limit: use the first so many images.
        radius: the attack radius in the parameter's unit, or a region; default: the recipe's for this kind of image.
        maximize: look for the largest certified radius up to ``radius``, or the largest part of a region (see
            ``Task.largest_region``), rather than settle ``radius`` alone.
        smoothing: in place of the recipe's.
        certifier: in place of the recipe's, by name or as an object.
        budget: draws, confidence, anchors and cells of each image.
        seed: of all noise; the same seed gives the same certificates.
        indices: certify only the images at these places, as one of several shards.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps what is done; if it exists and is of the same run, its images are not redone.

    Returns:
        The report, one certificate an image.

    Raises:
        ValueError: something given does not fit, and nothing was sampled yet; or the model fails in the middle of the
            work (what was done before is kept), or answers otherwise after it (nothing of this call is kept). The
            sentence names the next step.
        PluginError: no plugin, or a broken one, provides the corruption.
    """
    recipe = recipe_of(corruption)
    _check_settings(smoothing, certifier, budget, maximize)
    seed = check_whole("seed", seed, least=0)
    chosen = get_certifier(certifier) if isinstance(certifier, str) else certifier
    recipe = attrs.evolve(
        recipe, smoothing=smoothing or recipe.smoothing, certifier=recipe.certifier if chosen is None else chosen
    )
    inputs = gather(images, labels, dataset, limit, indices)
    channels, height, width = inputs.images.shape[1:]
    region = recipe.region(radius, (channels, height, width))
    recipe.certifier.check(recipe.transformation, recipe.smoothing, region)
    place = choose_device(model, device)
    with evaluating(model, recipe.smoothing, place), kept(out, "report") as keep:
        few = inputs.images[:3].to(place)
        check_transformation(recipe.transformation, few[0], region)
        check_smoothing(recipe.smoothing, few[0])
        batch = budget.batch or choose_batch(model, few[0])
        probe = Probe.of(model, few, batch, recipe.smoothing)
        check_classes(inputs.labels or [], probe.classes)
        run = _describe_run(recipe, provider_of(corruption), region, maximize, budget, seed, probe, inputs, place)
        engine = Engine(model, recipe.smoothing, budget, seed, batch, probe.classes)
        work = _Work(recipe, run, inputs, engine, place)
        done = work.resumed(out)
        left = [index for index in inputs.indices if index not in done]
        certificates = work.certificates(left)
        for one in track(certificates, len(inputs.indices), f"certify {recipe.name}", progress, done=len(done)):
            done[one.index] = one
            keep(partial(_report, run, inputs, done))
        if left:
            probe.again()
    return _report(run, inputs, done)


def _report(run: Run, inputs: Inputs, done: dict[int, Certificate]) -> Report:
    return Report(run, inputs.description, tuple(done[index] for index in sorted(done)))


def _describe_run(
    recipe: Corruption,
    plugin: str | None,
    region: Region,
    maximize: bool,
    budget: Budget,
    seed: int,
    probe: Probe,
    inputs: Inputs,
    device: torch.device,
) -> Run:
    return Run(
        corruption=recipe.name,
        plugin=plugin,
        names=recipe.transformation.space.names,
        units=recipe.transformation.space.units,
        transformation=identified_map(recipe.transformation),
        smoothing=identified(recipe.smoothing),
        certifier=str(recipe.certifier),
        guarantee=recipe.certifier.guarantee(recipe.transformation, recipe.smoothing),
        region=region,
        radius=recipe.transformation.largest_radius(lambda r: r.inside(region)),
        maximize=maximize,
        budget=budget,
        seed=seed,
        model=model_name(probe.model),
        model_hash=probe.model_hash,
        classes=probe.classes,
        data_hash=inputs.data_hash,
        device=device.type,
        versions=used_versions(),
    )


def _check_settings(smoothing: object, certifier: object, budget: object, maximize: object) -> None:
    """Refuse what is not of the kind that ``certify`` takes."""
    for name, value, kinds in (
        ("smoothing", smoothing, (Smoothing, type(None))),
        ("certifier", certifier, (Certifier, str, type(None))),
        ("budget", budget, (Budget,)),
    ):
        if not isinstance(value, kinds):
            raise ValueError(f"{name} must be a {kinds[0].__name__}{' or a name' * (str in kinds)}, not {value!r}")
    if not isinstance(maximize, bool):
        raise ValueError(f"maximize must be True or False, not {maximize!r}")


@attrs.frozen
class _Work:
    """What one call does for each image."""

    recipe: Corruption
    run: Run
    inputs: Inputs
    engine: Engine
    device: torch.device

    def certificates(self, indices: Iterable[int]) -> Iterator[Certificate]:
        """Certify the images of these indices, side by side, in the order in which they end."""
        for outcome in self.engine.run((index, self._steps(index)) for index in indices):
            certificate = self._certificate(outcome)
            check_certified(self.run, certificate)
            yield certificate

    def resumed(self, out: str | Path | None) -> dict[int, Certificate]:
        """The certificates that ``out`` already holds for these images, by index, if they are of this run.

        The plain model must answer as before on all of them, and the votes on the first must give it again.
        """
        with continued(out, Report.load, self.run) as earlier:
            if earlier is None:
                return {}
            found = {one.index: one for one in earlier.certificates}
            for one in earlier.certificates:
                self.inputs.place_of(one.index, one.image_hash, one.label)
                if one.base_predicted != self.engine.base_class(self._image(one.index)):
                    raise AnotherRun(f"the model now answers otherwise on image {one.index}")
            for again in self.certificates(sorted(found)[:1]):
                if attrs.evolve(again, seconds=0.0) != attrs.evolve(found[again.index], seconds=0.0):
                    raise AnotherRun(f"the same votes now end in another certificate for image {again.index}")
            return found

    def _image(self, index: int) -> Tensor:
        return self.inputs.images[self.inputs.places[index]].to(self.device)

    def _steps(self, index: int) -> Steps:
        run, recipe = self.run, self.recipe
        task = Task(self._image(index), run.region, recipe.transformation, recipe.smoothing, run.budget, run.maximize)
        return recipe.certifier.steps(task)

    def _certificate(self, outcome: Outcome) -> Certificate:
        recipe, run, finding, image = self.recipe, self.run, outcome.finding, self._image(outcome.image)
        finding = attrs.evolve(finding, guarantee=Guarantee.weakest(run.guarantee, finding.guarantee))
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
            claim=_claim(recipe, run, finding),
            alpha=0.0 if finding.guarantee is Guarantee.EXACT else run.budget.alpha,
            samples=outcome.samples,
            anchors=finding.anchors,
            witness=finding.witness,
            seconds=outcome.seconds,
            image_hash=image_hash(image),
        )


def _claim(recipe: Corruption, run: Run, finding: Finding) -> str:
    """The sentence that a certificate proves."""
    reason = f"; {finding.reason}" if finding.reason else ""
    if finding.predicted is None:
        return f"The smoothed classifier abstains, and nothing is proved{reason}."
    verb = "Estimated, not proved," if finding.guarantee is Guarantee.ESTIMATE else "Proved"
    odds = "" if finding.guarantee is Guarantee.EXACT else f", with {odds_of(finding.guarantee, run.budget.alpha)}"
    basis = recipe.certifier.basis(recipe.transformation, recipe.smoothing)
    subject = "model" if isinstance(recipe.smoothing, NoSmoothing) else "smoothed classifier"
    if finding.witness is not None and finding.proved is None:
        return f"Refuted by {basis}: the {subject} answers class {finding.predicted} on the unchanged image{reason}."
    sure = f"{verb} by {basis}{odds}: the {subject} answers class "
    if finding.proved is None:
        return f"{sure}{finding.predicted} on the unchanged image; nothing is proved about {recipe.name}{reason}."
    whole = "whole " * recipe.transformation.space.integer
    region = " and ".join(whole + words for words in spans(finding.proved, run.names, run.units))
    inner = f" in the {finding.proved.words}" if finding.proved.words else ""
    return f"{sure}{finding.predicted} under every {recipe.name} of {region}{inner}{reason}."
