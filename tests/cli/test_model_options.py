"""The options that say which model: files, weights, and the mean and std that images are normalised by."""

import pytest
import torch
from torch import nn

from gsmooth_core import Report, export_classifier, normalized, save_weights
from gsmooth_core.cli.app import main
from gsmooth_core.cli.named_models import choose_model
from gsmooth_core.cli.shared_options import ModelOptions
from gsmooth_core.models.adapters import IMAGENET, Normalized
from gsmooth_core.results.identity import model_hash

QUICK = ["--samples", "200", "--select", "50"]


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture
def weights(tmp_path, example_model):
    path = tmp_path / "net.safetensors"
    save_weights(example_model, path, {})
    return path


MAKER = "gsmooth_core:SmallConvNet"


def test_every_command_takes_weights_and_normalisation(tmp_path, weights, example_model, capsys):
    model = ["--model", MAKER, "--weights", weights, "--mean", "0.1", "--std", "0.9"]
    out = tmp_path / "report.json"
    assert run("certify", "gaussianblur", *model, "--data", "fashion-mnist", "--limit", 2, *QUICK, "--out", out) == 0
    report = Report.load(out)
    assert report.run.model == "Normalized(SmallConvNet, mean=[0.1], std=[0.9])"
    assert report.run.model_hash == model_hash(normalized(example_model, 0.1, 0.9))
    assert run("verify", out, *model, "--data", "fashion-mnist", "--calls", 20) == 0
    assert run("attack", "gaussianblur", *model, "--data", "fashion-mnist", "--limit", 2, "--calls", 20) == 0
    assert run("benchmark", *model, "--data", "fashion-mnist", "--limit", 2, "--severities", 1) == 0
    assert run("page", out, "--out", tmp_path / "page.html") == 0


@pytest.mark.parametrize("ending", ["pt2", "onnx"])
def test_exported_files_are_certified(tmp_path, example_model, test_images, ending, capsys):
    if ending == "onnx":
        for library in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(library)
    elif tuple(map(int, torch.__version__.split(".")[:2])) < (2, 10):
        pytest.skip("older versions of torch pickle what they export")
    path, out = tmp_path / f"net.{ending}", tmp_path / "report.json"
    export_classifier(example_model, path, test_images[:2], batch=50)
    model = ["--model", path, "--data", "fashion-mnist"]
    assert run("certify", "gaussianblur", *model, "--limit", 2, *QUICK, "--out", out) == 0
    assert Report.load(out).run.model == {"pt2": "ExportedModel", "onnx": "OnnxModel"}[ending]


def test_the_means_of_imagenet_have_a_name(weights):
    options = ModelOptions(model=MAKER, weights=weights, mean=["imagenet"], std=["imagenet"])
    model = choose_model(options)
    assert model.settings == {"mean": list(IMAGENET[0]), "std": list(IMAGENET[1])}


def test_given_means_replace_those_of_a_pretrained_network(monkeypatch):
    pretrained = normalized(nn.Flatten(), *IMAGENET)
    monkeypatch.setattr("gsmooth_core.cli.named_models.load_named_model", lambda *_: pretrained)
    assert choose_model(ModelOptions(model="timm:resnet18")) is pretrained
    model = choose_model(ModelOptions(model="timm:resnet18", mean=["0.5"], std=["0.5"]))
    assert isinstance(model, Normalized)
    assert torch.equal(model(torch.ones(1, 3, 1, 1)), torch.ones(1, 3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--mean", "0.5"], "--mean and --std go together; give both"),
        (["--model", "example", "--mean", "0", "--std", "1"], "the example model is complete; leave out --weights"),
        (["--model", MAKER, "--mean", "a", "--std", "1"], "--mean is a number, one per channel, or imagenet, not a"),
        (["--model", MAKER, "--mean", "0", "0", "--std", "1", "1", "1"], "there are 2 means and 3 stds"),
        (["--model", MAKER, "--mean", "0", "--std", "0"], "std must be positive"),
        (["--model", MAKER, "--classes", "10"], "--classes is for a network of a library, such as timm:resnet18"),
        (["--model", MAKER, "--weights", "nowhere.safetensors"], "there is no file 'nowhere.safetensors'"),
        (["--model", MAKER, "--weights", "net.pt"], "no other is opened, since a pickle"),
        (["--model", "net.onnx", "--weights", "net.safetensors"], "has weights of its own; leave out --weights"),
        (["--model", "nowhere.onnx"], "there is no file 'nowhere.onnx'; check the path"),
        (["--model", "nowhere.pt2"], "there is no file 'nowhere.pt2'; check the path"),
        (["--model", "nowhere:net"], "the model 'nowhere:net' cannot be loaded: ModuleNotFoundError"),
        (["--model", "os:sep"], "'os:sep' is a str, which cannot be called; name a model or its maker"),
        (["--model", "timm"], "or 'package.module:name', not 'timm'; add the part after the colon"),
    ],
)
def test_options_that_do_not_go_together_are_sentences(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("net.pt", "net.onnx", "net.safetensors"):
        (tmp_path / name).touch()
    assert run("certify", "gaussianblur", *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())
