"""Tables of reports, in each form, say what the reports say."""

import csv
import io

import pytest

from gsmooth_core import (
    Region,
    Report,
    certify,
    cohen_tsv,
    fashion_mnist,
    get_corruption,
    latex_table,
    load_example_model,
    markdown_table,
)


@pytest.fixture(scope="module")
def report() -> Report:
    return certify(load_example_model(), "defocus:discrete", limit=16, maximize=True)


@pytest.fixture(scope="module")
def unlabelled() -> Report:
    return certify(load_example_model(), "defocus:discrete", fashion_mnist("test")[0], limit=2)


def test_the_curve_is_the_certified_accuracy_at_every_radius(report):
    curve = report.curve()
    radii = [radius for radius, _ in curve]
    assert radii == sorted(set(radii))
    assert (radii[0], radii[-1]) == (0.0, report.run.radius)
    for radius in (0.0, 0.4, 1.7, 3.3, 4.99, 5.0, *radii):
        [at] = [rate for end, rate in curve if end >= radius][:1]
        assert at == report.certified_accuracy(radius)
    assert len({rate.value for _, rate in curve}) > 1


def test_there_is_no_curve_of_a_region_without_a_radius(unlabelled):
    sideways = certify(load_example_model(), "brightness", limit=2, radius=Region(-0.1, 0.3))
    if sideways.run.radius is None:
        with pytest.raises(ValueError, match="has no radius"):
            sideways.curve()
    with pytest.raises(ValueError, match="needs labels"):
        unlabelled.curve()


def test_markdown_and_latex_have_the_reports_figures(report):
    reports = {"a|b_c": report, "again": report}
    lines = markdown_table(reports, [1, 5]).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith(r"| a\|b_c | defocus:discrete: radius from 0 to 5 px | exact | 16 | ")
    assert lines[2].endswith(f"| {report.certified_accuracy(1)} | {report.certified_accuracy(5)} |")
    table = latex_table(reports)
    assert r"a|b\_c & defocus:discrete" in table
    assert str(report.certified_accuracy()).replace("%", r"\%") in table
    body = table.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert all(row.count("&") == 5 for row in body.strip().splitlines())
    assert table.count("{") == table.count("}")


def test_a_table_needs_reports_and_radii_that_were_asked_for(report):
    with pytest.raises(ValueError, match="at least one report"):
        markdown_table({})
    with pytest.raises(ValueError, match="certify again with radius=7"):
        latex_table({"one": report}, [7])


def test_older_scripts_count_what_the_report_counts(report, unlabelled):
    rows = list(csv.DictReader(io.StringIO(cohen_tsv(report)), delimiter="\t"))
    assert [int(row["idx"]) for row in rows] == list(range(16))
    for radius in (0.0, 0.7, 2.5, 5.0):
        held = sum(row["correct"] == "1" and float(row["radius"]) >= radius for row in rows)
        assert held / len(rows) == report.certified_accuracy(radius).value
    assert {row["correct"] for row in rows} == {"0", "1"}
    assert all(row["time"].count(":") == 2 for row in rows)
    with pytest.raises(ValueError, match="needs labels and a radius"):
        cohen_tsv(unlabelled)


def test_a_frame_has_a_row_for_each_certificate(report):
    frame = report.to_frame()
    assert list(frame.index) == list(range(16))
    assert frame.certified.mean() == report.certified.value
    assert (frame.certified & frame.correct).mean() == report.certified_accuracy().value
    one = next(certificate for certificate in report.certificates if certificate.region is not None)
    assert frame.loc[one.index, "upper"] == one.region.upper
    assert set(frame.guarantee) == {"exact"}


def test_a_notebook_shows_the_summary(report):
    shown = report._repr_html_()
    assert f"<td style='text-align:right'>{report.certified_accuracy()}</td>" in shown
    assert "<caption>defocus:discrete: radius from 0 to 5 px</caption>" in shown
    assert report.notes[0] in shown


def test_a_plot_has_the_curve_and_its_band(report):
    axes = report.plot()
    [line] = axes.get_lines()
    assert line.get_drawstyle() == "steps-pre"
    assert list(zip(*line.get_data(), strict=True)) == [(radius, 100 * rate.value) for radius, rate in report.curve()]
    [band] = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(100 * min(rate.low for _, rate in report.curve()))
    assert axes.get_xlabel() == "radius (px)"
    assert report.plot(axes) is axes


def test_what_missing_libraries_lack_is_said(report, monkeypatch):
    for module, use, words in (
        ("pandas", report.to_frame, "pip install pandas"),
        ("matplotlib.figure", report.plot, r"gsmooth-core\[report\]"),
    ):
        monkeypatch.setitem(__import__("sys").modules, module, None)
        with pytest.raises(ValueError, match=words):
            use()


def test_a_walk_leads_through_the_identity_to_both_ends():
    space = get_corruption("translation").transformation.space
    walk = space.walk(Region((-8, -8), (8, 8), norm="l2"), 5)
    assert walk[2].tolist() == [0, 0]
    assert walk[-1].tolist() == [6, 6]  # whole pixels nearest to 8/√2
    assert walk[0].tolist() == [-6, -6]


def test_a_radius_of_0_is_drawn_too():
    report = certify(load_example_model(), "defocus:discrete", limit=2, radius=0)
    assert report.plot().get_xlim() == (0, 1)
