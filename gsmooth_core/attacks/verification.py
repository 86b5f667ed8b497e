"""Trying to break the certificates of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import torch
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.attacks.budget import AttackBudget
from gsmooth_core.attacks.methods import ALL, check_settings, search_for, settle
from gsmooth_core.attacks.report import AttackRun, describe_run
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import PlainTarget, SmoothedTarget, Target, even_share
from gsmooth_core.common.fingerprints import image_hash
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.progress import track
from gsmooth_core.common.resuming import AnotherRun, continued, kept
from gsmooth_core.common.validators import check_whole, points, whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.inputs import BUNDLED, BUNDLED_NAME, Inputs, gather_at
from gsmooth_core.plugins.registry import provider_of, recipe_of
from gsmooth_core.results.agreement import check_distinct, check_part
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.report import Report
from gsmooth_core.results.run import Run
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.transformations.regions import Region, holds_all

DOUBT = 1e-6
"""The probability, for each certificate, with which votes break it though it is true: all its finalists together."""

FORMAT = "gsmooth verification 2"
SHOWN = 20
"""Broken certificates in a summary."""


@attrs.frozen
class Verified:
    """A certificate that was attacked.

    ``predicted`` is the class that is certified in ``region``, and ``answer`` the classifier's at ``parameter``, the
    worst one found there (``None``: it abstains); ``calls`` is how often the model was asked in the search. The run's
    seed and the index key the noise of the attack.
    """

    index: int = attrs.field(validator=whole())
    predicted: int = attrs.field(validator=whole())
    answer: int | None = attrs.field(validator=optional(whole()))
    parameter: tuple[float, ...] = attrs.field(validator=points())
    region: Region
    calls: int = attrs.field(validator=whole())
    image_hash: str

    def __attrs_post_init__(self) -> None:
        if not holds_all(self.region, [self.parameter]):
            raise ValueError(
                f"the certificate of image {self.index} was attacked at {self.parameter}, outside its region"
            )

    @property
    def broken(self) -> bool:
        """Whether another class is answered."""
        return self.answer not in (None, self.predicted)


@attrs.frozen
class Verification:
    """The certificates of a report that were attacked, each in the region that it proves.

    ``run`` is the attack; its ``region`` is the one that the report was asked for.
    """

    run: AttackRun
    certificates: tuple[Verified, ...]

    def __attrs_post_init__(self) -> None:
        check_distinct(one.index for one in self.certificates)
        for one in self.certificates:
            check_part(self.run.region, one.index, one.region)

    @property
    def broken(self) -> tuple[Verified, ...]:
        """Those that an attack broke."""
        return tuple(one for one in self.certificates if one.broken)

    @property
    def holds(self) -> bool:
        """Whether nothing broke."""
        return not self.broken

    def summary(self, console: Console | None = None) -> None:
        """Print what was tried and what broke, to ``console`` or to standard output."""
        (console or Console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        broken, calls = self.broken, sum(one.calls for one in self.certificates)
        yield (
            f"{self.run.corruption}: {len(self.certificates):,} certificates attacked, {len(broken):,} broken; "
            f"{calls:,} calls of the model"
        )
        if broken:
            table = Table("image", "certified class", "answer", f"at ({', '.join(self.run.units)})", "seed")
            for one in broken[:SHOWN]:
                where = ", ".join(f"{value:.6g}" for value in one.parameter)
                table.add_row(str(one.index), str(one.predicted), str(one.answer), where, str(self.run.seed))
            yield table
            if len(broken) > SHOWN:
                yield f"and {len(broken) - SHOWN} more"

    def save(self, path: str | Path) -> None:
        """Write the verification as JSON, in one step."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> Verification:
        """The verification that :meth:`save` wrote; ``ValueError`` for anything else, and for one that was edited."""
        return load_record(path, Verification, FORMAT, "verification")


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
) -> Verification:
    """Attack every certificate of a report inside the region that it proves.

    A break is an answer of another class, for the classifier that was certified: the smoothed one, or the plain one
    after enumeration. A smoothed one needs enough votes for it to be sure: a certificate that is true breaks with
    probability at most one in a million, which its finalists share. Of the certificates of a sound certifier a share of
    α may be false, and break; more than that is a bug, but for an ``estimate``, which promises nothing.

    Args:
        report: what :func:`certify` returned or ``Report.load`` read.
        model: the model of the report, with the same weights.
        images: all images of the call, so that a certificate's index is a place in them; or ``"fashion-mnist"``, the
            bundled test images, which a report that is about them finds by itself.
        dataset: in place of images, the torch dataset of (image, label) of the call.
        corruption: the recipe, with the smoothing that was certified, if it is not the one that the plugin offers.
        method: as in :func:`attack`.
        budget: calls of the model a certificate.
        seed: of starts and noise.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps what is done; if it exists and is of the same run over the same certificates, those
            are not attacked again.

    Raises:
        ValueError: the model, the smoothing or an image is not the one that was certified, no images were given though
            the report is not about the bundled ones, or ``out`` is in use.
    """
    if not isinstance(report, Report):
        raise ValueError(f"report must be a Report, not {report!r}; read a file with Report.load")
    check_settings(method, budget)
    corruption = corruption or report.run.corruption
    recipe = recipe_of(corruption)
    seed = check_whole("seed", seed, least=0)
    certificates = [one for one in report.certificates if one.region is not None and one.predicted is not None]
    if images is None and dataset is None:
        if not report.data.startswith(BUNDLED):
            raise ValueError(
                f"no images were given, and the report is about {report.data}; pass images= or dataset=, all of that "
                "call in order (on the command line: --data)"
            )
        images = BUNDLED_NAME
    inputs = gather_at(images, dataset, (one.index for one in certificates))
    target: Target = PlainTarget(model, device)
    if not isinstance(recipe.smoothing, NoSmoothing):
        classifier = SmoothedClassifier(model, recipe.smoothing)
        alpha = even_share(DOUBT, budget.finalists)
        target = SmoothedTarget(classifier, device, budget.draws, budget.confirm, alpha)
    for one in certificates:
        if one.index not in inputs.places or image_hash(_image(inputs, one)) != one.image_hash:
            raise ValueError(f"image {one.index} is not the one of the report; pass all images of that call, in order")
        assert one.region is not None
        recipe.transformation.space.check_region(one.region)
    with target.ready(), kept(out, "verification") as keep:
        probe = target.tried(inputs.images)
        asked, plugin = report.run.region, provider_of(corruption)
        run = describe_run(recipe, plugin, target, probe.model_hash, asked, method, budget, seed)
        _check_same(run, probe.classes, report.run)
        found = _resumed(run, certificates, out)
        left = [one for one in certificates if one.index not in found]
        make = partial(_verification, run, found)
        if not certificates:
            keep(make)
        for one in track(left, len(certificates), f"verify {recipe.name}", progress, len(found)):
            image, region, class_ = _image(inputs, one).to(target.device), one.region, one.predicted
            assert region is not None
            assert class_ is not None
            search = search_for(recipe, target, image, class_, region, method, budget, (seed, one.index))
            parameter, _, answer = settle(search, budget.finalists)
            found[one.index] = Verified(one.index, class_, answer, parameter, region, search.used, one.image_hash)
            keep(make)
        if left:
            probe.again()
    return _verification(run, found)


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


def _verification(run: AttackRun, found: dict[int, Verified]) -> Verification:
    return Verification(run, tuple(found[index] for index in sorted(found)))


def _resumed(run: AttackRun, certificates: Sequence[Certificate], out: str | Path | None) -> dict[int, Verified]:
    """What ``out`` already holds about these certificates, by index, if it is of this run."""
    claims = {one.index: (one.predicted, one.region, one.image_hash) for one in certificates}
    with continued(out, Verification.load, run) as earlier:
        if earlier is None:
            return {}
        for one in earlier.certificates:
            if claims.get(one.index) != (one.predicted, one.region, one.image_hash):
                raise AnotherRun(f"its certificate of image {one.index} is not the report's")
        return {one.index: one for one in earlier.certificates}
