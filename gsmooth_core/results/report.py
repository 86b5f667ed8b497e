"""Certificates, and the report that collects them."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from decimal import ROUND_FLOOR
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from gsmooth_core.common.console import new_console
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.resuming import check_same_run
from gsmooth_core.results.agreement import check_certified, check_distinct

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.drawing import draw_curves, marked
from gsmooth_core.results.earlier_formats import from_first_format
from gsmooth_core.results.guessing import guessing
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.run import Run
from gsmooth_core.results.wording import error_probability_words, region_words, shortened

FORMAT = 2
"""The format number of report files."""


@attrs.frozen
class Report:
    """The certificates of one call, and the run that made them. ``data`` says in words which images they are.

    A report cannot be made (``ValueError``) of certificates that contradict the run: the proved region must lie inside
    the run's, and a certificate is certified if and only if the run's region also lies inside the proved one; it
    promises no more than the run; and no image occurs twice.
    """

    run: Run
    data: str
    certificates: tuple[Certificate, ...]

    def __attrs_post_init__(self) -> None:
        check_distinct(one.index for one in self.certificates)
        for one in self.certificates:
            check_certified(self.run, one)

    def certified_accuracy(self, radius: float | None = None) -> Rate:
        """The share of images that are certified *and* correct, on the region asked for or up to a smaller radius.

        ``radius`` is in the parameter's unit. ``ValueError`` beyond what was asked for, or without labels.
        """
        labelled = self._labelled()
        if radius is None:
            return Rate.of(sum(c.certified and bool(c.correct) for c in labelled), len(labelled))
        if self.run.radius is None or not 0 <= radius <= self.run.radius:
            raise ValueError(
                f"certificates reach from 0 to {self.run.radius} {' and '.join(self.run.units)}, not to {radius}; "
                f"certify again with radius={radius}"
            )
        held = [c for c in labelled if c.radius is not None and c.radius >= radius and c.correct]
        return Rate.of(len(held), len(labelled))

    def curve(self) -> tuple[tuple[float, Rate], ...]:
        """The certified accuracy at 0, at every radius at which it falls, and at the radius asked for, in order.

        Between two of these radii it has its value at the larger one. ``ValueError`` as in ``certified_accuracy``.
        """
        labelled, most = self._labelled(), self.run.radius
        if most is None:
            raise ValueError("the region asked for has no radius, so there is no curve; certify with radius=a number")
        held = sorted(c.radius for c in labelled if c.radius is not None and c.correct)
        radii = sorted({0.0, most, *(min(radius, most) for radius in held)})
        counts = [len(held) - bisect_left(held, radius) for radius in radii]
        return tuple((radius, Rate.of(count, len(labelled))) for radius, count in zip(radii, counts, strict=True))

    @property
    def guarantee(self) -> Guarantee:
        """The weakest of the run's guarantee and those of the certificates."""
        return Guarantee.weakest(self.run.guarantee, *(c.guarantee for c in self.certificates))

    @property
    def certified(self) -> Rate:
        """The share of images that are certified, right or wrong."""
        return Rate.of(sum(c.certified for c in self.certificates), len(self.certificates))

    @property
    def accuracy(self) -> Rate:
        """The share of unchanged images on which the smoothed classifier, the one that was certified, is right."""
        labelled = self._labelled()
        return Rate.of(sum(bool(c.correct) for c in labelled), len(labelled))

    @property
    def base_accuracy(self) -> Rate:
        """The share of unchanged images on which the plain model is right."""
        labelled = self._labelled()
        return Rate.of(sum(c.base_predicted == c.label for c in labelled), len(labelled))

    @property
    def abstained(self) -> Rate:
        """The share of unchanged images on which the smoothed classifier abstains."""
        return Rate.of(sum(c.predicted is None for c in self.certificates), len(self.certificates))

    @property
    def seconds(self) -> float:
        """The time that all certificates took."""
        return sum(c.seconds for c in self.certificates)

    @property
    def images(self) -> str:
        """The number of images, and which data they are from, in words."""
        return f"{len(self.certificates):,}, of: {self.data}"

    @property
    def notes(self) -> list[str]:
        """What a reader must know: which images these are, and whether the model works under the noise at all."""
        notes = [
            f"Images: {self.images}.",
            f"{self.run.certifier}, {self.run.smoothing}, of {self.run.model}.",
        ]
        if (sentence := self._guessing()) is not None:
            notes.append(sentence)
        agree = sum(c.predicted == c.base_predicted for c in self.certificates)
        if agree < len(self.certificates) / 2:
            notes.append(
                f"The model fails under the noise of this smoothing: on {len(self.certificates) - agree} of "
                f"{len(self.certificates)} unchanged images the smoothed classifier abstains or disagrees with it. "
                "Next step: train it under that noise with gsmooth_core.fit_classifier(model, "
                f"[{self.run.corruption!r}], images, labels), or pass a smoothing with less noise."
            )
        return notes

    @property
    def title(self) -> str:
        """The corruption and the region asked for."""
        return f"{self.run.corruption}: {region_words(self.run.region, self.run.names, self.run.units)}"

    def rows(self) -> list[tuple[str, str]]:
        """Pairs of what was measured and its value, the certified accuracy first."""
        run, certificates, rows = self.run, self.certificates, []
        exact = self.guarantee is Guarantee.EXACT  # deterministic: nothing is drawn, nothing abstains
        if all(c.label is not None for c in certificates):
            rows.append(("certified accuracy", str(self.certified_accuracy())))
            if not exact:
                rows.append(("smoothed accuracy, no corruption", str(self.accuracy)))
            rows.append(("plain model's accuracy, no corruption", str(self.base_accuracy)))
        rows.append(("certified, right or wrong", str(self.certified)))
        if exact:
            rows.append(("guarantee", self.guarantee.value))
            rows.append((f"{run.tries} tried per image (median, most)", _spread([c.tried for c in certificates])))
        else:
            rows.append(("abstained", str(self.abstained)))
            rows.append(
                ("guarantee", f"{self.guarantee.value}, {error_probability_words(self.guarantee, run.budget.alpha)}")
            )
            rows.append((f"{run.tries} per image (median, most)", _spread([c.tried for c in certificates])))
            rows.append(("draws per image (median, most)", _spread([c.samples for c in certificates])))
        rows.append(("seconds per image; in all", f"{self.seconds / len(certificates):.2f}; {self.seconds:.1f}"))
        if run.maximize and run.radius:  # not for a region that has only the radius 0, as one on one side
            radii = [c.radius or 0.0 for c in certificates if c.radius is not None or c.region is None]
            if radii:
                middle, most = (shortened(value, 3, ROUND_FLOOR) for value in (statistics.median(radii), max(radii)))
                rows.append(("certified radius (median, most)", f"{middle}, {most}"))
        return rows

    def summary(self, console: Console | None = None) -> None:
        """Print the report's table and notes, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table(title=self.title, show_header=False)
        table.add_column(style="bold")
        table.add_column(justify="right")
        for row in self.rows():
            table.add_row(*row)
        yield Group(table, *(Text(note, style="italic") for note in self.notes))

    def _repr_html_(self) -> str:
        """The summary, as a notebook shows it."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:right'>{escape(value)}</td></tr>"
            for name, value in self.rows()
        )
        notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in self.notes)
        return f"<table><caption>{escape(self.title)}</caption>{rows}</table>{notes}"

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the certified accuracy over the radius, with its 95 % band; needs matplotlib (extra ``report``).

        ``ValueError`` as :meth:`curve`.
        """
        return draw_curves(self.run, [(marked(self.run.model, self.guarantee), self.curve())], axes)

    def to_frame(self) -> DataFrame:
        """A pandas frame with a row for each certificate, by ``index``; ``ValueError`` if pandas is missing."""
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ValueError("a frame needs pandas, which is not installed; pip install pandas") from error
        records = [
            attrs.asdict(c, recurse=False, filter=lambda field, _: field.name != "region")
            | {
                "correct": c.correct,
                "guarantee": c.guarantee.value,
                "lower": None if c.region is None else c.region.lower,
                "upper": None if c.region is None else c.region.upper,
                "norm": None if c.region is None else c.region.kind,
            }
            for c in self.certificates
        ]
        return DataFrame.from_records(records, index="index")

    def __str__(self) -> str:
        return f"Report of {len(self.certificates):,} images under {self.run.corruption}, certified: {self.certified}"

    def save(self, path: str | Path) -> None:
        """Write the report as JSON, in one step: a kill leaves the old file or the new one, never half."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> Report:
        """The report that :meth:`save` wrote; ``ValueError`` for any other file, and for one that was edited."""
        return load_record(path, Report, FORMAT, "report of gsmooth", {1: from_first_format})

    @staticmethod
    def merge(*reports: Report) -> Report:
        """One report over the images of several reports of one run (shards of one data set, by ``indices=``)."""
        if not reports:
            raise ValueError("there is nothing to merge; pass at least one report")
        for report in reports[1:]:
            check_same_run(reports[0].run, report.run)
        certificates = sorted((c for report in reports for c in report.certificates), key=lambda c: c.index)
        if len({c.index for c in certificates}) < len(certificates):
            raise ValueError("an image occurs in more than one report; merge reports over different indices")
        data = "; ".join(dict.fromkeys(report.data for report in reports))
        return Report(reports[0].run, data, tuple(certificates))

    def _guessing(self) -> str | None:
        """The sentence about a plain model that seems to guess, if it does."""
        labels = [c.label for c in self.certificates if c.label is not None]
        complete = len(labels) == len(self.certificates)
        answers = [c.base_predicted for c in self.certificates]
        return guessing(answers, labels if complete else None, self.run.classes)

    def _labelled(self) -> tuple[Certificate, ...]:
        if any(c.label is None for c in self.certificates):
            raise ValueError("accuracy needs labels; pass labels= to certify, or use report.certified")
        return self.certificates


def _spread(values: list[int]) -> str:
    return f"{statistics.median(values):,.0f}, {max(values):,}"
