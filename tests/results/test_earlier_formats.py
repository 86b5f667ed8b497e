"""Reports that earlier versions saved are read as today's."""

import json
from pathlib import Path

import pytest

from gsmooth_core import Box, Ellipsoid, Report

SAVED = Path(__file__).parent / "format_1"


@pytest.mark.parametrize(
    ("name", "theorem", "tries", "tried", "region"),
    [
        ("latent", "latent", "anchors", [5, 8], Box(0, 1)),
        ("discrete", "enumeration", "outputs", [4, 4], Box(0, 2)),
        ("ball", "resolvable", "anchors", [1], Ellipsoid((-2, -2), (2, 2))),
    ],
)
def test_reports_of_the_first_format_are_read(name, theorem, tries, tried, region, tmp_path):
    report = Report.load(SAVED / f"{name}.json")
    assert (report.run.theorem, report.run.tries, report.run.region) == (theorem, tries, region)
    assert [one.tried for one in report.certificates] == tried
    report.save(tmp_path / "again.json")
    assert Report.load(tmp_path / "again.json") == report


def test_edited_and_broken_ones_are_refused(tmp_path):
    content = json.loads((SAVED / "latent.json").read_text())
    edited, broken = tmp_path / "edited.json", tmp_path / "broken.json"
    edited.write_text(json.dumps({**content, "data": "other images"}))
    with pytest.raises(ValueError, match="edited after it was written"):
        Report.load(edited)
    broken.write_text(json.dumps({**content, "run": {**content["run"], "certifier": 3}}))
    with pytest.raises(ValueError, match="its values are not those of a report"):
        Report.load(broken)
