"""Weights come back bit for bit or not at all, and no pickle is opened."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from hashlib import sha256
from importlib.metadata import version

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_model, save
from torch import nn

from gsmooth_core import SmallConvNet, load_weights, read_card, save_weights


class Tied(nn.Module):
    """One tensor under two names, one that is not contiguous, a part of another, a buffer, an empty one."""

    def __init__(self, tied=True):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        if tied:
            self.second.weight = self.first.weight
        self.turned = nn.Parameter(torch.randn(3, 5, dtype=torch.float64).t())
        self.register_buffer("part", self.turned.detach()[1:3])
        self.register_buffer("steps", torch.tensor(7))
        self.register_buffer("wide", torch.randn(2, 1).expand(2, 3).clone().to(torch.bfloat16))
        self.register_buffer("none", torch.empty(0))


def equal(module, other):
    ours, theirs = module.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(
        tensor.dtype == theirs[name].dtype and torch.equal(tensor, theirs[name]) for name, tensor in ours.items()
    )


@pytest.fixture
def saved(tmp_path):
    """A saved network and its path."""
    network, path = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), tmp_path / "net.safetensors"
    save_weights(network, path, {"data": "none", "figures": {"accuracy": 0.5}})
    return network, path


@pytest.mark.parametrize("make", [SmallConvNet, Tied, lambda: nn.BatchNorm2d(3)])
def test_weights_come_back_bit_for_bit(tmp_path, make):
    module, other = make(), make()
    save_weights(module, tmp_path / "a.safetensors", {})
    assert not equal(module, other) or isinstance(module, nn.BatchNorm2d)
    load_weights(other, tmp_path / "a.safetensors")
    assert equal(module, other)
    save_weights(other, str(tmp_path / "b.safetensors"), {})
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_tied_weights_stand_in_the_file_once_and_stay_tied(tmp_path):
    module, other, path = Tied(), Tied(), tmp_path / "tied.safetensors"
    save_weights(module, path, {})
    with safe_open(path, "pt") as file:
        assert len({"first.weight", "second.weight"} & set(file.keys())) == 1
    load_weights(other, path)
    assert other.first.weight is other.second.weight
    assert equal(module, other)


def test_tied_and_untied_weights_do_not_fit_each_other(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(Tied(), path, {})
    with pytest.raises(ValueError, match="they lack second.weight"):
        load_weights(Tied(tied=False), path)
    save_weights(Tied(tied=False), path, {})
    with pytest.raises(ValueError, match="weight are two there and one in the module"):
        load_weights(Tied(), path)


def test_the_card_says_what_was_saved(saved):
    network, path = saved
    card = read_card(path)
    assert card["data"] == "none"
    assert card["figures"] == {"accuracy": 0.5}
    assert card["kind"] == "Sequential"
    assert card["parameters"] == 14
    assert card["versions"].keys() == {"gsmooth-core", "torch", "python"}
    assert card["versions"]["torch"] == version("torch")
    assert card["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert path.with_suffix(".json").read_text().startswith('{\n "data"')
    assert sorted(file.name for file in path.parent.iterdir()) == ["net.json", "net.safetensors"]
    save_weights(network, path, card)  # a card that was read may be written again
    assert read_card(path) == card


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            nn.Sequential(nn.Linear(3, 2)),
            "do not fit Sequential: they have 1.bias, 1.weight too; make the Sequential that",
        ),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2), nn.Linear(2, 2)), "they lack 2.weight, 2.bias"),
        (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)), r"0.bias is \(2,\) there and \(4,\) in the module"),
        (nn.Sequential(*[nn.Linear(3, 2)] * 2, *(nn.Linear(2, 2) for _ in range(9))), "and 13 more"),
        (nn.Linear(3, 2), "they lack weight, bias; they have 0.bias, 0.weight, 1.bias, 1.weight too"),
    ],
)
def test_what_does_not_fit_is_named_and_the_module_stays(saved, other, message):
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_weights(other, saved[1])
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())


class Payload:
    """An object whose pickle makes a file when it is opened."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("ending", ["pt", "pth", "ckpt", "pkl", "bin", "safetensors"])
@pytest.mark.parametrize("write", ["pickle", "torch", "old torch"])
def test_a_pickle_is_refused_and_not_opened(tmp_path, ending, write):
    path, made = tmp_path / f"net.{ending}", tmp_path / "made"
    if write == "pickle":
        path.write_bytes(pickle.dumps(Payload(made)))
    else:
        torch.save(Payload(made), path, _use_new_zipfile_serialization=write == "torch")
    for read in (read_card, lambda path: load_weights(nn.Linear(1, 1), path)):
        with pytest.raises(ValueError, match=r"no safetensors file.*can run code.*weights_only=True.*save_weights"):
            read(path)
    assert not made.exists()
    if write == "torch":
        assert zipfile.is_zipfile(path)
    if write == "pickle":
        pickle.loads(path.read_bytes())
        assert made.exists(), "the payload is harmless, so the test shows nothing"


def test_a_header_whose_length_looks_like_a_pickles_start_is_none(tmp_path):
    """640 is 0x0280, which protocol 2 begins with."""
    path = tmp_path / "net.safetensors"
    for length in range(1, 200):
        network = nn.Module()
        for letter in "abcd":
            network.register_buffer(letter * length, torch.zeros(1))
        save_weights(network, path, {})
        if path.read_bytes().startswith(pickle.PROTO + b"\x02"):
            break
    else:
        pytest.fail("no header of that length")
    load_weights(network, path)


@pytest.mark.parametrize("keep", [0, 5, 9, 60, -1])
def test_a_file_that_was_cut_short_is_refused(saved, keep):
    network, path = saved
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="no safetensors file" if 0 <= keep < 9 else "is damaged or cut short"):
        load_weights(network, path)
    with pytest.raises(ValueError, match="no safetensors file" if 0 <= keep < 9 else "belongs to other weights"):
        read_card(path)


def test_a_kill_between_weights_and_card_is_noticed(saved, monkeypatch):
    network, path = saved

    def killed(*_):
        raise KeyboardInterrupt

    nn.init.zeros_(network[0].weight)
    with monkeypatch.context() as patch:
        patch.setattr("gsmooth_core.common.weights.write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            save_weights(network, path, {})
    for read in (read_card, lambda path: load_weights(network, path)):
        with pytest.raises(
            ValueError, match="belongs to other weights.*saving was stopped between the two.*save the w"
        ):
            read(path)
    path.with_suffix(".json").unlink()  # as after the first saving ever
    for read in (read_card, lambda path: load_weights(network, path)):
        with pytest.raises(ValueError, match="there is no card .*net.json' beside 'net.safetensors'; keep both"):
            read(path)
    save_weights(network, path, {})
    load_weights(network, path)


def test_a_kill_while_writing_leaves_the_old_files(saved):
    """A process that dies as it flushes the new weights to the disk."""
    network, path = saved
    code = (
        "import os, sys; from torch import nn; from gsmooth_core import save_weights\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "save_weights(nn.Linear(2, 2), sys.argv[1], {})"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    load_weights(network, path)
    assert read_card(path)["kind"] == "Sequential"


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("{", "is no JSON: .*; save the weights again"),
        ("[]", 'is not a card of save_weights: it has no "sha256"'),
        ("{}", 'is not a card of save_weights: it has no "sha256"'),
        ('{"sha256": "0"}', "belongs to other weights"),
    ],
)
def test_a_card_that_is_none_is_refused(saved, card, message):
    saved[1].with_suffix(".json").write_text(card)
    with pytest.raises(ValueError, match=message):
        read_card(saved[1])


def test_missing_files_are_a_sentence(tmp_path):
    for read in (read_card, lambda path: load_weights(nn.Linear(1, 1), path)):
        with pytest.raises(ValueError, match="there is no file .*; give one that save_weights wrote"):
            read(tmp_path / "nothing.safetensors")


class Talkative(nn.Linear):
    def get_extra_state(self):
        return "words"


@pytest.mark.parametrize(
    ("module", "name", "card", "message"),
    [
        (nn.Linear(1, 1), "net.pt", {}, "not as 'net.pt'; end the name in .safetensors"),
        (nn.Linear(1, 1), "nowhere/net.safetensors", {}, "there is no folder .*nowhere' for the weights"),
        (nn.Linear(1, 1), "net.safetensors", {"mean": torch.ones(1)}, "the card is no JSON: .*Tensor.*; make it of"),
        (nn.Linear(1, 1, device="meta"), "net.safetensors", {}, "'weight' of Linear is no tensor with values"),
        (Talkative(1, 1), "net.safetensors", {}, "'_extra_state' of Talkative is no tensor with values"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_anything_is_written(tmp_path, module, name, card, message):
    with pytest.raises(ValueError, match=message):
        save_weights(module, tmp_path / name, card)
    assert not list(tmp_path.iterdir())


def test_safetensors_itself_reads_the_file(tmp_path):
    module, other = (nn.Sequential(layer, nn.ReLU(), layer) for layer in (nn.Linear(2, 2), nn.Linear(2, 2)))
    save_weights(module, tmp_path / "net.safetensors", {})
    load_model(other, tmp_path / "net.safetensors")
    assert equal(module, other)


def test_a_file_of_safetensors_itself_needs_a_card(tmp_path):
    path = tmp_path / "foreign.safetensors"
    content = save({"weight": torch.ones(1, 1), "bias": torch.ones(1)})
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps({"sha256": sha256(content).hexdigest()}))
    module = nn.Linear(1, 1)
    load_weights(module, path)
    assert module.weight.item() == 1
