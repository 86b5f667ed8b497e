"""Curves and histograms of reports, with matplotlib (extra ``report``), in colours that survive colour-blindness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from gsmooth_core.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe and Ito (2008), the lightest ones last: told apart by everybody."""
DASHES = ("solid", "dashed", "dashdot", "dotted")
"""Lines differ in these too, so that they are told apart in print."""
BINS = 20


@attrs.frozen
class Style:
    """How the curve of one report looks."""

    colour: str
    dashes: str

    @staticmethod
    def of(number: int) -> Style:
        """The style of the report that stands at a place; of the first 28, no two are alike."""
        return Style(COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)])


def new_axes(width: float = 6.4, height: float = 3.6) -> Axes:
    """Axes on a new figure of that size in inches, outside pyplot: no window opens, and nothing needs closing.

    ``ValueError``, if matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("pictures need matplotlib, which is not installed; pip install 'gsmooth-core[report]'") from (
            error
        )
    axes = Figure(figsize=(width, height), layout="constrained").add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def units_of(report: Report) -> str:
    """The units of a report's radius, each once."""
    return ", ".join(dict.fromkeys(report.run.units))


def plot_curves(reports: Mapping[str, Report], axes: Axes | None = None) -> Axes:
    """Certified accuracy over the radius, a curve a report, with pointwise 95 % bands.

    ``ValueError`` where reports are of different corruptions, have no labels, or have regions without a radius.
    """
    corruptions = {report.run.corruption for report in reports.values()}
    if len(corruptions) != 1:
        raise ValueError(f"one picture is about one corruption, not {sorted(corruptions)}; draw one picture for each")
    curves = {name: report.curve() for name, report in reports.items()}
    axes = new_axes() if axes is None else axes
    for number, (name, curve) in enumerate(curves.items()):
        style, radii = Style.of(number), [radius for radius, _ in curve]
        rates = [[100 * value for value in (rate.value, rate.low, rate.high)] for _, rate in curve]
        values, lows, highs = (list(column) for column in zip(*rates, strict=True))
        axes.step(radii, values, where="pre", color=style.colour, linestyle=style.dashes, label=name)
        axes.fill_between(radii, lows, highs, step="pre", color=style.colour, alpha=0.15, linewidth=0)
    report = next(iter(reports.values()))
    axes.set(xlabel=f"radius ({units_of(report)})", ylabel="certified accuracy (%)", ylim=(0, 100))
    axes.set_xlim(0, max(curve[-1][0] for curve in curves.values()) or 1)
    axes.set_title(report.run.corruption, loc="left")
    axes.legend(frameon=False)
    return axes


def plot_radii(reports: Mapping[str, Report], axes: Axes | None = None) -> Axes:
    """How many images were certified up to which radius, a histogram a report; those without any are left out."""
    axes = new_axes() if axes is None else axes
    first = next(iter(reports.values()))
    most = max(report.run.radius or 0.0 for report in reports.values()) or 1.0
    for number, (name, report) in enumerate(reports.items()):
        radii = [certificate.radius for certificate in report.certificates if certificate.radius is not None]
        options: dict[str, Any] = {"histtype": "step", "linewidth": 1.5, "label": name}
        style = Style.of(number)
        axes.hist(radii, bins=BINS, range=(0.0, most), color=style.colour, linestyle=style.dashes, **options)
    axes.set(xlabel=f"certified radius ({units_of(first)})", ylabel="images", xlim=(0, most))
    axes.locator_params("y", integer=True)
    axes.set_title(first.run.corruption, loc="left")
    axes.legend(frameon=False)
    return axes
