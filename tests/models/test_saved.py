"""Classifiers by name, saved and loaded, in Python and from the command line."""

import importlib
import json
import pickle
import subprocess
import sys
from types import ModuleType

import pytest
import torch
from helpers import QUICK
from safetensors.torch import save_file
from torch import nn
from torchvision.utils import save_image

from gsmooth_core import (
    SmallConvNet,
    accelerate,
    adapters,
    certify,
    load_classifier,
    load_fashion_mnist,
    load_weights,
    make_classifier,
    normalized,
    save_classifier,
    save_weights,
)
from gsmooth_core.cli.app import main
from gsmooth_core.models.named import load_named_model
from gsmooth_core.models.networks import ConvNet
from gsmooth_core.models.zoo import KNOWN
from gsmooth_core.results.identity import model_hash


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
    with pytest.raises(
        ValueError, match=r"'example', a .safetensors, .onnx or .pt2 file, .*, or 'package.module:name', not 'nowhere'"
    ):
        load_named_model("nowhere")


def test_help_names_the_options_beside_model(capsys):
    with pytest.raises(SystemExit):
        main(["certify", "--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in ("--weights", "--classes", "--mean", "--std", "timm:resnet18", "hf:owner/name", ".onnx or .pt2"):
        assert part in shown


class Net(nn.Module):
    """A network of one's own."""

    def __init__(self, classes=3, scale=1.0):
        super().__init__()
        self.scale = scale
        self.layer = nn.Linear(4, classes)

    def forward(self, images):
        return self.layer(self.scale * images.flatten(1)[:, :4])


class Needy(Net):
    """A network that takes an argument."""

    def __init__(self, classes):
        super().__init__(classes)


MODULE = """
import torch
class Net(torch.nn.Module):
    def __init__(self, classes=3, scale=1.0):
        super().__init__()
        self.scale = scale
        self.layer = torch.nn.Linear(784, classes)
    def forward(self, images):
        return self.layer(self.scale * images.flatten(1))
class Outer:
    class Inner(Net):
        pass
def wide(scale):
    return Net(10, scale=scale)
"""


@pytest.fixture
def mynet(tmp_path, monkeypatch):
    """A module ``mynet`` that can be imported."""
    (tmp_path / "mynet.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mynet", raising=False)
    yield importlib.import_module("mynet")
    sys.modules.pop("mynet", None)


def test_any_module_is_saved_with_what_makes_it(tmp_path, mynet):
    path, images = tmp_path / "net.safetensors", torch.rand(2, 1, 28, 28)
    for model, settings, maker in (
        (mynet.Net(), {}, "mynet:Net"),
        (mynet.Net(5), {"arguments": {"classes": 5}}, "mynet:Net"),
        (mynet.Outer.Inner(), {}, "mynet:Outer.Inner"),
        (mynet.wide(2.0), {"maker": mynet.wide, "arguments": {"scale": 2.0}}, "mynet:wide"),
        (mynet.wide(2.0), {"maker": "mynet:wide", "arguments": {"scale": 2.0}}, "mynet:wide"),
    ):
        save_classifier(model, path, card={"epochs": 3}, **settings)
        assert [json.loads(path.with_suffix(".json").read_text())[key] for key in ("maker", "epochs")] == [maker, 3]
        with pytest.raises(
            ValueError, match=rf"says that '{maker}' makes the network, and importing it runs code; if it"
        ):
            load_classifier(path)
        made = getattr(mynet, maker.partition(":")[2], mynet.Outer.Inner)
        for consent in ({"trust": True}, {"maker": maker}, {"maker": made}):
            loaded = load_classifier(path, **consent)
            assert torch.equal(loaded(images), model.eval()(images))
            assert not loaded.training


def test_a_network_of_the_package_needs_no_consent(tmp_path, example_model):
    path = tmp_path / "net.safetensors"
    save_classifier(example_model, path)
    assert isinstance(load_classifier(path), SmallConvNet)


def test_a_card_cannot_name_code_to_be_run(tmp_path):
    path, made = tmp_path / "net.safetensors", tmp_path / "made"
    save_classifier(SmallConvNet(), path)
    for maker, arguments in (
        ("os:mkdir", {"path": str(made)}),
        ("gsmooth_core.models.networks:nn.init.os.mkdir", {"path": str(made)}),
        ("gsmooth_core.common.files:write_text", {"path": str(made), "text": "x"}),
    ):
        card = json.loads(path.with_suffix(".json").read_text())
        path.with_suffix(".json").write_text(json.dumps({**card, "maker": maker, "arguments": arguments}))
        with pytest.raises(ValueError, match="importing it runs code"):
            load_classifier(path)
        assert not made.exists()


def _local():
    class Local(Net):
        pass

    return Local()


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (_local(), {}, "Local is defined in a function, or is a lambda, from where nothing can import it; move it"),
        (Net(), {"maker": lambda: Net()}, "<lambda> is defined in a function, or is a lambda, from where nothing"),
        (Needy(3), {}, "Needy takes arguments, which nobody can read off its weights; give them as arguments="),
        (Needy(3), {"maker": "nowhere:Net"}, "'nowhere:Net' cannot be loaded: ModuleNotFoundError"),
        (SmallConvNet(), {"maker": nn.Linear, "arguments": {"in_features": 2, "out_features": 2}}, "another network"),
        (SmallConvNet(7), {}, "differ in layers; give the right arguments="),
        (SmallConvNet(), {"arguments": {"classes": Net}}, "the arguments are no JSON"),
        (SmallConvNet(), {"arguments": {"nonsense": 1}}, "fails with the arguments {'nonsense': 1}: TypeError"),
        (SmallConvNet(), {"maker": "builtins:dict"}, "'builtins:dict' makes a dict, not a torch module"),
        (SmallConvNet(), {"maker": 7}, "the maker is a class or a function, not 7"),
        (SmallConvNet(), {"maker": "Net"}, "a name is 'package.module:name', not 'Net'"),
        (SmallConvNet(), {"name": "smallconvnet"}, "classes and channels belong to the name 'smallconvnet'; give both"),
        (lambda images: images, {}, "only a torch module can be saved, not a function; wrap the function in one"),
        (normalized(lambda images: images, 0, 1), {}, "inside the adapters is a function; wrap it in one"),
    ],
)
def test_what_nothing_could_make_again_is_not_saved(tmp_path, model, settings, message):
    with pytest.raises(ValueError, match=message):
        save_classifier(model, tmp_path / "net.safetensors", **settings)
    assert not list(tmp_path.iterdir())


def test_a_setting_that_no_weight_shows_is_noticed(tmp_path, mynet):
    path = tmp_path / "net.safetensors"
    with pytest.raises(ValueError, match="'mynet:Net' makes .* is another network than the one to save: .* in scale"):
        save_classifier(mynet.Net(scale=255.0), path)
    save_classifier(mynet.Net(scale=255.0), path, arguments={"scale": 255.0})
    assert load_classifier(path, trust=True).scale == 255


def test_a_class_of_a_script_names_the_way(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(MODULE + "from gsmooth_core import save_classifier\nsave_classifier(Net(), 'net.safetensors')\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "Net is defined in the script that runs, from where nothing can import it; move it to" in done.stderr


def test_adapters_are_saved_with_the_network(tmp_path, mynet):
    path, images = tmp_path / "net.safetensors", torch.rand(3, 1, 28, 28)
    model = adapters.in_batches_of(adapters.logits_of(normalized(mynet.Net(), 0.5, [0.25])), 2)
    save_classifier(model, path)
    loaded = load_classifier(path, trust=True)
    assert torch.equal(loaded(images), model(images))
    assert model_hash(loaded) == model_hash(model)
    load_weights(mynet.Net(), path)  # the file has the network's own names
    save_classifier(normalized(SmallConvNet(), 0.5, 0.25), path, name="smallconvnet", classes=10, channels=1)
    assert load_classifier(path).settings == {"mean": [0.5], "std": [0.25]}
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, "layers": [{"adapter": "system", "command": "ls"}]}))
    with pytest.raises(ValueError, match="names no adapter that is known"):
        load_classifier(path)


def test_a_file_of_save_weights_is_opened_by_a_maker(tmp_path, mynet):
    path, model, images = tmp_path / "net.safetensors", mynet.Net(5), torch.rand(2, 1, 28, 28)
    save_weights(model, path, {})
    with pytest.raises(
        ValueError, match=r"--model package.module:maker --weights .*net.safetensors\), or save it with"
    ):
        load_classifier(path)
    loaded = load_classifier(path, maker=mynet.Net, arguments={"classes": 5})
    assert torch.equal(loaded(images), model(images))
    with pytest.raises(ValueError, match="do not fit Net"):
        load_classifier(path, maker=mynet.Net)


@pytest.mark.filterwarnings("ignore:the model returns")  # more classes than there are folders
@pytest.mark.parametrize("save", ["save_classifier", "save_weights", "safetensors"])
def test_the_command_line_opens_weights_with_their_maker(tmp_path, mynet, save):
    path, out = tmp_path / "net.safetensors", tmp_path / "report.json"
    torch.manual_seed(0)
    model = mynet.wide(2.0) if save == "save_classifier" else mynet.Net()
    if save == "save_classifier":
        save_classifier(model, path, maker="mynet:wide", arguments={"scale": 2.0})
    elif save == "save_weights":
        save_weights(model, path, {})
    else:
        save_file(model.state_dict(), path)
    maker = "mynet:wide" if save == "save_classifier" else "mynet:Net"
    command = ["certify", "gaussianblur", "--data", str(pictures(tmp_path, 3)), "--grey", "--radius", "1"]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--model", maker, "--weights", str(path), "--samples", "200", "--out", str(out)])
    assert stop.value.code == 0
    assert json.loads(out.read_text())["run"]["model_hash"] == model_hash(model)


def pictures(folder, count):
    """A folder with a folder for each of ``count`` classes, a picture in each."""
    images, _ = load_fashion_mnist("test")
    for place in range(count):
        (folder / "pictures" / f"class{place}").mkdir(parents=True)
        save_image(images[place], folder / "pictures" / f"class{place}" / "0.png")
    return folder / "pictures"
