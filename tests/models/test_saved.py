"""Classifiers by name, saved and loaded, in Python and from the command line."""

import json
import pickle
import sys
from types import ModuleType

import pytest
import torch
from helpers import QUICK
from torch import nn

from gsmooth_core import (
    SmallConvNet,
    accelerate,
    certify,
    load_classifier,
    load_fashion_mnist,
    load_weights,
    make_classifier,
    save_classifier,
    save_weights,
)
from gsmooth_core.cli.app import main
from gsmooth_core.models.networks import ConvNet
from gsmooth_core.models.named import load_named_model
from gsmooth_core.models.zoo import KNOWN


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "classes", "channels", "size"),
    [
        ("smallconvnet", 10, 1, 28),
        ("convnet", 7, 2, 16),
        ("resnet20_cifar10", 10, 3, 32),
        ("resnet20_cifar10", 100, 1, 32),
        ("preresnet20_cifar100", 100, 3, 32),
        ("torchvision:resnet18", 5, 3, 64),
    ],
)
def test_a_name_makes_a_classifier(name, classes, channels, size):
    model = make_classifier(name, classes=classes, channels=channels).eval()
    assert model(torch.rand(2, channels, size, size)).shape == (2, classes)


def test_the_convnet_is_as_its_docstring_says():
    network = ConvNet()
    assert f"{parameters(network):,} parameters" in ConvNet.__doc__
    multiplications = 0

    def count(layer, _, outputs):
        nonlocal multiplications
        multiplications += outputs.numel() * layer.weight[0].numel()

    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    images = torch.rand(1, 3, 32, 32)
    logits = network(images)
    assert round(multiplications / 1e6) == 29
    assert "29 million multiplications" in ConvNet.__doc__
    assert torch.allclose(network(torch.cat([images, torch.rand(3, 3, 32, 32)]))[:1], logits, atol=1e-5)
    assert network(torch.rand(2, 3, 17, 40)).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("fog", {}, r"pytorchcv makes no 'fog' for 10 classes and 3 channels \(.*Unsupported model.*\); known are"),
        ("resnet20_cifar10", {"classes": 7}, "no 'resnet20_cifar10' for 7 classes and 3 channels"),
        ("fog:resnet18", {}, "there is no classifier 'fog:resnet18'; known are"),
        ("torchvision:fog", {}, "torchvision has no classifier 'fog'; known are"),
        ("torchvision:fasterrcnn_resnet50_fpn", {}, "torchvision has no classifier 'fasterrcnn"),
        ("torchvision:resnet18", {"channels": 1}, "takes colour images, not 1 channels; give channels=3"),
        ("smallconvnet", {}, "takes grey images, not 3 channels; give channels=1"),
        ("convnet", {"classes": 1}, "classes must be a whole number of at least 2"),
        ("convnet", {"channels": 0}, "channels must be a whole number of at least 1"),
        (None, {}, "a classifier's name is a string, not None; known are"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(name, settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        make_classifier(name, **settings)
    assert "must be" in message or "give channels" in message or KNOWN in str(refused.value)


@pytest.mark.parametrize(
    ("name", "library"), [("resnet20_cifar10", "pytorchcv"), ("fog", "pytorchcv"), ("timm:resnet18", "timm")]
)
def test_a_library_that_is_missing_is_a_sentence(monkeypatch, name, library):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, "pytorchcv.model_provider", raising=False)
    with pytest.raises(ValueError, match=rf"in {library}, which is not installed; pip install 'gsmooth-core\[zoo\]'"):
        make_classifier(name)


def test_timm_is_asked_for_known_names_without_weights(monkeypatch):
    asked = []

    class Timm(ModuleType):
        def is_model(self, name):
            return name == "resnet18"

        def create_model(self, name, **settings):
            asked.append((name, settings))
            return nn.Identity()

    monkeypatch.setitem(sys.modules, "timm", Timm("timm"))
    make_classifier("timm:resnet18", classes=7, channels=1)
    assert asked == [("resnet18", {"pretrained": False, "num_classes": 7, "in_chans": 1})]
    with pytest.raises(ValueError, match="timm has no classifier 'hf-hub:someone/net'; known are"):
        make_classifier("timm:hf-hub:someone/net")


def test_timms_classifiers_are_made():
    pytest.importorskip("timm")
    model = make_classifier("timm:resnet10t", classes=7, channels=1).eval()
    assert model(torch.rand(1, 1, 64, 64)).shape == (1, 7)


@pytest.mark.parametrize(
    ("name", "channels"), [("smallconvnet", 1), ("convnet", 2), ("resnet20_cifar10", 3), ("torchvision:resnet18", 3)]
)
def test_a_saved_classifier_comes_back_bit_for_bit(tmp_path, name, channels):
    model, path = make_classifier(name, channels=channels), tmp_path / "net.safetensors"
    before = torch.random.get_rng_state()
    save_classifier(model, path, name=name, classes=10, channels=channels, card={"epochs": 3})
    loaded = load_classifier(path)
    assert torch.equal(torch.random.get_rng_state(), before), "torch's random numbers were moved on"
    assert not any(module.training for module in loaded.modules())
    assert all(torch.equal(tensor, loaded.state_dict()[key]) for key, tensor in model.state_dict().items())
    images = torch.rand(2, channels, *((28, 28) if name == "smallconvnet" else (32, 32)))
    assert torch.equal(model.eval()(images), loaded(images))
    card = json.loads(path.with_suffix(".json").read_text())
    assert [card[key] for key in ("epochs", "name", "classes", "channels")] == [3, name, 10, channels]


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (ConvNet(), {"name": "convnet", "classes": 9, "channels": 3}),
        (ConvNet(), {"name": "resnet20_cifar10", "classes": 10, "channels": 3}),
        (accelerate(ConvNet(), channels_last=True), {"name": "convnet", "classes": 10, "channels": 3}),
    ],
)
def test_a_classifier_that_could_not_be_loaded_is_not_saved(tmp_path, model, settings):
    with pytest.raises(
        ValueError, match=r"is not what make_classifier\(.*\) makes, so .*; correct these, or use save_w"
    ):
        save_classifier(model, tmp_path / "net.safetensors", **settings)
    assert not list(tmp_path.iterdir())


def test_weights_without_a_classifiers_name_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(ConvNet(), path, {"name": "mine"})
    with pytest.raises(ValueError, match="does not say which classifier it is; make the ConvNet yourself and use load"):
        load_classifier(path)
    save_weights(ConvNet(), path, {"name": "convnet", "classes": 5, "channels": 3})
    with pytest.raises(ValueError, match=r"do not fit ConvNet: layers.15.bias is \(10,\) there and \(5,\)"):
        load_classifier(path)
    load_weights(ConvNet(), path)


def test_a_saved_classifier_is_certified_by_its_path(tmp_path, example_model, capsys):
    path, out = tmp_path / "net.safetensors", tmp_path / "report.json"
    save_classifier(example_model, path, name="smallconvnet", classes=10, channels=1)
    assert isinstance(load_named_model(str(path)), SmallConvNet)
    command = ["certify", "gaussianblur", "--model", str(path), "--limit", "2", "--samples", "200", "--select", "50"]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--out", str(out)])
    assert stop.value.code == 0
    images, labels = load_fashion_mnist("test")
    report = certify(example_model, "gaussianblur", images[:2], labels[:2], budget=QUICK)
    written = json.loads(out.read_text())
    assert [certificate["claim"] for certificate in written["certificates"]] == [
        certificate.claim for certificate in report.certificates
    ]
    assert written["run"]["model_hash"] == report.run.model_hash


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return exec, (f"open({str(self.target)!r}, 'w')",)


@pytest.mark.parametrize("ending", ["pt", "pth", "ckpt", "pkl", "safetensors"])
def test_the_command_line_opens_no_pickle(tmp_path, ending, capsys):
    path, made = tmp_path / f"net.{ending}", tmp_path / "made"
    path.write_bytes(pickle.dumps(Payload(made)))
    with pytest.raises(SystemExit) as stop:
        main(["certify", "gaussianblur", "--model", str(path)])
    assert stop.value.code == 2
    shown = capsys.readouterr().err
    assert "can run code when it is; load it yourself with torch.load(..., weights_only=True)" in shown
    assert not made.exists()


def test_help_names_the_files_that_model_takes(capsys):
    with pytest.raises(SystemExit):
        main(["certify", "--help"])
    assert "a .safetensors file of save_classifier" in " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_a_model_name_without_a_colon_is_answered_with_all_kinds():
    with pytest.raises(ValueError, match=r"'example', a .safetensors, .onnx or .pt2 file, .*, or 'package.module:name', not 'nowhere'"):
        load_named_model("nowhere")
