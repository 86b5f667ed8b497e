"""The largest part of a region that can be proved, whatever the region asked for."""

import io
import math

import attrs
import numpy as np
import pytest
import torch
from rich.console import Console

from gsmooth_core import (
    Budget,
    Gaussian,
    ParameterSmoothing,
    Region,
    certify,
    get_corruption,
    render_page,
)
from gsmooth_core.plugins.registry import corruptions_of

QUICK = Budget(select=50, samples=800, cells=256, anchors=8)
IMAGES = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.2 + 0.6
NAMES = [
    *("brightness", "brightnesscontrast", "contrast", "defocus", "gaussianblur", "motionblur", "pixelate"),
    *("rotation", "rotationalblur", "scaling", "translation", "zoomblur"),
]


def bright(images):
    """Class 0 where the mean is above 0.3."""
    excess = images.mean((1, 2, 3)) - 0.3
    return torch.stack([excess, -excess], dim=1)


def proved(name, region, model=bright, **settings):
    """The report on a region, and the first image's certificate."""
    report = certify(model, name, IMAGES, [0, 0], radius=region, maximize=True, budget=QUICK, **settings)
    return report, report.certificates[0]


def float32(value):
    return float(np.float32(value))


def test_what_is_proved_on_one_side_is_what_is_proved_on_both():
    _, both = proved("brightness", 2.0)
    assert both.radius == both.region.upper[0] > 0.2
    for lower in (0.0, -0.1):
        report, one = proved("brightness", Region(lower, 2))
        assert one.region == Region(lower, both.radius)
        assert one.radius == -lower
        assert not one.certified
        assert f"from {lower:g} to" in one.claim
        assert "-0 " not in one.claim
        assert one.claim in render_page(report)
        assert any("certified radius" in name for name, _ in report.rows()) == (lower < 0)
    assert report.run.radius == 0.1
    assert [radius for radius, _ in report.curve()] == [0, 0.1]


def test_a_region_beyond_all_radii_is_cut_too():
    """The regions of contrast end at a gain of 2, log gain 0.69, but more than that is proved."""
    smoothing = ParameterSmoothing(get_corruption("contrast").transformation, Gaussian(0.6))
    white = lambda images: bright(images + 0.3)  # noqa: E731
    _, both = proved("contrast", Region(-5, 5), model=white, smoothing=smoothing)
    [end] = both.region.upper
    assert end > math.log(2)
    assert both.region == Region(-end, end)
    for region, expected in ((Region(0, 5), Region(0, end)), (Region(-5, 0.1), Region(-end, 0.1))):
        _, one = proved("contrast", region, model=white, smoothing=smoothing)
        assert one.region == expected


@pytest.mark.parametrize("name", ["rotation", "brightnesscontrast", "translation", "translation:black", "defocus"])
def test_parts_lie_inside_and_hold_the_identity(name):
    recipe = get_corruption(name)
    whole = recipe.region(None, (1, 28, 28))
    for share in (0.3, 1.0):
        asked = Region([share * low for low in whole.lower], whole.upper)
        _, one = proved(recipe, asked)
        assert one.region is not None
        assert one.region.inside(asked)
        assert one.region.contains(torch.tensor([recipe.transformation.space.identity])).all()
        if asked == whole:
            assert one.certified or one.region == recipe.transformation.region(one.radius)
        else:
            ends = zip(one.region.lower + one.region.upper, asked.lower + asked.upper, strict=True)
            assert all(end in (float32(end), original) for end, original in ends)


def test_a_cut_box_is_proved_by_enumeration_up_to_the_first_failure():
    """A point moved by at least 2 to the right or at least 1 down changes the answer."""

    def corner(images):
        moved = images[:, 0, 3:].amax((1, 2)) + images[:, 0, :, 4:].amax((1, 2))
        return torch.stack([0.5 - moved, moved - 0.5], dim=1)

    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 2, 2] = 1.0
    for region, expected in (
        (Region((0, 0), (4, 0)), 2.0),
        (Region((0, 0), (4, 4)), 1.0),
        (Region((-1, 0), (4, 0)), 2.0),
    ):
        report = certify(corner, "translation:black", image, radius=region, maximize=True)
        [one] = report.certificates
        assert one.region.lower == region.lower
        assert one.region.upper[0] == expected - 1  # the last whole step before it


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("radius", [1e300, 1e30, 1e10, 1e7])
def test_a_huge_radius_is_refused_by_a_sentence_or_answered_honestly(name, radius):
    for recipe in corruptions_of(name):
        if name in ("brightness", "gaussianblur") and radius < 1e20:
            report = certify(bright, recipe, IMAGES, [0, 0], radius=radius, maximize=True, budget=QUICK)
            assert report.run.radius == radius
            assert all(0 < one.radius < 100 for one in report.certificates)
            shown(report)
        else:
            with pytest.raises(ValueError, match=r"choose (a smaller radius|a region inside|one below 1)"):
                certify(pytest.fail, recipe, IMAGES, [0, 0], radius=radius)


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_radius_is_answered_honestly(name):
    for recipe in corruptions_of(name):
        for maximize in (False, True):
            report = certify(bright, recipe, IMAGES, [0, 0], radius=5e-324, maximize=maximize, budget=QUICK)
            assert report.run.radius == 5e-324
            assert all(one.certified or one.region is None for one in report.certificates)
            shown(report)


def shown(report):
    """Nothing fails that shows it."""
    report.summary(Console(file=io.StringIO()))
    report.curve()


def test_regions_never_hold_minus_zero():
    region = Region(-0.0, (0.0))
    assert math.copysign(1, region.lower[0]) == 1
    assert "-0" not in repr(Region((-0.0, -1), (0.0, -0.0)))


def test_too_many_outputs_are_refused():
    fine = attrs.evolve(get_corruption("zoomblur:discrete").transformation, step=1e-9)
    with pytest.raises(ValueError, match="has 500,000,000 levels in this region.*choose a smaller radius"):
        fine.representatives(Region(0, 0.5), 28, 28)
