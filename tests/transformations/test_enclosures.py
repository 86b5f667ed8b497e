"""Every proved enclosure: dense scans of many boxes, how tight it is, and mutants that the scans must catch."""

import pytest
import torch

from gsmooth_core import filter_by_cosines, get_corruption, load_fashion_mnist
from gsmooth_core.transformations import cosine_spectrum, enclosures

ENCLOSED = ["defocus", "motionblur", "pixelate", "rotation", "rotationalblur", "scaling", "zoomblur"]


def images_for(count, generator):
    """A third each of real images, noise in [0, 1], and noise that leaves it, float64."""
    third = count // 3
    real = load_fashion_mnist("test")[0][: count - 2 * third].double()
    noise = torch.rand(third, 1, 28, 28, generator=generator, dtype=torch.float64)
    wild = torch.randn(third, 1, 28, 28, generator=generator, dtype=torch.float64)
    return torch.cat([real, noise, wild])


def boxes_for(recipe, count, generator):
    """Boxes from the whole default range down to a hundred-thousandth of it."""
    region = recipe.region(None, (1, 28, 28))
    whole = region.upper[0] - region.lower[0]
    width = whole * 10 ** (-5 * torch.rand(count, 1, generator=generator, dtype=torch.float64))
    lower = region.lower[0] + torch.rand(count, 1, generator=generator, dtype=torch.float64) * (whole - width)
    return lower, lower + width


def outside(name, count, points):
    """By how much scanned images leave their enclosures at the most."""
    generator = torch.Generator().manual_seed(12)
    recipe = get_corruption(name)
    images, (lower, upper) = images_for(count, generator), boxes_for(recipe, count, generator)
    low, high = recipe.transformation.enclose(images, lower, upper)
    worst = -1.0
    for share in torch.linspace(0, 1, points, dtype=torch.float64).tolist():
        applied = recipe.transformation.apply(images, lower + share * (upper - lower))
        worst = max(worst, float((low - applied).max()), float((applied - high).max()))
    return worst


@pytest.mark.parametrize("name", ENCLOSED)
def test_enclosures_contain_scans(name):
    assert outside(name, count=60, points=31) < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCLOSED)
def test_enclosures_of_500_boxes_contain_scans_of_1001_points(name):
    assert outside(name, count=500, points=1_001) < 1e-9


@pytest.mark.parametrize("name", ENCLOSED)
@pytest.mark.parametrize("share", [0.01, 0.001])
def test_enclosures_are_at_most_four_times_the_true_radius(name, share):
    recipe, images = get_corruption(name), load_fashion_mnist("test")[0][:60].double()
    region, generator = recipe.region(None, (1, 28, 28)), torch.Generator().manual_seed(3)
    whole = region.upper[0] - region.lower[0]
    start = {"defocus": 0.5, "motionblur": 2**0.5}.get(name, region.lower[0])  # below it the images do not change
    lower = start + torch.rand(60, 1, generator=generator, dtype=torch.float64) * (
        region.upper[0] - start - share * whole
    )
    upper = lower + share * whole
    low, high = recipe.transformation.enclose(images, lower, upper)
    centre = recipe.transformation.apply(images, (lower + upper) / 2)
    bound = torch.maximum(high - centre, centre - low).flatten(1).norm(dim=1)
    scan = [recipe.transformation.apply(images, lower + part * (upper - lower)) for part in torch.linspace(0, 1, 21)]
    true = torch.stack([(applied - centre).flatten(1).norm(dim=1) for applied in scan]).amax(dim=0)
    assert bool((bound >= true - 1e-9).all())
    assert float((bound / true).max()) < 4


def test_a_slope_that_forgets_a_cell_is_caught(monkeypatch):
    """The place's two ends lie in different cells; looking at the first alone is not enough."""
    whole = enclosures._warp_slope
    monkeypatch.setattr(
        enclosures, "_warp_slope", lambda images, place, motion: whole(images, (place[0], place[0]), motion)
    )
    assert outside("rotation", count=60, points=31) > 1e-6
    assert outside("scaling", count=60, points=31) > 1e-6


def test_a_turn_the_wrong_way_is_caught(monkeypatch):
    right = enclosures.bound_rotation_slope
    plugin = type(get_corruption("rotation").transformation).enclose.__globals__
    monkeypatch.setitem(plugin, "bound_rotation_slope", lambda images, lower, upper: right(images, -upper, -lower))
    assert outside("rotation", count=60, points=31) > 1e-6


def test_halved_slopes_are_caught(monkeypatch):
    right = enclosures.bound_scaling_slope
    plugin = type(get_corruption("zoomblur").transformation).enclose.__globals__

    def halved(images, lower, upper):
        low, high = right(images, lower, upper)
        return low / 2, high / 2

    monkeypatch.setitem(plugin, "bound_scaling_slope", halved)
    assert outside("zoomblur", count=60, points=31) > 1e-6


def test_colour_images_of_any_shape_are_enclosed():
    generator = torch.Generator().manual_seed(5)
    for name in ENCLOSED:
        recipe = get_corruption(name)
        for size in ((9, 14), (1, 9), (9, 1), (2, 2), (1, 1), (1, 2)):
            images = torch.rand(12, 3, *size, generator=generator, dtype=torch.float64)
            lower, upper = boxes_for(recipe, 12, generator)
            low, high = recipe.transformation.enclose(images, lower, upper)
            for share in torch.linspace(0, 1, 21, dtype=torch.float64).tolist():
                applied = recipe.transformation.apply(images, lower + share * (upper - lower))
                assert bool(((low <= applied + 1e-9) & (applied <= high + 1e-9)).all()), (name, size)


@pytest.mark.parametrize("size", [(300, 257), (384, 1), (2, 511)])
def test_long_axes_are_filtered_as_by_matrices(size, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    images, gain = (torch.rand(shape, generator=generator).double() for shape in ((2, 3, *size), (2, *size)))
    fast = filter_by_cosines(images, gain)
    monkeypatch.setattr(cosine_spectrum, "MATRICES_UP_TO", 1_000)
    slow = filter_by_cosines(images, gain)
    bound = 2**-46 * sum(length**1.5 for length in size)
    assert float((fast - slow).norm() / images.norm()) < 2 * bound
    assert not torch.equal(fast, slow)
    expanded = images[:1].expand(2, -1, -1, -1)
    assert torch.allclose(filter_by_cosines(expanded, gain)[1], filter_by_cosines(images[:1], gain[1:])[0], atol=1e-12)


@pytest.mark.parametrize("size", [(1, 7), (6, 5), (2, 2)])
def test_fast_filters_are_right_at_small_sizes_and_have_gradients(size, monkeypatch):
    images, gain = torch.rand(2, 1, *size).double(), torch.rand(2, *size).double()
    slow = filter_by_cosines(images, gain)
    monkeypatch.setattr(cosine_spectrum, "MATRICES_UP_TO", 0)
    assert torch.allclose(filter_by_cosines(images, gain), slow, atol=1e-13)
    assert torch.autograd.gradcheck(filter_by_cosines, (images.requires_grad_(), gain.requires_grad_()))


@pytest.mark.parametrize("bound", [enclosures.bound_rotation_slope, enclosures.bound_scaling_slope])
def test_slopes_of_large_batches_are_those_of_small_ones(bound, monkeypatch):
    images = torch.rand(2, 3, 20, 24)
    lower = torch.tensor([[1.0], [2.0]])
    expected = bound(images, lower, lower + 0.01)
    monkeypatch.setattr(enclosures, "AT_ONCE", 1)
    assert all(map(torch.equal, bound(images, lower, lower + 0.01), expected))
