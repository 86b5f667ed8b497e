"""Tables of reports, in each form, say what the reports say."""

import csv
import io

import attrs
import pytest
import torch
from helpers import estimated

from gsmooth_core import (
    Budget,
    ParameterSpace,
    Region,
    Report,
    certify,
    format_cohen_tsv,
    format_latex_table,
    format_markdown_table,
    get_corruption,
    list_corruptions,
    load_example_model,
    load_fashion_mnist,
    plot_curves,
    plot_radii,
)
from gsmooth_core.results.drawing import STEPS, thinned


@pytest.fixture(scope="module")
def report() -> Report:
    return certify(load_example_model(), "defocus:discrete", limit=16, maximize=True)


@pytest.fixture(scope="module")
def unlabelled() -> Report:
    return certify(load_example_model(), "defocus:discrete", load_fashion_mnist("test")[0], limit=2)


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
    nowhere = attrs.evolve(unlabelled, certificates=(), run=attrs.evolve(unlabelled.run, radius=None))
    with pytest.raises(ValueError, match="has no radius"):
        nowhere.curve()
    with pytest.raises(ValueError, match="needs labels"):
        unlabelled.curve()


def test_markdown_and_latex_have_the_reports_figures(report):
    reports = {"a|b_c": report, "again": report}
    lines = format_markdown_table(reports, [1, 5]).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith(r"| a\|b_c | defocus:discrete: radius from 0 to 5 px | exact | 16 | ")
    assert lines[2].endswith(f"| {report.certified_accuracy(1)} | {report.certified_accuracy(5)} |")
    table = format_latex_table(reports)
    assert r"a|b\_c & defocus:discrete" in table
    assert str(report.certified_accuracy()).replace("%", r"\%") in table
    body = table.split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert all(row.count("&") == 5 for row in body.strip().splitlines())
    assert table.count("{") == table.count("}")


def test_a_table_needs_reports_and_radii_that_were_asked_for(report):
    with pytest.raises(ValueError, match="at least one report"):
        format_markdown_table({})
    with pytest.raises(ValueError, match="certify again with radius=7"):
        format_latex_table({"one": report}, [7])


def test_older_scripts_count_what_the_report_counts(report, unlabelled):
    rows = list(csv.DictReader(io.StringIO(format_cohen_tsv(report)), delimiter="\t"))
    assert [int(row["idx"]) for row in rows] == list(range(16))
    for radius in (0.0, 0.7, 2.5, 5.0):
        held = sum(row["correct"] == "1" and float(row["radius"]) >= radius for row in rows)
        assert held / len(rows) == report.certified_accuracy(radius).value
    assert {row["correct"] for row in rows} == {"0", "1"}
    assert all(row["time"].count(":") == 2 for row in rows)
    with pytest.raises(ValueError, match="needs labels and a radius"):
        format_cohen_tsv(unlabelled)


def test_a_frame_has_a_row_for_each_certificate(report):
    frame = report.to_frame()
    assert list(frame.index) == list(range(16))
    assert frame.certified.mean() == report.certified.value
    assert (frame.certified & frame.correct).mean() == report.certified_accuracy().value
    one = next(certificate for certificate in report.certificates if certificate.region is not None)
    assert frame.loc[one.index, "upper"] == one.region.upper
    assert set(frame.guarantee) == {"exact"}
    assert set(frame.norm.dropna()) == {"box"}


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
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["SmallConvNet"]
    assert report.plot(axes) is axes


def test_a_picture_says_that_a_curve_is_flat(report):
    decided = certify(load_example_model(), "defocus:discrete", limit=16)
    assert decided.flat
    for axes in (decided.plot(), plot_curves({"decided": decided, "maximized": report})):
        assert "flat: certified without maximize=True" in [text.get_text() for text in axes.texts]
    for axes in (report.plot(), plot_curves({"maximized": report})):
        assert not axes.texts


def test_a_radius_of_many_digits_is_rounded_down_in_a_table(report):
    root = attrs.evolve(report, certificates=())
    assert "certified at 3.60555" in format_markdown_table({"one": report}, [3.6055512754639896])
    assert root.flat is False


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
    assert walk[-1].tolist() == [5, 5]  # the last whole pixels inside 8/√2
    assert walk[0].tolist() == [-5, -5]


@pytest.mark.parametrize("name", [info.name for info in list_corruptions()])
@pytest.mark.parametrize("radius", [None, 0.13])
def test_a_walk_stays_in_the_region(name, radius):
    recipe = get_corruption(name)
    region = recipe.region(radius, next(iter(recipe.radius)))  # grey images, unless the map is for colour alone
    space = recipe.transformation.space
    walk = space.walk(region, 41)
    assert region.contains(walk).all()
    assert (walk == torch.tensor(space.identity)).all(dim=1).any()
    assert torch.equal(walk, space.snap(walk))


def test_a_walk_downwards_is_straight():
    space = ParameterSpace(lower=-1, upper=1, identity=0, names="b", units="intensity")
    assert space.walk(Region(-0.4, 0), 3).flatten().tolist() == [-0.4, -0.2, 0.0]


def test_names_mean_themselves_in_pictures(report):
    names = ["$\\foo$", "_plain", ""]
    for plot in (plot_curves, plot_radii):
        axes = plot(dict.fromkeys(names, report))
        axes.get_figure().canvas.draw()
        shown = [text.get_text().removeprefix("\u200b").strip() for text in axes.get_legend().get_texts()]
        assert shown == names


def test_one_picture_is_about_one_corruption(report):
    other = attrs.evolve(report, run=attrs.evolve(report.run, corruption="fog"))
    for plot in (plot_curves, plot_radii):
        with pytest.raises(ValueError, match="one picture is about one corruption"):
            plot({"a": report, "b": other})
        with pytest.raises(ValueError, match="nothing to draw"):
            plot({})


def test_a_unit_stands_only_where_the_radius_has_it(report):
    gain = certify(load_example_model(), "contrast", limit=1, radius=0.3, budget=Budget(samples=50))
    assert gain.plot().get_xlabel() == "radius"
    both = certify(load_example_model(), "rotation", limit=1, radius=1, budget=Budget(samples=50))
    assert both.plot().get_xlabel() == "radius (degrees)"


def test_estimates_are_marked_in_pictures(report):
    estimate = estimated(report)
    axes = plot_curves({"a": estimate, "b": report})
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a (estimate)", "b"]
    assert estimate.run.odds == "error probability at most 0.001 if the estimate holds"


def test_a_long_curve_is_thinned_downwards(report):
    many = tuple(
        attrs.evolve(
            report.certificates[0],
            index=number,
            certified=False,
            radius=5 * number / 3000,
            region=Region(0, 5 * number / 3000),
        )
        for number in range(3000)
    )
    long = attrs.evolve(report, certificates=many)
    curve = long.curve()
    assert [rate for _, rate in curve[::700]] == [long.certified_accuracy(radius) for radius, _ in curve[::700]]
    shown = thinned(curve)
    assert len(shown) <= STEPS + 1
    assert (shown[0], shown[-1]) == (curve[0], curve[-1])
    assert set(shown) <= set(curve)


def test_a_radius_of_0_is_drawn_too():
    report = certify(load_example_model(), "defocus:discrete", limit=2, radius=0)
    assert report.plot().get_xlim() == (0, 1)
