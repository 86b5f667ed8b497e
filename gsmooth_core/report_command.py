"""``gsmooth report`` and ``gsmooth show``. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

if TYPE_CHECKING:
    from torch import Tensor

    from gsmooth_core import AttackReport, Report


def report(
    first: Path,
    /,
    *more: Path,
    out: Path,
    attack: Annotated[list[Path] | None, Parameter(negative="")] = None,
    data: str | None = None,
    grey: bool = False,
    title: str = "Certified robustness",
) -> int:
    """Make one HTML page of reports, with tables, curves and pictures, that needs no other file.

    Args:
        first: A report, or a folder of reports of one model, whose name is then the folder's. Files in a folder that
            an attack saved are taken as --attack.
        more: Further reports and folders.
        out: The .html file to write.
        attack: Files that 'gsmooth attack --out' wrote, about the same model, region and images.
        data: The images to draw, as for 'gsmooth certify'; default: the bundled ones, where they were certified.
        grey: Read the folder's images as grey, one channel.
        title: The page's heading.
    """
    from gsmooth_core import save_page

    reports, attacks = _read([first, *more])
    attacks += [_load_attack(path) for path in attack or []]
    save_page(out, reports, images=_images(reports, data, grey), attacks=attacks, title=title)
    Console().print(f"page: {out}, {out.stat().st_size / 1e6:.1f} MB", soft_wrap=True, markup=False)
    return 0


def show(
    first: Path,
    /,
    *more: Path,
    format: Literal["text", "markdown", "latex", "tsv"] = "text",
    radius: Annotated[list[float] | None, Parameter(negative="")] = None,
) -> int:
    """Print saved reports: a summary of each, or one table of all.

    Args:
        first: A JSON file that 'gsmooth certify --out' or Report.save wrote.
        more: Further ones.
        format: A summary; a Markdown or LaTeX table; or, for one report, the columns that older analysis scripts read.
        radius: In a table, the certified accuracy at this radius, in place of that on the region asked for.
    """
    from gsmooth_core import Report, cohen_tsv, latex_table, markdown_table

    paths = [first, *more]
    reports = {path.stem if _alone(path, paths) else str(path): Report.load(path) for path in paths}
    if radius is not None and format not in ("markdown", "latex"):
        raise ValueError("--radius is for a table; add --format markdown or --format latex")
    if format == "text":
        for one in reports.values():
            one.summary()
    elif format == "tsv":
        if more:
            raise ValueError("--format tsv is about one report; name one file")
        print(cohen_tsv(reports.popitem()[1]), end="")
    else:
        table = markdown_table if format == "markdown" else latex_table
        print(table(reports, radius or ()), end="")
    return 0


def _alone(path: Path, paths: list[Path]) -> bool:
    return [other.stem for other in paths].count(path.stem) == 1


def _read(paths: list[Path]) -> tuple[dict[str, list[Report]], list[AttackReport]]:
    """The reports by their models' names, and the attacks that lie beside them."""
    from gsmooth_core import Report
    from gsmooth_core.page import by_model

    loose, named, attacks = [], dict[str, list[Report]](), []
    for path in paths:
        if not path.is_dir():
            loose.append(Report.load(path))
            continue
        folder = path.resolve().name
        files = sorted(path.glob("*.json"))
        fallen = [file for file in files if _is_attack(file)]
        several = [Report.load(file) for file in files if file not in fallen]
        if not several:
            raise ValueError(
                f"there is no report in {str(path)!r}; name a folder of files that 'gsmooth certify' wrote"
            )
        if len({one.run.model_hash for one in several}) > 1 or folder in named:
            loose += several
        else:
            named[folder] = several
        attacks += [_load_attack(file) for file in fallen]
    for name, alike in by_model(loose).items():
        named[name] = [*named.get(name, []), *alike]
    return named, attacks


def _images(reports: dict[str, list[Report]], data: str | None, grey: bool) -> Tensor | None:
    """All images that the reports are about, as far as the last that was certified; none where none are at hand."""
    from gsmooth_core.choice import choose_images
    from gsmooth_core.inputs import BUNDLED, gather

    every = [one for several in reports.values() for one in several]
    if data is None and not all(one.data.startswith(BUNDLED) for one in every):
        return None
    given = choose_images(data, grey)
    last = max((certificate.index for one in every for certificate in one.certificates), default=0)
    return gather(given.get("images"), None, given.get("dataset"), last + 1, None).images


def _is_attack(path: Path) -> bool:
    from gsmooth_core.attacks.report import FORMAT

    return f'"format": "{FORMAT}"' in path.read_text(encoding="utf-8")[:200]


def _load_attack(path: Path) -> AttackReport:
    from gsmooth_core import AttackReport

    return AttackReport.load(path)
