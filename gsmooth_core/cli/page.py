"""``gsmooth page``: one HTML page of reports. Importing this file imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter

from gsmooth_core.cli.printing import say, warn
from gsmooth_core.cli.saved_files import format_of
from gsmooth_core.cli.shared_options import ImageOptions, ImagesName, NewFile, SavedPlace
from gsmooth_core.plugins.installed import PluginError

if TYPE_CHECKING:
    from torch import Tensor

    from gsmooth_core import AttackReport, Report


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class DrawnImageOptions(ImageOptions):
    """Which images are drawn.

    Attributes:
        data: The images to draw, as for 'gsmooth certify'; default: the bundled ones, where they were certified.
    """

    data: ImagesName | None = None


def page(
    *files: SavedPlace,
    out: NewFile,
    name: str | None = None,
    images: DrawnImageOptions = DrawnImageOptions(),
    pictures: Annotated[bool, Parameter(negative="--no-pictures")] = True,
    title: str = "Certified robustness",
) -> int:
    """Make one HTML page of reports, with tables, curves and pictures, that needs no other file.

    Args:
        files: Reports, attacks on the same models, regions and images, and folders of both. A folder holds reports of
            one model, which then has the folder's name; other files in it are ignored.
        out: The .html file to write.
        name: What to call the model, where there is only one.
        images: See DrawnImageOptions.
        pictures: Draw images at all, which needs them and the plugins that were certified.
        title: The page's heading.
    """
    from gsmooth_core import save_page

    reports, attacks = _read(files)
    if name is not None:
        if len(reports) > 1:
            raise ValueError(f"--name is for one model, not for {', '.join(reports)}; name their folders instead")
        reports = dict(zip([name], reports.values(), strict=True))
    drawn = _images(reports, images) if pictures else None
    save_page(out, reports, images=drawn, attacks=attacks, title=title)
    say(f"page: {out}, {out.stat().st_size / 1e3:,.0f} kB")
    return 0


def _read(paths: Sequence[Path]) -> tuple[dict[str, list[Report]], list[AttackReport]]:
    """The reports by their models' names, and the attacks in the same folders."""
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
    """The reports and attacks of a folder; other files, such as the cards of weights, are ignored."""
    from gsmooth_core import AttackReport, Report

    kinds = {path: _kind_of(path) for path in sorted(folder.glob("*.json"))}
    reports = [Report.load(path) for path, kind in kinds.items() if kind is Report]
    if not reports:
        raise ValueError(f"there is no report in {str(folder)!r}; name a folder of files that 'gsmooth certify' wrote")
    return reports, [AttackReport.load(path) for path, kind in kinds.items() if kind is AttackReport]


def _kind_of(path: Path) -> type[Report | AttackReport] | None:
    """Whether a file holds a report or an attack, by its format; ``None`` if it is neither."""
    from gsmooth_core import AttackReport, Report
    from gsmooth_core.attacks import report as attack_report
    from gsmooth_core.results import report

    kinds: dict[int | str | None, type[Report | AttackReport]] = {
        **dict.fromkeys((report.FORMAT, *report.EARLIER), Report),
        attack_report.FORMAT: AttackReport,
    }
    return kinds.get(format_of(path))


def _images(reports: dict[str, list[Report]], images: ImageOptions) -> Tensor | None:
    """The images that the reports are about; ``None``, with a sentence that says why, if they cannot be drawn."""
    from gsmooth_core.cli.named_inputs import certified_images
    from gsmooth_core.datasets.inputs import BUNDLED
    from gsmooth_core.plugins.registry import check_offered

    every = [one for several in reports.values() for one in several]
    if images.data is None and not all(one.data.startswith(BUNDLED) for one in every):
        warn("the page has no pictures; name the images that were certified with --data")
        return None
    try:
        for one in every:
            check_offered(one.run.corruption, one.run.plugin)
    except PluginError as error:
        warn(f"the page has no pictures: {error}")
        return None
    return certified_images(every, images)
