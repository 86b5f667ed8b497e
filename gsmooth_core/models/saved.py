"""Classifiers in files: saved, loaded, and named on the command line."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gsmooth_core.common.weights import load_weights, read_card, save_weights
from gsmooth_core.models.zoo import make_classifier

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of files with weights; only files with the first ending are ever opened."""


def save_classifier(
    model: nn.Module, path: str | Path, *, name: str, classes: int, channels: int, card: Mapping[str, Any] = {}
) -> None:
    """The model stands in ``path`` (``.safetensors``), with a card from which :func:`load_classifier` makes it again.

    Works as :func:`gsmooth_core.save_weights`; the card also has "name", "classes" and "channels", the arguments of
    :func:`make_classifier`. ``ValueError`` if those make another network.
    """
    if _shapes(model) != _shapes(_make_aside(name, classes, channels)):
        raise ValueError(
            f"the {type(model).__name__} is not what make_classifier({name!r}, classes={classes}, "
            f"channels={channels}) makes, so it could not be loaded again; correct these, or use save_weights"
        )
    save_weights(model, path, {**card, "name": name, "classes": int(classes), "channels": int(channels)})


def load_classifier(path: str | Path) -> nn.Module:
    """The classifier that :func:`save_classifier` wrote, in evaluation mode, on the CPU; otherwise ``ValueError``."""
    card = read_card(path)
    if not {"name", "classes", "channels"} <= card.keys():
        raise ValueError(
            f"the card of {str(path)!r} does not say which classifier it is; make the {card.get('kind')} yourself and "
            "use load_weights, or save it with save_classifier"
        )
    model = _make_aside(card["name"], card["classes"], card["channels"])
    load_weights(model, path)
    return model.eval()


def _make_aside(name: str, classes: int, channels: int) -> nn.Module:
    """A classifier whose random weights do not matter; the state of torch's global generator is not changed."""
    with torch.random.fork_rng(devices=[]):
        return make_classifier(name, classes=classes, channels=channels).float()  # whatever the default type


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def load_named_model(name: str) -> Callable[[Tensor], Tensor]:
    """The model called ``package.module:name``, found from the current folder too, or saved in a ``.safetensors`` file.

    The name may be a module or a function from images to logits, or a class or function that takes no arguments and
    makes one; the file is one of :func:`save_classifier`. ``ValueError`` if the name does not exist, and for a pickle.
    """
    if Path(name).suffix in WEIGHT_FILES:
        return load_classifier(name)
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(
            f"a model is 'example', a .safetensors file or 'package.module:name', not {name!r}; add the part after the "
            "colon"
        )
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module_name), attribute)
        makes = callable(found) and not isinstance(found, nn.Module) and _takes_nothing(found)
        model: Callable[[Tensor], Tensor] = found() if makes else found
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"the model {name!r} cannot be loaded: {type(error).__name__}: {error}; check the name, and run from the "
            "folder that holds it or install it"
        ) from error
    if not callable(model):
        raise ValueError(f"{name!r} is a {type(model).__name__}, which cannot be called; name a model or its maker")
    return model


def _takes_nothing(maker: Callable[..., object]) -> bool:
    return not any(
        parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in inspect.signature(maker).parameters.values()
    )
