"""Trying to break the certificates of a report."""

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
from gsmooth_core.attacks.report import AttackRun, describe_run
from gsmooth_core.attacks.verified import Verification, Verified
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import Target, even_share, target_of
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.resuming import AnotherRun
from gsmooth_core.common.validators import check_whole
from gsmooth_core.common.work import Work, carry_out
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.inputs import BUNDLED, BUNDLED_NAME, Inputs, gather_at
from gsmooth_core.engine.probe import Probe
from gsmooth_core.plugins.registry import check_offered, provider_of, recipe_of
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.report import Report
from gsmooth_core.results.run import Run
from gsmooth_core.smoothing.base import NoSmoothing

DOUBT = 1e-6
"""The probability, for each certificate, that votes break it although it is true, over all its finalists together."""


def verify(
    report: Report,
    model: Callable[[Tensor], Tensor],
    images: Tensor | str | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    corruption: str | Corruption | None = None,
    method: str = ALL,
    budget: AttackBudget = AttackBudget(calls=5_000, confirm=10_000),
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
    batch: int | None = None,
) -> Verification:
    """Attack every certificate of a report inside the region that it proves.

    A certificate breaks if the classifier that was certified answers another class: the smoothed classifier, or the
    plain one after enumeration. For a smoothed classifier the votes must prove this answer: a true certificate breaks
    with probability at most one in a million, which its finalists share. Of the certificates of a sound certifier a
    share of α may be false, and break. More than that is a bug, except for an ``estimate``, which promises nothing.

    Args:
        report: what :func:`certify` returned or ``Report.load`` read.
        model: the model of the report, with the same weights.
        images: all images of the call, so that a certificate's index is a place in them; or ``"fashion-mnist"``, the
            bundled test images, which are used without being named if the report is about them.
        dataset: in place of images, the torch dataset of the call.
        corruption: the recipe, with the smoothing that was certified, if it is not the one that the plugin offers.
        method: as in :func:`attack`.
        budget: calls of the model per certificate.
        seed: of starts and noise.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps the results so far; if it exists and is of the same run over the same certificates,
            those are not attacked again.
        batch: images per call of the model, as in :func:`attack`; 1 if the report needed ``Budget(batch=1)``.

    Raises:
        ValueError: the model, the smoothing or an image is not the one that was certified; no images were given and
            the report is not about the bundled ones; or ``out`` is in use.
    """
    if not isinstance(report, Report):
        raise ValueError(
            f"report must be a Report, not of the type {type(report).__name__}; it comes before the model: "
            "verify(report, model), and Report.load reads a file"
        )
    check_settings(method, budget)
    if corruption is None:
        check_offered(report.run.corruption, report.run.plugin)
    corruption = corruption or report.run.corruption
    recipe = recipe_of(corruption)
    seed = check_whole("seed", seed, least=0)
    certificates = [one for one in report.certificates if one.region is not None and one.predicted is not None]
    if images is None and dataset is None:
        if not report.data.startswith(BUNDLED):
            raise ValueError(
                f"no images were given, and the report is about {report.data}; pass images= or dataset= with all "
                "images of that call, in order (on the command line: --data)"
            )
        images = BUNDLED_NAME
    inputs = gather_at(images, dataset, (one.index for one in certificates))
    plain = isinstance(recipe.smoothing, NoSmoothing)
    classifier = model if plain else SmoothedClassifier(model, recipe.smoothing)
    target = target_of(classifier, device, budget.draws, budget.confirm, even_share(DOUBT, budget.finalists), batch)
    for one in certificates:
        if one.index not in inputs.places or image_hash(_image(inputs, one)) != one.image_hash:
            raise ValueError(f"image {one.index} is not the one of the report; pass all images of that call, in order")
        assert one.region is not None
        recipe.transformation.space.check_region(one.region)
    begun = _begun(recipe, provider_of(corruption), target, report.run, certificates, inputs, method, budget, seed)
    return carry_out(
        begun, load=Verification.load, out=out, what="verification", title=f"verify {recipe.name}", progress=progress
    )


@contextmanager
def _begun(
    recipe: Corruption,
    plugin: str | None,
    target: Target,
    certified: Run,
    certificates: Sequence[Certificate],
    inputs: Inputs,
    method: str,
    budget: AttackBudget,
    seed: int,
) -> Iterator[_Verifying]:
    """The attack on certificates of a target that passed the checks; it stays ready until the context ends."""
    with target.ready():
        probe = target.tried(inputs.images)
        method = usable_method(method, recipe, target, inputs.images[0])
        run = describe_run(recipe, plugin, target, probe.model_hash, certified.region, method, budget, seed)
        _check_same(run, probe.classes, certified)
        yield _Verifying(recipe, run, target, {one.index: one for one in certificates}, inputs, probe)


@attrs.frozen
class _Verifying(Work[Verification, int, Verified]):
    """The work of one call for each certificate."""

    recipe: Corruption
    run: AttackRun
    target: Target
    certificates: dict[int, Certificate]
    inputs: Inputs
    probe: Probe

    @property
    def keys(self) -> list[int]:
        """The indices of the certificates."""
        return list(self.certificates)

    def found_in(self, earlier: Verification) -> dict[int, Verified]:
        """The earlier results for these certificates, whose claims must be the same as before."""
        claims = {index: (one.predicted, one.region, one.image_hash) for index, one in self.certificates.items()}
        for one in earlier.certificates:
            if claims.get(one.index) != (one.predicted, one.region, one.image_hash):
                raise AnotherRun(f"its certificate of image {one.index} is not the report's")
        return {one.index: one for one in earlier.certificates}

    def results(self, left: Sequence[int]) -> Iterator[tuple[int, Verified]]:
        """Attack the certificates of these indices, one after the other."""
        run, target = self.run, self.target
        for index in left:
            one = self.certificates[index]
            region, class_ = one.region, one.predicted
            assert region is not None
            assert class_ is not None
            image, key = _image(self.inputs, one).to(target.device), (run.seed, index)
            search = search_for(self.recipe, target, image, class_, region, run.method, run.budget, key)
            parameter, _, answer = settle(search, run.budget.finalists)
            yield index, Verified(index, class_, answer, parameter, region, search.used, one.image_hash)

    def record(self, found: dict[int, Verified]) -> Verification:
        """The verification of these certificates."""
        return Verification(self.run, tuple(found[index] for index in sorted(found)))


def _image(inputs: Inputs, certificate: Certificate) -> Tensor:
    """The image (channel, height, width) that a certificate is about."""
    return inputs.images[inputs.places[certificate.index]]


def _check_same(run: AttackRun, classes: int, certified: Run) -> None:
    """Raise ``ValueError`` unless the attack is on what was certified."""
    if run.model_hash != certified.model_hash:
        raise ValueError(
            f"the model is not the one of the report (hash {run.model_hash} against {certified.model_hash}); load the "
            "weights that were certified"
        )
    if run.smoothing != certified.smoothing:
        raise ValueError(
            f"the report is about {certified.smoothing}, not {run.smoothing}; pass corruption=, the recipe with the "
            "smoothing that was certified"
        )
    if (run.corruption, run.transformation) != (certified.corruption, certified.transformation):
        raise ValueError(
            f"the report is about {certified.corruption}, {certified.transformation}, not {run.corruption}, "
            f"{run.transformation}; pass corruption=, the recipe that was certified"
        )
    if classes != certified.classes:
        raise ValueError(
            f"the model of the report has {certified.classes} classes, this one {classes}; load the one that was "
            "certified"
        )
