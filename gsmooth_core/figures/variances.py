"""Certified accuracy over a grid of noise on the parameter and in the latent layer (Hao et al. 2022, Table 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text
from torch import Tensor

from gsmooth_core.certification import certify
from gsmooth_core.certifier import Certifier, Model, Problem
from gsmooth_core.common.console import new_console
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.corruption import Corruption
from gsmooth_core.figures.shared import (
    are_one,
    file_in,
    make_folder,
    models_for,
    notes_on,
    shape_of,
    takes_parameters,
    useless,
    weakest_of,
    words_of,
)
from gsmooth_core.models.example import images_or_bundled
from gsmooth_core.plugins.registry import get_certifier, recipe_of
from gsmooth_core.results.drawing import new_axes
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.report import Report
from gsmooth_core.results.tables import in_markdown
from gsmooth_core.results.wording import number, region_words
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LATENT_STDS = (0.05, 0.1, 0.15, 0.25)
"""The paper's σ₂ for CIFAR-10 (Hao et al. 2022, Table 3)."""


@attrs.frozen
class VarianceTable:
    """Reports over the same images, one per cell: rows by σ₁ on the parameter, columns by σ₂ in the latent layer.

    ``parameter_stds`` is empty if noise on the parameter has no effect, as with the identity surrogate; then there is
    one row. ``one_model`` says whether all reports are about one classifier.
    """

    parameter_stds: tuple[float, ...]
    latent_stds: tuple[float, ...]
    reports: tuple[tuple[Report, ...], ...]
    one_model: bool

    def report(self, latent_std: float, parameter_std: float | None = None) -> Report:
        """The report of a cell; ``ValueError`` if there is none. ``parameter_std`` may be left out with one row."""
        rows = self.parameter_stds if parameter_std is not None or len(self.reports) > 1 else (None,)
        if latent_std not in self.latent_stds or parameter_std not in rows:
            raise ValueError(
                f"there is no cell of σ₁ = {parameter_std} and σ₂ = {latent_std}; σ₁ is one of "
                f"{self.parameter_stds or '(None,)'}, σ₂ one of {self.latent_stds}"
            )
        return self.reports[rows.index(parameter_std)][self.latent_stds.index(latent_std)]

    def certified_accuracy(self, latent_std: float, parameter_std: float | None = None) -> Rate:
        """The certified accuracy of a cell, on the region asked for; cells as for :meth:`report`."""
        return self.report(latent_std, parameter_std).certified_accuracy()

    @property
    def notes(self) -> list[str]:
        """What a reader must know of the classifier, the noise, the images and the guarantee."""
        notes = notes_on(self._all(), "cell", self.one_model)
        if not self.parameter_stds:
            notes.append("Noise on the parameter (σ₁) has no effect without a surrogate that takes parameters.")
        return notes

    def markdown(self) -> str:
        """The table and its notes as Markdown."""
        table = in_markdown(self._cells()).rstrip()
        return "\n\n".join([f"Certified accuracy, {self._title()}.", table, *self.notes]) + "\n"

    def plot(self, axes: Axes | None = None) -> Axes:
        """A heat map of certified accuracies in per cent, each cell with its number and its 95 % interval."""
        rates = [[report.certified_accuracy() for report in row] for row in self.reports]
        axes = new_axes(1.6 + 1.2 * len(self.latent_stds), 1.7 + 0.6 * len(rates)) if axes is None else axes
        values = [[100 * rate.value for rate in row] for row in rates]
        axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=2)
        for row, column in ((row, column) for row in range(len(rates)) for column in range(len(self.latent_stds))):
            rate = rates[row][column]
            shown = f"{100 * rate.value:.1f}\n[{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
            colour = "white" if rate.value > 0.55 else "black"
            axes.text(column + 0.5, row + 0.5, shown, ha="center", va="center", color=colour, fontsize=9)
        axes.invert_yaxis()
        for axis, stds in ((axes.xaxis, self.latent_stds), (axes.yaxis, self.parameter_stds)):
            axis.set_ticks([place + 0.5 for place in range(len(stds))], [number(std) for std in stds])
        axes.set_xlabel("σ₂, latent noise")
        if self.parameter_stds:
            axes.set_ylabel(f"σ₁, parameter noise ({self._units()})")
        mark = ", estimate" * (weakest_of(self._all()) is Guarantee.ESTIMATE)
        axes.set_title(f"certified accuracy (%){mark}\n{self._title()}", loc="left", fontsize=10)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        return axes

    def summary(self, console: Console | None = None) -> None:
        """Print the table, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads, *rows = self._cells()
        table = Table(title=f"certified accuracy, {self._title()}")
        for head in heads:
            table.add_column(head, justify="right")
        for row in rows:
            table.add_row(*row)
        yield Group(table, *(Text(note, style="italic") for note in self.notes))

    def _cells(self) -> list[list[str]]:
        """The words of the table: a line of headings, then a line per row."""
        heads = [
            *([f"σ₁ ({self._units()})"] * bool(self.parameter_stds)),
            *(f"σ₂ = {number(std)}" for std in self.latent_stds),
        ]
        starts = [[number(std)] for std in self.parameter_stds] or [[]]
        cells = [[str(report.certified_accuracy()) for report in row] for row in self.reports]
        return [heads, *(start + row for start, row in zip(starts, cells, strict=True))]

    def _all(self) -> list[Report]:
        return [report for row in self.reports for report in row]

    def _units(self) -> str:
        return ", ".join(self.reports[0][0].run.units)

    def _title(self) -> str:
        run = self.reports[0][0].run
        return f"{run.corruption}, {region_words(run.region, run.names, run.units, ' and ')}"


def certify_variances(
    model: Model | Mapping[tuple[float, float], Model],
    corruption: str | Corruption = "rotationalblur",
    images: Tensor | str | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    latent_stds: Iterable[float] = LATENT_STDS,
    parameter_stds: Iterable[float] | None = None,
    smoothing: LatentSmoothing | None = None,
    radius: float | Region | None = None,
    certifier: str | Certifier | None = None,
    budget: Budget = Budget(),
    work: str | Path | None = None,
    **options: Any,
) -> VarianceTable:
    """Certify under every σ₁ of ``parameter_stds`` with every σ₂ of ``latent_stds``, with the same images and seed.

    Every cell has the same classifier unless ``model`` names more. It should have been trained under the noise:
    otherwise the table shows the effect of the training more than that of the noise.

    Args:
        model: one for all cells, or one for each (σ₁, σ₂); if σ₁ has no effect, with the smoothing's own σ₁.
        corruption: one that is smoothed in a latent layer, or any with ``smoothing``.
        images: as for ``certify``, as are ``labels``, which are needed here, ``radius``, ``certifier`` and ``options``
            (dataset, limit, seed, device and progress).
        labels: one class per image.
        latent_stds: σ₂ > 0, in the latent's unit (with the identity surrogate: in intensity).
        parameter_stds: σ₁ ≥ 0, in the parameter's unit; default: the smoothing's own. With the identity surrogate it
            has no effect.
        smoothing: behind which surrogate; default: the recipe's.
        radius: see ``images``.
        certifier: see ``images``.
        budget: of each cell.
        work: a folder, made if it is missing, that keeps one report per cell; the same call continues from it.
        **options: see ``images``.
    """
    recipe = recipe_of(corruption)
    base = recipe.smoothing if smoothing is None else smoothing
    if not isinstance(base, LatentSmoothing):
        raise ValueError(
            f"{recipe.name!r} is not smoothed in a latent layer, so it has no σ₂; name a surrogate, or a corruption "
            "that is, such as rotationalblur"
        )
    takes = takes_parameters(base)
    if parameter_stds is not None and not takes:
        raise useless(recipe.name, "its table is a row over σ₂")
    firsts = [base.parameter_std] if parameter_stds is None else [float(std) for std in dict.fromkeys(parameter_stds)]
    seconds = [float(std) for std in dict.fromkeys(latent_stds)]
    if not (firsts and seconds):
        raise ValueError("a table needs at least one σ₁ and one σ₂; name them, or leave them to the defaults")
    smoothings = {
        (first, second): attrs.evolve(base, parameter_std=first, latent_std=second)
        for first in firsts
        for second in seconds
    }
    chosen = models_for(model, list(smoothings))
    images = images_or_bundled(images, labels, options.get("dataset"), list(chosen.values()))
    judge = recipe.certifier if certifier is None else certifier
    judge = get_certifier(judge) if isinstance(judge, str) else judge
    region = recipe.region(radius, shape_of(images, labels, options))
    for each in smoothings.values():
        judge.check(Problem(recipe.transformation, each, region))
    folder = make_folder(work)
    one_model = are_one([chosen[cell] for cell in smoothings])
    reports = {
        cell: certify(
            chosen[cell],
            corruption,
            images,
            labels,
            smoothing=each,
            radius=radius,
            certifier=judge,
            budget=budget,
            out=file_in(folder, recipe.name, *words_of(parameter=cell[0] if takes else None, latent=cell[1])),
            **options,
        )
        for cell, each in smoothings.items()
    }
    rows = tuple(tuple(reports[first, second] for second in seconds) for first in firsts)
    return VarianceTable(tuple(firsts) if takes else (), tuple(seconds), rows, one_model)
