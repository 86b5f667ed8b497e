import json
import math

import attrs
import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from gsmooth_core import (
    AdditiveTransformation,
    Budget,
    Corruption,
    Exponential,
    Gaussian,
    Guarantee,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSmoothing,
    ParameterSpace,
    PluginError,
    Region,
    Report,
    ResolvableCertifier,
    certify,
    fashion_mnist,
    get_corruption,
    smooth,
)
from gsmooth_core.evaluation import image_hash
from gsmooth_core.report import number

QUICK = Budget(select=50, samples=200)
DETERMINED = (
    "index",
    "label",
    "predicted",
    "certified",
    "region",
    "radius",
    "claim",
    "samples",
    "anchors",
    "image_hash",
)


def determined(report):
    """All of the certificates but the seconds."""
    return [[getattr(certificate, name) for name in DETERMINED] for certificate in report.certificates]


def test_the_bundled_images_stand_in_for_none(example_model):
    report = certify(example_model, "gaussianblur", budget=QUICK)
    assert [c.index for c in report.certificates] == list(range(50))
    assert "bundled Fashion-MNIST test images (the first 50 of 1,000)" in report.notes[0]
    assert report.run.region == Region(0, 36)
    assert report.certificates[0].guarantee is Guarantee.PROBABILISTIC
    assert report.certificates[0].alpha == 0.001
    assert report.certificates[0].samples == 250
    assert report.certificates[0].claim == (
        "Proved by Theorem 1 in real arithmetic, with error probability at most 0.001: the smoothed classifier answers "
        "class 0 under every gaussianblur of variance from 0 to 36 px²."
    )


def test_a_certificate_is_certified_whatever_the_label(example_model, test_images):
    report = certify(example_model, "gaussianblur", test_images[:8], [9] * 8, budget=QUICK)
    wrong = [c for c in report.certificates if c.certified and not c.correct]
    assert wrong
    assert report.certified.value > report.certified_accuracy().value


def test_without_labels_nothing_is_said_about_accuracy(example_model, test_images):
    report = certify(example_model, "gaussianblur", test_images[:3], budget=QUICK)
    assert report.certificates[0].correct is None
    assert report.certified.value > 0
    with pytest.raises(ValueError, match="accuracy needs labels"):
        report.certified_accuracy()


@pytest.mark.parametrize("name", ["gaussianblur", "defocus"])
def test_the_same_seed_gives_the_same_certificates_whatever_the_batch(example_model, name):
    reports = [
        certify(example_model, name, limit=3, budget=attrs.evolve(QUICK, batch=batch), seed=4)
        for batch in (64, 500, None)
    ]
    assert determined(reports[0]) == determined(reports[1]) == determined(reports[2])
    other = certify(example_model, name, limit=3, budget=QUICK, seed=5)
    assert other.run != reports[0].run


def test_shards_give_the_certificates_of_the_whole(example_model):
    whole = certify(example_model, "defocus", limit=4, budget=QUICK)
    shards = [certify(example_model, "defocus", indices=places, budget=QUICK) for places in ([3, 1], [0, 2])]
    merged = Report.merge(*shards)
    assert determined(merged) == determined(whole)
    assert merged.certified_accuracy() == whole.certified_accuracy()
    with pytest.raises(ValueError, match="more than one report"):
        Report.merge(whole, shards[0])


def test_images_and_datasets_are_alike(example_model, test_images, test_labels):
    by_tensor = certify(example_model, "gaussianblur", test_images[:5], test_labels[:5], budget=QUICK)
    dataset = TensorDataset(test_images, test_labels)
    by_dataset = certify(example_model, "gaussianblur", dataset=dataset, limit=5, budget=QUICK)
    assert determined(by_tensor) == determined(by_dataset)


@pytest.mark.parametrize("name", ["gaussianblur", "defocus"])
def test_maximize_finds_radii_that_contain_the_yes_or_no_answer(example_model, name):
    asked = certify(example_model, name, limit=8, budget=QUICK)
    largest = certify(example_model, name, limit=8, budget=QUICK, maximize=True)
    radii = [c.radius for c in largest.certificates]
    assert any(0 < radius < asked.run.radius for radius in radii if radius is not None)
    rates = [largest.certified_accuracy(asked.run.radius * share).value for share in (0, 0.25, 0.5, 1)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == largest.certified_accuracy().value
    for certificate in largest.certificates:
        assert (certificate.region is None) == (certificate.radius is None)
        assert certificate.certified == (certificate.radius == asked.run.radius)
        if certificate.region is not None and not certificate.certified:
            assert certificate.region.upper[0] == certificate.radius
            assert f"to {number(certificate.radius)} " in certificate.claim


def test_a_region_in_place_of_a_radius(example_model):
    report = certify(example_model, "defocus", limit=2, radius=Region(0, 1.5), budget=QUICK)
    assert report.run.radius == 1.5
    assert report.certificates[0].region == Region(0, 1.5)
    with pytest.raises(ValueError, match="reach from 0 to 1.5 px, not to 2"):
        report.certified_accuracy(2)


def test_smoothing_and_certifier_can_be_replaced(example_model):
    blur = get_corruption("gaussianblur").transformation
    smoothing = ParameterSmoothing(blur, Exponential(scale=30.0))
    report = certify(example_model, "gaussianblur", limit=2, smoothing=smoothing, certifier="resolvable", budget=QUICK)
    assert "scale=30.0" in report.run.smoothing
    identity = LatentSmoothing(IdentitySurrogate(), 0.0, 0.1)
    report = certify(example_model, "defocus", limit=2, smoothing=identity, certifier=LatentCertifier(), budget=QUICK)
    assert "latent_std=0.1" in report.run.smoothing


def test_a_corruption_passed_as_an_object(example_model):
    recipe = attrs.evolve(get_corruption("gaussianblur"), name="myblur", radius={})
    report = certify(example_model, recipe, limit=2, radius=4.0, budget=QUICK)
    assert report.run.corruption == "myblur"
    assert report.run.plugin is None
    assert isinstance(recipe, Corruption)


def test_a_colour_image_of_another_size():
    class Brightest(torch.nn.Module):
        def forward(self, images):
            return images.mean(dim=(2, 3))

    images = torch.rand(2, 3, 40, 24) * torch.tensor([1.0, 0.5, 0.5]).view(1, 3, 1, 1)
    for name, radius in (("gaussianblur", 20.0), ("defocus", 2.0)):
        report = certify(Brightest(), name, images, [0, 0], radius=radius, budget=QUICK)
        assert report.certified_accuracy().value == 1
        with pytest.raises(ValueError, match="has no default radius for images of shape"):
            certify(Brightest(), name, images, [0, 0], budget=QUICK)


# Nothing is lost -----------------------------------------------------------------------------------------------------


class Stops(Exception):
    pass


def test_a_stopped_run_continues_where_it_stopped(example_model, tmp_path, monkeypatch):
    out = tmp_path / "report.json"
    whole = certify(example_model, "gaussianblur", limit=6, budget=QUICK)
    save, saved = Report.save, []

    def save_and_stop(report, path):
        save(report, path)
        saved.append(len(report.certificates))
        if len(saved) == 3:
            raise Stops

    monkeypatch.setattr(Report, "save", save_and_stop)
    with pytest.raises(Stops):
        certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    resumed = certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert saved == [1, 2, 3, 4, 5, 6]
    assert determined(resumed) == determined(whole) == determined(Report.load(out))
    certify(example_model, "gaussianblur", limit=6, budget=QUICK, out=out)
    assert len(saved) == 6  # nothing left to do


def test_another_run_is_not_continued(example_model, tmp_path):
    out = tmp_path / "report.json"
    certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match=r"cannot be continued: .* seed \(0 against 1\)"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, seed=1, out=out)
    with pytest.raises(ValueError, match="image 0 or the label has changed"):
        certify(example_model, "gaussianblur", torch.zeros(1, 1, 28, 28), budget=QUICK, out=out)
    with pytest.raises(ValueError, match="image 0 or the label has changed"):
        certify(example_model, "gaussianblur", fashion_mnist("test")[0][:1], [3], budget=QUICK, out=out)
    with pytest.raises(ValueError, match="image 0 is not among"):
        certify(example_model, "gaussianblur", indices=[2], budget=QUICK, out=out)
    out.write_text(json.dumps({"format": 1}))
    with pytest.raises(ValueError, match="is no report of gsmooth"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=out)
    with pytest.raises(ValueError, match="there is no folder"):
        certify(example_model, "gaussianblur", limit=1, budget=QUICK, out=tmp_path / "missing" / "report.json")


@attrs.frozen
class Strengthened(AdditiveTransformation):
    """Brightness with a setting of its own."""

    strength: float
    space = ParameterSpace(-math.inf, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def apply(self, images, parameters):
        return images + self.strength * parameters.view(-1, 1, 1, 1)


def test_another_setting_or_model_is_not_continued(tmp_path, test_images):
    """Not only names, but all settings, the structure of a module, and the answers of a function must be the same."""

    def recipe(strength):
        transformation = Strengthened(strength)
        return Corruption(
            "brighter", transformation, ParameterSmoothing(transformation, Gaussian(0.1)), ResolvableCertifier()
        )

    def constant(answer):
        return lambda images: torch.nn.functional.one_hot(torch.full((len(images),), answer), 10).float()

    def layered(activation):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Flatten(), activation, torch.nn.Linear(784, 10))

    settings = {"radius": 0.1, "budget": QUICK, "out": tmp_path / "report.json"}
    certify(constant(3), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match=r"transformation \('Strengthened\(strength=1.0\)'"):
        certify(constant(3), recipe(10.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="the model now answers otherwise on image 0"):
        certify(constant(7), recipe(1.0), test_images[:2], **settings)
    settings["out"] = tmp_path / "layered.json"
    certify(layered(torch.nn.ReLU()), recipe(1.0), test_images[:2], **settings)
    with pytest.raises(ValueError, match="model_hash"):
        certify(layered(torch.nn.Sigmoid()), recipe(1.0), test_images[:2], **settings)
    model = layered(torch.nn.ReLU())
    model.temperature = 2.0
    with pytest.raises(ValueError, match="model_hash"):
        certify(model, recipe(1.0), test_images[:2], **settings)


# The model is left as it was ------------------------------------------------------------------------------------------


class Modes(torch.nn.Module):
    """Batch normalisation and dropout, one in each mode."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.out = torch.nn.BatchNorm2d(1), torch.nn.Dropout(), torch.nn.Linear(784, 10)
        self.train()
        self.norm.eval()

    def forward(self, images):
        return self.out(self.drop(self.norm(images).flatten(1)))


def test_a_module_is_put_into_evaluation_mode_and_given_back_as_it_was():
    model = Modes()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    certify(model, "gaussianblur", limit=1, budget=QUICK)
    assert (model.training, model.norm.training, model.drop.training) == (True, False, True)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(ValueError, match="NaN or infinity"):
        certify(model, "gaussianblur", torch.full((1, 1, 28, 28), math.nan))
    assert model.training


class Lazy(torch.nn.Module):
    """Makes a table when it first runs, and keeps it."""

    def __init__(self):
        super().__init__()
        self.out, self.table = torch.nn.Linear(784, 10), None

    def forward(self, images):
        if self.table is None:
            self.table = torch.linspace(0, 1, 784)
        return self.out(images.flatten(1) * self.table)


def test_a_model_that_keeps_tensors_can_be_trained_afterwards():
    model = Lazy()
    certify(model, "gaussianblur", limit=1, budget=QUICK)
    model(torch.rand(2, 1, 28, 28)).sum().backward()
    assert model.out.weight.grad is not None


def test_each_image_has_noise_of_its_own(example_model, test_images):
    """The same image in two places: the same class, other votes."""
    twice = certify(example_model, "gaussianblur", test_images[5:6].expand(6, -1, -1, -1), budget=QUICK, maximize=True)
    assert len({certificate.radius for certificate in twice.certificates}) > 1


def test_numbers_of_numpy_are_welcome(example_model, test_images):
    budget = Budget(samples=np.int64(200), select=np.int32(50), alpha=np.float64(0.01))
    labels = [np.int64(0), torch.tensor(1)]
    report = certify(example_model, "gaussianblur", test_images[:2], labels, budget=budget, seed=np.int64(2))
    assert (report.run.seed, report.run.budget.samples, report.run.budget.alpha) == (2, 200, 0.01)
    assert [certificate.label for certificate in report.certificates] == [0, 1]
    assert certify(example_model, "gaussianblur", test_images[:1], np.array([3]), budget=QUICK).accuracy.value == 0


def test_a_model_that_works_in_place_changes_nothing(test_images):
    def in_place(images):
        images -= 0.5
        return images.flatten(1)[:, :10]

    images = test_images[:2].clone()
    report = certify(in_place, "gaussianblur", images, budget=QUICK)
    assert torch.equal(images, test_images[:2])
    assert [c.image_hash for c in report.certificates] == [image_hash(image) for image in test_images[:2]]


def test_a_model_that_fails_under_noise_is_told_what_to_do():
    def brittle(images):  # one pixel's exact value decides
        return torch.nn.functional.one_hot((images[:, 0, 0, 0] == 0).long(), 2).float()

    report = certify(brittle, "defocus", torch.zeros(4, 1, 28, 28), [1] * 4, budget=QUICK)
    assert report.base_accuracy.value == 1
    assert report.accuracy.value == 0
    assert "fit_classifier(model, ['defocus']" in report.notes[-1]


# Bad input ------------------------------------------------------------------------------------------------------------

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
        ({"smoothing": LatentSmoothing(IdentitySurrogate(), 0, 1)}, "smoothing=ParameterSmoothing"),
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
        return torch.tensor([5.0, 4.0] + [9.0 * (self.calls > 1)] + [0.0] * 7).expand(len(images), 10)


def faint(images):
    return 1e-4 * random(images)


def masked(images):
    """Depends on the batch, behind logits that are never chosen."""
    side = (images.mean(dim=(1, 2, 3)) - images.mean()).sign()[:, None]
    return torch.cat([side, -side, torch.full((len(images), 8), -1e9)], dim=1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (broken, r"batch of shape \(8, 1, 28, 28\) .*RuntimeError: no such layer"),
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
        (None, "make one and pass it"),
        (torch.nn.Flatten, "make one and pass it"),
        (lambda images: images.flatten(1)[:, :2], r"labels \[2, 3\]"),
        (lambda images: images.flatten(1)[:, :10].sqrt(), "outside"),
    ],
)
def test_bad_models_are_refused_before_any_sampling(model, message, monkeypatch):
    monkeypatch.setattr("gsmooth_core.voting.count_votes", never)
    with pytest.raises(ValueError, match=message) as caught:
        certify(model, "gaussianblur", IMAGES, [0, 1, 2, 3])
    if model is broken:
        assert isinstance(caught.value.__cause__, RuntimeError)


class Wrong(Strengthened):
    """Breaks the law that its subclass names."""


class Clipped(Wrong):
    def apply(self, images, parameters):
        return (images + parameters.view(-1, 1, 1, 1)).clamp(0, 1)


class ClippedGain(Wrong):
    def apply(self, images, parameters):
        return (images * parameters.view(-1, 1, 1, 1).exp()).clamp(0, 1)


class InPlace(Wrong):
    def apply(self, images, parameters):
        return images.add_(parameters.view(-1, 1, 1, 1))


class Moved(Wrong):
    def apply(self, images, parameters):
        return images + 0.1 + parameters.view(-1, 1, 1, 1)


class Shared(Wrong):
    def apply(self, images, parameters):
        return images + parameters[0]


class Halved(Wrong):
    def apply(self, images, parameters):
        return super().apply(images, parameters).float()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Clipped, "Clipped does not add up"),
        (ClippedGain, "ClippedGain does not add up"),
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
        (Pairs(IMAGES[0]), "pairs"),
        (Pairs((IMAGES[0], 1.7)), "whole numbers"),
        (iter([]), "map-style"),
        (Pairs(("picture", 1)), "as tensors"),
        (Pairs((IMAGES[0], 1), (IMAGES[0, :, :20], 1)), "differ in shape"),
    ):
        with pytest.raises(ValueError, match=message):
            certify(never, "gaussianblur", dataset=dataset)


def test_a_corruption_is_a_name_or_a_recipe():
    for corruption in (Corruption, None, 3):
        with pytest.raises(ValueError, match="corruption must be a Corruption"):
            certify(never, corruption, IMAGES)


def test_an_unknown_corruption_is_answered_with_the_installed_ones():
    with pytest.raises(PluginError, match=r"'fog' \(installed: defocus, gaussianblur.*pip install gsmooth-plugin-fog"):
        certify(never, "fog", IMAGES)
    with pytest.raises(PluginError, match="offers no 'defocus:square', but: defocus"):
        certify(never, "defocus:square", IMAGES)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_certify_on_cuda_moves_the_model_there_and_back(example_model):
    for name in ("gaussianblur", "defocus"):
        report = certify(example_model, name, limit=3, budget=QUICK, device="cuda")
        assert report.run.device == "cuda"
        assert report.certified_accuracy().value > 0
    assert next(example_model.parameters()).device.type == "cpu"
