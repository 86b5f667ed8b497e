import math

import pytest
import torch

from gsmooth_core import ParameterSpace, Region, Transformation


class Shift(Transformation):
    """Adds two parameters; only its region matters here."""

    space = ParameterSpace((-9, -9), (9, 9), (0, 0), ("x", "y"), ("px", "px"))

    def region(self, radius):
        if radius > 5:
            raise ValueError("too far")
        return Region((-radius, -2 * radius), (radius, radius))

    def apply(self, images, parameters):
        return images + parameters.sum(dim=1).view(-1, 1, 1, 1)


@pytest.mark.parametrize("norm", ["box", "l2"])
def test_draws_lie_in_their_region_and_reach_its_ends(norm):
    region = Region((-3, -1), (3, 5), norm=norm)
    draws = region.sample(2_000, torch.Generator().manual_seed(0))
    assert draws.shape == (2_000, 2)
    assert bool(region.contains(draws).all())
    assert draws.amin(0).tolist() == pytest.approx([-3, -1], abs=0.4)
    assert draws.amax(0).tolist() == pytest.approx([3, 5], abs=0.4)


def test_ball_leaves_out_the_corners_of_its_box():
    box, ball = Region((-3, -3), (3, 3)), Region((-3, -3), (3, 3), norm="l2")
    assert ball.inside(box)
    assert not box.inside(ball)
    assert Region((-2, -2), (2, 2)).inside(ball)
    assert Region((-2, -2), (2, 2), norm="l2").inside(ball)
    assert not Region((0, 0), (2, 2), norm="l2").inside(ball)  # other centres are not compared


def test_a_region_of_one_point():
    region = Region(2, 2)
    assert region.sample(3, torch.Generator()).tolist() == [[2], [2], [2]]
    assert region.contains(torch.tensor([[2.0], [2.1]])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (1, 0, "swap them"),
        ((0, 0), (1,), "two tuples of one length"),
        (0, math.inf, "must be finite"),
        (math.nan, 1, "must be finite"),
    ],
)
def test_impossible_regions_are_refused(lower, upper, message):
    with pytest.raises(ValueError, match=message):
        Region(lower, upper)


def test_impossible_spaces_are_refused():
    with pytest.raises(ValueError, match="count them"):
        ParameterSpace((0, 0), (1, 1), (0, 0), ("a",), ("px", "px"))
    with pytest.raises(ValueError, match="identity"):
        ParameterSpace(0, 1, 2, "a", "px")


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region(0, 1), "one interval per parameter"),
        (Region((-10, 0), (1, 1)), "leaves the parameter space"),
        (Region((1, 1), (2, 2)), "does not hold the identity"),
    ],
)
def test_regions_are_checked_against_the_space(region, message):
    with pytest.raises(ValueError, match=message):
        Shift.space.check_region(region)


def test_largest_radius_is_exact():
    shift = Shift()
    assert shift.largest_radius(lambda r: r.inside(Region((-3, -3), (3, 3)))) == 1.5
    assert shift.largest_radius(lambda r: r.inside(Region((0, 0), (0, 0)))) == 0
    assert shift.largest_radius(lambda r: r.inside(Region((-9, -9), (0, -1)))) is None
    assert shift.largest_radius(lambda r: True) == 5  # region() refuses more
