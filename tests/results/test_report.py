import json

import attrs
import pytest
from helpers import REPORT, RUN
from rich.console import Console
from scipy.stats import binomtest

from gsmooth_core import Rate, Report


def test_certified_accuracy_counts_images_that_are_certified_and_correct():
    assert REPORT.certified_accuracy().value == 0.25
    assert REPORT.certified.value == 0.5
    assert REPORT.accuracy.value == 0.5
    assert REPORT.base_accuracy.value == 0.75
    assert REPORT.abstained.value == 0.25
    assert [c.correct for c in REPORT.certificates] == [True, False, True, False]


@pytest.mark.parametrize(("radius", "expected"), [(0, 0.5), (2, 0.5), (2.001, 0.25), (5, 0.25)])
def test_certified_accuracy_at_a_smaller_radius(radius, expected):
    assert REPORT.certified_accuracy(radius).value == expected


def test_beyond_what_was_certified_is_refused():
    with pytest.raises(ValueError, match=r"certify again with radius=5\.1$"):
        REPORT.certified_accuracy(5.1)
    for radius in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"at least 0, not {radius}"):
            REPORT.certified_accuracy(radius)
    nowhere = attrs.evolve(REPORT, certificates=(), run=attrs.evolve(RUN, radius=None))
    with pytest.raises(ValueError, match="has no radius; leave out radius"):
        nowhere.certified_accuracy(1)


def test_rates_have_exact_intervals():
    rate = Rate.of(30, 50)
    oracle = binomtest(30, 50).proportion_ci(0.95, "exact")
    assert (rate.value, rate.low, rate.high) == pytest.approx((0.6, oracle.low, oracle.high))


def test_saved_and_loaded_it_is_the_same(tmp_path):
    REPORT.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == REPORT
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["certificates"][0]["guarantee"] == "probabilistic"


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    REPORT.save(tmp_path / "report.json")
    monkeypatch.setattr("os.fsync", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        REPORT.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == REPORT
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "run": {}}', "\x00"])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(ValueError, match="is no report of gsmooth"):
        Report.load(tmp_path / "other.json")


def test_merging_refuses_another_run():
    other = attrs.evolve(REPORT, run=attrs.evolve(RUN, seed=1, corruption="zoomblur"))
    with pytest.raises(ValueError, match=r"corruption \('defocus' against 'zoomblur'\); seed"):
        Report.merge(REPORT, other)


def test_summary_says_what_a_reader_needs(capsys):
    REPORT.summary(Console(width=100))
    shown = capsys.readouterr().out
    for part in (
        "defocus: radius from 0 to 5 px",
        "25.0 % [0.6, 80.6]",
        "error probability at most 0.001",
        "Images: 4, of: four images.",
    ):
        assert part in shown


def test_summary_without_labels(capsys):
    bare = attrs.evolve(REPORT, certificates=tuple(attrs.evolve(c, label=None) for c in REPORT.certificates))
    bare.summary()
    shown = capsys.readouterr().out
    assert "certified accuracy" not in shown
    assert "certified, right or wrong" in shown


def part(*indices):
    """A report of those certificates of ``REPORT`` alone."""
    return attrs.evolve(REPORT, certificates=tuple(REPORT.certificates[index] for index in indices))


def test_reports_are_merged_one_by_one_or_as_a_list():
    shards = [
        attrs.evolve(part(0, 2), wall_seconds=2.0, class_names=("cat", "dog")),
        attrs.evolve(part(1, 3), wall_seconds=3.0),
    ]
    whole = Report.merge(*shards)
    assert whole == Report.merge(shards) == Report.merge(iter(shards))
    assert [one.index for one in whole.certificates] == [0, 1, 2, 3]
    assert (whole.wall_seconds, whole.class_names) == (5.0, ("cat", "dog"))
    assert Report.merge(shards[0], part(1)).wall_seconds is None  # of one nobody knows it


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([REPORT, REPORT],), "image 0 is in report 1 and in report 2 of the 2 to merge; leave one of the two out"),
        ((part(0), part(1), part(1, 2)), "image 1 is in report 2 and in report 3 of the 3"),
        (([],), "nothing to merge"),
        ((), "nothing to merge"),
        (("a.json", "b.json"), r"Report objects, not 'a.json'; read a file with Report\.load"),
        ((3,), r"Report objects, not 3; read a file"),
        (
            (attrs.evolve(part(0), class_names=("cat",)), attrs.evolve(part(1), class_names=("dog",))),
            "name the classes differently",
        ),
    ],
)
def test_what_cannot_be_merged_says_what_to_do(given, message):
    with pytest.raises(ValueError, match=message):
        Report.merge(*given)


def test_rates_compare_and_format():
    low, same, high = Rate.of(1, 4), Rate.of(25, 100), Rate.of(3, 4)
    assert low < high
    assert low < 0.5 <= high
    assert low < 0.5
    assert max(low, high) is high
    assert sorted([high, low]) == [low, high]
    assert low <= same <= low
    assert low != same  # not the same interval
    assert low == 0.25 == float(low)
    assert hash(low) == hash(0.25)
    assert low == Rate.of(1, 4)
    assert low != "25 %"
    assert f"{low:.1%} {low:.2f} {low}" == "25.0% 0.25 25.0 % [0.6, 80.6]"


def test_classes_and_wall_time_are_saved_and_shown(tmp_path, capsys):
    named = attrs.evolve(REPORT, class_names=("cat", "dog"), wall_seconds=3605.2, training=("fit_classifier(…)",))
    named.save(tmp_path / "report.json")
    assert Report.load(tmp_path / "report.json") == named
    named.summary(Console(width=100))
    shown = capsys.readouterr().out
    assert "Classes: 0 cat, 1 dog." in shown
    assert "2.0; 3,605" in shown
    assert (named.class_words(1), named.class_words(2)) == ("1 (dog)", "2")
    frame = named.to_frame()
    assert list(frame.label_name.fillna("–")) == ["dog", "–", "dog", "dog"]
    assert list(frame.predicted_name.fillna("–")) == ["dog", "dog", "dog", "–"]
    assert frame.attrs["wall_seconds"] == 3605.2
    assert "label_name" not in REPORT.to_frame()
    assert dict(REPORT.rows())["seconds in all: certificates; calls"] == "2.0; not known"


@pytest.mark.parametrize(
    "change", [{"class_names": ["cat"]}, {"class_names": (1,)}, {"wall_seconds": -1.0}, {"training": "fit"}]
)
def test_no_report_is_made_of_values_of_another_kind(change):
    with pytest.raises(ValueError, match="must be a"):
        attrs.evolve(REPORT, **change)


def test_numbers_of_one_image_are_not_called_a_median(capsys):
    rows = dict(part(2).rows())
    assert (rows["anchors per image"], rows["draws per image"], rows["certified radius"]) == ("2", "1,100", "2")
    assert str(part(2)).startswith("Report of 1 image under defocus")
    assert dict(part(1, 2).rows())["anchors per image (median, most)"] == "1.5, 2"


def test_a_report_without_maximize_says_how_a_curve_comes():
    flat = attrs.evolve(
        REPORT,
        run=attrs.evolve(RUN, maximize=False),
        certificates=(REPORT.certificates[0], REPORT.certificates[1], REPORT.certificates[2]),
    )
    assert flat.flat
    assert "certify with maximize=True (on the command line: --maximize)" in flat.notes[-1]
    whole = attrs.evolve(flat, certificates=flat.certificates[:2])  # all reach the radius: nothing can lie too low
    assert not whole.flat
    assert not part(0, 2).flat
    assert "maximize" not in " ".join([*whole.notes, *part(0, 2).notes])


def test_the_radius_in_an_error_is_short():
    root = attrs.evolve(part(3), run=attrs.evolve(RUN, radius=3.6055512754639896))
    with pytest.raises(ValueError, match=r"from 0 to 3\.60555 px, not to 4; certify again with radius=4$"):
        root.certified_accuracy(4)
