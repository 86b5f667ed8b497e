"""A report as tables: for terminals and notebooks, Markdown, LaTeX, and older analysis scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from gsmooth_core.results.report import Report
from gsmooth_core.results.wording import rounded_down

LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "ℓ": r"$\ell$"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)
"""Characters with a special meaning in LaTeX."""


def format_markdown_table(reports: Mapping[str, Report], radii: Sequence[float] = ()) -> str:
    """A Markdown table with a row for each report, by name: certified accuracies, with 95 % intervals.

    In per cent, at each of ``radii``, in the parameter's unit; without ``radii``, on the region asked for.
    ``ValueError`` for reports without labels, and for a radius beyond the region asked for.
    """
    return in_markdown(_cells(reports, radii))


def in_markdown(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, the first of them the heading, as a Markdown table; each cell on one line, its bars escaped."""
    head, *body = ([" ".join(cell.replace("|", "\\|").split()) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *body))


def format_latex_table(reports: Mapping[str, Report], radii: Sequence[float] = ()) -> str:
    """The table of :func:`format_markdown_table` for LaTeX, with the rules of the package ``booktabs``."""
    head, *body = ([cell.translate(LATEX) for cell in row] for row in _cells(reports, radii))
    lines = [
        rf"\begin{{tabular}}{{{'l' * 3}{'r' * (len(head) - 3)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *("{}" * row[0].startswith("[") + " & ".join(row) + r" \\" for row in body),  # otherwise \midrule would read it
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def format_cohen_tsv(report: Report) -> str:
    """The report for the scripts of Cohen, Rosenfeld and Kolter (2019): tab-separated, a line per image.

    Columns: idx, label, predict, radius, correct, time. If nothing is proved, predict is −1 and the radius 0, as in
    those scripts, so that ``correct and radius >= r`` counts the same images as ``certified_accuracy(r)``.
    ``ValueError`` without labels, or if a region has no radius.
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
    heads = [f"certified at {rounded_down(radius)}" for radius in radii] or ["certified"]
    cells = [["", "corruption", "guarantee", "images", "right, no corruption", *heads]]
    for name, report in reports.items():
        rates = [report.certified_accuracy(radius) for radius in radii or (None,)]
        count = f"{len(report.certificates):,}"
        cells.append([name, report.title, report.guarantee.value, count, str(report.accuracy), *map(str, rates)])
    return cells
