"""A model that fails is told why, as far as its weights show it; and modules that torch made of models work."""

import copy

import pytest
import torch
from helpers import QUICK, determined

from gsmooth_core import AttackBudget, attack, certify, load_fashion_mnist, smooth
from gsmooth_core.models import devices
from gsmooth_core.models.diagnosis import advice

IMAGES, LABELS = load_fashion_mnist("test")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_type_are_named(dtype, example_model):
    model = copy.deepcopy(example_model).to(dtype)
    with pytest.raises(ValueError, match=rf"its weights are {dtype}; make them float32 with model.float\(\)"):
        certify(model, "gaussianblur", IMAGES, limit=1)


def test_weights_on_several_devices_are_named():
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 2, device="meta"))
    sentence = advice(model, torch.rand(1, 1, 2, 2), RuntimeError("Expected all tensors to be on the same device"))
    assert "its weights lie on cpu and meta and the images on cpu; move it to one device" in sentence
    assert devices.choose_device(model, None) == torch.device("cpu")
    with pytest.raises(ValueError, match="lie on cpu and meta, so it cannot be moved to cpu and back"):
        devices.choose_device(model, "cpu")


def exported(model):
    program = torch.export.export(model, (IMAGES[:4],), dynamic_shapes=({0: torch.export.Dim("batch")},))
    return program.module()


MADE = {
    "exported": exported,
    "around an exported one": lambda model: torch.nn.Sequential(exported(model)),
    "traced": lambda model: torch.jit.trace(model, IMAGES[:1]),
    "scripted": torch.jit.script,
}


@pytest.mark.filterwarnings("ignore")  # of torch's own, about tracing
@pytest.mark.parametrize("name", MADE)
def test_what_torch_makes_of_a_model_is_certified_and_deployed(name, example_model):
    model = MADE[name](example_model)
    training = model.training
    for corruption in ("gaussianblur", "defocus:discrete"):
        here, there = (certify(one, corruption, IMAGES, limit=2, budget=QUICK) for one in (model, example_model))
        assert determined(here) == determined(there)
    assert model.training == training
    smoothed = smooth(model, "defocus").eval()
    assert smoothed.predict(IMAGES[:2], samples=100) == smooth(example_model, "defocus").predict(
        IMAGES[:2], samples=100
    )
    budget = AttackBudget(calls=40)
    found, expected = (
        attack(one, "rotation", IMAGES, LABELS, limit=1, budget=budget).images for one in (model, example_model)
    )
    assert [one.predicted for one in found] == [one.predicted for one in expected]
