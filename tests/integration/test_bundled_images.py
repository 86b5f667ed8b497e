"""The bundled images stand in for nothing silently; images come by tensor, by dataset, or by that one name."""

import warnings
from functools import partial

import pytest
import torch
from helpers import QUICK, determined
from torch.utils.data import TensorDataset

from gsmooth_core import (
    AttackBudget,
    Budget,
    accelerate,
    attack,
    certify,
    certify_noises,
    certify_variances,
    load_example_model,
    measure_corruption_accuracy,
    smooth,
    verify,
)
from gsmooth_core.models.example import is_example_model

NAME = "fashion-mnist"
FEW = AttackBudget(calls=20, confirm=50)


def flat(images):
    return images.flatten(1)[:, 300:310]


CALLS = {
    "certify": partial(certify, corruption="gaussianblur", budget=QUICK),
    "attack": partial(attack, corruption="gaussianblur", budget=FEW),
    "certify_noises": partial(certify_noises, radius=1.0, budget=QUICK),
    "certify_variances": partial(certify_variances, corruption="defocus", latent_stds=[0.5], radius=0.5, budget=QUICK),
}


@pytest.mark.parametrize("name", CALLS)
def test_forgotten_images_are_told_where_they_were_forgotten(name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        CALLS[name](flat, limit=1)
    told = [one for one in caught if "no images were given" in str(one.message)]
    assert len(told) == 1
    assert told[0].category is UserWarning
    assert told[0].filename == __file__
    assert "name them with images='fashion-mnist', or pass images= or dataset=" in str(told[0].message)


@pytest.mark.parametrize("name", CALLS)
def test_the_example_models_own_call_and_named_images_need_no_warning(name, example_model):
    CALLS[name](example_model, limit=1)
    CALLS[name](flat, images=NAME, limit=1)


def test_the_example_model_is_known_by_its_weights(example_model):
    assert is_example_model(load_example_model())
    assert is_example_model(accelerate(example_model, autocast="bfloat16"))
    assert is_example_model(smooth(example_model, "defocus"))
    assert is_example_model(torch.nn.Sequential(example_model, torch.nn.Softmax(dim=1)))
    other = load_example_model()
    other.layers[0].weight.data[0, 0, 0, 0] += 1e-6
    assert not is_example_model(other)
    assert not is_example_model(type(example_model)(width=8))
    assert not is_example_model(flat)


def test_named_images_are_the_bundled_ones_with_their_labels(example_model, test_images, test_labels):
    named = certify(example_model, "gaussianblur", NAME, limit=3, budget=QUICK)
    given = certify(example_model, "gaussianblur", test_images, test_labels, limit=3, budget=QUICK)
    assert determined(named) == determined(given)
    assert named.run == given.run
    assert named.data == "the bundled Fashion-MNIST test images (the first 3 of 1,000)"
    assert len(certify(example_model, "defocus:discrete", NAME, radius=0).certificates) == 50
    [last] = certify(example_model, "defocus:discrete", NAME, radius=0, indices=[999]).certificates
    assert last.index == 999


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": "mnist"}, "the only images with a name of their own are 'fashion-mnist', not 'mnist'"),
        ({"images": NAME, "labels": [0]}, "'fashion-mnist' has labels of its own; leave out labels"),
        ({"images": NAME, "dataset": TensorDataset(torch.rand(1, 1, 28, 28))}, "pass one of them"),
        ({"labels": [0]}, "labels were given without images"),
    ],
)
@pytest.mark.parametrize("call", [certify, attack])
def test_images_that_contradict_each_other_are_refused(call, given, message):
    with pytest.raises(ValueError, match=message):
        call(flat, "gaussianblur", **given)


def test_the_benchmark_takes_the_name_and_a_limit(example_model, test_images, test_labels):
    measure = partial(measure_corruption_accuracy, example_model, corruptions=["contrast"], severities=[3])
    assert (
        measure(NAME, limit=5)
        == measure(test_images[:5], test_labels[:5])
        == measure(test_images, test_labels, limit=5)
        == measure(dataset=TensorDataset(test_images, test_labels), limit=5)
    )
    assert measure(NAME).clean.count == 50
    with pytest.raises(ValueError, match="an accuracy needs labels; pass labels="):
        measure(test_images[:5])


def test_a_report_is_verified_by_a_dataset(example_model, test_images, test_labels):
    dataset = TensorDataset(test_images, test_labels)
    report = certify(example_model, "defocus:discrete", dataset=dataset, indices=[3, 8, 0])
    by_dataset = verify(report, example_model, dataset=dataset, budget=FEW)
    assert len(by_dataset.certificates) >= 2
    for images in (test_images, NAME):
        assert verify(report, example_model, images, budget=FEW).certificates == by_dataset.certificates
    with pytest.raises(ValueError, match="is not the one of the report; pass all images of that call"):
        verify(report, example_model, dataset=TensorDataset(test_images.flip(0), test_labels), budget=FEW)
    with pytest.raises(ValueError, match="image 3 is not the one of the report"):
        verify(report, example_model, dataset=TensorDataset(test_images[:3], test_labels[:3]), budget=FEW)
    with pytest.raises(ValueError, match="both images and dataset were given"):
        verify(report, example_model, test_images, dataset=dataset)
    with pytest.raises(ValueError, match="must have a length"):
        verify(report, example_model, dataset=iter(dataset))
    with pytest.raises(ValueError, match=r"the report is about TensorDataset .*--data"):
        verify(report, example_model)


def test_a_report_about_the_bundled_images_finds_them(example_model, test_images):
    report = certify(example_model, "defocus:discrete", NAME, limit=3, budget=Budget())
    assert verify(report, example_model, budget=FEW) == verify(report, example_model, test_images, budget=FEW)
