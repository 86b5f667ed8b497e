"""What strangers write against the public contracts alone: a theorem about a network, and a map of two parameters."""

import math

import attrs
import pytest
import torch
from torch import nn

import gsmooth_core
from gsmooth_core import (
    AdditiveTransformation,
    Certifier,
    Channels,
    Corruption,
    Finding,
    Gaussian,
    Guarantee,
    NoSmoothing,
    ParameterNoise,
    ParameterSpace,
    Problem,
    Region,
    Report,
    ResolvableCertifier,
    ask_plain,
    attack,
    certify,
    smooth,
    verify,
)
from gsmooth_core.testing import laws_of

SLACK = 1e-3
"""More than float32 rounds a logit of these small layers by."""


@attrs.frozen
class Lamp(AdditiveTransformation):
    """``x + b``."""

    space = ParameterSpace(lower=-9, upper=9, identity=0, names="light", units="intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def transform(self, images, parameters):
        return images + parameters.view(-1, 1, 1, 1)


@attrs.frozen
class LinearCertifier(Certifier):
    """Theorem. The lead of a class of a linear layer is linear in b, so it is least at an end of the region."""

    name = "linear"
    tries = "layers"

    def guarantee(self, problem):
        return Guarantee.EXACT

    def basis(self, problem):
        return "the weights of its one linear layer"

    def check(self, problem):
        if not isinstance(problem.transformation, Lamp) or not isinstance(problem.smoothing, NoSmoothing):
            raise ValueError("the linear certifier is for Lamp without noise; pass smoothing=NoSmoothing()")
        layers = list(problem.model) if isinstance(problem.model, nn.Sequential) else []
        if [type(layer) for layer in layers] != [nn.Flatten, nn.Linear]:
            raise ValueError("the linear certifier reads Sequential(Flatten(), Linear(…)); pass such a model")

    def steps(self, task):
        [class_] = (yield from ask_plain(task.image[None])).tolist()
        layer = task.problem.model[1]
        weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
        logits, slope = weight @ task.image.flatten().double() + bias, weight.sum(dim=1)
        others = torch.arange(len(bias), device=bias.device) != class_

        def holds(region):
            ends = torch.tensor([[region.lower[0]], [region.upper[0]]], dtype=torch.float64, device=bias.device)
            leads = (logits[class_] - logits + ends * (slope[class_] - slope))[:, others]
            return bool((leads > SLACK).all())

        if holds(task.region):
            return Finding(class_, task.region, Guarantee.EXACT, tried=1)
        return Finding(class_, task.largest_region(holds), Guarantee.EXACT, tried=1, reason="the lead may end")


LAMP = Corruption("lamp", Lamp(), NoSmoothing(), LinearCertifier(), radius={(1, 6, 6): 0.5})


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 3))


@pytest.fixture
def images():
    return torch.rand(12, 1, 6, 6, generator=torch.Generator().manual_seed(1))


def test_a_theorem_that_reads_the_layers_certifies_exactly(linear, images, tmp_path):
    labels = linear(images).argmax(dim=1)
    report = certify(linear, LAMP, images, labels, maximize=True, out=tmp_path / "lamp.json")
    assert report.guarantee is Guarantee.EXACT
    assert (report.run.theorem, report.run.tries) == ("linear", "layers")
    assert {one.tried for one in report.certificates} == {1}
    assert 0 < report.certified.value < 1  # some hold on the whole region, some on a part of it
    assert ("layers tried per image (median, most)", "1, 1") in report.rows()
    assert all("by the weights of its one linear layer" in one.claim for one in report.certificates)
    attacked = attack(linear, LAMP, images, labels)
    assert attacked.accuracy.value == report.certified_accuracy().value  # exact: neither more nor less than the truth
    assert verify(report, linear, images, corruption=LAMP).holds
    assert Report.load(tmp_path / "lamp.json") == report


def test_it_refuses_another_network_before_the_work(images, tmp_path):
    deep = nn.Sequential(nn.Flatten(), nn.Linear(36, 9), nn.ReLU(), nn.Linear(9, 3))
    with pytest.raises(ValueError, match=r"reads Sequential\(Flatten\(\), Linear\(…\)\)"):
        certify(deep, LAMP, images, out=tmp_path / "lamp.json")
    assert not (tmp_path / "lamp.json").exists()


def test_nothing_is_promised_about_a_model_that_nobody_chose():
    assert LAMP.certifier.guarantee(LAMP.outline()) is Guarantee.EXACT
    assert LAMP.outline() == Problem(Lamp(), NoSmoothing(), Region(0, 0))


@attrs.frozen
class Slope(AdditiveTransformation):
    """``x + a + b·column``: light that grows to the right, column from −1 to 1."""

    space = ParameterSpace((-math.inf,) * 2, (math.inf,) * 2, (0, 0), ("light", "slope"), ("intensity", "intensity"))

    def region(self, radius):
        return Region((-radius, -radius), (radius, radius), norm="l2")

    def transform(self, images, parameters):
        level, slope = parameters.view(-1, 2, 1, 1, 1).unbind(dim=1)
        column = torch.linspace(-1, 1, images.shape[-1], dtype=images.dtype, device=images.device)
        return images + level + slope * column


SLOPE = Corruption(
    "slope",
    Slope(),
    ParameterNoise((Gaussian(std=0.5), Gaussian(std=0.3))),
    ResolvableCertifier(),
    radius={(1, 28, 28): 0.2},
    channels=Channels.GREY,
)


@pytest.mark.parametrize("law", [law for law in laws_of(SLOPE) if "attack" not in law.name], ids=lambda law: law.name)
def test_a_map_of_two_parameters_keeps_the_laws(law):
    law(SLOPE)


def test_it_is_certified_smoothed_and_attacked(example_model, test_images):
    report = certify(example_model, SLOPE, test_images[:4], maximize=True, progress=False)
    assert report.run.units == ("intensity", "intensity")
    assert any(one.radius for one in report.certificates)
    assert "light from" in report.certificates[0].claim or "abstains" in report.certificates[0].claim
    assert verify(report, example_model, test_images[:4], corruption=SLOPE).holds
    votes = smooth(example_model, SLOPE)(test_images[:2], samples=50)
    assert torch.equal(votes.sum(dim=1), torch.ones(2))


def test_the_recipe_says_which_images_it_takes(example_model):
    with pytest.raises(ValueError, match="'slope' is for grey images, not for images of 3 channels; convert them"):
        certify(example_model, SLOPE, torch.rand(1, 3, 28, 28), radius=0.1)


def test_noise_alone_may_be_named(example_model, test_images):
    report = certify(example_model, SLOPE, test_images[:1], smoothing=ParameterNoise(Gaussian(std=0.1)), progress=False)
    assert report.run.smoothing == str(gsmooth_core.ParameterSmoothing(Slope(), Gaussian(std=0.1)))
