"""Reports side by side: paired differences against simulation, and what cannot be compared."""

import attrs
import numpy as np
import pytest
from helpers import QUICK
from rich.console import Console

from gsmooth_core import Difference, certify, compare


@pytest.fixture(scope="module")
def reports(example_model):
    settings = {"limit": 8, "budget": QUICK}
    return {
        "blur": certify(example_model, "gaussianblur", **settings),
        "exact": certify(example_model, "defocus:discrete", **settings),
    }


def test_reports_over_the_same_images_are_compared_pair_by_pair(reports, capsys):
    comparison = compare(reports)
    certified = {
        name: [bool(c.certified and c.correct) for c in report.certificates] for name, report in reports.items()
    }
    expected = np.mean(certified["exact"]) - np.mean(certified["blur"])
    difference = comparison.difference("exact")
    assert difference.value == pytest.approx(expected)
    assert difference.low <= expected <= difference.high
    comparison.summary(Console(width=160))
    shown = capsys.readouterr().out
    for part in ("8 images", "blur", "exact", "gaussianblur", "defocus:discrete"):
        assert part in shown


def test_the_interval_holds_as_often_as_it_says():
    """Pairs in which one side certifies more, 2,000 times: the interval misses the true difference in 5 % at most."""
    generator, missed = np.random.default_rng(0), 0
    for first, second, _ in generator.multinomial(60, [0.15, 0.05, 0.8], size=2_000):
        difference = Difference.of(int(first), int(second), 60)
        missed += not difference.low <= 0.10 <= difference.high
    assert missed <= 0.05 * 2_000


def test_a_single_image_says_little():
    assert Difference.of(1, 0, 1).low < 0.1
    assert str(Difference.of(0, 3, 10)).startswith("-30.0 % [")


def test_what_cannot_be_compared_is_refused(reports):
    blur, exact = reports.values()
    with pytest.raises(ValueError, match="pass at least two"):
        compare({"only": blur})
    fewer = attrs.evolve(exact, certificates=exact.certificates[:5])
    with pytest.raises(ValueError, match="'a' and 'b' are not over the same images"):
        compare({"a": blur, "b": fewer})
    bare = [
        attrs.evolve(r, certificates=tuple(attrs.evolve(c, label=None) for c in r.certificates)) for r in (blur, exact)
    ]
    with pytest.raises(ValueError, match="needs labels"):
        compare({"a": bare[0], "b": bare[1]})
