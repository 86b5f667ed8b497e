"""The model is given back as it was, and models that cannot be certified under noise are told so."""

import math

import numpy as np
import pytest
import torch
from helpers import QUICK

from gsmooth_core import (
    Budget,
    certify,
)
from gsmooth_core.common.fingerprints import image_hash


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
    certify(model, "gaussianblur", "fashion-mnist", limit=1, budget=QUICK)
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
    certify(model, "gaussianblur", "fashion-mnist", limit=1, budget=QUICK)
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
    assert "fit_surrogate('defocus', images, aim='restore')" in report.notes[-1]

    class Brittle(torch.nn.Module):
        def forward(self, images):
            return brittle(images)

    report = certify(Brittle(), "defocus", torch.zeros(4, 1, 28, 28), [1] * 4, budget=QUICK)
    assert "gsmooth_core.fit_classifier(model, 'defocus', images, labels)" in report.notes[-1]
