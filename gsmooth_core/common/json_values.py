"""From JSON to records and back; a value of a wrong type is refused, not converted."""

from __future__ import annotations

import json
import math
import reprlib
import types
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, make_mapping_structure_fn

T = TypeVar("T")
StructureHook = Callable[[Any, Any], Any]
SHOWN = 3
"""Faults that an error names."""


class Family(Protocol):
    """A class whose subclasses are records that JSON distinguishes by their entries.

    A record is written as its fields, followed by the one entry that its class has in ``json_layouts``, if it has one.
    Classes with the same fields need such an entry, under one name.
    """

    @classmethod
    def json_layouts(cls) -> Mapping[type, tuple[str, str] | None]:
        """The attrs classes of the family, each with its own entry, a name and a text."""
        ...


def parsed(text: str) -> dict[str, Any]:
    """The JSON object that a text holds; ``ValueError`` for any other text, for names given twice, NaN and infinity."""
    try:
        content: object = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("its values lie too deep in each other") from error
    if not isinstance(content, dict):
        raise ValueError("it holds no record")
    return content


def structured(content: dict[str, Any], kind: type[T]) -> T:
    """The attrs record of that content; ``ValueError``, naming places, where a value is not of the declared type.

    A bool is ``true`` or ``false``, an int a whole number, a float a finite number, a tuple a list: no value is
    converted. A record must have all of its entries, and no others.
    """
    try:
        return _CONVERTER.structure(content, kind)
    except cattrs.BaseValidationError as error:
        faults = cattrs.transform_error(error, format_exception=lambda fault, _: str(fault))
        more = f"; and {len(faults) - SHOWN} more" * (len(faults) > SHOWN)
        raise ValueError("; ".join(map(_placed, faults[:SHOWN])) + more) from error


def unstructured(record: object) -> dict[str, Any]:
    """An attrs record as JSON holds it."""
    content: dict[str, Any] = _CONVERTER.unstructure(record)
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError(f"a name stands twice among {', '.join(name for name, _ in pairs[:5])}")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no number")


def _exactly(kind: type[T], words: str) -> Callable[[object, object], T]:
    """A hook that takes only values of exactly that type."""

    def hook(value: object, _: object) -> T:
        if type(value) is not kind:
            raise ValueError(f"must be {words}, not {reprlib.repr(value)}")
        return value

    return hook


def _float(value: object, _: object) -> float:
    try:
        if isinstance(value, float | int) and not isinstance(value, bool):
            number = float(value)
            if math.isfinite(number) and number == value:
                return number
    except OverflowError:
        pass
    raise ValueError(f"must be a finite number, not {reprlib.repr(value)}")


def _one_of(values: Iterable[T], value: object) -> T:
    """The one of ``values`` that a text stands for."""
    known = {str(one): one for one in values}
    if type(value) is not str or value not in known:
        raise ValueError(f"must be one of {', '.join(known)}, not {reprlib.repr(value)}")
    return known[value]


def _tuple(kind: Any, converter: cattrs.Converter) -> StructureHook:
    items: Any = types.GenericAlias(list, get_args(kind)[:1])
    hook, a_list = converter.get_structure_hook(items), _exactly(list, "a list")
    return lambda value, _: tuple(hook(a_list(value, _), items))


def _mapping(kind: Any, converter: cattrs.Converter) -> StructureHook:
    hook, an_object = make_mapping_structure_fn(kind, converter, dict), _exactly(dict, "an object")
    return lambda value, _: hook(an_object(value, _), kind)


def _record(kind: Any, converter: cattrs.Converter) -> StructureHook:
    hook, an_object = make_dict_structure_fn(kind, converter), _exactly(dict, "an object")
    names = _names(kind)

    def structure(value: object, _: object) -> Any:
        content = an_object(value, _)
        given = content.keys()
        if given != names:
            raise ValueError(
                "; ".join(
                    f"{words} {', '.join(sorted(those))}"
                    for words, those in (("lacks", names - given), ("must not hold", given - names))
                    if those
                )
            )
        return hook(content, kind)

    return structure


def _names(kind: Any) -> set[str]:
    return {field.name for field in attrs.fields(kind)}


def _is_family(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "json_layouts")


def _member(kind: Any, converter: cattrs.Converter) -> StructureHook:
    """A hook for the records of a family: it reads the layout that has the given entries, or the nearest layout."""
    layouts: dict[frozenset[str], tuple[str | None, dict[str | None, Any]]] = {}
    known: Mapping[type, tuple[str, str] | None] = kind.json_layouts()
    for member, entry in known.items():
        if issubclass(member, kind):
            name, value = entry or (None, None)
            names = frozenset(_names(member) | ({name} if name else set()))
            layouts.setdefault(names, (name, {}))[1][value] = member
    drafts = {names: _draft(name, members) for names, (name, members) in layouts.items()}
    hooks = {names: _record(draft, converter) for names, draft in drafts.items()}
    an_object = _exactly(dict, "an object")

    def structure(value: object, _: object) -> Any:
        given = an_object(value, _).keys()
        names = min(layouts, key=lambda names: len(names ^ given))
        fields: dict[str, Any] = attrs.asdict(hooks[names](value, drafts[names]), recurse=False)
        name, members = layouts[names]
        return members[None if name is None else fields.pop(name)](**fields)

    return structure


def _draft(name: str | None, members: Mapping[str | None, Any]) -> Any:
    """A record of what is written of each of the members, which have the same fields: those, and the entry ``name``."""
    first = attrs.resolve_types(next(iter(members.values())))
    types: dict[str, Any] = {field.name: field.type for field in attrs.fields(first)}
    if name is not None:
        types[name] = Literal[tuple(members)]
    return attrs.make_class("Draft", {field: attrs.field(type=kind) for field, kind in types.items()})


def _written(kind: Any, converter: cattrs.Converter) -> Callable[[Any], Any]:
    """A hook that writes a record of a family."""
    entries: Mapping[type, tuple[str, str] | None] = kind.json_layouts()
    if kind not in entries:
        return converter.unstructure
    fields, entry = make_dict_unstructure_fn(kind, converter), entries[kind]
    return lambda record: {**fields(record), **({entry[0]: entry[1]} if entry else {})}


def _placed(fault: str) -> str:
    """A fault as ``transform_error`` gives it, ``words @ $.place``, with the place first."""
    words, _, place = fault.rpartition(" @ $")
    return f"{place.lstrip('.')}: {words}" if place else words


def _made() -> cattrs.Converter:
    def of(*origins: object) -> Callable[[Any], bool]:
        return lambda kind: get_origin(kind) in origins

    converter = cattrs.Converter()
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(int, _exactly(int, "a whole number"))
    converter.register_structure_hook(str, _exactly(str, "a text"))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(StrEnum, lambda value, kind: _one_of(kind, value))
    converter.register_structure_hook_func(of(Literal), lambda value, kind: _one_of(get_args(kind), value))
    converter.register_structure_hook_factory(of(tuple), _tuple)
    converter.register_structure_hook_factory(of(dict, Mapping), _mapping)
    converter.register_structure_hook_factory(attrs.has, _record)
    converter.register_structure_hook_factory(_is_family, _member)
    converter.register_unstructure_hook_factory(_is_family, _written)
    return converter


_CONVERTER = _made()
