"""Curves and histograms of reports, with matplotlib (extra ``report``), in colours that survive colour-blindness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from gsmooth_core.guarantee import Guarantee
from gsmooth_core.report import Rate, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Dashes = Literal["solid", "dashed", "dashdot", "dotted"]

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Okabe and Ito (2008), the lightest ones last: told apart by everybody."""
DASHES: tuple[Dashes, ...] = ("solid", "dashed", "dashdot", "dotted")
"""Lines differ in these too, so that they are told apart in print."""
BINS = 20
STEPS = 500
"""A curve is drawn with about so many steps at most."""

Curve = tuple[tuple[float, Rate], ...]


@attrs.frozen
class Style:
    """How the curve of one report looks."""

    colour: str
    dashes: Dashes

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


def picture_of(axes: Axes, kind: str, dpi: float | Literal["figure"] = "figure") -> bytes:
    """The figure of these axes as a "png", "svg" or "pdf", the same bytes for the same figure."""
    import matplotlib as mpl

    figure, content = axes.get_figure(root=True), BytesIO()
    assert figure is not None
    dates: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with mpl.rc_context({"svg.hashsalt": "gsmooth"}):
        figure.savefig(content, format=kind, dpi=dpi, metadata=dates.get(kind))
    return content.getvalue()


def radius_words(report: Report) -> str:
    """The radius with its units, each once; without them where a region is not made of 0 or ∓ the radius to itself.

    A contrast of radius 0.5, for one, is a log gain from ln 0.5 to ln 1.5.
    """
    run = report.run
    plain = all(
        high == run.radius and low in (0, -high) for low, high in zip(run.region.lower, run.region.upper, strict=True)
    )
    return f"radius ({', '.join(dict.fromkeys(run.units))})" if plain else "radius"


def marked(name: str, report: Report) -> str:
    """A report's name, with a mark where its certificates are estimates, so that nothing unproved goes without one."""
    mark = " (estimate)"
    return name if report.guarantee is not Guarantee.ESTIMATE or name.endswith(mark) else name + mark


def thinned(curve: Curve) -> Curve:
    """A curve of about ``STEPS`` steps at most, nowhere above the one given: of two that stay, the later counts."""
    every = -(-len(curve) // STEPS)
    return (*curve[: len(curve) - 1 : every], curve[-1])


def plot_curves(reports: Mapping[str, Report], axes: Axes | None = None, styles: Sequence[Style] | None = None) -> Axes:
    """Certified accuracy over the radius, a curve a report, with pointwise 95 % bands.

    ``ValueError`` where there are no reports, or they are of different corruptions, have no labels, or have regions
    without a radius.
    """
    first = _first(reports)
    curves = [(marked(name, report), thinned(report.curve())) for name, report in reports.items()]
    axes = new_axes() if axes is None else axes
    styles = _styles(len(curves)) if styles is None else styles
    for style, (_, curve) in zip(styles, curves, strict=True):
        radii = [radius for radius, _ in curve]
        rates = [[100 * value for value in (rate.value, rate.low, rate.high)] for _, rate in curve]
        values, lows, highs = (list(column) for column in zip(*rates, strict=True))
        axes.step(radii, values, where="pre", color=style.colour, linestyle=style.dashes)
        axes.fill_between(radii, lows, highs, step="pre", color=style.colour, alpha=0.15, linewidth=0)
    axes.set(xlabel=radius_words(first), ylabel="certified accuracy (%)", ylim=(0, 100))
    axes.set_xlim(0, max(curve[-1][0] for _, curve in curves) or 1)
    _name(axes, first.run.corruption, [name for name, _ in curves], styles)
    return axes


def plot_radii(reports: Mapping[str, Report], axes: Axes | None = None, styles: Sequence[Style] | None = None) -> Axes:
    """How many images were certified up to which radius, a histogram a report; those without any are left out.

    ``ValueError`` where there are no reports, or they are of different corruptions.
    """
    first = _first(reports)
    axes = new_axes() if axes is None else axes
    most = max(report.run.radius or 0.0 for report in reports.values()) or 1.0
    styles = _styles(len(reports)) if styles is None else styles
    for style, report in zip(styles, reports.values(), strict=True):
        radii = [min(one.radius, most) for one in report.certificates if one.radius is not None]
        counts, edges = np.histogram(radii, bins=BINS, range=(0.0, most))
        axes.stairs(counts, edges, color=style.colour, linestyle=style.dashes, linewidth=1.5)
    axes.set(xlabel=f"certified {radius_words(first)}", ylabel="images", xlim=(0, most), ylim=(0, None))
    axes.locator_params("y", integer=True)
    _name(axes, first.run.corruption, [marked(name, report) for name, report in reports.items()], styles)
    return axes


def _first(reports: Mapping[str, Report]) -> Report:
    """The first of reports that may stand in one picture."""
    if not reports:
        raise ValueError("there is nothing to draw; pass at least one report by name")
    corruptions = {report.run.corruption for report in reports.values()}
    if len(corruptions) > 1:
        raise ValueError(f"one picture is about one corruption, not {sorted(corruptions)}; draw one picture for each")
    return next(iter(reports.values()))


def _styles(count: int) -> list[Style]:
    return [Style.of(number) for number in range(count)]


def _name(axes: Axes, title: str, names: list[str], styles: Sequence[Style]) -> None:
    """Write title and legend; names mean themselves, not mathematics, and none is left out for how it begins."""
    from matplotlib.lines import Line2D

    axes.set_title(title, loc="left", parse_math=False)
    lines = [Line2D([], [], color=style.colour, linestyle=style.dashes) for style in styles]
    shown = [f"\u200b{name}" if name.startswith("_") else name or " " for name in names]
    legend = axes.legend(lines, shown, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)
