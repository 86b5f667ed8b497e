"""The parts of code: for functions and classes outside libraries, their bytecode and the globals that they read."""

from __future__ import annotations

import dis
import sys
import types
from functools import cache, cached_property, partial

import attrs

from gsmooth_core.common.anatomy import Parts, is_library, shallow, take_apart

READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS", "IMPORT_NAME")
"""The instructions that read a global."""
ABOUT = frozenset(
    {
        "__module__",
        "__qualname__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__conditional_annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__orig_bases__",
        "__parameters__",
        "__attrs_attrs__",
        "__attrs_props__",
        "__dataclass_fields__",
        "__dataclass_params__",
    }
)
"""What a class says about itself and its text."""


@take_apart.register
def _of_class(value: type) -> Parts:
    if is_library(value.__module__):
        return f"class {value.__module__.partition('.')[0]} {value.__qualname__}", []
    members = [
        (f"of it {name}", member)
        for name, member in vars(value).items()
        if name not in ABOUT and not _is_written_by_attrs(member)
    ]
    return "class", [("bases", value.__bases__), *members]


def _is_written_by_attrs(member: object) -> bool:
    return isinstance(member, types.FunctionType) and member.__code__.co_filename.startswith("<attrs generated")


@take_apart.register
def _of_function(value: types.FunctionType) -> Parts:
    closure = [cell.cell_contents for cell in value.__closure__ or () if _is_filled(cell)]
    if is_library(value.__globals__.get("__name__")):
        return f"function {value.__code__.co_qualname}", [("closure", [shallow(part) for part in closure])]
    return "function", [
        ("code", value.__code__),
        ("defaults", value.__defaults__),
        ("keywords", value.__kwdefaults__),
        ("closure", closure),
        ("globals", _globals(value)),
        ("attributes", value.__dict__),
    ]


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _globals(function: types.FunctionType) -> dict[str, object]:
    """The values of the globals that a function reads, also in the functions that it makes."""
    codes, read, words = [function.__code__], set[str](), set[str]()
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        read |= {one.argval for one in dis.get_instructions(code) if one.opname in READS}
        words |= {*code.co_names}
    values = {name: function.__globals__.get(name, sys.modules.get(name)) for name in read}
    return {
        name: _used(value, frozenset(words)) if isinstance(value, types.ModuleType) else value
        for name, value in values.items()
        if name in function.__globals__ or name in sys.modules
    }


@attrs.frozen
class _Used:
    """What is used of a module."""

    module: types.ModuleType
    words: frozenset[str]


_used = cache(_Used)  # one object each time, so that modules that use each other come to an end


@take_apart.register
def _of_used(value: _Used) -> Parts:
    name = value.module.__name__
    if is_library(name):
        return f"module {name}", []
    parts = {word: vars(value.module)[word] for word in value.words if word in vars(value.module)}
    return "module", [
        (word, _used(part, value.words) if isinstance(part, types.ModuleType) else part) for word, part in parts.items()
    ]


@take_apart.register
def _of_module(value: types.ModuleType) -> Parts:
    return f"module {value.__name__}" if is_library(value.__name__) else "module", []


@take_apart.register
def _of_code(value: types.CodeType) -> Parts:
    counts = (value.co_argcount, value.co_posonlyargcount, value.co_kwonlyargcount, value.co_flags)
    parts = (value.co_code, value.co_exceptiontable, value.co_names, value.co_consts)
    return f"code {counts}", [(str(place), part) for place, part in enumerate(parts)]


@take_apart.register
def _of_method(value: types.MethodType) -> Parts:
    return "method", [("function", value.__func__), ("object", value.__self__)]


@take_apart.register
def _of_builtin(value: types.BuiltinFunctionType) -> Parts:
    return f"builtin {value.__qualname__}", [("object", value.__self__)]


@take_apart.register
def _of_partial(value: partial) -> Parts:  # type: ignore[type-arg]
    return "partial", [("function", value.func), ("arguments", value.args), ("keywords", value.keywords)]


@take_apart.register
def _of_property(value: property) -> Parts:
    return "property", [("get", value.fget), ("set", value.fset)]


@take_apart.register
def _of_cached(value: cached_property) -> Parts:  # type: ignore[type-arg]
    return "property", [("get", value.func)]


@take_apart.register(staticmethod)
@take_apart.register(classmethod)
def _of_unbound(value: staticmethod[..., object] | classmethod[object, ..., object]) -> Parts:
    return type(value).__name__, [("function", value.__func__)]
