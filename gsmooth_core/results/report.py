"""Certificates, and the report that collects them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from gsmooth_core.common.console import new_console
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.validators import amount, texts
from gsmooth_core.results.agreement import check_certified, check_distinct
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.drawing import draw_curves, marked
from gsmooth_core.results.earlier_formats import from_first_format, from_second_format
from gsmooth_core.results.merging import merged
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.run import Run
from gsmooth_core.results.summary import notes_of, rows_of
from gsmooth_core.results.wording import counted, region_words, rounded_down

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

FORMAT = 3
"""The format number of report files."""
EARLIER: dict[int | str, Callable[[dict[str, Any]], dict[str, Any]]] = {1: from_first_format, 2: from_second_format}
"""How reports of earlier formats are read."""


@attrs.frozen
class Report:
    """The certificates of one call, and the run that made them.

    ``data`` says in words which images they are. ``class_names``: the names of the classes 0, 1, …, empty where they
    are not known. ``wall_seconds``: how long the calls took, each from its start to its last certificate; ``None`` if
    one was in an earlier format, which did not say. ``training``: the call of Python, and the command if there is one,
    that train a classifier for what was certified; empty for a model that cannot be trained.

    A report cannot be made (``ValueError``) of certificates that contradict the run: the proved region must lie inside
    the run's, and a certificate is certified if and only if the run's region also lies inside the proved one; it
    promises no more than the run; and no image occurs twice.
    """

    run: Run
    data: str
    certificates: tuple[Certificate, ...]
    class_names: tuple[str, ...] = attrs.field(default=(), validator=texts())
    wall_seconds: float | None = attrs.field(default=None, validator=optional(amount()))
    training: tuple[str, ...] = attrs.field(default=(), validator=texts())

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
        if not 0 <= radius < math.inf:
            raise ValueError(f"a radius is a number of at least 0, not {radius}; give one up to the radius asked for")
        if self.run.radius is None:
            raise ValueError("the region asked for has no radius; leave out radius, or certify with radius=a number")
        if radius > self.run.radius:
            raise ValueError(
                f"certificates reach from 0 to {rounded_down(self.run.radius)} {' and '.join(self.run.units)}, not to "
                f"{radius}; certify again with radius={radius}"
            )
        held = [c for c in labelled if c.radius is not None and c.radius >= radius and c.correct]
        return Rate.of(len(held), len(labelled))

    def curve(self) -> tuple[tuple[float, Rate], ...]:
        """The certified accuracy at 0, at every radius at which it falls, and at the radius asked for, in order.

        Between two of these radii it has its value at the larger one. Without ``maximize=True`` an image counts for the
        whole radius or for none, so that the curve may lie too low (:attr:`flat`). ``ValueError`` as in
        ``certified_accuracy``.
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
        """The time that all certificates took, without checks and saving; ``wall_seconds`` has those too."""
        return sum(c.seconds for c in self.certificates)

    def class_words(self, number: int) -> str:
        """A class by its number, followed by its name if that is known."""
        return f"{number} ({self.class_names[number]})" if number < len(self.class_names) else str(number)

    @property
    def images(self) -> str:
        """The number of images, and which data they are from, in words."""
        return f"{len(self.certificates):,}, of: {self.data}"

    @property
    def notes(self) -> list[str]:
        """What a reader must know: which images and classes these are, how they were certified, what to do next."""
        return notes_of(self)

    @property
    def flat(self) -> bool:
        """Whether a curve over radii may lie too low: the region alone was asked for, and some images fail on it."""
        return not self.run.maximize and bool(self.run.radius) and not all(c.certified for c in self.certificates)

    @property
    def title(self) -> str:
        """The corruption and the region asked for."""
        return f"{self.run.corruption}: {region_words(self.run.region, self.run.names, self.run.units)}"

    def rows(self) -> list[tuple[str, str]]:
        """Pairs of what was measured and its value, the certified accuracy first."""
        return rows_of(self)

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

        A line below says if the curve may lie too low (:attr:`flat`). ``ValueError`` as :meth:`curve`.
        """
        return draw_curves(self.run, [(marked(self.run.model, self.guarantee), self.curve())], axes, flat=self.flat)

    def to_frame(self) -> DataFrame:
        """A pandas frame with a row for each certificate, by ``index``; ``ValueError`` if pandas is missing.

        Where the classes have names, ``label_name`` and ``predicted_name`` stand beside the numbers. The frame's
        ``attrs`` have ``wall_seconds``.
        """
        try:
            from pandas import DataFrame
        except ImportError as error:
            raise ValueError("a frame needs pandas, which is not installed; pip install pandas") from error
        names = self.class_names
        records = [
            attrs.asdict(c, recurse=False, filter=lambda field, _: field.name != "region")
            | {
                "correct": c.correct,
                **({f"{one}_name": self._name(getattr(c, one)) for one in ("label", "predicted")} if names else {}),
                "guarantee": c.guarantee.value,
                "lower": None if c.region is None else c.region.lower,
                "upper": None if c.region is None else c.region.upper,
                "norm": None if c.region is None else c.region.kind,
            }
            for c in self.certificates
        ]
        frame = DataFrame.from_records(records, index="index")
        frame.attrs["wall_seconds"] = self.wall_seconds
        return frame

    def __str__(self) -> str:
        images = counted(len(self.certificates), "image")
        return f"Report of {images} under {self.run.corruption}, certified: {self.certified}"

    def save(self, path: str | Path) -> None:
        """Write the report as JSON, in one step: a kill leaves the old file or the new one, never half."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: str | Path) -> Report:
        """The report that :meth:`save` wrote; ``ValueError`` for any other file, and for one that was edited."""
        return load_record(path, Report, FORMAT, "report of gsmooth", EARLIER)

    @staticmethod
    def merge(*reports: Report | Iterable[Report]) -> Report:
        """One report over the images of several reports of one run (shards of one data set, by ``indices=``).

        Reports one by one, or a list of them. ``ValueError`` if their runs differ, or an image is in two of them.
        """
        return merged([one for some in reports for one in ([some] if isinstance(some, Report) else _listed(some))])

    def _name(self, number: int | None) -> str | None:
        return self.class_names[number] if number is not None and number < len(self.class_names) else None

    def _labelled(self) -> tuple[Certificate, ...]:
        if any(c.label is None for c in self.certificates):
            raise ValueError("accuracy needs labels; pass labels= to certify, or use report.certified")
        return self.certificates


def _listed(reports: Iterable[Report]) -> list[Report]:
    """Reports that were passed together; ``ValueError`` if that is something else."""
    listed = list(reports) if isinstance(reports, Iterable) else [reports]
    if not all(isinstance(one, Report) for one in listed):
        raise ValueError(f"reports to merge are Report objects, not {reports!r}; read a file with Report.load")
    return listed
