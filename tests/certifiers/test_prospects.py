"""What no image could reach is said before any vote, with the least that could do, and nothing else is refused."""

import attrs
import pytest
import torch

from gsmooth_core import Budget, Gaussian, ParameterNoise, certify, get_corruption
from gsmooth_core.certifier import Task
from gsmooth_core.plugins.registry import recipe_of

IMAGES = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
TOLD = r"no image could be certified: 50 votes .* at least Budget\(samples=(\d+)\)"


def constant(images):
    """Class 0 for every image."""
    return torch.tensor([[1.0, 0.0]]).repeat(len(images), 1) + 0 * images.sum(dim=(1, 2, 3))[:, None]


def test_too_few_samples_are_refused_with_the_least_that_are_enough():
    budget = Budget(samples=50, alpha=1e-3)
    with pytest.raises(ValueError, match=TOLD) as refused:
        certify(constant, "gaussianblur", IMAGES, budget=budget, progress=False)
    least = int(str(refused.value).partition("samples=")[2].partition(")")[0])
    enough = attrs.evolve(budget, samples=least)
    report = certify(constant, "gaussianblur", IMAGES, budget=enough, progress=False)
    assert report.certificates[0].certified
    with pytest.raises(ValueError, match="no image could be certified"):
        certify(constant, "gaussianblur", IMAGES, budget=attrs.evolve(budget, samples=least - 1), progress=False)


def test_the_largest_radius_that_would_do_is_named_and_does():
    with pytest.raises(ValueError, match="a radius of at most") as refused:
        certify(constant, "brightness", IMAGES, radius=5.0, budget=Budget(samples=200), progress=False)
    radius = float(str(refused.value).partition("radius of at most ")[2].partition(" or ")[0])
    report = certify(constant, "brightness", IMAGES, radius=radius, budget=Budget(samples=200), progress=False)
    assert report.certificates[0].certified
    with pytest.raises(ValueError, match="no image"):
        certify(constant, "brightness", IMAGES, radius=1.01 * radius, budget=Budget(samples=200), progress=False)


def test_with_maximize_only_what_proves_no_part_is_refused():
    budget = Budget(samples=200)
    report = certify(constant, "brightness", IMAGES, radius=5.0, maximize=True, budget=budget, progress=False)
    assert 0 < report.certificates[0].radius < 5
    with pytest.raises(ValueError, match=r"no image .* at least Budget\(samples=31\)"):
        certify(constant, "brightness", IMAGES, maximize=True, budget=Budget(samples=9), progress=False)


@pytest.mark.parametrize("name", ["rotation", "defocus"])
def test_covers_need_a_majority_at_their_first_anchor(name):
    with pytest.raises(ValueError, match=r"take at least Budget\(samples=11\)"):
        certify(constant, name, IMAGES, radius=0.0, budget=Budget(samples=5), progress=False)
    report = certify(constant, name, IMAGES, radius=0.0, budget=Budget(samples=11), progress=False)
    assert report.certificates[0].certified


def test_too_little_noise_for_any_number_of_votes():
    recipe = recipe_of("brightness", smoothing=ParameterNoise(Gaussian(0.01), pixel_std=0.004))
    with pytest.raises(ValueError, match=r"needed; take a radius of at most [\d.e-]+ or more noise"):
        certify(constant, recipe, IMAGES, radius=1.0, progress=False)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 224, 224)])
@pytest.mark.parametrize("name", ["brightness", "brightnesscontrast", "contrast", "gaussianblur", "translation"])
def test_every_default_radius_can_be_certified_within_the_default_budget(name, shape):
    recipe = get_corruption(name)
    task = Task(torch.zeros(shape), recipe.problem(None, shape), Budget())
    assert recipe.certifier.prospects(task) == ""


def test_a_certifier_knows_of_no_reason_unless_it_says_so():
    recipe = get_corruption("zoomblur:discrete")
    assert recipe.certifier.prospects(Task(IMAGES[0], recipe.problem(0.1, (1, 28, 28)), Budget(samples=1))) == ""
