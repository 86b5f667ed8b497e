"""Names ``package.module:maker`` of what makes a network, and networks from such names."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import torch
from torch import nn

from gsmooth_core.common.fingerprints import describe, digest

EXAMPLE = "maker='package.module:maker' with arguments={...}"
OWN = "gsmooth_core.models.networks:"
"""The module of which the classes may be made without consent."""


def import_name(name: str) -> Any:
    """What ``package.module:name`` names; importing it runs that module. ``ValueError`` if there is nothing."""
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f"a name is 'package.module:name', not {name!r}; add the part after the colon")
    if module.endswith(".py"):
        raise ValueError(
            f"{name!r} names a file, and a module has no .py and dots for its folders: "
            f"{module.removesuffix('.py').strip('./').replace('/', '.')}:{attribute}"
        )
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"{name!r} cannot be loaded: {type(error).__name__}: {error}; check the name, and run from the folder that "
            "holds it or install it"
        ) from error
    return found


def name_of(maker: Callable[..., nn.Module] | str) -> str:
    """The name under which a maker can be imported, and is this very one; ``ValueError`` if there is none."""
    if isinstance(maker, str):
        import_name(maker)
        return maker
    module, words = getattr(maker, "__module__", None), getattr(maker, "__qualname__", None)
    if module is None or words is None:
        raise ValueError(f"the maker is a class or a function, not {maker!r}; pass one, or its 'package.module:name'")
    if module == "__main__" or "<" in words:
        place = "the script that runs" if module == "__main__" else "a function, or is a lambda"
        raise ValueError(
            f"{words} is defined in {place}, from where nothing can import it; move it to the top of a module, or name "
            f"the module: {EXAMPLE}"
        )
    name = f"{module}:{words}"
    if import_name(name) is not maker:
        raise ValueError(f"{name!r} is another object than {maker!r}; name the one that makes the network: {EXAMPLE}")
    return name


def takes_nothing(maker: Callable[..., object]) -> bool:
    """Whether a maker can be called without arguments."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return not any(
        parameter.default is parameter.empty and parameter.kind not in variable
        for parameter in inspect.signature(maker).parameters.values()
    )


def make(maker: Callable[..., Any] | str, arguments: Mapping[str, Any] = {}) -> nn.Module:
    """The network that a maker makes; torch's global random numbers are not moved on. ``ValueError`` if it fails."""
    called = import_name(maker) if isinstance(maker, str) else maker
    if isinstance(called, nn.Module):
        raise ValueError(
            f"{maker!r} is a network that was made already; name the class or function that makes it, so that it can "
            "be made again"
        )
    with torch.random.fork_rng(devices=[]):
        try:
            network = called(**arguments)
        except (Exception, SystemExit) as error:
            raise ValueError(
                f"{maker!r} fails with the arguments {dict(arguments)}: {type(error).__name__}: {error}; correct them"
            ) from error
    if not isinstance(network, nn.Module):
        raise ValueError(f"{maker!r} makes a {type(network).__name__}, not a torch module; name another maker")
    return network


def maker_of(network: nn.Module, maker: Callable[..., nn.Module] | str | None, arguments: Mapping[str, Any]) -> str:
    """The name of what makes the network again: the maker, or its class if that takes no arguments.

    ``ValueError`` if there is none, or if it makes a network of other layers, settings or code.
    """
    kind = type(network)
    if maker is None and not takes_nothing(kind) and not arguments:
        raise ValueError(
            f"{kind.__name__} takes arguments, which nobody can read off its weights; give them as arguments={{...}}, "
            f"or name what makes it: {EXAMPLE}; or use save_weights, and load_weights into one that you make"
        )
    try:
        if json.loads(json.dumps(dict(arguments))) != dict(arguments):
            raise TypeError("their keys or values come back changed")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the arguments are no JSON: {error}; make them of numbers, strings, lists and dicts"
        ) from error
    name = name_of(kind if maker is None else maker)
    try:
        made = make(name, arguments)
    except ValueError as error:
        if maker is None:
            raise ValueError(f"{error}; or name what makes it: {EXAMPLE}") from error
        raise
    if _shapes(made) == _shapes(network):
        made.load_state_dict(network.state_dict())
    differing = _differing(made, network)
    if differing:
        raise ValueError(
            f"what {name!r} makes with the arguments {dict(arguments)} is another network than the one to save: they "
            f"differ in {', '.join(differing[:5])}; give the right arguments={{...}}, or name what makes it: {EXAMPLE}"
        )
    return name


def is_own(name: str) -> bool:
    """Whether a name is of one of the networks that come with the package, which are safe to make."""
    return name.startswith(OWN) and "." not in name.removeprefix(OWN)


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _differing(one: nn.Module, other: nn.Module) -> list[str]:
    """The names of the parts in which two networks differ."""
    first, second = ({name: digest(part) for name, part in describe(each).parts} for each in (one, other))
    names = sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))
    return [name.removeprefix("of it ") for name in names]
