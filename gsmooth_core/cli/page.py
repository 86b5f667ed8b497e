"""``gsmooth report`` and ``gsmooth show``. Importing this file imports no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

if TYPE_CHECKING:
    from torch import Tensor

    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification


def report(
    *files: Path,
    out: Path,
    name: str | None = None,
    data: str | None = None,
    grey: bool = False,
    pictures: Annotated[bool, Parameter(negative="--no-pictures")] = True,
    title: str = "Certified robustness",
) -> int:
    """Make one HTML page of reports, with tables, curves and pictures, that needs no other file.

    Args:
        files: Reports, attacks on the same models, regions and images, and folders of both. A folder holds reports of
            one model, which then has the folder's name; other files in it are passed over.
        out: The .html file to write.
        name: What to call the model, where there is only one.
        data: The images to draw, as for 'gsmooth certify'; default: the bundled ones, where they were certified.
        grey: Read the folder's images as grey, one channel.
        pictures: Draw images at all, which needs them and the plugins that were certified.
        title: The page's heading.
    """
    from gsmooth_core import save_page

    reports, attacks = _read(files)
    if name is not None:
        if len(reports) > 1:
            raise ValueError(f"--name is for one model, not for {', '.join(reports)}; name their folders instead")
        reports = dict(zip([name], reports.values(), strict=True))
    images = _images(reports, data, grey) if pictures else None
    save_page(out, reports, images=images, attacks=attacks, title=title)
    Console().print(f"page: {out}, {out.stat().st_size / 1e6:.1f} MB", soft_wrap=True, markup=False)
    return 0


def show(
    *files: Path,
    format: Literal["text", "markdown", "latex", "tsv"] = "text",
    radius: Annotated[list[float] | None, Parameter(negative="")] = None,
) -> int:
    """Print saved reports: a summary of each, or one table of all.

    Args:
        files: JSON files that 'gsmooth certify --out' or Report.save wrote; in text, also those of 'gsmooth attack',
            'gsmooth verify' and 'gsmooth corrupt'.
        format: A summary; a Markdown or LaTeX table; or, for one report, the columns that older analysis scripts read.
        radius: In a table, the certified accuracy at this radius, in place of that on the region asked for.
    """
    from gsmooth_core import Report, cohen_tsv, latex_table, markdown_table

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
        print(cohen_tsv(reports.popitem()[1]), end="")
    else:
        table = markdown_table if format == "markdown" else latex_table
        print(table(reports, radius or ()), end="")
    return 0


def _alone(path: Path, paths: Sequence[Path]) -> bool:
    return [other.stem for other in paths].count(path.stem) == 1


def _kind_of(path: Path) -> type[Report | AttackReport | Verification | CorruptionTable] | None:
    """What a file holds, by its format; ``None`` where that is none of ours, or there is no file."""
    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification
    from gsmooth_core.attacks import report as attack_report
    from gsmooth_core.attacks import verified
    from gsmooth_core.benchmark import table as corruption_table
    from gsmooth_core.results import report

    kinds: dict[int | str | None, type[Report | AttackReport | Verification | CorruptionTable]] = {
        report.FORMAT: Report,
        attack_report.FORMAT: AttackReport,
        verified.FORMAT: Verification,
        corruption_table.FORMAT: CorruptionTable,
    }
    return kinds.get(_format_of(path)) if path.is_file() else None


def _read(paths: Sequence[Path]) -> tuple[dict[str, list[Report]], list[AttackReport]]:
    """The reports by their models' names, and the attacks that lie beside them."""
    from gsmooth_core import AttackReport, Report
    from gsmooth_core.page.rendering import by_model

    loose: list[Report] = []
    named: dict[str, list[Report]] = {}
    attacks: list[AttackReport] = []
    for path in paths:
        if _kind_of(path) is AttackReport:
            attacks.append(AttackReport.load(path))
            continue
        if not path.is_dir():
            loose.append(Report.load(path))
            continue
        reports, fallen = _read_folder(path)
        attacks += fallen
        if len({one.run.model_hash for one in reports}) > 1:
            loose += reports
            continue
        folder = path.resolve()
        name = folder.name if folder.name not in named else f"{folder.parent.name}/{folder.name}"
        if name in named:
            raise ValueError(f"two folders are called {name!r}, and their names are those of the models; rename one")
        named[name] = reports
    for name, alike in by_model(loose).items():
        while name in named:
            name = f"{name} {alike[0].run.model_hash}"
        named[name] = list(alike)
    return named, attacks


def _read_folder(folder: Path) -> tuple[list[Report], list[AttackReport]]:
    """The reports and attacks of a folder; other files, such as the cards of weights, are passed over."""
    from gsmooth_core import AttackReport, Report

    kinds = {path: _kind_of(path) for path in sorted(folder.glob("*.json"))}
    reports = [Report.load(path) for path, kind in kinds.items() if kind is Report]
    if not reports:
        raise ValueError(f"there is no report in {str(folder)!r}; name a folder of files that 'gsmooth certify' wrote")
    return reports, [AttackReport.load(path) for path, kind in kinds.items() if kind is AttackReport]


def _format_of(path: Path) -> int | str | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    format_ = content.get("format") if isinstance(content, dict) else None
    return format_ if isinstance(format_, int | str) else None


def _images(reports: dict[str, list[Report]], data: str | None, grey: bool) -> Tensor | None:
    """The images that the reports are about; none where none are at hand."""
    from gsmooth_core.cli.by_name import images_of
    from gsmooth_core.datasets.inputs import BUNDLED

    every = [one for several in reports.values() for one in several]
    if data is None and not all(one.data.startswith(BUNDLED) for one in every):
        return None
    return images_of(every, data, grey)
