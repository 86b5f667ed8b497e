"""The parts of a value that decide what it computes.

Left out are memory addresses, the order of sets and dicts, an object's own ``repr``, and the name of the module of the
code. Code of libraries (installed in site-packages, Python's own, gsmooth) is identified by its name, and their objects
by their public values; all other code is taken apart in :mod:`gsmooth_core.common.anatomy_of_code`.
"""

from __future__ import annotations

import enum
import hashlib
import re
import sys
import sysconfig
import types
from argparse import Namespace
from collections import deque
from collections.abc import Iterable, Mapping
from functools import cache, singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Parts = tuple[str, Iterable[tuple[str, object]]]
"""A value's own text, and its parts by name; parts without a name have no order."""
PLAIN: tuple[Any, ...] = (type(None), bool, int, float, complex, str, bytes, type(...))
RECORDS = (types.SimpleNamespace, Namespace)
"""The only objects of Python's own library whose attributes count."""
INTERNAL = frozenset(vars(nn.Module()))
"""What torch keeps in every module."""

COUNTED = re.compile(r"\.?___torch_mangle_\d+")
"""How torch distinguishes types of the same name: by numbers in the order in which they were made."""


@cache
def is_library(module: str | None) -> bool:
    """Whether a module is Python's, of an installed distribution, or gsmooth's own."""
    top = str(module).partition(".")[0]
    loaded = sys.modules.get(top)
    file = getattr(loaded, "__file__", None) or next(iter(getattr(loaded, "__path__", ())), None)
    if module is None or top == "gsmooth_core" or file is None:
        return module is None or top == "gsmooth_core" or top in sys.stdlib_module_names
    path = Path(file)
    return bool({"site-packages", "dist-packages"} & {*path.parts}) or any(
        path.is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")
    )


@singledispatch
def take_apart(value: object) -> Parts:
    """The parts of a value; for an object without a rule of its own, its class and its attributes."""
    kind = type(value)
    own = _attributes(value)
    if is_library(kind.__module__):
        top = kind.__module__.partition(".")[0]
        public = top not in sys.stdlib_module_names or isinstance(value, RECORDS)
        named = [str(getattr(value, word, "")) for word in ("__qualname__", "__name__")]  # a method of C, a ufunc
        own = {name: shallow(part) for name, part in own.items() if public and not name.startswith("_")} | {
            "__wrapped__": getattr(value, "__wrapped__", None)  # of functools.lru_cache
        }
        return f"object {named}", [("class", kind), *own.items()]
    return "object", [("class", kind), *_counted(kind, own).items()]


def shallow(value: object) -> object:
    """The value, or the class of a library's object, because the private state of such objects is not compared."""
    kind = type(value)
    return kind if is_library(kind.__module__) and take_apart.dispatch(kind) is take_apart.dispatch(object) else value


def _attributes(value: object) -> dict[str, object]:
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType):  # a slot
                try:
                    found[name] = member.__get__(value, kind)
                except AttributeError:
                    continue
    return found


def _counted(kind: type, own: Mapping[str, object]) -> dict[str, object]:
    """The attributes that count: all of a user's class, except private ones that a library's base class makes."""
    theirs: set[object] = set()
    for base in kind.__mro__:
        if is_library(base.__module__) and isinstance(made := vars(base).get("__init__"), types.FunctionType):
            theirs.update(made.__code__.co_names)
    return {name: part for name, part in own.items() if not (name.startswith("_") and name in theirs)}


def _plain(value: object) -> str:
    kind = type(value).__name__
    return f"{kind} {value:x}" if type(value) is int else f"{kind} {value!r}"  # the decimals of an int are limited


@take_apart.register(type(None))
@take_apart.register(bool)
@take_apart.register(int)
@take_apart.register(float)
@take_apart.register(complex)
@take_apart.register(str)
@take_apart.register(bytes)
@take_apart.register(type(...))
def _of_plain(value: object) -> Parts:
    if type(value) in PLAIN:
        return _plain(value), []
    base = next(kind for kind in PLAIN if isinstance(value, kind))  # of a class of the user's
    return _plain(base(value)), [("class", type(value)), *_attributes(value).items()]


@take_apart.register(list)
@take_apart.register(tuple)
@take_apart.register(deque)
def _of_sequence(value: list[object] | tuple[object, ...] | deque[object]) -> Parts:
    kind = type(value)
    own = [] if is_library(kind.__module__) else [("class", kind), *_attributes(value).items()]
    if all(type(item) in PLAIN for item in value):  # in one step, because it may be long
        return f"sequence {[_plain(item) for item in value]}", own
    return f"sequence {len(value)}", [*own, *((str(place), item) for place, item in enumerate(value))]


@take_apart.register(set)
@take_apart.register(frozenset)
def _of_set(value: set[object]) -> Parts:
    return f"set {len(value)}", [("", item) for item in value]


@take_apart.register(dict)
@take_apart.register(types.MappingProxyType)
def _of_mapping(value: Mapping[object, object]) -> Parts:
    kind = type(value)
    own = [] if is_library(kind.__module__) else [("class", kind), *_attributes(value).items()]
    items = [(f"key {key}", part) if type(key) is str else ("", (key, part)) for key, part in value.items()]
    return f"mapping {len(value)}", [*own, *items]


@take_apart.register
def _of_enum(value: enum.Enum) -> Parts:
    return f"enum {value.name}", [("value", value.value)]


@take_apart.register
def _of_tensor(value: Tensor) -> Parts:
    head = f"tensor {value.dtype} {tuple(value.shape)}"
    try:
        dense = value.detach().cpu()
        dense = dense.to_dense() if dense.layout != torch.strided else dense
        dense = torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense.resolve_neg()
        content = dense.contiguous().view(-1).view(torch.uint8).numpy()
    except (RuntimeError, NotImplementedError, TypeError):  # one without values, as on the device meta
        return head, []
    return f"{head} {hashlib.sha256(content.data).hexdigest()}", []


@take_apart.register(np.ndarray)
@take_apart.register(np.generic)
def _of_array(value: np.ndarray) -> Parts:
    if value.dtype.hasobject:
        return f"array {value.shape}", [("items", value.tolist())]
    return f"array {value.dtype.str} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}", []


@take_apart.register(torch.dtype)
@take_apart.register(torch.device)
@take_apart.register(torch.memory_format)
@take_apart.register(torch.layout)
def _of_setting(value: object) -> Parts:
    return str(value), []


@take_apart.register
def _of_network(value: nn.Module) -> Parts:
    kind = type(value)
    own = {name: part for name, part in vars(value).items() if name not in INTERNAL}
    if is_library(kind.__module__):
        own = {name: part for name, part in own.items() if not name.startswith("_")}
    layers = dict(value._modules.items())  # a scripted network's are no dict
    held = {**dict(value._parameters.items()), **dict(value._buffers.items()), **layers}
    hooks = [*value._forward_pre_hooks.values(), *value._forward_hooks.values()]
    named = [(f"of it {name}", part) for name, part in {**_counted(kind, own), **held}.items()]
    return f"network {[*layers]}", [("class", kind), ("hooks", hooks), ("text", _text(value)), *named]


def _text(network: nn.Module) -> object:
    """The code that torch wrote for a network, and its values other than tensors."""
    if not isinstance(network, torch.jit.ScriptModule):
        return network.code if isinstance(network, torch.fx.GraphModule) else None
    held = network._c.dump_to_str(False, True, False).splitlines()
    code = [network._c._get_method(name).code for name in sorted(network._c._method_names())]
    lines = [*code, *(line for line in held if "0x" not in line)]
    return [COUNTED.sub("", line) for line in lines if "training = " not in line]
