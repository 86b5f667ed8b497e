"""Classifiers in files: weights in safetensors, and a card that says what makes the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gsmooth_core.common.weights import load_weights, read_card, save_weights
from gsmooth_core.models.adapters import LAYERS
from gsmooth_core.models.makers import is_own, make, maker_of
from gsmooth_core.models.wrapping import Wrapper
from gsmooth_core.models.zoo import make_classifier

ZOO = ("name", "classes", "channels")
"""What a card says of a network that :func:`make_classifier` makes."""


def save_classifier(
    model: nn.Module,
    path: str | Path,
    *,
    name: str | None = None,
    classes: int | None = None,
    channels: int | None = None,
    maker: Callable[..., nn.Module] | str | None = None,
    arguments: Mapping[str, Any] = {},
    card: Mapping[str, Any] = {},
) -> None:
    """The model stands in ``path`` (``.safetensors``), with a card from which :func:`load_classifier` makes it again.

    Works as :func:`gsmooth_core.save_weights`, for any module. The card says what makes the network: ``name``,
    ``classes`` and ``channels`` for one of :func:`make_classifier`; otherwise ``maker``, a class or function of a
    module that can be imported, or its name ``"package.module:maker"``, with ``arguments`` of JSON values. Without
    either, it is the network's own class. Adapters around the network, such as :func:`normalized`, are on the card
    too. ``ValueError``, before anything is written, if what is named makes another network, or cannot be imported: a
    lambda, or what is defined inside a function or in ``__main__``.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"only a torch module can be saved, not a {type(model).__name__}; wrap the function in one")
    layers, network = _unwrapped(model)
    if name is None:
        origin: dict[str, Any] = {"maker": maker_of(network, maker, arguments), "arguments": dict(arguments)}
    else:
        origin = _zoo_entry(network, name, classes, channels)
    save_weights(network, path, {**card, **origin, **({"layers": layers} if layers else {})})


def load_classifier(
    path: str | Path,
    *,
    maker: Callable[..., nn.Module] | str | None = None,
    arguments: Mapping[str, Any] | None = None,
    trust: bool = False,
) -> nn.Module:
    """The classifier that :func:`save_classifier` wrote, in evaluation mode, on the CPU; otherwise ``ValueError``.

    A network of :func:`make_classifier` needs nothing more. For any other, the card names a function, and a card can
    come from anybody: nothing is imported unless you name it yourself, as ``maker``, or ``trust`` the card. A maker
    also opens a file of :func:`save_weights`; ``arguments`` are its own, by default those of the card.
    """
    card = read_card(path)
    given = card.get("arguments", {}) if arguments is None else arguments
    if maker is not None:
        network = make(maker, given)
    elif set(ZOO) <= card.keys():
        network = _make_aside(*(card[key] for key in ZOO))
    elif "maker" not in card:
        raise ValueError(
            f"the card of {str(path)!r} does not say which classifier it is; make the {card.get('kind')} yourself and "
            "use load_weights, name what makes it (maker=, or on the command line --model package.module:maker "
            f"--weights {path}), or save it with save_classifier"
        )
    elif trust or is_own(str(card["maker"])):
        network = make(str(card["maker"]), given)
    else:
        raise ValueError(
            f"the card of {str(path)!r} says that {card['maker']!r} makes the network, and importing it runs code; "
            f"if it is yours, or you trust it, pass maker={card['maker']!r} (or trust=True) in the same call, or on "
            f"the command line --model {card['maker']} --weights {path}"
        )
    load_weights(network, path)
    return _wrapped(network, card.get("layers", []), path).eval()


def _zoo_entry(network: nn.Module, name: str, classes: int | None, channels: int | None) -> dict[str, Any]:
    if classes is None or channels is None:
        raise ValueError(f"classes and channels belong to the name {name!r}; give both")
    if _shapes(network) != _shapes(_make_aside(name, classes, channels)):
        raise ValueError(
            f"the {type(network).__name__} is not what make_classifier({name!r}, classes={classes}, "
            f"channels={channels}) makes, so it could not be loaded again; correct these, or use save_weights, or "
            "leave them out and name what makes it (maker='package.module:maker')"
        )
    return {"name": name, "classes": int(classes), "channels": int(channels)}


def _unwrapped(model: nn.Module) -> tuple[list[dict[str, Any]], nn.Module]:
    """The adapters around a network, from the outermost on, and the network; ``ValueError`` if it is no module."""
    layers = []
    inside: Any = model
    while isinstance(inside, Wrapper):
        layers.append({"adapter": type(inside).__name__, **inside.settings})
        inside = inside.model
    if not isinstance(inside, nn.Module):
        raise ValueError(
            f"only a torch module can be saved, and inside the adapters is a {type(inside).__name__}; wrap it in one"
        )
    return layers, inside


def _wrapped(network: nn.Module, layers: Sequence[Mapping[str, Any]], path: str | Path) -> nn.Module:
    """The network inside the adapters that a card names."""
    for layer in reversed(layers):
        try:
            settings = dict(layer)
            network = LAYERS[settings.pop("adapter")](network, **settings)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the card of {str(path)!r} names no adapter that is known: {layer}; correct it"
            ) from error
    return network


def _make_aside(name: str, classes: int, channels: int) -> nn.Module:
    """A classifier whose random weights do not matter; the state of torch's global generator is not changed."""
    with torch.random.fork_rng(devices=[]):
        return make_classifier(name, classes=classes, channels=channels).float()  # whatever the default type


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
