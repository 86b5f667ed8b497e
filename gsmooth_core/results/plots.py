"""Curves and histograms of several reports, with matplotlib (extra ``report``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from gsmooth_core.results.drawing import Style, add_names, draw_curves, marked, new_axes, radius_words, styles_of
from gsmooth_core.results.report import Report

BINS = 20
"""Bars of a histogram."""


def plot_curves(reports: Mapping[str, Report], axes: Axes | None = None, styles: Sequence[Style] | None = None) -> Axes:
    """Certified accuracy over the radius, a curve per report, with pointwise 95 % bands.

    A line in the picture says if a curve may lie too low, since its report was made without ``maximize=True``.
    ``ValueError`` if there are no reports, or they are of different corruptions, have no labels, or have regions
    without a radius.
    """
    first = _first(reports)
    curves = [(marked(name, report.guarantee), report.curve()) for name, report in reports.items()]
    return draw_curves(first.run, curves, axes, styles, flat=any(report.flat for report in reports.values()))


def plot_radii(reports: Mapping[str, Report], axes: Axes | None = None, styles: Sequence[Style] | None = None) -> Axes:
    """The number of images by certified radius, a histogram per report; images without a radius are left out.

    ``ValueError`` if there are no reports, or they are of different corruptions.
    """
    first = _first(reports)
    axes = new_axes() if axes is None else axes
    most = max(report.run.radius or 0.0 for report in reports.values()) or 1.0
    styles = styles_of(len(reports)) if styles is None else styles
    for style, report in zip(styles, reports.values(), strict=True):
        radii = [min(one.radius, most) for one in report.certificates if one.radius is not None]
        counts, edges = np.histogram(radii, bins=BINS, range=(0.0, most))
        axes.stairs(counts, edges, color=style.colour, linestyle=style.dashes, linewidth=1.5)
    axes.set(xlabel=f"certified {radius_words(first.run)}", ylabel="images", xlim=(0, most), ylim=(0, None))
    axes.locator_params("y", integer=True)
    add_names(axes, first.run.corruption, [marked(name, report.guarantee) for name, report in reports.items()], styles)
    return axes


def _first(reports: Mapping[str, Report]) -> Report:
    """The first of the reports; ``ValueError`` unless all can be drawn in one picture."""
    if not reports:
        raise ValueError("there is nothing to draw; pass at least one report by name")
    corruptions = {report.run.corruption for report in reports.values()}
    if len(corruptions) > 1:
        raise ValueError(f"one picture is about one corruption, not {sorted(corruptions)}; draw one picture for each")
    return next(iter(reports.values()))
