"""Where torch makes float64 tensors by default, everything is as where it makes float32 ones."""

import attrs
import pytest
import torch

from gsmooth_core import (
    AttackBudget,
    Budget,
    IdentitySurrogate,
    LatentSmoothing,
    attack,
    certify,
    list_corruptions,
    load_classifier,
    load_example_model,
    load_fashion_mnist,
    make_classifier,
    measure_corruption_accuracy,
    save_classifier,
    smooth,
)

BUDGET = Budget(select=50, samples=600, anchors=2)
NAMES = [*(plugin.name for plugin in list_corruptions()), "defocus:discrete", "zoomblur:discrete", "pixelate:discrete"]


@pytest.fixture
def as_float64():
    """Sets the default, and sets it back."""
    before = torch.get_default_dtype()
    yield lambda: torch.set_default_dtype(torch.float64)
    torch.set_default_dtype(before)


def certified(name, **settings):
    images, labels = load_fashion_mnist("test")
    report = certify(load_example_model(), name, images.float(), labels, limit=1, budget=BUDGET, **settings)
    return report.run.model_hash, [attrs.evolve(one, seconds=0.0) for one in report.certificates]


@pytest.mark.parametrize("name", NAMES)
def test_certificates_are_the_same(name, as_float64):
    expected = certified(name)
    as_float64()
    assert certified(name) == expected


def others():
    model, (images, labels) = load_example_model(), load_fashion_mnist("test")
    smoothing = LatentSmoothing(IdentitySurrogate(1), 0.5, 0.3)
    smoothed = smooth(model, "defocus")
    budget = AttackBudget(calls=40, draws=4, confirm=50)
    return (
        certified("defocus", smoothing=smoothing, certifier="surrogate"),
        *(
            attack(model, name, images, labels, limit=1, budget=budget).images
            for name in ("rotation", "brightnesscontrast", "translation")
        ),
        attack(smoothed, "defocus", images, labels, limit=1, budget=budget).images,
        smoothed.predict(images[:2], samples=50),
        measure_corruption_accuracy(model, images[:3], labels[:3], severities=[2]).scores,
    )


def test_attacks_tables_and_votes_are_the_same(as_float64):
    expected = others()
    as_float64()
    assert others() == expected


def test_a_saved_classifier_keeps_its_type(as_float64, tmp_path):
    model = make_classifier("smallconvnet", channels=1)
    save_classifier(model, tmp_path / "net.safetensors", name="smallconvnet", classes=10, channels=1)
    as_float64()
    assert all(weight.dtype == torch.float32 for weight in load_classifier(tmp_path / "net.safetensors").parameters())
