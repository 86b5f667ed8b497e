"""``gsmooth fit classifier`` trains networks of one's own, from the weights that they have, and says how to go on."""

import shlex

import pytest
import torch

from gsmooth_core import Report, load_classifier, read_card, save_classifier, save_weights
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
