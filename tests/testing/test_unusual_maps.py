"""The kit, the spot checks and the certifiers with maps that need [0, 1], take whole steps, or change every image."""

import attrs
import pytest
import torch

from gsmooth_core import (
    Box,
    Budget,
    Corruption,
    EnclosedTransformation,
    EnumerationCertifier,
    Gaussian,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    NoSmoothing,
    ParameterNoise,
    ParameterSpace,
    ResolvableCertifier,
    StepTransformation,
    certify,
)
from gsmooth_core.testing import laws_of
from gsmooth_core.transformations.base import AdditiveTransformation

SHAPES = {(1, 28, 28): 0.5, (3, 32, 32): 0.5}
IMAGES = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@attrs.frozen
class Gamma(EnclosedTransformation):
    """``x^(1 + g)``, which has a value for images in [0, 1] alone."""

    space = ParameterSpace(lower=0, upper=4, identity=0, names="exponent − 1", units="1")

    def region(self, radius):
        return Box(0, radius)

    def transform(self, images, parameters):
        return images ** (1 + parameters.view(-1, 1, 1, 1))

    def enclose(self, images, lower, upper):
        """The power falls as the exponent grows, on [0, 1]."""
        return self.apply(images, upper), self.apply(images, lower)


@attrs.frozen
class Posterize(StepTransformation):
    """Images of 8 − n bits. Even 8 bits change an image of floats, so there is no identity."""

    space = ParameterSpace(0, 6, 0, "bits removed", "bits", integer=True, unchanged_at_identity=False)

    def region(self, radius):
        return Box(0, radius)

    def level(self, parameters, height, width):
        return parameters.double().view(-1).floor().long()

    def transform(self, images, parameters):
        if not bool((parameters == parameters.round()).all()):
            raise ValueError("bits are whole numbers; round them")
        levels = 2 ** (8 - parameters.view(-1, 1, 1, 1)) - 1
        return (images * levels).round() / levels


GAMMA = Corruption(
    "gamma", Gamma(), LatentSmoothing(IdentitySurrogate(), parameter_std=0.0, latent_std=0.3), LatentCertifier(), SHAPES
)
POSTERIZE = Corruption("posterize", Posterize(), NoSmoothing(), EnumerationCertifier(), {(1, 28, 28): 3.5})


@pytest.mark.parametrize("law", laws_of(GAMMA), ids=lambda law: law.name)
def test_a_power_keeps_every_law(law):
    if law.name == "has_a_right_gradient":
        pytest.skip("the derivative of a power at black is not finite in the parameter")
    law(GAMMA)


@pytest.mark.parametrize("law", laws_of(POSTERIZE), ids=lambda law: law.name)
def test_whole_steps_without_an_identity_keep_every_law(law):
    law(POSTERIZE)


def test_the_law_of_the_identity_does_not_concern_a_map_without_one():
    assert "gives_back_the_image_at_the_identity" in {law.name for law in laws_of(GAMMA)}
    assert "gives_back_the_image_at_the_identity" not in {law.name for law in laws_of(POSTERIZE)}


def test_a_map_that_hides_that_it_has_no_identity_is_refused():
    @attrs.frozen
    class Hiding(Posterize):
        space = attrs.evolve(Posterize.space, unchanged_at_identity=True)

    with pytest.raises(ValueError, match="changes the image at its identity"):
        certify(parity, attrs.evolve(POSTERIZE, transformation=Hiding()), IMAGES, progress=False)


def parity(images):
    """Class 1 if every value is a multiple of 1/255: a classifier that tells the mildest output from the image."""
    exact = ((images * 255) - (images * 255).round()).abs().amax(dim=(1, 2, 3)) < 1e-3
    return torch.stack([1 - exact.float(), exact.float()], dim=1)


def test_the_mildest_output_is_tried_too_where_it_is_not_the_image():
    report = certify(parity, POSTERIZE, IMAGES, radius=0, maximize=True, progress=False)
    for one in report.certificates:
        assert not one.certified
        assert one.predicted == 0
        assert one.region is None
        assert one.witness == (0.0,)
        assert "Refuted" in one.claim


def test_an_exact_certificate_is_about_the_outputs():
    report = certify(lambda images: -parity(images) * 0 + torch.tensor([1.0, 0.0]), POSTERIZE, IMAGES, progress=False)
    assert all(one.certified and one.tried == 4 for one in report.certificates)


def test_a_latent_certificate_needs_the_mildest_output_in_a_ball():
    @attrs.frozen
    class Dimmed(EnclosedTransformation):
        """``(0.5 − d) x``: half as bright at least, so no output lies near the image."""

        space = ParameterSpace(0, 0.2, 0, "dimming", "1", unchanged_at_identity=False)

        def region(self, radius):
            return Box(0, radius)

        def transform(self, images, parameters):
            return (0.5 - parameters.view(-1, 1, 1, 1)) * images

        def enclose(self, images, lower, upper):
            return self.apply(images, upper), self.apply(images, lower)

    def bright(images):
        excess = images.mean(dim=(1, 2, 3)) - 0.35
        return torch.stack([excess, -excess], dim=1)

    recipe = Corruption("dimmed", Dimmed(), GAMMA.smoothing, LatentCertifier(), {(1, 28, 28): 0.01})
    budget = Budget(samples=400, cells=16, anchors=8)
    for maximize in (False, True):
        report = certify(bright, recipe, IMAGES, budget=budget, maximize=maximize, progress=False)
        assert all(one.predicted == 0 and one.region is None for one in report.certificates)
    held = certify(lambda images: bright(0 * images + 1), recipe, IMAGES, budget=budget, progress=False)
    assert all(one.certified for one in held.certificates)


def test_theorem_1_refuses_a_map_without_an_identity():
    @attrs.frozen
    class Faded(AdditiveTransformation):
        space = ParameterSpace(-9, 9, 0, "brightness", "intensity", unchanged_at_identity=False)

        def region(self, radius):
            return Box(-radius, radius)

        def transform(self, images, parameters):
            return images.round() + parameters.view(-1, 1, 1, 1)

    recipe = Corruption("faded", Faded(), ParameterNoise(Gaussian(0.5)), ResolvableCertifier(), SHAPES)
    with pytest.raises(ValueError, match="needs a parameter at which Faded changes nothing"):
        certify(parity, recipe, IMAGES, progress=False)


def test_parts_of_whole_steps_have_whole_ends():
    def few_levels(images):
        counts = torch.tensor([len(image.unique()) for image in images]).double()
        return torch.stack([counts - 40, 40 - counts], dim=1)

    report = certify(few_levels, POSTERIZE, IMAGES, radius=3.5, maximize=True, progress=False)
    [first, _] = report.certificates
    assert first.region == Box(0, 2)
    assert first.radius == 2
    assert "whole bits removed from 0 to 2 bits" in first.claim
