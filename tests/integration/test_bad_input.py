"""Each wrong input gets a sentence with the next step, before any sampling."""

import math

import attrs
import pytest
import torch
from helpers import QUICK, Strengthened
from kornia.color import rgb_to_grayscale
from mutants import LOOSE, REFUSING, Veil, latent
from torch.utils.data import TensorDataset

from gsmooth_core import (
    Budget,
    Corruption,
    Gaussian,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSmoothing,
    PluginError,
    Region,
    ResolvableCertifier,
    certify,
    get_corruption,
    smooth,
)

IMAGES = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def never(images):
    raise AssertionError("the model was called")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.mul(255).byte(), "divide by 255"),
        (IMAGES * 255, r"must lie in \[0, 1\]"),
        (IMAGES - 0.5, "undo any normalisation"),
        (torch.where(IMAGES > 0.9, math.nan, IMAGES), "NaN or infinity"),
        (IMAGES[0], r"images\[None\]"),
        (IMAGES[:0], "pass at least one"),
        (IMAGES.numpy(), "torch.from_numpy"),
    ],
)
def test_bad_images_are_refused_before_any_work(images, message):
    with pytest.raises(ValueError, match=message):
        certify(never, "gaussianblur", images)
    if isinstance(images, torch.Tensor) and "normalisation" not in message:  # deployed, it takes values near [0, 1]
        with pytest.raises(ValueError, match=message):
            smooth(never, "gaussianblur").predict(images)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "4 images but 2 labels"),
        ([0.5, 1, 2, 3], "whole numbers"),
        ("0123", "tensor or a list"),
        (torch.zeros(4, 10), "whole numbers"),
    ],
)
def test_bad_labels_are_refused_before_any_work(labels, message):
    with pytest.raises(ValueError, match=message):
        certify(never, "gaussianblur", IMAGES, labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"radius": -1.0}, "at least 0"),
        ({"radius": math.nan}, "must be finite"),
        ({"radius": "5"}, "number or a Region"),
        ({"radius": True}, "number or a Region"),
        ({"seed": -1}, "at least 0"),
        ({"seed": 0.5}, "at least 0"),
        ({"budget": None}, "budget must be a Budget"),
        ({"smoothing": "gaussian"}, "smoothing must be a Smoothing"),
        ({"certifier": LatentCertifier}, "certifier must be a Certifier or a name"),
        ({"radius": Region(1, 2)}, "does not hold the identity"),
        ({"radius": Region((0, 0), (1, 1))}, "one interval per parameter"),
        ({"indices": [7]}, "places from 0 to 3"),
        ({"indices": [1, 1]}, "distinct"),
        ({"indices": []}, "at least one"),
        ({"indices": [1.5]}, "whole numbers"),
        ({"indices": 3}, "whole numbers"),
        ({"limit": True}, "limit must be a whole number"),
        ({"maximize": "no"}, "maximize must be True or False"),
        ({"device": "cuda:99"}, "cannot be used"),
        ({"device": "meta"}, "holds no values"),
        ({"limit": 0}, "limit must be a whole number of at least 1"),
        ({"certifier": "latent"}, "certifier='resolvable'"),
        ({"certifier": "nonsense"}, "provides the certifier 'nonsense'"),
        ({"smoothing": LatentSmoothing(IdentitySurrogate(), 0, 1)}, "smoothing=ParameterNoise"),
        (
            {"smoothing": ParameterSmoothing(get_corruption("gaussianblur").transformation, Gaussian(1))},
            "OneSidedNoise",
        ),
        ({"dataset": TensorDataset(IMAGES, torch.zeros(4))}, "pass one of them"),
    ],
)
def test_bad_settings_are_refused_before_any_work(settings, message):
    with pytest.raises(ValueError, match=message):
        certify(never, "gaussianblur", IMAGES, **settings)


def test_defocus_beyond_its_space_is_refused():
    with pytest.raises(ValueError, match=r"leaves the parameter space \(radius 0..16 px\)"):
        certify(never, "defocus", IMAGES, radius=17.0)
    with pytest.raises(ValueError, match="certifier='latent'"):
        certify(never, "defocus", IMAGES, certifier=ResolvableCertifier())


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 2.0, math.nan, "0.1"])
def test_alpha_must_be_a_probability(alpha):
    with pytest.raises(ValueError, match="alpha must lie strictly between 0 and 1"):
        Budget(alpha=alpha)


@pytest.mark.parametrize("name", ["select", "samples", "anchors", "cells", "batch"])
def test_budgets_are_whole_numbers(name):
    for value in (0, -1, 1.5, True, "8"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number"):
            Budget(**{name: value})


def broken(images):
    raise RuntimeError("no such layer")


def random(images):
    return torch.rand(len(images), 10)


def batch_dependent(images):
    return (images - images.mean(dim=0)).flatten(1)[:, :10]


class Third(torch.nn.Module):
    """Its third class comes and goes."""

    calls = 0

    def forward(self, images):
        self.calls += 1
        return torch.tensor([5.0, 4.0] + [9.0 * (self.calls % 2)] + [0.0] * 7).expand(len(images), 10)


def faint(images):
    return 1e-4 * random(images)


def masked(images):
    """Depends on the batch, behind logits that are never chosen."""
    side = (images.mean(dim=(1, 2, 3)) - images.mean()).sign()[:, None]
    return torch.cat([side, -side, torch.full((len(images), 8), -1e9)], dim=1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (broken, r"batch of shape \(\d+, 1, 28, 28\) .*RuntimeError: no such layer"),
        (random, "varies from call to call"),
        (batch_dependent, "depends on the other images"),
        (faint, "varies from call to call"),
        (Third(), "varies from call to call"),
        (masked, "depends on the other images"),
        (lambda images: images.flatten(1)[:, :10] * math.nan, "NaN or infinite logits"),
        (lambda images: images.mean(dim=(1, 2, 3)), r"logits \(batch, classes\)"),
        (lambda images: images.flatten(1)[:, :1], "at least 2 classes"),
        (lambda images: images.flatten(1)[:1, :10], r"logits \(batch, classes\)"),
        (lambda images: [0], "returned list"),
        (lambda images: images.flatten(1)[:, :10] > 0.5, "float logits"),
        (None, "NoneType, which cannot be called"),
        (torch.nn.Flatten, r"make one, for example with Flatten\(\)"),
        (lambda images: images.flatten(1)[:, :2], r"labels \[2, 3\]"),
        (lambda images: images.flatten(1)[:, :10].sqrt(), "outside"),
    ],
)
def test_bad_models_are_refused_before_any_sampling(model, message, monkeypatch):
    monkeypatch.setattr("gsmooth_core.engine.engine.count_votes", never)
    with pytest.raises(ValueError, match=message) as caught:
        certify(model, "gaussianblur", IMAGES, [0, 1, 2, 3])
    if model is broken:
        assert isinstance(caught.value.__cause__, RuntimeError)


class Wrong(Strengthened):
    """Breaks the law that its subclass names."""


class Clipped(Wrong):
    def transform(self, images, parameters):
        return (images + parameters.view(-1, 1, 1, 1)).clamp(0, 1)


class ClippedGain(Wrong):
    def transform(self, images, parameters):
        return (images * parameters.view(-1, 1, 1, 1).exp()).clamp(0, 1)


class InPlace(Wrong):
    def transform(self, images, parameters):
        return images.add_(parameters.view(-1, 1, 1, 1))


class Moved(Wrong):
    def transform(self, images, parameters):
        return images + 0.1 + parameters.view(-1, 1, 1, 1)


class Shared(Wrong):
    def transform(self, images, parameters):
        return images + parameters[0]


class Halved(Wrong):
    def transform(self, images, parameters):
        return super().transform(images, parameters).float()


class ColourOnly(Wrong):
    def transform(self, images, parameters):
        return rgb_to_grayscale(images) + parameters.view(-1, 1, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (ColourOnly, r"ColourOnly\.transform failed on a .* batch of shape \(2, 1, 28, 28\).*give images of a kind"),
        (Clipped, "Clipped does not compose"),
        (ClippedGain, "ClippedGain does not compose"),
        (InPlace, "must leave the images that it is given untouched"),
        (Moved, "Moved changes the image at its identity"),
        (Shared, "Shared does not use each image's own parameters"),
        (Halved, "must keep the images' shape and type"),
    ],
)
def test_transformations_that_break_a_law_are_refused(wrong, message):
    transformation = wrong(1.0)
    recipe = Corruption("wrong", transformation, ParameterSmoothing(transformation, Gaussian(1)), ResolvableCertifier())
    with pytest.raises(ValueError, match=message):
        certify(never, recipe, IMAGES, radius=0.5)


@pytest.mark.parametrize("mutant", ["swapped", "centre alone", "too narrow"])
def test_enclosures_that_do_not_enclose_are_refused(mutant):
    defocus = get_corruption("defocus")

    class Loose(type(defocus.transformation)):
        def enclose(self, images, lower, upper):
            low, high = super().enclose(images, lower, upper)
            centre = self.apply(images, (lower + upper) / 2)
            narrow = (0.9 * centre + 0.1 * low, 0.9 * centre + 0.1 * high)
            return {"swapped": (high, low), "centre alone": (centre, centre), "too narrow": narrow}[mutant]

    with pytest.raises(ValueError, match="leaves its own enclosure"):
        certify(never, attrs.evolve(defocus, transformation=Loose()), IMAGES, radius=5.0)


@pytest.mark.parametrize("where", LOOSE)
def test_enclosures_that_are_wrong_here_and_there_are_refused(where):
    sizes = {"of one row": (1, 9), "of one column": (9, 1), "of 2 x 2 px": (2, 2)}
    images = torch.rand(1, 1, *sizes.get(where, (28, 28)), generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="leaves its own enclosure"):
        certify(never, LOOSE[where], images, radius=0.5)


class Half(Veil):
    def enclose(self, images, lower, upper):
        return super().enclose(images, lower, upper)[0], images[:1]


class Blind(Veil):
    def enclose(self, images, lower, upper):
        low, high = super().enclose(images, lower, upper)
        return low, high * math.nan


class Failing(Veil):
    def enclose(self, images, lower, upper):
        raise RuntimeError("no such layer")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Half, "does not enclose images by two of their shape and type"),
        (Blind, "leaves its own enclosure"),
        (Failing, r"Failing\.enclose failed on a .*RuntimeError: no such layer"),
    ],
)
def test_enclosures_that_are_none_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        certify(never, latent(wrong()), IMAGES, radius=0.5)


def test_corruptions_may_refuse_images_of_one_row():
    with pytest.raises(ValueError, match=r"Small\.transform failed .*give images of at least 2 x 2 px"):
        certify(never, REFUSING, IMAGES[..., :1, :], radius=0.5)


def test_regions_in_which_images_become_infinite_are_refused():
    with pytest.raises(ValueError, match=r"Contrast\.apply makes NaN or infinity .*; choose a smaller one"):
        certify(never, "contrast", IMAGES, radius=Region(-1e4, 1e4))


def test_bad_datasets_are_refused():
    class Pairs(torch.utils.data.Dataset):
        def __init__(self, *items):
            self.items = items

        def __len__(self):
            return len(self.items)

        def __getitem__(self, index):
            return self.items[index]

    for dataset, message in (
        (Pairs(), "there are no images"),
        (Pairs((IMAGES[0], 1, 2)), "a pair"),
        (Pairs((IMAGES[0], 1.7)), "whole numbers"),
        (iter([]), "map-style"),
        (Pairs(("picture", 1)), "as tensors"),
        (Pairs((IMAGES[0], 1), (IMAGES[0, :, :20], 1)), "differ in shape"),
    ):
        with pytest.raises(ValueError, match=message):
            certify(never, "gaussianblur", dataset=dataset)
    with pytest.raises(ValueError, match="images must be a tensor, not the dataset Pairs; pass it as dataset="):
        certify(never, "gaussianblur", Pairs((IMAGES[0], 1)))


def test_a_model_of_grey_images_is_told_how_to_read_them(example_model):
    with pytest.raises(ValueError, match=r"read them with one channel \(--grey, or channels=1\)"):
        certify(example_model, "brightness", torch.rand(2, 3, 28, 28), radius=0.1)


def test_a_corruption_is_a_name_or_a_recipe():
    for corruption in (Corruption, None, 3):
        with pytest.raises(ValueError, match="corruption must be a Corruption"):
            certify(never, corruption, IMAGES)


def test_an_unknown_corruption_is_answered_with_the_installed_ones():
    with pytest.raises(PluginError, match=r"'mist' \(installed: .*defocus, .*gaussianblur.*gsmooth new mist"):
        certify(never, "mist", IMAGES)
    with pytest.raises(PluginError, match="offers no 'defocus:square', but: defocus"):
        certify(never, "defocus:square", IMAGES)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_certify_on_cuda_moves_the_model_there_and_back(example_model):
    for name in ("gaussianblur", "defocus"):
        report = certify(example_model, name, limit=3, budget=QUICK, device="cuda")
        assert report.run.device == "cuda"
        assert report.certified_accuracy().value > 0
    assert next(example_model.parameters()).device.type == "cpu"
