"""Models of other shapes become modules from images to logits."""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import QUICK, determined
from torch import nn

from gsmooth_core import accelerate, adapters, certify, normalized
from gsmooth_core.models.logits import logits_of as checked
from gsmooth_core.results.identity import model_hash, model_name

IMAGES = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
LOGITS = IMAGES.flatten(1)[:, :4]
Pair = namedtuple("Pair", ["logits", "auxiliary"])


def head(images):
    return images.flatten(1)[:, :4]


ANSWERS = {
    "object": (lambda logits: SimpleNamespace(logits=logits, hidden=None), None),
    "attribute": (lambda logits: SimpleNamespace(scores=logits), "scores"),
    "named tuple": (lambda logits: Pair(logits, 0), None),
    "tuple": (lambda logits: (logits, logits * 0), None),
    "second of a list": (lambda logits: [None, logits], 1),
    "dict": (lambda logits: {"loss": 0.0, "logits": logits}, None),
    "key": (lambda logits: {"digits": logits}, "digits"),
    "map of one pixel": (lambda logits: logits[:, :, None, None], None),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_logits_of_an_answer_are_found(kind):
    wrap, part = ANSWERS[kind]
    with pytest.raises(ValueError, match=r"use gsmooth_core.adapters.logits_of\(model, part=...\)"):
        checked(lambda images: wrap(head(images)), IMAGES)
    assert torch.equal(checked(adapters.logits_of(lambda images: wrap(head(images)), part), IMAGES), LOGITS)


@pytest.mark.parametrize(
    ("answer", "part", "message"),
    [
        ({"a": 1, "b": 2}, None, "a dict, not a tensor; name another: the keys 'a', 'b'"),
        ({"a": 1}, "logits", "the answer has no part 'logits'; it has the keys 'a'"),
        ((LOGITS,), 3, "the answer has no part 3; it has the places 0 to 0"),
        ((LOGITS,), "logits", "the answer has no part 'logits'"),
        (SimpleNamespace(scores=LOGITS), "logits", "it has the attributes scores"),
        (7, None, "a int, not a tensor; name another: none: it is a int"),
    ],
)
def test_an_answer_without_logits_says_what_it_has(answer, part, message):
    with pytest.raises(ValueError, match=message):
        checked(adapters.logits_of(lambda images: answer, part), IMAGES)


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_one_number_is_two_classes(shape):
    numbers = torch.tensor([-1.0, 0.0, 1e-30, 2.0, -3.0])
    with pytest.raises(ValueError, match=r"use gsmooth_core.adapters.two_classes\(model\)"):
        checked(lambda images: numbers.view(shape), IMAGES)
    logits = checked(adapters.two_classes(lambda images: numbers.view(shape)), IMAGES)
    assert logits.argmax(dim=1).tolist() == [0, 0, 1, 1, 0]
    assert torch.allclose(logits.softmax(dim=1)[:, 1], numbers.sigmoid())
    halves = adapters.two_classes(lambda images: numbers.sigmoid(), threshold=0.5)
    assert checked(halves, IMAGES).argmax(dim=1).tolist() == [0, 0, 0, 1, 0]
    with pytest.raises(ValueError, match=r"takes one number per image, and the model returned shape \(5, 4\)"):
        checked(adapters.two_classes(head), IMAGES)


def test_batches_of_one_size_answer_any_number():
    sizes = []

    def fixed(images):
        sizes.append(len(images))
        if len(images) != 3:
            raise RuntimeError("expected 3")
        return head(images)

    with pytest.raises(ValueError, match=r"of one size n only, use gsmooth_core.adapters.in_batches_of\(model, n\)"):
        checked(fixed, IMAGES)
    sizes.clear()
    for count in (1, 2, 3, 4, 5):
        assert torch.equal(adapters.in_batches_of(fixed, 3)(IMAGES[:count]), LOGITS[:count])
    assert set(sizes) == {3}


def test_a_model_of_one_batch_size_is_certified_as_the_model_is(example_model, test_images, test_labels):
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = example_model

        def forward(self, images):
            assert len(images) == 8
            return {"out": self.inside(images)}

    adapted = adapters.in_batches_of(adapters.logits_of(Fixed(), "out"), 8)
    with pytest.raises(
        ValueError, match=r"returned a dict; put logits_of inside: in_batches_of\(logits_of\(model\), n\)"
    ):
        checked(adapters.logits_of(adapters.in_batches_of(Fixed(), 8), "out"), test_images[:2])
    reports = [
        certify(model, "gaussianblur", test_images[:2], test_labels[:2], budget=QUICK)
        for model in (adapted, example_model)
    ]
    assert determined(reports[0]) == determined(reports[1])
    assert reports[0].run.model_hash != reports[1].run.model_hash


def test_normalisation_is_that_of_torchvision_and_has_gradients():
    from torchvision.transforms.functional import normalize

    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    model, images = normalized(network, *adapters.IMAGENET), IMAGES.clone().requires_grad_()
    wanted = network(normalize(images, *map(list, adapters.IMAGENET)))
    assert torch.allclose(model(images), wanted)
    model(images).sum().backward()
    assert images.grad.abs().max() > 0
    assert [*model.state_dict()] == ["model.1.weight", "model.1.bias"]
    assert model.eval().model.training is False
    assert model.double().mean.dtype == torch.float64
    assert model.to("meta").mean.device.type == "meta"


@pytest.mark.parametrize("values", [0.5, [0.5], (0.5,) * 3, np.full(3, 0.5), torch.full((3,), 0.5), np.float32(0.5)])
def test_numbers_of_any_library_normalise(values):
    model = normalized(nn.Identity(), values, values)
    assert torch.equal(model(IMAGES), (IMAGES - 0.5) / 0.5)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (0, 0, "std must be positive, not 0; it divides the images"),
        (0, [1, 1, -1], "std must be positive"),
        ("imagenet", 1, "mean must be a finite number, or one for each channel, not 'imagenet'"),
        (float("nan"), 1, "mean must be a finite number"),
        ([], 1, "mean must be a finite number"),
        (None, 1, "mean must be a finite number"),
        ([0, 0], [1, 1, 1], "there are 2 means and 3 stds; give one of each, or one per channel"),
    ],
)
def test_wrong_means_and_stds_are_sentences(mean, std, message):
    with pytest.raises(ValueError, match=message):
        normalized(nn.Identity(), mean, std)


def test_channels_that_do_not_fit_are_a_sentence():
    with pytest.raises(ValueError, match="mean and std are for 3 channels, and the images have 1"):
        checked(normalized(head, *adapters.IMAGENET), IMAGES[:, :1])


@pytest.mark.parametrize(
    "adapt",
    [
        lambda model: normalized(model, 0, 1),
        adapters.logits_of,
        adapters.two_classes,
        lambda model: adapters.in_batches_of(model, 2),
        adapters.from_numpy,
    ],
)
def test_what_cannot_be_called_is_refused_at_once(adapt):
    for model in (nn.Linear, {"weight": 1}, None):
        with pytest.raises(ValueError, match="the model must be a module or a function of images, not"):
            adapt(model)


def test_the_digest_sees_settings_and_the_model_inside(example_model):
    torch.manual_seed(0)
    other = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    models = [
        normalized(example_model, 0, 1),
        normalized(example_model, 0, 0.5),
        normalized(other, 0, 1),
        normalized(head, 0, 1),
        adapters.logits_of(example_model, 0),
        adapters.logits_of(example_model, 1),
        adapters.two_classes(example_model),
        adapters.two_classes(example_model, 0.5),
        adapters.in_batches_of(example_model, 1),
        adapters.in_batches_of(example_model, 2),
        adapters.from_numpy(lambda array: array),
        adapters.from_numpy(lambda array: array + 1),
    ]
    assert len({model_hash(model) for model in models}) == len(models)
    assert model_hash(normalized(example_model, 0, 1)) == model_hash(normalized(example_model, 0, 1))


def test_a_report_names_the_model_inside(example_model):
    faster = accelerate(example_model, channels_last=True)
    assert model_name(normalized(example_model, 0, 1)) == "Normalized(SmallConvNet, mean=[0.0], std=[1.0])"
    assert model_name(adapters.in_batches_of(head, 2)) == "InBatchesOf(head, n=2)"
    assert "channels_last=True" in model_name(normalized(faster, 0, 1))


def test_adapters_are_accelerated(example_model, test_images):
    model = accelerate(normalized(example_model, 0, 1), autocast="bfloat16")
    assert model(test_images[:2]).shape == (2, 10)


def test_arrays_name_their_adapter_and_work_with_it(test_images):
    weights = np.random.default_rng(0).normal(size=(784, 10))

    def function(images):
        return images.reshape(len(images), -1) @ weights

    with pytest.raises(ValueError, match=r"returned ndarray; use gsmooth_core.adapters.from_numpy\(function\)"):
        checked(lambda images: function(images.numpy()), test_images[:2])
    assert checked(adapters.from_numpy(function), test_images[:2]).dtype == torch.float64
    tall = adapters.from_numpy(lambda images: np.float32(images.shape[1:] + (0,) * len(images)), channels_last=True)
    assert tall(IMAGES[:, :, :, :7])[:3].tolist() == [8, 7, 3]
    with pytest.raises(ValueError, match="must return float logits, not torch.int64; leave out the last argmax"):
        checked(adapters.from_numpy(lambda images: images.reshape(len(images), -1).argmax(axis=1)), test_images[:2])
