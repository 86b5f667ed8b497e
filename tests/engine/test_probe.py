"""Models whose answers depend on the batch by less than rounding may: found before the work, and cured by batch=1."""

import pytest
import torch
from helpers import QUICK, determined, dynamically_quantised

from gsmooth_core import (
    AttackBudget,
    Budget,
    accelerate,
    attack,
    certify,
    load_fashion_mnist,
    measure_corruption_accuracy,
    smooth,
    verify,
)
from gsmooth_core.engine.probe import Probe, _differ

IMAGES, LABELS = load_fashion_mnist("test")
ONE = Budget(select=50, samples=200, batch=1)


class Quantised(torch.nn.Module):
    """The activations that a model gets are rounded to so many levels between the least and the largest of a batch."""

    def __init__(self, model, levels):
        super().__init__()
        self.model, self.levels, self.sizes = model, levels, set()

    def forward(self, images):
        self.sizes.add(len(images))
        step = (images.max() - images.min()).clamp_min(1e-3) / self.levels
        return self.model(torch.round(images / step) * step)


@pytest.fixture
def quantised(example_model):
    return Quantised(example_model, 255)


def refused(call):
    with pytest.raises(ValueError, match=r"depends on the other images .*dynamic quantisation.* Budget\(batch=1\)"):
        call()


def test_a_scale_for_the_whole_batch_is_refused(quantised):
    for corruption in ("defocus:discrete", "gaussianblur"):
        refused(lambda corruption=corruption: certify(quantised, corruption, IMAGES, limit=2, budget=QUICK))
    refused(lambda: attack(quantised, "rotation", IMAGES, LABELS, limit=1))
    refused(lambda: measure_corruption_accuracy(quantised, IMAGES[:2], LABELS[:2]))
    refused(lambda: certify(quantised, "gaussianblur", IMAGES, limit=1, budget=Budget(batch=2)))


@pytest.mark.parametrize("levels", [2**8, 2**12])
def test_a_fine_scale_for_the_whole_batch_hides_from_a_tolerance_of_half_precision_only(example_model, levels):
    model = Quantised(example_model, levels)
    quiet, loud = model(IMAGES[:8]), model(torch.cat([IMAGES[:4], 3 * IMAGES[4:8]]))
    assert _differ(quiet[:4], loud[:4], exactly=True)
    assert not _differ(quiet[:4].bfloat16(), loud[:4].bfloat16())
    refused(lambda: Probe.of(model, IMAGES[:3], 8))


def test_a_network_that_torch_quantised_dynamically_is_certified_one_image_at_a_time(example_model):
    model = dynamically_quantised(example_model)
    refused(lambda: certify(model, "defocus:discrete", IMAGES, limit=2))
    report = certify(model, "defocus:discrete", IMAGES, limit=4, budget=Budget(batch=1))
    assert [one.base_predicted for one in report.certificates] == [int(model(one[None]).argmax()) for one in IMAGES[:4]]


def test_rounding_is_no_dependence_on_the_batch(example_model):
    for model in (example_model, accelerate(example_model, autocast="bfloat16"), example_model.double().float()):
        for batch in (2, 7, 64):
            assert Probe.of(model, IMAGES[:3], batch).classes == 10


def test_with_a_batch_of_one_every_call_has_one_image(quantised):
    report = certify(quantised, "defocus:discrete", IMAGES, LABELS, limit=20, budget=ONE)
    certify(quantised, "gaussianblur", IMAGES, LABELS, limit=2, budget=ONE)
    certify(quantised, "defocus", IMAGES, LABELS, limit=1, budget=ONE)
    few = AttackBudget(calls=60, draws=3, confirm=20)
    attack(quantised, "rotation", IMAGES, LABELS, limit=1, budget=few, batch=1)
    smoothed = smooth(quantised, "defocus")
    attack(smoothed, "defocus", IMAGES, LABELS, limit=1, method="pgd", budget=few, batch=1)
    assert verify(report, quantised, IMAGES, budget=few, batch=1).holds
    measure_corruption_accuracy(quantised, IMAGES[:2], LABELS[:2], severities=[1], batch=1)
    smoothed.predict(IMAGES[:2], samples=20, batch=1)
    smoothed(IMAGES[:2], samples=20, batch=1)
    smoothed.votes(IMAGES[:2], 20, batch=1)
    assert quantised.sizes == {1}


class OneAtATime(torch.nn.Module):
    """As a program that was exported for one image."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        if len(images) != 1:
            raise RuntimeError("Got invalid dimensions for input")
        return self.model(images)


def test_a_model_for_one_image_at_a_time_is_told_how(example_model):
    model = OneAtATime(example_model)
    with pytest.raises(ValueError, match=r"takes one image at a time, so give it one with Budget\(batch=1\)"):
        certify(model, "gaussianblur", IMAGES, limit=1)
    with pytest.raises(ValueError, match="takes one image at a time"):
        smooth(model, "gaussianblur").predict(IMAGES[:1])
    for corruption in ("gaussianblur", "defocus:discrete"):
        alone, together = (
            certify(*arguments[:1], corruption, IMAGES, limit=2, budget=arguments[1])
            for arguments in ((model, ONE), (example_model, QUICK))
        )
        assert determined(alone) == determined(together)


@pytest.mark.parametrize("batch", [0, 1.5, "1"])
def test_a_batch_is_a_whole_number(example_model, batch):
    for call in (
        lambda: attack(example_model, "rotation", IMAGES, LABELS, limit=1, batch=batch),
        lambda: smooth(example_model, "defocus").predict(IMAGES[:1], batch=batch),
    ):
        with pytest.raises(ValueError, match="batch must be a whole number of at least 1"):
            call()
