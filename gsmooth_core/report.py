"""Certificates, and the report that collects them."""

from __future__ import annotations

from bisect import bisect_left
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from attrs.validators import optional
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

from gsmooth_core.budget import Budget
from gsmooth_core.confidence import interval
from gsmooth_core.consistency import (
    amount,
    check_axes,
    check_certificate,
    check_certified,
    check_distinct,
    is_a,
    points,
    whole,
)
from gsmooth_core.guarantee import Guarantee
from gsmooth_core.records import check_same_run, load_record, save_record
from gsmooth_core.region import Region

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

FORMAT = 1
"""Of the files of reports."""
RATE_ALPHA = 0.05
"""A rate's interval misses the true share of the data's source with at most this probability."""


@attrs.frozen
class Rate:
    """A share of images, with its 95 % interval (Clopper–Pearson) as a sample of the data's source.

    >>> print(Rate.of(30, 50))
    60.0 % [45.2, 73.6]
    """

    value: float
    low: float
    high: float

    @staticmethod
    def of(count: int, total: int) -> Rate:
        """The share ``count`` of ``total`` images."""
        return Rate(count / total, *interval(count, total, RATE_ALPHA))

    def __str__(self) -> str:
        return f"{self.value:.1%} [{100 * self.low:.1f}, {100 * self.high:.1f}]".replace("%", " %")


@attrs.frozen
class Certificate:
    """What was proved about one image.

    One that contradicts itself cannot be made (``ValueError``). ``index``: the image's place in the data.
    ``predicted``: the smoothed classifier's class on the unchanged image, ``None`` where it abstains;
    ``base_predicted``: the plain model's. ``correct``: whether ``predicted`` is the ``label`` (``None`` without a
    label). ``certified``: whether the prediction is constant on the whole region asked for, whatever the label.
    ``region``: the region that is proved (``None``: none), and ``radius`` the largest r whose
    ``transformation.region(r)`` lies inside it (``None``: none does, or none can be told to). ``guarantee`` and
    ``claim`` say what the certificate rests on, and the sentence that it proves. ``alpha``: an upper bound of the
    probability that the claim is wrong (of an estimate: if what it rests on holds), 0 for an exact one. ``samples`` and
    ``anchors``: draws and points of the region used (for an exact certificate: outputs tried). ``witness``: a parameter
    of the region at which the answer is known to differ. ``seconds``: time taken.
    """

    index: int = attrs.field(validator=whole())
    label: int | None = attrs.field(validator=optional(whole()))
    predicted: int | None = attrs.field(validator=optional(whole()))
    base_predicted: int = attrs.field(validator=whole())
    certified: bool = attrs.field(validator=is_a(bool))
    region: Region | None = attrs.field(validator=optional(is_a(Region)))
    radius: float | None = attrs.field(validator=optional(amount()))
    guarantee: Guarantee = attrs.field(validator=is_a(Guarantee))
    claim: str
    alpha: float = attrs.field(validator=amount())
    samples: int = attrs.field(validator=whole())
    anchors: int = attrs.field(validator=whole())
    witness: tuple[float, ...] | None = attrs.field(validator=optional(points()))
    seconds: float = attrs.field(validator=amount())
    image_hash: str

    def __attrs_post_init__(self) -> None:
        check_certificate(self)

    @property
    def correct(self) -> bool | None:
        """Whether the prediction is the label; ``None`` without a label."""
        return None if self.label is None else self.predicted == self.label


@attrs.frozen
class Run:
    """Everything that determines a report's certificates, so that it can be reproduced or resumed.

    ``corruption``, ``plugin`` (distribution and version, ``None`` for one passed as an object), ``transformation``,
    ``smoothing`` and ``certifier`` describe the recipe with all settings, and ``model`` names the model; ``region`` and
    ``radius`` (as in :class:`Certificate`) are what was asked for, in the ``units`` of the parameters ``names``.
    ``classes``: how many the model tells apart. ``data_hash``: of the data that the images are from, of a dataset of
    its length and a few items.
    """

    corruption: str
    plugin: str | None
    names: tuple[str, ...]
    units: tuple[str, ...]
    transformation: str
    smoothing: str
    certifier: str
    guarantee: Guarantee = attrs.field(validator=is_a(Guarantee))
    region: Region = attrs.field(validator=is_a(Region))
    radius: float | None = attrs.field(validator=optional(amount()))
    maximize: bool = attrs.field(validator=is_a(bool))
    budget: Budget = attrs.field(validator=is_a(Budget))
    seed: int = attrs.field(validator=whole())
    model: str
    model_hash: str
    classes: int = attrs.field(validator=whole(2))
    data_hash: str
    device: str
    versions: dict[str, str]

    def __attrs_post_init__(self) -> None:
        check_axes(self.names, self.units, self.region)

    @property
    def odds(self) -> str:
        """What an image's certificate may be wrong by, in words."""
        return odds_of(self.guarantee, self.budget.alpha)


@attrs.frozen
class Report:
    """The certificates of one call, and the run that made them. ``data`` says in words which images they are.

    A report cannot be made (``ValueError``) of certificates that are not of the run: each is certified just if the
    run's region lies inside the proved one, which lies inside the run's; it promises no more than the run; and no image
    stands twice.
    """

    run: Run
    data: str
    certificates: tuple[Certificate, ...]

    def __attrs_post_init__(self) -> None:
        check_distinct(one.index for one in self.certificates)
        for one in self.certificates:
            check_certified(self.run, one)

    def certified_accuracy(self, radius: float | None = None) -> Rate:
        """The share of images that are certified *and* correct, on the region asked for or on a smaller radius.

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

        Between two of these radii it is what it is at the larger one. ``ValueError`` as ``certified_accuracy``.
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
        """What all certificates promise: the weakest of the run's guarantee and theirs."""
        return Guarantee.weakest(self.run.guarantee, *(c.guarantee for c in self.certificates))

    @property
    def certified(self) -> Rate:
        """The share of images that are certified, right or wrong."""
        return Rate.of(sum(c.certified for c in self.certificates), len(self.certificates))

    @property
    def accuracy(self) -> Rate:
        """The share of unchanged images on which the smoothed classifier, which is what was certified, is right."""
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
    def notes(self) -> list[str]:
        """What a reader must know: which images these are, and whether the model can live with the noise at all."""
        notes = [
            f"Images: {len(self.certificates):,}, of: {self.data}.",
            f"{self.run.certifier}, {self.run.smoothing}, of {self.run.model}.",
        ]
        agree = sum(c.predicted == c.base_predicted for c in self.certificates)
        if agree < len(self.certificates) / 2:
            notes.append(
                f"The model fails under the noise of this smoothing: on {len(self.certificates) - agree} of "
                f"{len(self.certificates)} unchanged images the smoothed classifier abstains or disagrees with it. "
                "Next step: train it under that noise with gsmooth_core.fit_classifier(model, "
                f"[{self.run.corruption!r}], images, labels), or pass a smoothing with less noise."
            )
        return notes

    def summary(self, console: Console | None = None) -> None:
        """Print the report's table and notes, to ``console`` or to standard output."""
        (console or Console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from gsmooth_core.tables import summary_rows, title

        table = Table(title=title(self), show_header=False)
        table.add_column(style="bold")
        table.add_column(justify="right")
        for row in summary_rows(self):
            table.add_row(*row)
        yield Group(table, *(Text(note, style="italic") for note in self.notes))

    def _repr_html_(self) -> str:
        """The summary, as a notebook shows it."""
        from gsmooth_core.tables import html_table

        return html_table(self)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the certified accuracy over the radius, with its 95 % band; needs matplotlib (extra ``report``).

        ``ValueError`` as :meth:`curve`.
        """
        from gsmooth_core.plots import plot_curves

        return plot_curves({self.run.model: self}, axes)

    def to_frame(self) -> DataFrame:
        """A pandas frame with a row for each certificate, by ``index``; ``ValueError`` where pandas is missing."""
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
                "norm": None if c.region is None else c.region.norm,
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
        """Read a report that :meth:`save` wrote; ``ValueError`` for any other file, and for one that was edited."""
        return load_record(path, Report, FORMAT, "report of gsmooth")

    @staticmethod
    def merge(*reports: Report) -> Report:
        """One report over the images of several, which must be of one run (shards of one data set, by ``indices=``)."""
        if not reports:
            raise ValueError("there is nothing to merge; pass at least one report")
        for report in reports[1:]:
            check_same_run(reports[0].run, report.run)
        certificates = sorted((c for report in reports for c in report.certificates), key=lambda c: c.index)
        if len({c.index for c in certificates}) < len(certificates):
            raise ValueError("an image stands in more than one report; merge reports over different indices")
        data = "; ".join(dict.fromkeys(report.data for report in reports))
        return Report(reports[0].run, data, tuple(certificates))

    def _labelled(self) -> tuple[Certificate, ...]:
        if any(c.label is None for c in self.certificates):
            raise ValueError("accuracy needs labels; pass labels= to certify, or use report.certified")
        return self.certificates


def number(value: float) -> str:
    """A number in full, so that no sentence says more than was proved.

    >>> number(5.0), number(2.9999996)
    ('5', '2.9999996')
    """
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def spans(region: Region, names: tuple[str, ...], units: tuple[str, ...]) -> list[str]:
    """The intervals of a region in words, one a parameter, to six digits and no wider than they are.

    >>> spans(Region(-0.6931471805599453, 8), ("contrast",), ("log gain",))
    ['contrast from -0.693147 to 8 log gain']
    """
    ends = zip(names, region.lower, region.upper, units, strict=True)
    return [
        f"{name} from {shortened(low, 6, ROUND_CEILING)} to {shortened(high, 6, ROUND_FLOOR)} {unit}"
        for name, low, high, unit in ends
    ]


def region_words(region: Region, names: tuple[str, ...], units: tuple[str, ...], between: str = ", ") -> str:
    """A region in words, its intervals as :func:`spans` gives them; a ball is named as one.

    >>> region_words(Region((-3, -3), (3, 3), norm="l2"), ("dx", "dy"), ("px", "px"))
    'dx from -3 to 3 px, dy from -3 to 3 px (ℓ2 ball)'
    """
    return between.join(spans(region, names, units)) + " (ℓ2 ball)" * (region.norm == "l2")


def odds_of(guarantee: Guarantee, alpha: float) -> str:
    """The probability with which a certificate of that guarantee may be wrong, in words.

    >>> odds_of(Guarantee.ESTIMATE, 0.001)
    'error probability at most 0.001 if the estimate holds'
    """
    if guarantee is Guarantee.EXACT:
        return "no error probability"
    return f"error probability at most {number(alpha)}" + " if the estimate holds" * (guarantee is Guarantee.ESTIMATE)


def shortened(value: float, digits: int, rounding: str) -> str:
    """The number with so many significant digits, rounded that way (a number that has no more, as it is).

    >>> shortened(2.34567, 3, ROUND_FLOOR)
    '2.34'
    """
    exact = Decimal(repr(value))
    if exact.is_zero() or not exact.is_finite():
        return f"{value:g}"
    step = Decimal(1).scaleb(exact.adjusted() + 1 - digits)
    return f"{float(exact.quantize(step, rounding=rounding)):.{digits}g}"
