"""Weights with their cards on the Hugging Face hub, an option (extra ``hub``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gsmooth_core.common.weights import read_card


def download_weights(repository: str, name: str, *, revision: str | None = None) -> Path:
    """Where the weights ``name`` (.safetensors) of a repository lie now, their card beside them.

    For ``UNetSurrogate.load`` or :func:`load_classifier`. Pass the hash of a commit as ``revision`` to get the same
    weights always. ``ValueError`` if the file is not safetensors or its card does not belong to it.
    """
    if not name.endswith(".safetensors"):
        raise ValueError(f"weights are a .safetensors file, not {name!r}; pickles are not downloaded")
    hub = _hub()
    hub.hf_hub_download(repository, str(Path(name).with_suffix(".json")), revision=revision)
    path = Path(hub.hf_hub_download(repository, name, revision=revision))
    read_card(path)
    return path


def upload_weights(path: str | Path, repository: str, *, private: bool = True) -> None:
    """Put weights that ``save`` or :func:`save_classifier` wrote, and their card, into a repository of yours.

    The repository is made if it does not exist. Log in before, with ``hf auth login``.
    """
    read_card(path)
    hub, path = _hub(), Path(path)
    hub.create_repo(repository, private=private, exist_ok=True)
    for file in (path, path.with_suffix(".json")):
        hub.upload_file(path_or_fileobj=str(file), path_in_repo=file.name, repo_id=repository)


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ValueError("the hub needs huggingface_hub: pip install 'gsmooth-core[hub]'") from error
    return huggingface_hub
