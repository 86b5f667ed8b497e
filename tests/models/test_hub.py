"""The hub, stood in for by a folder: nothing here needs the internet."""

import shutil
import sys
import types

import pytest
import torch

from gsmooth_core import UNetSurrogate, download_weights, upload_weights


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A hub whose only repository is a folder."""
    kept = tmp_path / "hub"
    kept.mkdir()
    hub = types.ModuleType("huggingface_hub")
    hub.asked = []
    hub.create_repo = lambda name, private, exist_ok: hub.asked.append((name, private, exist_ok))
    hub.upload_file = lambda path_or_fileobj, path_in_repo, repo_id: shutil.copy(path_or_fileobj, kept / path_in_repo)
    hub.hf_hub_download = lambda repository, name, revision: str(kept / name)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return kept


def test_weights_go_up_and_come_back(folder, tmp_path):
    surrogate = UNetSurrogate(width=4, depth=1)
    surrogate.save(tmp_path / "mine.safetensors")
    upload_weights(tmp_path / "mine.safetensors", "me/surrogates")
    assert sys.modules["huggingface_hub"].asked == [("me/surrogates", True, True)]
    assert {file.name for file in folder.iterdir()} == {"mine.safetensors", "mine.json"}
    loaded = UNetSurrogate.load(download_weights("me/surrogates", "mine.safetensors", revision="abc"))
    assert all(torch.equal(a, b) for a, b in zip(surrogate.parameters(), loaded.parameters(), strict=True))


def test_only_safetensors_with_their_own_card_are_taken(folder, tmp_path):
    with pytest.raises(ValueError, match="pickles are not downloaded"):
        download_weights("me/surrogates", "mine.pt")
    UNetSurrogate(width=4, depth=1).save(tmp_path / "mine.safetensors")
    upload_weights(tmp_path / "mine.safetensors", "me/surrogates")
    UNetSurrogate(width=8, depth=1).save(tmp_path / "other.safetensors")
    shutil.copy(tmp_path / "other.safetensors", folder / "mine.safetensors")
    with pytest.raises(ValueError, match="other weights"):
        download_weights("me/surrogates", "mine.safetensors")
    with pytest.raises(ValueError, match="there is no"):
        upload_weights(tmp_path / "none.safetensors", "me/surrogates")


def test_without_the_package_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match=r"gsmooth-core\[hub\]"):
        download_weights("me/surrogates", "mine.safetensors")
