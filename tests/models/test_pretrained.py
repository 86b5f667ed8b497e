"""Pretrained networks of other libraries, behind their own normalisation, without the internet."""

import sys
from types import ModuleType, SimpleNamespace
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as torchvision_models

from gsmooth_core import adapters, make_classifier, normalized
from gsmooth_core.models import named
from gsmooth_core.models.pretrained import load_pretrained

SQUEEZE = "torchvision:squeezenet1_1"
IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def offline(*arguments, **settings):
    raise URLError("[Errno -3] Temporary failure in name resolution")


def test_weights_are_downloaded_by_torchvision_and_normalised(monkeypatch):
    network = make_classifier(SQUEEZE, classes=1000).eval()
    monkeypatch.setattr(torchvision_models._api, "load_state_dict_from_url", lambda *_, **__: network.state_dict())
    model = load_pretrained(SQUEEZE)
    assert torch.equal(model(IMAGES), normalized(network, *adapters.IMAGENET)(IMAGES))
    assert not any(module.training for module in model.modules())


def test_without_internet_the_sentence_names_a_local_file(monkeypatch):
    monkeypatch.setattr(torchvision_models._api, "load_state_dict_from_url", offline)
    with pytest.raises(
        ValueError, match=r"could not be loaded: URLError: .*; check the name, and where there is no inte"
    ):
        load_pretrained(SQUEEZE)


@pytest.mark.parametrize("classes", [None, 7])
def test_weights_of_a_local_file_need_no_internet(tmp_path, monkeypatch, classes):
    monkeypatch.setattr(torchvision_models._api, "load_state_dict_from_url", offline)
    network, path = make_classifier(SQUEEZE, classes=classes or 1000).eval(), tmp_path / "net.safetensors"
    save_file(network.state_dict(), path)
    model = named.load_named_model(SQUEEZE, path, classes)
    assert torch.equal(model(IMAGES), normalized(network, *adapters.IMAGENET)(IMAGES))
    with pytest.raises(
        ValueError, match="do not fit SqueezeNet: .*; name the network that they belong to, and its numb"
    ):
        load_pretrained(SQUEEZE, weights=path, classes=5)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (SQUEEZE, {"classes": 5}, "has its own classes; leave out --classes, or give --weights too"),
        ("torchvision:fog", {}, "torchvision has no classifier 'fog'"),
        ("hf:owner/net", {"weights": "net.safetensors"}, "name a folder: --model hf:folder"),
        (
            SQUEEZE,
            {"weights": "net.pth"},
            r"python -c .*s.save_file\(torch.load\('net.pth', weights_only=True\), 'net.s",
        ),
    ],
)
def test_what_does_not_go_together_is_a_sentence(name, settings, message):
    with pytest.raises(ValueError, match=message):
        load_pretrained(name, **settings)


def test_timm_is_asked_for_pretrained_weights(monkeypatch, tmp_path):
    asked = []

    class Timm(ModuleType):
        def is_model(self, name):
            return name == "resnet18"

        def create_model(self, name, **settings):
            asked.append(settings)
            if settings["pretrained"] and len(asked) > 2:
                offline()
            network = nn.Sequential(nn.Flatten(), nn.Linear(12, settings.get("num_classes", 1000)))
            network.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}
            return network

    monkeypatch.setitem(sys.modules, "timm", Timm("timm"))
    model = load_pretrained("timm:resnet18")
    assert asked[-1] == {"pretrained": True}
    assert model.settings == {"mean": [0.5] * 3, "std": [0.25] * 3}
    save_file({"1.weight": torch.zeros(7, 12), "1.bias": torch.arange(7.0)}, tmp_path / "net.safetensors")
    model = load_pretrained("timm:resnet18", weights=tmp_path / "net.safetensors", classes=7)
    assert asked[-1] == {"pretrained": False, "num_classes": 7, "in_chans": 3}
    assert model(torch.rand(2, 3, 2, 2)).tolist() == [list(range(7))] * 2
    with pytest.raises(ValueError, match=r"copy them from another computer and give --weights file.safetensors"):
        load_pretrained("timm:resnet18")


def test_real_timm_is_opened_from_a_local_file(tmp_path):
    timm = pytest.importorskip("timm")
    network, path = timm.create_model("test_resnet", num_classes=5).eval(), tmp_path / "net.safetensors"
    save_file(network.state_dict(), path)
    model = load_pretrained("timm:test_resnet", weights=path, classes=5)
    assert torch.equal(model(IMAGES), network((IMAGES - model.mean) / model.std))


@pytest.mark.parametrize("normalise", [True, False])
def test_hugging_face_is_asked_for_safetensors_and_means(monkeypatch, normalise):
    asked = []

    class Network(nn.Module):
        def forward(self, images):
            return SimpleNamespace(logits=images.flatten(1)[:, :3])

    def model(name, **settings):
        asked.append((name, settings))
        return Network()

    def preparation(name):
        statistics = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "rescale_factor": 1 / 127.5}
        return SimpleNamespace(to_dict=lambda: {"do_normalize": normalise, **statistics})

    transformers = ModuleType("transformers")
    transformers.AutoModelForImageClassification = SimpleNamespace(from_pretrained=model)
    transformers.AutoImageProcessor = SimpleNamespace(from_pretrained=preparation)
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    made = load_pretrained("hf:owner/net")
    assert asked == [("owner/net", {"use_safetensors": True})]
    wanted = (2 * IMAGES - 0.5) / 0.25 if normalise else IMAGES
    assert torch.allclose(made(IMAGES), wanted.flatten(1)[:, :3], atol=1e-6)
    monkeypatch.setattr(transformers.AutoModelForImageClassification, "from_pretrained", offline)
    with pytest.raises(
        ValueError, match="give --model hf:folder, with config.json, preprocessor_config.json and model.s"
    ):
        load_pretrained("hf:owner/net")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        ValueError, match=r"the model 'hf:owner/net' needs transformers: pip install 'gsmooth-core\[hf\]'"
    ):
        load_pretrained("hf:owner/net")


def test_real_transformers_open_a_folder(tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], num_labels=5)
    network = transformers.ResNetForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    transformers.ConvNextImageProcessor(image_mean=[0.5] * 3, image_std=[0.25] * 3).save_pretrained(tmp_path)
    model = load_pretrained(f"hf:{tmp_path}")
    assert torch.allclose(model(IMAGES), network((IMAGES - 0.5) / 0.25).logits, atol=1e-5)
