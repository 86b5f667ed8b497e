"""What is taken for a model: refused in a short sentence, before anything is called."""

from pathlib import Path

import pytest
import torch

from gsmooth_core import attack, certify, fit_classifier, load_fashion_mnist, measure_corruption_accuracy, smooth

IMAGES, LABELS = load_fashion_mnist("test")


def lazy():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(10))


class Session:
    """A program of another library."""

    def run(self, images):
        return images


def not_models(model):
    return {
        "a state_dict": (model.state_dict(), "a dictionary, as of weights; make the network.*load_state_dict"),
        "a checkpoint": ({"state_dict": model.state_dict(), "epoch": 3}, "a dictionary, as of weights"),
        "a name": ("net.pt", "the text 'net.pt'; load the model first"),
        "a path": (Path("net.pt"), "the text 'net.pt'; load the model first"),
        "a class": (torch.nn.Linear, r"the class Linear; make one, for example with Linear\(\)"),
        "an optimizer": (torch.optim.SGD(model.parameters(), lr=0.1), "the type SGD, which cannot be called"),
        "a session": (Session(), "the type Session, which cannot be called.*adapters"),
        "nothing": (None, "the type NoneType, which cannot be called"),
        "logits": (torch.rand(4, 10), "the type Tensor, which cannot be called"),
        "a program": (
            torch.export.export(model, (IMAGES[:1],)),
            r"an ExportedProgram; pass its module: program.module",
        ),
        "lazy": (lazy(), "the model's 1.weight has no shape yet, as in LazyLinear; call the model once on an image"),
        "without values": (torch.nn.Linear(784, 10, device="meta"), "has no values: it lies on the device 'meta'"),
    }


KINDS = [
    *("a state_dict", "a checkpoint", "a name", "a path", "a class", "an optimizer", "a session", "nothing", "logits"),
    *("a program", "lazy", "without values"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_model_is_refused_in_a_short_sentence(kind, example_model):
    wrong, message = not_models(example_model)[kind]
    for call in (
        lambda: certify(wrong, "gaussianblur", IMAGES[:1]),
        lambda: smooth(wrong, "gaussianblur"),
        lambda: attack(wrong, "rotation", IMAGES[:1], LABELS[:1]),
        lambda: measure_corruption_accuracy(wrong, IMAGES[:1], LABELS[:1]),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert len(str(caught.value)) < 250


def test_a_network_without_weights_or_with_frozen_ones_is_not_trained():
    frozen = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10)).requires_grad_(False)
    for model, message in (
        (lazy(), "has no shape yet"),
        (frozen, r"no parameter to train: all are frozen .*requires_grad_\(True\)"),
    ):
        with pytest.raises(ValueError, match=message):
            fit_classifier(model, "defocus", IMAGES[:8], LABELS[:8], epochs=1)


@pytest.mark.parametrize("rate", [0, -1, 1e30, float("nan")])
def test_a_learning_rate_has_two_bounds(rate, example_model):
    with pytest.raises(ValueError, match="learning_rate must be above 0 and below 1000, not"):
        fit_classifier(example_model, "defocus", IMAGES[:8], LABELS[:8], learning_rate=rate)
