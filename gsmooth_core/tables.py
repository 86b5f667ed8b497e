"""What a report says, as tables: for terminals and notebooks, Markdown, LaTeX, and older analysis scripts."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR
from html import escape

from gsmooth_core.guarantee import Guarantee
from gsmooth_core.report import Report, number, region_words, shortened

LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "ℓ": r"$\ell$"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)
"""Characters that LaTeX reads as something else."""


def title(report: Report) -> str:
    """The corruption and the region asked for."""
    return f"{report.run.corruption}: {region_words(report.run.region, report.run.names, report.run.units)}"


def summary_rows(report: Report) -> list[tuple[str, str]]:
    """Pairs of what was measured and its value, the certified accuracy first."""
    run, certificates, rows = report.run, report.certificates, []
    exact = run.guarantee is Guarantee.EXACT  # about the plain model: nothing is drawn, nothing abstains
    if all(c.label is not None for c in certificates):
        rows.append(("certified accuracy", str(report.certified_accuracy())))
        if not exact:
            rows.append(("smoothed accuracy, no corruption", str(report.accuracy)))
        rows.append(("plain model's accuracy, no corruption", str(report.base_accuracy)))
    rows.append(("certified, right or wrong", str(report.certified)))
    if exact:
        rows.append(("guarantee", run.guarantee.value))
        rows.append(("outputs tried an image (median, most)", _spread([c.anchors for c in certificates])))
    else:
        rows.append(("abstained", str(report.abstained)))
        rows.append(("guarantee", f"{run.guarantee.value}, {run.odds}"))
        rows.append(("anchors an image (median, most)", _spread([c.anchors for c in certificates])))
        rows.append(("draws an image (median, most)", _spread([c.samples for c in certificates])))
    rows.append(("seconds an image; in all", f"{report.seconds / len(certificates):.2f}; {report.seconds:.1f}"))
    if run.maximize and run.radius:  # of a region to one side no radius but 0 tells anything
        radii = [c.radius or 0.0 for c in certificates if c.radius is not None or c.region is None]
        if radii:
            middle, most = (shortened(value, 3, ROUND_FLOOR) for value in (statistics.median(radii), max(radii)))
            rows.append(("certified radius (median, most)", f"{middle}, {most}"))
    return rows


def html_table(report: Report) -> str:
    """The summary as an HTML table, with its notes below."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:right'>{escape(value)}</td></tr>"
        for name, value in summary_rows(report)
    )
    notes = "".join(f"<p><em>{escape(note)}</em></p>" for note in report.notes)
    return f"<table><caption>{escape(title(report))}</caption>{rows}</table>{notes}"


def markdown_table(reports: Mapping[str, Report], radii: Sequence[float] = ()) -> str:
    """A Markdown table with a row for each report, by name: certified accuracies, with 95 % intervals.

    In per cent, at each of ``radii``, in the parameter's unit, or else on the region asked for. ``ValueError`` for
    reports without labels, and for a radius that was not asked for.
    """
    return in_markdown(_cells(reports, radii))


def in_markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, the first of them the heading, as a Markdown table; each cell on one line, its bars escaped."""
    head, *body = ([" ".join(cell.replace("|", "\\|").split()) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *body))


def latex_table(reports: Mapping[str, Report], radii: Sequence[float] = ()) -> str:
    """The table of :func:`markdown_table` for LaTeX, with the rules of the package ``booktabs``."""
    head, *body = ([cell.translate(LATEX) for cell in row] for row in _cells(reports, radii))
    lines = [
        rf"\begin{{tabular}}{{{'l' * 3}{'r' * (len(head) - 3)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *("{}" * row[0].startswith("[") + " & ".join(row) + r" \\" for row in body),  # else \midrule would take it
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def cohen_tsv(report: Report) -> str:
    """The report as the scripts of Cohen, Rosenfeld and Kolter (2019) read it: tab-separated, a line an image.

    Columns: idx, label, predict, radius, correct, time. Where nothing is proved, predict is −1 and the radius 0, as
    there, so that ``correct and radius >= r`` counts what ``certified_accuracy(r)`` counts. ``ValueError`` without
    labels, or where a region has no radius.
    """
    if any(c.label is None for c in report.certificates) or report.run.radius is None:
        raise ValueError("this table needs labels and a radius; certify with labels= and radius=a number")
    lines = ["idx\tlabel\tpredict\tradius\tcorrect\ttime"]
    for c in report.certificates:
        proved = c.radius is not None and c.predicted is not None
        values = (c.predicted, repr(c.radius), int(bool(c.correct))) if proved else (-1, "0.0", 0)
        lines.append("\t".join(map(str, (c.index, c.label, *values, timedelta(seconds=c.seconds)))))
    return "\n".join(lines) + "\n"


def _cells(reports: Mapping[str, Report], radii: Sequence[float]) -> list[list[str]]:
    if not reports:
        raise ValueError("there is nothing to put into a table; pass at least one report by name")
    heads = [f"certified at {number(radius)}" for radius in radii] or ["certified"]
    cells = [["", "corruption", "guarantee", "images", "right, no corruption", *heads]]
    for name, report in reports.items():
        rates = [report.certified_accuracy(radius) for radius in radii or (None,)]
        count = f"{len(report.certificates):,}"
        cells.append([name, title(report), report.run.guarantee.value, count, str(report.accuracy), *map(str, rates)])
    return cells


def _spread(values: list[int]) -> str:
    return f"{statistics.median(values):,.0f}, {max(values):,}"
