"""``gsmooth show``. Importing this file imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from gsmooth_core.cli.saved_files import format_of
from gsmooth_core.cli.shared_options import SavedFile

if TYPE_CHECKING:
    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification


def show(
    *files: SavedFile,
    format: Literal["text", "markdown", "latex", "tsv"] = "text",
    radius: Annotated[list[float] | None, Parameter(negative="")] = None,
) -> int:
    """Print saved reports: a summary of each, or one table of all.

    Args:
        files: JSON files that 'gsmooth certify --out' or Report.save wrote; in text, also those of 'gsmooth attack',
            'gsmooth verify' and 'gsmooth benchmark'.
        format: A summary; a Markdown or LaTeX table; or, for one report, the columns that older analysis scripts read.
        radius: In a table, the certified accuracy at this radius, in place of that on the region asked for.
    """
    from gsmooth_core import Report, format_cohen_tsv, format_latex_table, format_markdown_table

    if not files:
        raise ValueError("name at least one file that 'gsmooth certify --out' wrote")
    if radius is not None and format not in ("markdown", "latex"):
        raise ValueError("--radius is for a table; add --format markdown or --format latex")
    if format == "text":
        for path in files:
            (_kind_of(path) or Report).load(path).summary()
        return 0
    reports = {path.stem if _alone(path, files) else str(path): Report.load(path) for path in files}
    if format == "tsv":
        if len(files) > 1:
            raise ValueError("--format tsv is about one report; name one file")
        print(format_cohen_tsv(reports.popitem()[1]), end="")
    else:
        table = format_markdown_table if format == "markdown" else format_latex_table
        print(table(reports, radius or ()), end="")
    return 0


def _alone(path: Path, paths: Sequence[Path]) -> bool:
    return [other.stem for other in paths].count(path.stem) == 1


def _kind_of(path: Path) -> type[Report | AttackReport | Verification | CorruptionTable] | None:
    """What a file holds, by its format; ``None`` if the format is not gsmooth's, or there is no file."""
    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification
    from gsmooth_core.attacks import report as attack_report
    from gsmooth_core.attacks import verified
    from gsmooth_core.benchmark import table as corruption_table
    from gsmooth_core.results import report

    kinds: dict[int | str | None, type[Report | AttackReport | Verification | CorruptionTable]] = {
        **dict.fromkeys((report.FORMAT, *report.EARLIER), Report),
        attack_report.FORMAT: AttackReport,
        verified.FORMAT: Verification,
        corruption_table.FORMAT: CorruptionTable,
    }
    return kinds.get(format_of(path))
