"""Certificates attacked on the real corruptions, and wrong bounds that the same attack must expose.

``benchmarks/falsify.py`` attacks up to 50 images a corruption; here are a few of each.
"""

import math

import attrs
import pytest
import torch

from benchmarks import falsify
from gsmooth_core import (
    AttackBudget,
    Budget,
    Corruption,
    Gaussian,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSmoothing,
    Region,
    ScaledTransformation,
    certification,
    certify,
    get_corruption,
    list_corruptions,
    verify,
)
from gsmooth_core.plugins.registry import corruptions_of

IMAGE = torch.tensor([0.0, 1.0, 0.8, 0.6]).view(1, 1, 2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", [info.name for info in list_corruptions()])
def test_no_certified_image_is_broken(monkeypatch, name):
    monkeypatch.setattr(falsify, "BUDGET", Budget())  # the script draws fixed numbers; here they are sequential
    for recipe in corruptions_of(name):
        figures = falsify.measure(recipe, limit=8, most=3)
        print(recipe.name, figures)
        assert figures["certified"] >= 1
        assert figures["breaks"] == []


def breaks_of(model, recipe, region, budget=Budget()):
    """``None`` if the image is not certified or holds; else the parameter at which the attack breaks it."""
    try:
        report = certify(model, recipe, IMAGE, radius=region, budget=budget)
    except ValueError as error:
        if "no image could be certified" not in str(error):
            raise
        return None
    if not report.certificates[0].certified:
        return None
    found = verify(report, model, IMAGE, corruption=recipe, budget=AttackBudget(calls=4_000, confirm=20_000))
    return found.broken[0].parameter if found.broken else None


@pytest.mark.parametrize("inflate", [1.0, 1.3])
def test_a_radius_inflated_by_1_3_is_broken(monkeypatch, inflate):
    """Brightness against a threshold on the mean, whose distance is 0.8 noise widths: the bound is exact there."""
    recipe = get_corruption("brightness")
    [noise] = recipe.smoothing.laws
    model = lambda images: torch.stack([0.6 + 0.8 * noise.std - images.mean((1, 2, 3)), torch.zeros(len(images))], 1)  # noqa: E731
    shift = Gaussian.shift
    monkeypatch.setattr(Gaussian, "shift", lambda law, first, second: inflate * shift(law, first, second))
    budget = Budget(samples=100_000)
    held = breaks_of(model, recipe, recipe.transformation.region(0.75 * noise.std), budget)
    assert held is None
    beyond = breaks_of(model, recipe, recipe.transformation.region(0.98 * noise.std), budget)
    assert (beyond is not None) is (inflate > 1)


@attrs.frozen
class Mistaken(ScaledTransformation):
    """Brightness and contrast, whose composition has a wrong sign."""

    right: ScaledTransformation
    space = get_corruption("brightnesscontrast").transformation.space

    def region(self, radius):
        return self.right.region(radius)

    def apply(self, images, parameters):
        return self.right.apply(images, parameters)

    def scale(self, parameters):
        return self.right.scale(-parameters)


@pytest.mark.parametrize("wrong", [False, True])
def test_a_wrong_sign_in_a_composition_is_broken(monkeypatch, wrong):
    """Less contrast widens the noise on brightness; a classifier that wants little of it tells the two apart."""
    recipe = get_corruption("brightnesscontrast")

    def model(images):
        gain = (images[:, 0, 0, 1] - images[:, 0, 0, 0]).clamp_min(1e-6)
        brightness = images[:, 0, 0, 0] / gain
        return torch.stack([2.6 * 1.2 - brightness.abs(), torch.zeros(len(images))], dim=1)

    region = Region((-1.8, -0.01), (0.0, 0.01))
    transformation = Mistaken(recipe.transformation) if wrong else recipe.transformation
    smoothing = ParameterSmoothing(transformation, (Gaussian(4.0), Gaussian(1.2)))
    recipe = attrs.evolve(recipe, transformation=transformation, smoothing=smoothing)
    if wrong:
        with pytest.raises(ValueError, match="compose"):
            certify(model, recipe, IMAGE, radius=region)
        monkeypatch.setattr(certification, "check_transformation", lambda *given: None)
    found = breaks_of(model, recipe, region)
    assert (found is not None) is wrong


@pytest.mark.parametrize("halved", [False, True])
def test_a_halved_enclosure_is_broken(monkeypatch, drift, halved):
    """A path so long that one ball in its middle cannot hold it, except by a mistake."""

    class Halved(drift):
        def enclose(self, images, lower, upper):
            centre = self.apply(images, (lower + upper) / 2)
            low, high = super().enclose(images, lower, upper)
            return (low + centre) / 2, (high + centre) / 2

    direction = torch.zeros(1, 1, 2, 2)
    direction[0, 0, 0, 0] = 1.0
    transformation = (Halved if halved else drift)(direction, lower=0.0)
    smoothing = LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.5)
    recipe = Corruption("path", transformation, smoothing, LatentCertifier())
    model = lambda images: torch.stack([3.6 - images[:, 0, 0, 0], torch.zeros(len(images))], dim=1)  # noqa: E731
    region = Region(0, 4)
    if halved:
        with pytest.raises(ValueError, match="leaves its own enclosure"):
            certify(model, recipe, IMAGE, radius=region)
        monkeypatch.setattr(certification, "check_transformation", lambda *given: None)
    found = breaks_of(model, recipe, region, Budget(cells=1))
    assert (found is not None) is halved
    assert not halved or math.isclose(found[0], 4.0, abs_tol=0.4)
