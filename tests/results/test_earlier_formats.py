"""Reports that earlier versions saved are read as today's."""

import json
from pathlib import Path

import pytest
from helpers import edit

from gsmooth_core import Box, Ellipsoid, Report
from gsmooth_core.cli.app import main

SAVED = [Path(__file__).parent / f"format_{number}" for number in (1, 2)]


@pytest.mark.parametrize("folder", SAVED, ids=lambda folder: folder.name)
@pytest.mark.parametrize(
    ("name", "theorem", "tries", "tried", "region"),
    [
        ("latent", "latent", "anchors", ([5, 8], [5, 7]), Box(0, 1)),
        ("discrete", "enumeration", "outputs", ([4, 4], [4, 4]), Box(0, 2)),
        ("ball", "resolvable", "anchors", ([1], [1]), Ellipsoid((-2, -2), (2, 2))),
    ],
)
def test_reports_of_earlier_formats_are_read(folder, name, theorem, tries, tried, region, tmp_path):
    report = Report.load(folder / f"{name}.json")
    assert (report.run.theorem, report.run.tries, report.run.region) == (theorem, tries, region)
    assert [one.tried for one in report.certificates] == tried[SAVED.index(folder)]
    assert (report.class_names, report.wall_seconds) == ((), None)
    assert "your_recipe" in report.training[0]  # it did not say which call trains
    report.summary()
    report.save(tmp_path / "again.json")
    assert Report.load(tmp_path / "again.json") == report


@pytest.mark.parametrize("folder", SAVED, ids=lambda folder: folder.name)
def test_edited_and_broken_ones_are_refused(folder, tmp_path):
    content = json.loads((folder / "latent.json").read_text())
    edited, broken = tmp_path / "edited.json", tmp_path / "broken.json"
    edited.write_text(json.dumps({**content, "data": "other images"}))
    with pytest.raises(ValueError, match="edited after it was written"):
        Report.load(edited)
    broken.write_text(json.dumps({**content, "run": {**content["run"], "certifier": 3}}))
    with pytest.raises(ValueError, match=r"its values are not those of a report|certifier: must be a text, not 3"):
        Report.load(broken)


@pytest.mark.parametrize("folder", SAVED, ids=lambda folder: folder.name)
def test_a_folder_of_them_becomes_a_page_and_is_shown(folder, tmp_path, capsys):
    assert run("page", str(folder), "--no-pictures", "--out", str(tmp_path / "page.html")) == 0
    for name in ("translation", "defocus:discrete"):
        assert f'<h2 id="title-of-corruption-{name.replace(":", "-")}">' in (tmp_path / "page.html").read_text()
    assert run("show", str(folder / "latent.json")) == 0
    assert "not known" in capsys.readouterr().out  # the wall time


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code


def test_a_report_of_today_with_an_earlier_number_is_refused(tmp_path):
    report, path = Report.load(SAVED[1] / "latent.json"), tmp_path / "report.json"
    report.save(path)
    edit(path, lambda content: content.update(format=2))
    with pytest.raises(ValueError, match="must not hold class_names, training, wall_seconds"):
        Report.load(path)
