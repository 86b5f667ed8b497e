import time
from types import SimpleNamespace

import pytest
from helpers import QUICK

from gsmooth_core import certify
from gsmooth_core.common import progress
from gsmooth_core.common.progress import say_so_far, seconds_left, track


def test_a_bar_shows_what_was_done_so_far_and_a_hidden_one_nothing(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "150")

    def work():
        for item in range(3):
            say_so_far(f"{item}00 draws")
            yield item

    assert list(track(work(), 5, "work", shown=True, done=2)) == [0, 1, 2]
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "200 draws" in shown
    assert list(track(work(), 3, "work")) == [0, 1, 2]  # no terminal
    say_so_far("nobody looks")
    assert capsys.readouterr().err == ""


def test_a_bar_within_a_bars_work_gives_the_place_back(monkeypatch):
    told = []
    monkeypatch.setattr(progress, "partial", lambda update, task: lambda **said: told.append((task, said["so_far"])))

    def outer():
        say_so_far("before")
        list(track([1], 1, "inner", shown=False))
        say_so_far("after")
        yield 1

    bar = track(outer(), 1, "outer", shown=True)
    assert next(bar) == 1
    bar.close()
    say_so_far("too late")
    assert [said for _, said in told] == ["before", "after"]


def test_the_time_left_is_sensible_from_the_first_image_on():
    """Sixteen images side by side, each of ten minutes: the first that is finished is not a sixteenth of the work."""
    assert seconds_left(590.0, finished=0, left=160, underway=16) == pytest.approx(590 * 152 / 8)
    early = seconds_left(600.0, finished=1, left=159, underway=16)
    assert 5_400 < early < 12_000  # 9 more rounds of ten minutes
    assert seconds_left(6_000.0, finished=159, left=1, underway=1) < 60
    assert seconds_left(10.0, finished=5, left=0, underway=16) == 0


@pytest.mark.parametrize(("elapsed", "shown"), [(1.0, "-:--:-- left"), (60.0, "0:04:33 left"), (None, "-:--:-- left")])
def test_the_time_left_is_shown_once_it_can_be_guessed(elapsed, shown):
    task = SimpleNamespace(elapsed=elapsed, completed=11, total=60, fields={"before": 10, "underway": 16})
    assert progress._TimeLeft().render(task).plain == shown


@pytest.mark.parametrize(
    ("corruption", "settings", "said"),
    [
        ("gaussianblur", {"budget": QUICK}, "3 images: 450 draws, 3 anchors"),
        ("translation:black", {"radius": 1.0}, "image 2: 6 outputs"),
    ],
)
def test_certify_says_how_far_its_images_are(example_model, test_images, monkeypatch, corruption, settings, said):
    told = []
    monkeypatch.setattr("gsmooth_core.engine.engine.say_so_far", lambda text, underway: told.append((text, underway)))
    certify(example_model, corruption, test_images[:3], **settings)
    texts = [text for text, _ in told]
    assert said in texts, texts
    assert all(1 <= underway <= 3 for _, underway in told)


def test_saying_costs_nothing_that_can_be_measured():
    """A look of 100 draws takes milliseconds."""
    start = time.perf_counter()
    for _ in range(1_000):
        say_so_far(f"{16} images: {123_456:,} draws, {40:,} anchors", 16)
    assert time.perf_counter() - start < 0.1
