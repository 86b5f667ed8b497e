"""Weights in safetensors files, each with a card beside it that says what they are. No pickle is ever opened."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from gsmooth_core.common.files import check_writable, write_bytes, write_text

NAMED = 5
"""How many tensors that do not fit are named in an error."""


def save_weights(module: nn.Module, path: str | Path, card: Mapping[str, Any]) -> None:
    """The module's parameters and buffers stand in ``path`` (``.safetensors``), and its card beside it (``.json``).

    The card is ``card`` with "kind" (the module's class), "parameters" (their number), "versions" and "sha256" (of the
    weights file) added or replaced. A tensor that has several names is stored once. Each file is written in one step,
    the card last, so that a kill between the two is noticed when they are read. ``ValueError``, before anything is
    written, for another ending, a place that cannot be written, a card that is not JSON, or a module without values.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"weights are saved as safetensors, not as {path.name!r}; end the name in .safetensors")
    check_writable(path, "weights")
    check_writable(_beside(path), "card")
    stored: dict[Hashable, tuple[str, Tensor]] = {}
    for name, tensor in _tensors(module).items():
        stored.setdefault(_place(tensor), (name, tensor.detach()))
    content = save(
        {name: tensor.to("cpu", copy=True, memory_format=torch.contiguous_format) for name, tensor in stored.values()}
    )
    whole = {
        **card,
        "kind": type(module).__name__,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "versions": {name: version(name) for name in ("gsmooth-core", "torch")} | {"python": python_version()},
        "sha256": sha256(content).hexdigest(),
    }
    try:
        text = json.dumps(whole, indent=1, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the card is no JSON: {error}; make it of numbers, strings, lists and dicts") from error
    write_bytes(path, content)
    write_text(_beside(path), text + "\n")


def read_card(path: str | Path) -> dict[str, Any]:
    """The card of the weights in ``path`` (the ``.safetensors`` file); ``ValueError`` unless it belongs to them."""
    return _card(Path(path), _content(Path(path)))


def load_weights(module: nn.Module, path: str | Path) -> None:
    """The module holds the weights that :func:`save_weights` wrote, bit for bit if its types are those of the file.

    ``ValueError``, and the module is unchanged, for a file that is missing, damaged, not a safetensors file, not the
    file that its card belongs to, or with other names or shapes than the module's.
    """
    path = Path(path)
    content = _content(path)
    tensors = _read(path, content)
    kind = _card(path, content).get("kind")
    _fill(module, path, tensors, f"make the {kind} that they were saved from")


def load_foreign_weights(module: nn.Module, path: str | Path) -> None:
    """As :func:`load_weights`, for a safetensors file of any program, which may have no card."""
    path = Path(path)
    content = _content(path)
    tensors = _read(path, content)
    if has_card(path):
        _card(path, content)
    _fill(module, path, tensors, "name the network that they belong to, and its number of classes")


def has_card(path: str | Path) -> bool:
    """Whether there is a card beside the weights in ``path``."""
    return _beside(Path(path)).is_file()


def _read(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        return load(content)
    except SafetensorError as error:
        raise ValueError(f"{str(path)!r} is damaged or cut short ({error}); copy or save it again") from error


def _fill(module: nn.Module, path: Path, tensors: dict[str, Tensor], advice: str) -> None:
    """The module holds the tensors; ``ValueError``, with advice, and unchanged, if they do not fit."""
    misfits = _misfits(_tensors(module), tensors)
    if misfits:
        raise ValueError(
            f"the weights in {str(path)!r} do not fit {type(module).__name__}: {'; '.join(misfits)}; {advice}"
        )
    module.load_state_dict(tensors, strict=False)  # names that share a tensor stand in the file once


def _content(path: Path) -> bytes:
    """The bytes of a file that is safetensors by its name and its start."""
    name = str(path)
    if path.suffix == ".safetensors":
        if not path.is_file():
            raise ValueError(f"there is no file {name!r}; give one that save_weights wrote")
        content = path.read_bytes()
        if content[8:9] == b"{":  # after the header's length, which the first bytes of a pickle or a zip may imitate
            return content
    raise ValueError(
        f"{name!r} is no safetensors file, and no other is opened, since a pickle (.pt, .pth, .ckpt, .pkl) can run "
        "code when it is; load it yourself with torch.load(..., weights_only=True) and save it with save_weights, or "
        'convert a state dict: python -c "import torch, safetensors.torch as s; '
        f's.save_file(torch.load({name!r}, weights_only=True), {str(path.with_suffix(".safetensors"))!r})"; then name '
        "what makes the network, and these weights: --model package.module:maker --weights file"
    )


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _card(path: Path, content: bytes) -> dict[str, Any]:
    """The card of the weights file of that content."""
    name = str(_beside(path))
    if not _beside(path).is_file():
        raise ValueError(
            f"there is no card {name!r} beside {path.name!r}; keep both files, or, for weights "
            "that never had one, name what makes the network: on the command line --model package.module:maker "
            f"--weights {path.name}, in Python load_classifier(path, maker=...) or load_weights"
        )
    try:
        card = json.loads(_beside(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"the card {name!r} is no JSON: {error}; save the weights again") from error
    if not isinstance(card, dict) or "sha256" not in card:
        raise ValueError(f'{name!r} is not a card of save_weights: it has no "sha256"; save the weights again')
    if card["sha256"] != sha256(content).hexdigest():
        raise ValueError(
            f"the card {name!r} belongs to other weights than those in {path.name!r}: saving was stopped between the "
            "two, or one was changed; save the weights again"
        )
    return card


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """The module's parameters and buffers under all their names."""
    state: dict[str, Tensor] = module.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor) or value.is_meta:
            raise ValueError(
                f"{name!r} of {type(module).__name__} is no tensor with values; make the module on a device that holds "
                "them, of parameters and buffers only"
            )
    return state


def _place(tensor: Tensor) -> Hashable:
    """A key that is equal for tensors with the same memory."""
    return tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride()


def _misfits(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    """Why tensors do not fit a module's own, in words; empty if they fit."""
    differing, held = [], dict[Hashable, str]()
    for name in sorted(own.keys() & tensors.keys()):
        there, here = tuple(tensors[name].shape), tuple(own[name].shape)
        first = held.setdefault(_place(own[name]), name)
        if there != here:
            differing.append(f"{name} is {there} there and {here} in the module")
        elif first != name and not torch.equal(tensors[first], tensors[name]):
            differing.append(f"{first} and {name} are two there and one in the module")
    missing = [name for name in own if name not in tensors and _place(own[name]) not in held]
    unexpected = sorted(tensors.keys() - own.keys())
    kinds = (("they lack {}", missing), ("they have {} too", unexpected), ("{}", differing))
    return [sentence.format(_few(names)) for sentence, names in kinds if names]


def _few(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + f" and {len(names) - NAMED} more" * (len(names) > NAMED)
