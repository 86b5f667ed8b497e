"""Reports over the same images, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from gsmooth_core.common.console import new_console
from gsmooth_core.results.rates import RATE_ALPHA, Rate
from gsmooth_core.results.report import Report
from gsmooth_core.results.wording import counted, seconds_words
from gsmooth_core.statistics.bounds import interval


@attrs.frozen
class Difference:
    """By how much one share of images exceeds another on the same images, with a 95 % interval.

    The interval holds for the source of the images: the share of images that count for the first alone and the share
    that count for the second alone each lie in a Clopper–Pearson interval of 97.5 %, so their difference lies between
    the differences of the ends.

    >>> print(Difference.of(only_first=12, only_second=2, total=100))
    +10.0 % [-2.1, +21.1]
    """

    value: float
    low: float
    high: float

    @staticmethod
    def of(only_first: int, only_second: int, total: int) -> Difference:
        """From the images that count for the first alone, for the second alone, and all."""
        first, second = (interval(count, total, RATE_ALPHA / 2) for count in (only_first, only_second))
        return Difference((only_first - only_second) / total, first[0] - second[1], first[1] - second[0])

    def __str__(self) -> str:
        return f"{self.value:+.1%} [{100 * self.low:+.1f}, {100 * self.high:+.1f}]".replace("%", " %")


@attrs.frozen
class Comparison:
    """Several reports over the same images, by name; the first is the one that the others are compared with."""

    reports: Mapping[str, Report]

    def difference(self, name: str) -> Difference:
        """By how much the certified accuracy of the report of that name exceeds the first one's."""
        first, other = (
            [certificate.certified and bool(certificate.correct) for certificate in report.certificates]
            for report in (next(iter(self.reports.values())), self.reports[name])
        )
        pairs = list(zip(first, other, strict=True))
        return Difference.of(sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs), len(pairs))

    def certified_accuracy(self, name: str) -> Rate:
        """The certified accuracy of the report of that name."""
        return self.reports[name].certified_accuracy()

    def summary(self, console: Console | None = None) -> None:
        """Print the table, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        images = counted(len(next(iter(self.reports.values())).certificates), "image")
        table = Table(title=f"{images}, the same for all")
        for heading in (
            "",
            "corruption",
            "certifier",
            "guarantee",
            "certified accuracy",
            "more than the first",
            "seconds: certificates; calls",
        ):
            table.add_column(heading)
        for number, (name, report) in enumerate(self.reports.items()):
            more = "" if number == 0 else str(self.difference(name))
            run = report.run
            table.add_row(
                name,
                run.corruption,
                run.certifier,
                report.guarantee.value,
                str(self.certified_accuracy(name)),
                more,
                f"{seconds_words(report.seconds)}; "
                + ("not known" if report.wall_seconds is None else seconds_words(report.wall_seconds)),
            )
        yield table


def compare(reports: Mapping[str, Report]) -> Comparison:
    """Put reports over the same images, with their labels, side by side.

    >>> compare({})
    Traceback (most recent call last):
    ValueError: there is nothing to compare; pass at least two reports by name
    """
    if len(reports) < 2:
        raise ValueError("there is nothing to compare; pass at least two reports by name")
    names = list(reports)
    images = {name: [(c.index, c.image_hash, c.label) for c in reports[name].certificates] for name in names}
    for name in names[1:]:
        if images[name] != images[names[0]]:
            raise ValueError(
                f"the reports {names[0]!r} and {name!r} are not over the same images and labels; certify both with the "
                "same images=, labels= and limit="
            )
    if any(label is None for _, _, label in images[names[0]]):
        raise ValueError("a comparison of accuracies needs labels; pass labels= to certify")
    return Comparison(dict(reports))
