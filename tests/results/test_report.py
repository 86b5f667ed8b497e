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


@pytest.mark.parametrize("radius", [5.1, -1])
def test_beyond_what_was_certified_is_refused(radius):
    with pytest.raises(ValueError, match=f"certify again with radius={radius}"):
        REPORT.certified_accuracy(radius)


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
