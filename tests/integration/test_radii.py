"""The default radius of every kind of image, numbers of any library as a radius, and spaces with ends."""

import math

import attrs
import numpy as np
import pytest
import torch

from gsmooth_core import (
    Box,
    Corruption,
    Exponential,
    Gaussian,
    ParameterNoise,
    ParameterSpace,
    ResolvableCertifier,
    get_corruption,
    list_corruptions,
)
from gsmooth_core.plugins.registry import corruptions_of
from gsmooth_core.transformations.base import AdditiveTransformation

OWN = [
    recipe
    for info in list_corruptions()
    if info.distribution == f"gsmooth-plugin-{info.name}"
    for recipe in corruptions_of(info.name)
    if (3, 32, 32) in recipe.radius and (1, 28, 28) in recipe.radius
]
USUAL = [(1, 28, 28), (3, 32, 32), (3, 224, 224)]
OTHERS = [(3, 28, 28), (1, 32, 32), (3, 96, 96), (1, 224, 224), (4, 64, 80), (3, 16, 16), (3, 500, 375)]


@pytest.mark.parametrize("recipe", OWN, ids=lambda recipe: recipe.name)
def test_usual_sizes_have_a_radius_of_their_own(recipe):
    for shape in USUAL:
        assert recipe.region(None, shape) == recipe.transformation.region(recipe.radius[shape])


@pytest.mark.parametrize("recipe", OWN, ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("shape", OTHERS)
def test_other_sizes_take_a_radius_and_say_so_where_it_depends_on_the_size(recipe, shape):
    in_pixels = any("px" in unit for unit in recipe.transformation.space.units)
    assert in_pixels is not recipe.any_size
    varies = len({radius for kind, radius in recipe.radius.items() if (kind[0] == 1) == (shape[0] == 1)}) > 1
    if not in_pixels and not varies:
        assert recipe.default_radius(shape) in recipe.radius.values()
        return
    with pytest.warns(UserWarning, match="has no radius of its own .*; pass radius= for another"):
        assert recipe.default_radius(shape) in recipe.radius.values()


@pytest.mark.filterwarnings("ignore:'brightness' has no radius of its own")
def test_the_nearest_smaller_kind_counts_and_grey_is_apart_from_colour():
    radii = {(1, 28, 28): 1.0, (3, 32, 32): 2.0, (3, 224, 224): 3.0}
    recipe = attrs.evolve(get_corruption("brightness"), radius=radii)
    assert recipe.any_size
    expected = {(3, 16, 16): 2, (3, 96, 96): 2, (3, 256, 256): 3, (1, 500, 500): 1, (4, 32, 40): 2, (1, 8, 8): 1}
    assert {shape: recipe.default_radius(shape) for shape in expected} == expected


def test_a_recipe_for_grey_images_has_no_radius_for_colour():
    recipe = attrs.evolve(get_corruption("brightness"), radius={(1, 28, 28): 1.0}, any_size=False)
    assert attrs.evolve(recipe, any_size=True).default_radius((3, 28, 28)) == 1
    with pytest.raises(ValueError, match=r"no default radius .* \(3, 28, 28\) \(known: 1 for \(1, 28, 28\)\)"):
        recipe.region(None, (3, 28, 28))


@pytest.mark.parametrize(
    "radius", [3, np.float32(3), np.float64(3), np.int64(3), np.array(3.0), torch.tensor(3.0), torch.tensor(3)]
)
def test_numbers_of_every_library_are_radii(radius):
    assert get_corruption("defocus").region(radius, (1, 28, 28)) == Box(0, 3)


@pytest.mark.parametrize(
    "radius",
    [np.array([3.0]), torch.tensor([3.0, 4.0]), "3", True, np.True_, torch.tensor(True), np.float32("nan"), 3j],
)
def test_what_is_no_number_is_no_radius(radius):
    with pytest.raises(ValueError, match="radius must be"):
        get_corruption("defocus").region(radius, (1, 28, 28))


@attrs.frozen
class Tint(AdditiveTransformation):
    """x + b, where b has ends."""

    space: ParameterSpace

    def region(self, radius):
        return Box(max(-radius, self.space.lower[0]), radius)

    def transform(self, images, parameters):
        return images + parameters.view(-1, 1, 1, 1)


@pytest.mark.parametrize("noise", [Gaussian(1.0), Exponential(1.0)])
@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (-2, 2, "it ends at 2 intensity; use certifier='latent', or let the space go to infinity"),
        (-2, math.inf, "region that starts at 0$"),
    ],
)
def test_advice_for_spaces_with_ends_is_not_circular(noise, lower, upper, message):
    transformation = Tint(ParameterSpace(lower, upper, 0, "tint", "intensity"))
    recipe = Corruption("tint", transformation, ParameterNoise(noise), ResolvableCertifier())
    with pytest.raises(ValueError, match=message):
        recipe.certifier.check(recipe.problem(1.0, (1, 28, 28)))


def test_advice_for_a_space_with_a_lower_end_can_be_followed():
    transformation = Tint(ParameterSpace(-2, math.inf, 0, "tint", "intensity"))
    recipe = Corruption("tint", transformation, ParameterNoise(Exponential(1.0)), ResolvableCertifier())
    recipe.certifier.check(recipe.problem(Box(0, 1), (1, 28, 28)))


@pytest.mark.parametrize("recipe", OWN, ids=lambda recipe: recipe.name)
def test_every_map_makes_no_images_of_no_images(recipe):
    """A list that is cut off to nothing was an error of the reduction of an empty tensor."""
    none = torch.empty(0, 3, 8, 8)
    parameters = torch.empty(0, recipe.transformation.space.dimension)
    assert recipe.transformation.apply(none, parameters).shape == none.shape
