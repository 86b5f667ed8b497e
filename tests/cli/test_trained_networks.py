"""``gsmooth fit classifier`` trains networks of one's own, from the weights that they have, and says how to go on."""

import shlex

import pytest
import torch
from torchvision.utils import save_image

from gsmooth_core import (
    Report,
    certify,
    load_classifier,
    load_fashion_mnist,
    read_card,
    save_classifier,
    save_weights,
)
from gsmooth_core.cli.app import main

SMALL = ["--limit", "32", "--epochs", "1", "--batch", "16"]
NETS = """
from torch import nn

class Tiny(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, width, 5, 4), nn.ReLU(), nn.Flatten(), nn.Linear(36 * width, 10))

    def forward(self, images):
        return self.layers(images)

made = Tiny()
function = lambda images: images.flatten(1)[:, :10]
"""


def run(*arguments):
    """The exit code of the command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The class of a network of one's own, in a module beside the current folder's files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "tiny_nets", raising=False)
    import tiny_nets

    return tiny_nets.Tiny


def printed_next(shown):
    """The command after ``next:``, without the program's name."""
    [line] = [line for line in shown.splitlines() if line.startswith("next: ")]
    program, *command = shlex.split(line.removeprefix("next: "))
    assert program == "gsmooth"
    return command


def test_from_a_failing_certificate_to_training_and_back(tiny, capsys):
    """Each command prints the next one, which works as it stands."""
    torch.manual_seed(0)
    save_weights(tiny(), "start.safetensors", {})
    model = ["--model", "tiny_nets:Tiny", "--weights", "start.safetensors", "--mean", "0.5", "--std", "0.5"]
    quick = ["--limit", "2", "--samples", "100", "--select", "20", "--anchors", "2"]
    assert run("certify", "defocus", *model, "--data", "fashion-mnist", *quick) == 0
    command = printed_next(capsys.readouterr().out)
    assert command[:3] == ["fit", "classifier", "defocus"]
    assert run(*command, *SMALL) == 0
    card = read_card("classifier.safetensors")
    assert (card["maker"], card["arguments"]) == ("tiny_nets:Tiny", {})
    assert [layer["adapter"] for layer in card["layers"]] == ["Normalized"]
    command = printed_next(capsys.readouterr().out)
    limit = command.index("--limit") + 1
    assert run(*command[:limit], *quick[1:], *command[limit + 1 :]) == 0
    assert len(Report.load("classifier.report.json").certificates) == 2
    started = torch.nn.Module.state_dict(tiny())
    trained = load_classifier("classifier.safetensors", maker=tiny).state_dict()
    assert {name.removeprefix("model.") for name in trained} >= set(started)


def test_training_goes_on_from_the_weights_that_are_named(tiny):
    torch.manual_seed(0)
    network = tiny(width=8)
    save_classifier(network, "wide.safetensors", arguments={"width": 8})
    options = ["--model", "tiny_nets:Tiny", "--weights", "wide.safetensors", "--learning-rate", "1e-30"]
    assert run("fit", "classifier", "defocus", *options, "--out", "out.safetensors", *SMALL) == 0
    trained = load_classifier("out.safetensors", maker=tiny)
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(trained.state_dict()[name], weight)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("tiny_nets:function", "only a torch module can be trained, not the function 'tiny_nets:function'"),
        ("tiny_nets:made", "is a network that was made already; name the class or function"),
        ("nowhere:net", "cannot be loaded"),
        ("hf:somebody/something", "transformers"),
    ],
)
def test_what_cannot_be_trained_or_saved_is_refused_before_the_work(tiny, model, message, tmp_path, capsys):
    assert run("fit", "classifier", "defocus", "--model", model, "--out", "out.safetensors", *SMALL) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out.checkpoints").exists()


def test_the_printed_command_trains_on_the_folder_that_was_certified(tiny, tmp_path, capsys):
    """A plain folder of grey images: certified, trained on as the printed line says, and certified again."""
    images, labels = load_fashion_mnist("test")
    for place in range(40):
        folder = tmp_path / "my pictures" / str(int(labels[place]))
        folder.mkdir(parents=True, exist_ok=True)
        save_image(images[place], folder / f"{place}.png")
    torch.manual_seed(0)
    network = tiny()
    for weight in network.parameters():
        weight.data *= 30  # so that noise decides
    save_weights(network, "start.safetensors", {})
    model = ["--model", "tiny_nets:Tiny", "--weights", "start.safetensors", "--mean", "0.5", "--std", "0.5"]
    quick = ["--limit", "2", "--samples", "100", "--select", "20", "--anchors", "2"]
    assert run("certify", "defocus", *model, "--data", "my pictures", "--grey", "--names", "10", *quick) == 0
    command = printed_next(capsys.readouterr().out)
    assert run(*command, *SMALL) == 0
    shown = capsys.readouterr().out
    assert "accuracy on the training images without noise: " in shown
    command = printed_next(shown)
    limit = command.index("--limit") + 1
    assert run(*command[:limit], *quick[1:], *command[limit + 1 :]) == 0
    assert Report.load("classifier.report.json").data == "the image folder 'my pictures' (the first 2 of 40)"


def test_weights_without_a_card_and_makers_say_what_to_do(tiny, capsys):
    from safetensors.torch import save_file

    save_file(tiny().state_dict(), "bare.safetensors")
    assert run("certify", "defocus", "--model", "bare.safetensors") == 2
    assert "--model package.module:maker --weights bare.safetensors" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(ValueError, match="the model returned a network, a Tiny: it makes models and is none"):
        certify(lambda images: tiny(), "defocus", "fashion-mnist", limit=1)


def test_the_example_model_is_named_where_images_are_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures" / "0").mkdir(parents=True)
    save_image(load_fashion_mnist("test")[0][0], tmp_path / "pictures" / "0" / "a.png")
    assert run("certify", "defocus:discrete", "--data", "pictures", "--grey", "--names", "10") == 0
    assert "gsmooth: the model is the example model for Fashion-MNIST; name yours" in capsys.readouterr().err
