"""Certified accuracy over the radius under several noise distributions on a parameter (Hao et al. 2022, Figure 3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text
from torch import Tensor

from gsmooth_core.certification import certify
from gsmooth_core.certifier import Model, Problem
from gsmooth_core.certifiers.resolvable import ResolvableCertifier, withstands
from gsmooth_core.common.console import new_console
from gsmooth_core.corruption import Corruption
from gsmooth_core.figures.shared import are_one, file_in, make_folder, models_for, notes_on, shape_of, words_of
from gsmooth_core.models.example import images_or_bundled
from gsmooth_core.plugins.registry import get_noise, own_noises, recipe_of
from gsmooth_core.results.plots import plot_curves
from gsmooth_core.results.report import Report
from gsmooth_core.smoothing.distribution import NoiseDistribution
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.base import AdditiveTransformation
from gsmooth_core.transformations.regions import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@attrs.frozen
class NoiseComparison:
    """Reports over the same images under several noise distributions on the parameter, by the distributions' names.

    ``one_model`` says whether they are all about one classifier.
    """

    laws: Mapping[str, NoiseDistribution]
    reports: Mapping[str, Report]
    one_model: bool

    @property
    def std(self) -> float | None:
        """The standard deviation of all distributions, in the parameter's unit; ``None`` if they differ in it."""
        first, *others = (law.deviation for law in self.laws.values())
        return first if all(math.isclose(std, first) for std in others) else None

    @property
    def notes(self) -> list[str]:
        """What a reader must know about the distributions, the classifier, the images and the guarantee."""
        laws = ", ".join(str(law) for law in self.laws.values())
        return [f"Distributions: {laws}.", *notes_on(list(self.reports.values()), "distribution", self.one_model)]

    def plot(self, axes: Axes | None = None) -> Axes:
        """Certified accuracy over the radius, a curve per distribution; the title names the standard deviation."""
        axes = plot_curves(self.reports, axes)
        axes.set_title(self._title(), loc="left")
        return axes

    def summary(self, console: Console | None = None) -> None:
        """Print the table, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        run = next(iter(self.reports.values())).run
        radii = [float(f"{(run.radius or 0.0) * part / 4:.3g}") for part in range(4)]
        table = Table(title=f"{self._title()}: certified accuracy")
        table.add_column("distribution", no_wrap=True)
        for radius in radii:
            table.add_column(f"radius {radius:g}", justify="right")
        for name, report in self.reports.items():
            table.add_row(Text(name), *(str(report.certified_accuracy(radius)) for radius in radii))
        yield Group(table, *(Text(note, style="italic") for note in self.notes))

    def _title(self) -> str:
        run = next(iter(self.reports.values())).run
        if self.std is None:
            return f"{run.corruption} under several noise distributions"
        return f"{run.corruption}, noise distributions of standard deviation {self.std:.4g} {' and '.join(run.units)}"


def match_noises(
    corruption: str | Corruption = "gaussianblur", std: float | None = None, names: Iterable[str] | None = None
) -> dict[str, NoiseDistribution]:
    """Noise distributions of one standard deviation for a corruption's parameter, by name; its certifier accepts each.

    Only the standard deviations are made equal. One-sided distributions then differ in their means, and so in how
    strong a corruption the classifier sees on average (at standard deviation s: s under exponential noise, 1.32 s under
    folded Gaussian noise, 1.73 s under one-sided uniform noise).

    Args:
        corruption: one with a single parameter that adds up, where the bound is proved (Theorem 1).
        std: in the parameter's unit; default: that of the recipe's own noise.
        names: of distributions; default: every distribution of the core that the certifier accepts here.

    Raises:
        ValueError: no such distribution, or it does not fit; the sentence names the next step.
    """
    recipe = recipe_of(corruption)
    std = _parameter_smoothing(recipe).laws[0].deviation if std is None else std
    if not (math.isfinite(std) and std > 0):
        raise ValueError(f"std must be positive and finite, not {std}; it is the distributions' standard deviation")
    if names is None:
        laws = {kind.name: _sized(kind, std) for kind in own_noises()}
        region = _probe(recipe)
        laws = {name: law for name, law in laws.items() if _refusal(recipe, law, region) is None}
        if not laws:
            raise ValueError(
                f"{recipe.name!r} accepts no distribution of the core; pass distributions of your own to certify_noises"
            )
        return laws
    laws = {}
    for name in names:
        laws[name] = _sized(get_noise(name), std)
    _check_laws(recipe, laws)
    return laws


def certify_noises(
    model: Model | Mapping[str, Model],
    corruption: str | Corruption = "gaussianblur",
    images: Tensor | str | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    laws: Mapping[str, NoiseDistribution] | None = None,
    radius: float | None = None,
    budget: Budget = Budget(),
    work: str | Path | None = None,
    **options: Any,
) -> NoiseComparison:
    """Certify up to the largest radius of each image under each distribution, with the same images, budget and seed.

    Args:
        model: one for all distributions, or one for each name in ``laws``.
        corruption: as for :func:`match_noises`.
        images: as for ``certify``, as are ``labels``, which are needed here, and ``options`` (dataset, limit, seed,
            device and progress).
        labels: one class per image.
        laws: distributions by name; default: those of :func:`match_noises`.
        radius: how far the curves go; default: as far as the budget lets any of the distributions reach.
        budget: of each distribution.
        work: a folder, made if it is missing, that keeps one report per distribution; the same call continues from it.
        **options: see ``images``.
    """
    recipe = recipe_of(corruption)
    laws = match_noises(recipe) if laws is None else dict(laws)
    if not laws:
        raise ValueError("there are no noise distributions; pass at least one by name")
    _check_laws(recipe, laws)
    most = budget.alpha ** (1 / budget.samples)  # the bound on a probability if all votes agree
    if radius is None and (radius := max(_reach(recipe, law, most) for law in laws.values())) == 0:
        raise ValueError(f"{budget.samples} draws certify no radius at alpha {budget.alpha:g}; allow more samples")
    if radius == 0:
        raise ValueError("a curve needs a radius above 0; name one, or leave it to the default")
    chosen = models_for(model, list(laws))
    images = images_or_bundled(images, labels, options.get("dataset"), list(chosen.values()))
    recipe.region(radius, shape_of(images, labels, options))
    folder = make_folder(work)
    one_model = are_one([chosen[name] for name in laws])
    reports = {
        name: certify(
            chosen[name],
            corruption,
            images,
            labels,
            smoothing=attrs.evolve(_parameter_smoothing(recipe), noise=law),
            radius=radius,
            maximize=True,
            budget=budget,
            out=file_in(folder, recipe.name, name, *words_of(std=law.deviation)),
            **options,
        )
        for name, law in laws.items()
    }
    return NoiseComparison(laws, reports, one_model)


def _sized(kind: type[NoiseDistribution], std: float) -> NoiseDistribution:
    """The distribution of that class with the standard deviation ``std``.

    ``ValueError`` if the class is not made from one number, or ``with_deviation`` refuses.
    """
    try:
        return kind(1.0).with_deviation(std)  # type: ignore[call-arg]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the standard deviation of {kind.name!r} noise cannot be set from its name alone; pass the distribution "
            "to certify_noises"
        ) from error


def _parameter_smoothing(recipe: Corruption) -> ParameterSmoothing:
    """The recipe's smoothing, if noise distributions can be compared on it; ``ValueError`` otherwise."""
    smoothing, transformation = recipe.smoothing, recipe.transformation
    additive = isinstance(transformation, AdditiveTransformation) and transformation.space.dimension == 1
    if not (
        additive and isinstance(smoothing, ParameterSmoothing) and isinstance(recipe.certifier, ResolvableCertifier)
    ):
        raise ValueError(
            "noise distributions are compared on one parameter that adds up, certified by 'resolvable', unlike that of "
            f"{recipe.name!r}; name a corruption with such a parameter, such as gaussianblur or brightness"
        )
    return smoothing


def _reach(recipe: Corruption, law: NoiseDistribution, p: float) -> float:
    """The largest radius that a class of probability ``p`` withstands under the distribution; 0 if there is none."""
    smoothing = attrs.evolve(_parameter_smoothing(recipe), noise=law)
    return recipe.transformation.largest_radius(lambda region: withstands(region, p, smoothing)) or 0.0


def _probe(recipe: Corruption) -> Region:
    """A region of the recipe, of a radius above 0."""
    return recipe.transformation.region(_reach(recipe, _parameter_smoothing(recipe).laws[0], 0.99))


def _refusal(recipe: Corruption, law: NoiseDistribution, region: Region) -> str | None:
    """Why the recipe's certifier does not accept the distribution; ``None`` if it does."""
    transformation = recipe.transformation
    try:
        recipe.certifier.check(Problem(transformation, attrs.evolve(_parameter_smoothing(recipe), noise=law), region))
    except ValueError as error:
        return str(error)
    return None


def _check_laws(recipe: Corruption, laws: Mapping[str, NoiseDistribution]) -> None:
    region = _probe(recipe)
    for name, law in laws.items():
        if (reason := _refusal(recipe, law, region)) is not None:
            raise ValueError(f"{name!r} does not fit {recipe.name!r}: {reason}")
