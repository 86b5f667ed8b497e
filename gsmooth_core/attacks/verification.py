"""Trying to break the certificates of a report."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from torch import Tensor

from gsmooth_core.attacks.campaign import ALL, AttackBudget, check_settings, search_for, settle
from gsmooth_core.attacks.target import PlainTarget, SmoothedTarget, Target
from gsmooth_core.checks import check_images, check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.evaluation import identified, identified_map, image_hash, model_hash
from gsmooth_core.plugins import recipe_of
from gsmooth_core.progress import track
from gsmooth_core.region import Region
from gsmooth_core.report import Report
from gsmooth_core.smoothed_classifier import SmoothedClassifier
from gsmooth_core.smoothing import NoSmoothing

DOUBT = 1e-6
"""The probability with which a sound certificate's class is taken for another by the votes that confirm a break."""

SHOWN = 20
"""Broken certificates in a summary."""


@attrs.frozen
class Broken:
    """A certificate that an attack broke, with what reproduces it.

    The classifier answers ``answer`` instead of ``predicted`` for the image of that index at ``parameter``, which lies
    in the certified ``region``. ``seed`` and the index key the noise of the attack.
    """

    index: int
    predicted: int
    answer: int
    parameter: tuple[float, ...]
    region: Region
    seed: int


@attrs.frozen
class Verification:
    """The certificates of a report that were attacked, with how many ``calls`` of the model, and those that broke.

    The calls are those of the search; each of the finalists takes ``confirm`` votes more.
    """

    corruption: str
    units: tuple[str, ...]
    attacked: int
    calls: int
    broken: tuple[Broken, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing broke."""
        return not self.broken

    def summary(self, console: Console | None = None) -> None:
        """Print what was tried and what broke, to ``console`` or to standard output."""
        (console or Console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield f"{self.corruption}: {self.attacked} certificates attacked, {len(self.broken)} broken"
        if self.broken:
            table = Table("image", "certified class", "answer", f"at ({', '.join(self.units)})", "seed")
            for one in self.broken[:SHOWN]:
                where = ", ".join(f"{value:.6g}" for value in one.parameter)
                table.add_row(str(one.index), str(one.predicted), str(one.answer), where, str(one.seed))
            yield table
            if len(self.broken) > SHOWN:
                yield f"and {len(self.broken) - SHOWN} more"


def verify(
    report: Report,
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    corruption: str | Corruption | None = None,
    method: str = ALL,
    budget: AttackBudget = AttackBudget(calls=5_000, confirm=10_000),
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> Verification:
    """Attack every certificate of a report inside the region that it proves.

    A break is an answer of another class by enough votes to be sure (one in a million, at each of the finalists), for
    the classifier that was certified: the smoothed one, or the plain one after enumeration. Of sound certificates a
    share of α may be wrong, and break; more than that is a bug, but for an ``estimate``, which promises nothing.

    Args:
        report: what :func:`certify` returned or ``Report.load`` read.
        model: the model of the report, with the same weights.
        images: all images of the call, so that a certificate's index is a place in them.
        corruption: the recipe, with the smoothing that was certified, if it is not the one that the plugin offers.
        method: as in :func:`attack`.
        budget: calls of the model a certificate.
        seed: of starts and noise.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.

    Raises:
        ValueError: the model, the smoothing or an image is not the one that was certified.
    """
    if not isinstance(report, Report):
        raise ValueError(f"report must be a Report, not {report!r}; read a file with Report.load")
    check_settings(method, budget)
    recipe = recipe_of(corruption or report.run.corruption)
    seed, images = check_whole("seed", seed, least=0), check_images(images).float()
    if model_hash(model) != report.run.model_hash:
        raise ValueError(
            f"the model is not the one of the report (hash {model_hash(model)} against {report.run.model_hash}); load "
            "the weights that were certified"
        )
    if (smoothing := identified(recipe.smoothing)) != report.run.smoothing:
        raise ValueError(
            f"the report is about {report.run.smoothing}, not {smoothing}; pass corruption=, the recipe with the "
            "smoothing that was certified"
        )
    transformation = identified_map(recipe.transformation)
    if (recipe.name, transformation) != (report.run.corruption, report.run.transformation):
        raise ValueError(
            f"the report is about {report.run.corruption}, {report.run.transformation}, not {recipe.name}, "
            f"{transformation}; pass corruption=, the recipe that was certified"
        )
    certificates = [one for one in report.certificates if one.region is not None and one.predicted is not None]
    for one in certificates:
        if one.index >= len(images) or image_hash(images[one.index]) != one.image_hash:
            raise ValueError(f"image {one.index} is not the one of the report; pass all images of that call, in order")
    target: Target = PlainTarget(model, device)
    if not isinstance(recipe.smoothing, NoSmoothing):
        classifier = SmoothedClassifier(model, recipe.smoothing)
        target = SmoothedTarget(classifier, device, budget.draws, budget.confirm, DOUBT)
    broken, calls = [], 0
    with target.ready():
        for one in track(certificates, len(certificates), f"verify {recipe.name}", progress):
            assert one.region is not None
            assert one.predicted is not None
            image, key = images[one.index].to(target.device), (seed, one.index)
            search = search_for(recipe, target, image, one.predicted, one.region, method, budget, key)
            parameter, _, answer = settle(search, budget.finalists)
            calls += search.used
            if answer not in (None, one.predicted):
                broken.append(Broken(one.index, one.predicted, answer, parameter, one.region, seed))
    return Verification(recipe.name, recipe.transformation.space.units, len(certificates), calls, tuple(broken))
