"""Boxes, ellipsoids and their products against dense samples and brute force."""

import copy
import itertools
import json
import math
import pickle

import attrs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gsmooth_core import Box, Ellipsoid, ParameterSpace, ProductRegion, Region, get_corruption
from gsmooth_core.common.json_values import structured, unstructured

BOX = Box((-3, -1), (3, 5))
ELLIPSOID = Ellipsoid((-3, -1), (3, 5))
PRODUCT = ProductRegion((Box(0, 5), Ellipsoid((-3, -2), (3, 2))))
MIXED = ProductRegion((Ellipsoid((-1, -1), (3, 2)), Box((-2, 0), (1, 0)), Ellipsoid(-1, 1)))
ALL = [BOX, ELLIPSOID, PRODUCT, MIXED]


def named(region):
    return f"{type(region).__name__}{region.dimension}"


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def holds(region, point):
    """Whether a region holds a point, told from the definition alone."""
    if isinstance(region, ProductRegion):
        start, held = 0, True
        for part in region.parts:
            held, start = held and holds(part, point[start : start + part.dimension]), start + part.dimension
        return held
    ends = list(zip(point, region.lower, region.upper, strict=True))
    if isinstance(region, Box):
        return all(low <= one <= high for one, low, high in ends)
    squares = (((one - (low + high) / 2) / ((high - low) / 2)) ** 2 for one, low, high in ends if low < high)
    return sum(squares) <= 1 and all(one == low for one, low, high in ends if low == high)


def scattered(region, count, seed=1, beyond=1.3):
    """Points in and around a region: float64 (count, dimension)."""
    low, high = torch.tensor([region.lower, region.upper], dtype=torch.float64)
    unit = 2 * torch.rand(count, region.dimension, generator=generator(seed), dtype=torch.float64) - 1
    return (low + high) / 2 + beyond * unit * (high - low) / 2


def extremes(region, widths, origin):
    """The largest ``‖(ξ − origin)/widths‖`` that was found, on many points of the border of the parts."""
    points = region.sample(20_000, generator(2)).double()
    if not isinstance(region, ProductRegion):
        low, high = torch.tensor([region.lower, region.upper], dtype=torch.float64)
        centre, half = (low + high) / 2, ((high - low) / 2).clamp_min(1e-300)
        unit = (points - centre) / half
        length = unit.norm(dim=1) if isinstance(region, Ellipsoid) else unit.abs().amax(dim=1)
        points = torch.cat([points, centre + unit / length[:, None] * half])
        ends = [[low, high] for low, high in zip(region.lower, region.upper, strict=True)]
        corners = torch.tensor(list(itertools.product(*ends)), dtype=torch.float64)
        axes = torch.cat([centre + torch.diag(half), centre - torch.diag(half)])
        points = torch.cat([points, corners if isinstance(region, Box) else axes])
        return float(
            ((points - torch.tensor(origin, dtype=torch.float64)) / torch.tensor(widths, dtype=torch.float64))
            .norm(dim=1)
            .max()
        )
    start, squares = 0, 0.0
    for part in region.parts:
        stop = start + part.dimension
        squares, start = squares + extremes(part, widths[start:stop], origin[start:stop]) ** 2, stop
    return math.sqrt(squares)


@pytest.mark.parametrize("region", ALL, ids=named)
def test_regions_hold_the_points_of_their_definition(region):
    points = scattered(region, 3_000)
    points[:, [low == high for low, high in zip(region.lower, region.upper, strict=True)]] = 0.0
    expected = [holds(region, point) for point in points.tolist()]
    assert region.contains(points).tolist() == expected
    assert 0 < sum(expected) < 3_000


@pytest.mark.parametrize("region", ALL, ids=named)
def test_draws_lie_in_their_region_and_reach_all_of_it(region):
    draws = region.sample(60_000, generator())
    assert draws.shape == (60_000, region.dimension)
    assert draws.dtype == torch.float32
    assert bool(region.contains(draws).all())
    low, high = torch.tensor(region.lower), torch.tensor(region.upper)
    assert bool((draws.amin(0) <= low + 0.03 * (high - low)).all())
    assert bool((draws.amax(0) >= high - 0.03 * (high - low)).all())
    for cell in itertools.product(*[(False, True)] * region.dimension):  # alike on each side of the middle
        share = float((((draws > (low + high) / 2) == torch.tensor(cell)) | (low == high)).all(dim=1).float().mean())
        free = sum(low < high for low, high in zip(region.lower, region.upper, strict=True))
        assert share == pytest.approx(0.5**free, abs=0.01)


def test_a_product_is_drawn_as_evenly_as_by_rejection():
    draws = PRODUCT.sample(40_000, generator())
    points = scattered(PRODUCT, 80_000, beyond=1.0).float()
    rejected = points[PRODUCT.contains(points)]
    for power in (1, 2):
        assert torch.allclose((draws**power).mean(dim=0), (rejected**power).mean(dim=0), atol=0.12)


@pytest.mark.parametrize("region", ALL, ids=named)
def test_reach_bounds_the_norm_and_is_exact_around_the_origin(region):
    widths = [0.5 + 0.4 * index for index in range(region.dimension)]
    middle = [(low + high) / 2 for low, high in zip(region.lower, region.upper, strict=True)]
    for origin in ([0.0] * region.dimension, middle, [1.5] * region.dimension):
        found, bound = extremes(region, widths, origin), region.reach(widths, origin)
        assert found <= bound * (1 + 1e-12)
        if origin == middle or isinstance(region, Box):
            assert bound == pytest.approx(found, rel=1e-6)
        assert bound <= 1.5 * found
    assert region.reach(widths) == region.reach(widths, [0.0] * region.dimension)


@pytest.mark.parametrize("region", ALL, ids=named)
def test_orthants_cover_the_region_and_nothing_more(region):
    pieces = list(region.orthants())
    points = scattered(region, 2_000)
    points[:, [low == high for low, high in zip(region.lower, region.upper, strict=True)]] = 0.0
    covered = torch.stack([piece.contains(points) for piece in pieces]).any(dim=0)
    assert torch.equal(covered, region.contains(points))
    assert all(piece.inside(region) for piece in pieces)


def test_orthants_of_boxes_have_0_as_a_corner_and_ellipsoids_are_their_own():
    for piece in BOX.orthants():
        assert all(0.0 in ends for ends in zip(piece.lower, piece.upper, strict=True))
    assert list(ELLIPSOID.orthants()) == [ELLIPSOID]
    assert len(list(ProductRegion((BOX, ELLIPSOID)).orthants())) == 4


@pytest.mark.parametrize("region", ALL, ids=named)
def test_parts_are_nested_hold_their_centre_and_grow_to_the_whole(region):
    centre = region.sample(1, generator(4)).double()
    parts = [region.cut(share, centre[0].tolist()) for share in (0, 1e-3, 0.1, 0.5, 0.9, 1)]
    for small, large in zip(parts, [*parts[1:], region], strict=True):
        assert bool(small.contains(centre).all())
        points = scattered(small, 3_000, beyond=1.0)
        assert bool(large.contains(points[small.contains(points)]).all())
    if region.cuttable:
        assert all(small.inside(large) for small, large in zip(parts, [*parts[1:], region], strict=True))
    assert parts[-1] == region
    assert parts[0].lower == parts[0].upper == tuple(centre[0].tolist())


def test_only_what_is_made_of_boxes_is_cuttable():
    assert [region.cuttable for region in ALL] == [True, False, False, False]
    assert ProductRegion((BOX, Box(0, 1))).cuttable


ENDS = st.tuples(st.integers(-6, 6), st.integers(0, 6)).map(lambda pair: (pair[0] / 2, pair[0] / 2 + pair[1] / 2))


@st.composite
def regions(draw, dimension=3):
    """A region of whole and half numbers, a product of boxes and ellipsoids or one of them."""
    ends = draw(st.lists(ENDS, min_size=dimension, max_size=dimension))
    stops = sorted(draw(st.sets(st.integers(1, dimension - 1), max_size=dimension - 1)) | {0, dimension})
    parts = [
        draw(st.sampled_from([Box, Ellipsoid]))(*zip(*ends[start:stop], strict=True))
        for start, stop in itertools.pairwise(stops)
    ]
    return parts[0] if len(parts) == 1 else ProductRegion(parts)


@settings(max_examples=150, deadline=None)
@given(regions(), regions(), st.floats(0.1, 1.0))
def test_what_is_called_a_subset_is_one(large, other, share):
    centre = other.sample(1, generator(3))[0].tolist()
    for small in (other, other.cut(share, centre), large.cut(share, large.diagonal()[0].tolist())):
        points = torch.cat([small.sample(300, generator()).double(), small.diagonal(), small.grid(3)])
        points = points[small.contains(points)]
        if small.inside(large):
            assert bool(large.contains(points).all())
    assert large.inside(large)
    assert large.inside(Box(large.lower, large.upper))


@settings(max_examples=100, deadline=None)
@given(regions(), st.integers(0, 2), st.integers(1, 3))
def test_projections_are_the_regions_shadows(region, start, length):
    stop = min(3, start + length)
    shadow = region.projection(start, stop)
    assert (shadow.lower, shadow.upper) == (region.lower[start:stop], region.upper[start:stop])
    points = region.sample(200, generator()).double()
    points = points[region.contains(points)]
    assert bool(shadow.contains(points[:, start:stop]).all())
    middle = torch.tensor([region.lower, region.upper], dtype=torch.float64).mean(dim=0)
    lifted = middle.repeat(200, 1)  # each point of the shadow is met, with the others in the middle
    lifted[:, start:stop] = shadow.sample(200, generator(1)).double()
    inside = shadow.contains(lifted[:, start:stop])
    assert bool(region.contains(lifted[inside]).all())


def test_products_are_compared_part_by_part():
    ball = Ellipsoid((-1, -1), (1, 1))
    product = ProductRegion((Box(0, 1), ball))
    assert product.inside(ProductRegion((Box(-1, 1), Ellipsoid((-2, -2), (2, 2)))))
    assert not product.inside(ProductRegion((Box(-1, 1), Ellipsoid((-2, -0.9), (2, 0.9)))))
    assert product.inside(Box((0, -1, -1), (1, 1, 1)))
    assert not product.inside(Box((0, -1, -0.9), (1, 1, 1)))
    assert not Box((0, -1, -1), (1, 1, 1)).inside(product)
    assert Box((0, -0.7, -0.7), (1, 0.7, 0.7)).inside(product)
    assert Ellipsoid((-0.5, -1, -1), (0.5, 1, 1)).inside(ProductRegion((Box(-0.5, 0.5), ball)))
    assert ProductRegion((Box(-0.5, 0.5), Ellipsoid((-0.8, -0.8), (0.8, 0.8)))).inside(Ellipsoid((-1,) * 3, (1,) * 3))
    assert not ProductRegion((Box(-0.7, 0.7), Ellipsoid((-0.8,) * 2, (0.8,) * 2))).inside(
        Ellipsoid((-1,) * 3, (1,) * 3)
    )
    assert ProductRegion((Box(0, 1), Box((-1, 0), (1, 2)))).inside(ProductRegion((Box((0, -1), (1, 1)), Box(0, 2))))


def test_products_of_products_are_flat():
    assert ProductRegion((Box(0, 5), ProductRegion(PRODUCT.parts[1:]))) == PRODUCT
    assert ProductRegion(PRODUCT.parts[::-1]) != PRODUCT
    assert (PRODUCT.dimension, PRODUCT.farthest) == (3, (5.0, 3.0, 2.0))


@pytest.mark.parametrize("region", ALL, ids=named)
def test_points_are_pulled_into_the_region(region):
    points = scattered(region, 2_000, beyond=3.0).float()
    pulled = region.pulled_in(points)
    assert pulled.dtype == torch.float32
    assert bool(region.contains(pulled).all())
    within = region.contains(points)
    assert torch.equal(pulled[within], points[within])
    whole = region.pulled_in(points, integer=True)
    assert torch.equal(whole, whole.round())
    assert bool(region.contains(whole).all())


@pytest.mark.parametrize("region", ALL, ids=named)
def test_grids_reach_both_ends_of_each_parameter(region):
    for most in (3, 4, 5, 8):
        points = region.grid_points(most)
        assert most - 1 <= points <= most
        grid = region.grid(points)
        assert bool(region.contains(grid).all())
        assert (tuple(grid.amin(0).tolist()), tuple(grid.amax(0).tolist())) == (region.lower, region.upper)
    assert region.grid_points(2) == 2


@pytest.mark.parametrize("region", ALL, ids=named)
def test_a_walk_along_the_diagonal_stays_inside(region):
    count = region.dimension
    names = tuple(f"p{index}" for index in range(count))
    for integer in (False, True):
        space = ParameterSpace((-9,) * count, (9,) * count, (0,) * count, names, ("px",) * count, integer=integer)
        space.check_region(region)
        walk = space.walk(region, 41)
        assert bool(region.contains(walk * (1 - 1e-12)).all())
        assert walk[20].tolist() == [0.0] * count
    least, largest = region.diagonal()
    assert bool(region.contains(torch.stack([least, largest]) * (1 - 1e-12)).all())


@pytest.mark.parametrize("region", ALL, ids=named)
def test_regions_are_values(region):
    assert pickle.loads(pickle.dumps(region)) == copy.deepcopy(region) == eval(repr(region))
    assert hash(copy.deepcopy(region)) == hash(region)
    assert not hasattr(region, "__dict__")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        region.lower = (0.0,)


def test_the_short_form_makes_boxes_and_ellipsoids():
    assert Region((-3, -1), (3, 5)) == Region(lower=(-3, -1), upper=(3, 5), norm="box") == BOX
    assert Region((-3, -1), (3, 5), "l2") == Region((-3, -1), (3, 5), norm="l2") == ELLIPSOID
    assert BOX != ELLIPSOID
    with pytest.raises(ValueError, match="'box' or 'l2', not 'l1'; pass one"):
        Region(0, 1, norm="l1")


def test_impossible_products_are_refused():
    with pytest.raises(ValueError, match="at least one part; pass a Box"):
        ProductRegion(())
    with pytest.raises(ValueError, match="are regions, not 3; pass a Box"):
        ProductRegion((BOX, 3))
    with pytest.raises(ValueError, match="are regions, not 3"):
        ProductRegion(3)


@attrs.frozen
class Holder:
    """A record with a region, as a report has one."""

    region: Region | None
    others: tuple[Region, ...] = ()


OLD = """{"region": {"lower": [-3.0, -1.0], "upper": [3.0, 5.0], "norm": "l2"},
         "others": [{"lower": [-3.0, -1.0], "upper": [3.0, 5.0], "norm": "box"}]}"""
"""As reports were written when a region's class was an entry of its own."""
NEW = """{"region": {"parts": [{"lower": [0.0], "upper": [5.0], "norm": "box"},
                               {"lower": [-3.0, -2.0], "upper": [3.0, 2.0], "norm": "l2"}]}, "others": []}"""


@pytest.mark.parametrize(
    ("text", "record"),
    [(OLD, Holder(ELLIPSOID, (BOX,))), (NEW, Holder(PRODUCT)), ('{"region": null, "others": []}', Holder(None))],
)
def test_regions_keep_their_layout_in_json(text, record):
    assert structured(json.loads(text), Holder) == record
    assert json.loads(json.dumps(unstructured(record))) == json.loads(text)
    assert list(json.loads(json.dumps(unstructured(Holder(BOX))))["region"]) == ["lower", "upper", "norm"]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"lower": [0.0], "upper": [1.0]}, "region: lacks norm"),
        ({"lower": [0.0], "upper": [1.0], "norm": "l2", "parts": []}, "region: must not hold parts"),
        ({"lower": [0.0], "upper": [1.0], "norm": "product"}, "region.norm: must be one of box, l2, not 'product'"),
        ({"lower": [2.0], "upper": [1.0], "norm": "l2"}, "region: a region's lower end .* swap them"),
        ({"parts": []}, "region: a product needs at least one part"),
        ({"parts": {}}, "region.parts: must be a list"),
        (
            {"parts": [{"lower": [0.0], "upper": [True], "norm": "box"}]},
            r"region.parts\[0\].upper\[0\]: must be a finite",
        ),
        ({"parts": [{"parts": []}]}, r"region.parts\[0\]: lacks lower, norm, upper; must not hold parts"),
        ([], "region: must be an object"),
    ],
)
def test_regions_are_read_strictly(region, message):
    with pytest.raises(ValueError, match=message):
        structured({"region": region, "others": []}, Holder)


def test_a_certificate_over_a_product_is_the_one_over_its_worst_point():
    """Theorem 1 on a product of a ball and a box: no more probability than its reach asks for, and no less."""
    from gsmooth_core import Gaussian, ParameterSmoothing
    from gsmooth_core.certifiers.resolvable import withstands

    transformation = get_corruption("translation").transformation
    smoothing = ParameterSmoothing(transformation, (Gaussian(1.0), Gaussian(2.0)))
    product = ProductRegion((Ellipsoid(-1, 1), Box(-3, 3)))
    needed = 0.5 * (1 + math.erf(math.hypot(1.0, 1.5) / math.sqrt(2)))
    assert withstands(product, needed + 1e-6, smoothing)
    assert not withstands(product, needed - 1e-6, smoothing)
    assert np.isclose(product.reach((1.0, 2.0)), math.hypot(1.0, 1.5))
