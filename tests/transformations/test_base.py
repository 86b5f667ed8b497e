import math

import attrs
import pytest
import torch

from gsmooth_core import ParameterSpace, Region, StepTransformation, Transformation


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
    assert Region((0, 0), (2, 2), norm="l2").inside(ball)
    assert not Region((0.5, 0.5), (2.6, 2.6), norm="l2").inside(ball)
    assert Region((-1, -0.5), (1, 0.5), norm="l2").inside(ball)


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


@pytest.mark.parametrize("radius", [1e-320, 0.3, 1e9 + 1, 1e17, 1e300, 1.7e308])
def test_largest_radius_is_exact_however_large_it_is(radius):
    class Endless(Shift):
        def region(self, radius):
            return Region(-radius, radius)

    assert Endless().largest_radius(lambda r: r.inside(Region(-radius, radius))) == radius


def test_regions_that_do_not_grow_are_refused():
    class Clamped(Shift):
        def region(self, radius):
            return Region(0, min(radius, 1))

    with pytest.raises(ValueError, match=r"region\(r\) must grow with r"):
        Clamped().largest_radius(lambda r: r.inside(Region(0, 3)))


def test_regions_beyond_float32_are_refused():
    space = ParameterSpace(-math.inf, math.inf, 0, "x", "px")
    space.check_region(Region(-1e18, 1e18))
    with pytest.raises(ValueError, match="farther than 1e.18.*choose a smaller radius"):
        space.check_region(Region(-1.1e18, 0))


@pytest.mark.parametrize("dimension", [1, 3])
def test_parts_of_a_box_are_nested_and_hold_its_centre(dimension):
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        ends = torch.randn(3, dimension, generator=generator, dtype=torch.float64).sort(dim=0).values.tolist()
        region, centre = Region(ends[0], ends[2]), ends[1]
        parts = [region.cut(share, centre) for share in (0, 1e-9, 0.1, 0.5, 0.9, 1)]
        assert all(part.contains(torch.tensor([centre], dtype=torch.float64)).all() for part in parts)
        assert all(small.inside(large) for small, large in zip(parts, [*parts[1:], region], strict=True))
        assert parts[0] == Region(centre, centre)


def test_no_whole_point_of_a_ball_is_missed_by_rounding():
    """Against whole-number arithmetic, on circles that pass through whole points."""
    points = torch.cartesian_prod(torch.arange(-30, 31), torch.arange(-30, 31))
    squares = points.square().sum(dim=1)
    for square in [*range(1, 650, 3), *(radius**2 for radius in range(1, 30))]:
        radius = math.sqrt(square)
        region = Region((-radius, -radius), (radius, radius), norm="l2")
        on_or_in = squares <= square if radius == int(radius) else squares < square
        inside = region.contains(points.double())
        assert bool((inside >= on_or_in).all())
        assert not bool(inside[squares > square].any())


def test_regions_are_decided_in_float64():
    assert not bool(Region(0, 0.3).contains(torch.tensor([[0.3]])))  # float32: 0.30000001
    assert bool(Region(0, 0.3).contains(torch.tensor([[0.3]], dtype=torch.float64)))


def test_a_staircase_must_start_at_its_identity():
    @attrs.frozen
    class TwoSided(StepTransformation):
        space = ParameterSpace(-1, 1, 0, "share", "1")

        def region(self, radius):
            return Region(-radius, radius)

        def level(self, parameters, height, width):
            return torch.floor(10 * parameters.view(-1)).long()

        def apply(self, images, parameters):
            return images + self.level(parameters, 1, 1).view(-1, 1, 1, 1)

    with pytest.raises(ValueError, match="TwoSided must have one parameter and start at the identity"):
        TwoSided().representatives(Region(-0.5, 0.5), 8, 8)


@pytest.mark.parametrize(
    ("level", "message"),
    [
        (lambda parameters: parameters.floor(), r"level must return int64 \(batch,\)"),
        (lambda parameters: -parameters.view(-1).long(), "level falls from 0 to -3"),
    ],
)
def test_levels_of_the_wrong_kind_are_refused(level, message):
    @attrs.frozen
    class Wrong(StepTransformation):
        space = ParameterSpace(0, 9, 0, "share", "1")

        def region(self, radius):
            return Region(0, radius)

        def level(self, parameters, height, width):
            return level(parameters)

        def apply(self, images, parameters):
            return images

    with pytest.raises(ValueError, match=message):
        Wrong().representatives(Region(0, 3), 8, 8)
