"""Reports of one run over different images, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from gsmooth_core.common.resuming import check_same_run

if TYPE_CHECKING:
    from gsmooth_core.results.report import Report


def merged(reports: Sequence[Report]) -> Report:
    """One report over the images of all; ``ValueError`` if runs or names of classes differ, or an image is in two."""
    if not reports:
        raise ValueError("there is nothing to merge; pass at least one report")
    for report in reports[1:]:
        check_same_run(reports[0].run, report.run)
    _check_apart(reports)
    names = list(dict.fromkeys(report.class_names for report in reports if report.class_names))
    if len(names) > 1:
        raise ValueError(
            f"the reports name the classes differently, {names[0][:3]} … and {names[1][:3]} …; merge reports over the "
            "same data"
        )
    walls = [report.wall_seconds for report in reports]
    return attrs.evolve(
        reports[0],
        data="; ".join(dict.fromkeys(report.data for report in reports)),
        certificates=tuple(sorted((c for report in reports for c in report.certificates), key=lambda c: c.index)),
        class_names=names[0] if names else (),
        wall_seconds=None if None in walls else sum(wall for wall in walls if wall is not None),
    )


def _check_apart(reports: Sequence[Report]) -> None:
    places: dict[int, int] = {}
    for place, report in enumerate(reports, start=1):
        for one in report.certificates:
            if places.setdefault(one.index, place) != place:
                raise ValueError(
                    f"image {one.index} is in report {places[one.index]} and in report {place} of the {len(reports)} "
                    "to merge; leave one of the two out, or certify again with indices= that no other report has"
                )
