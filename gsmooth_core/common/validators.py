"""Validators of values, for attrs and for arguments: each failure is a sentence that names the value."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import attrs


def whole_number(value: object) -> object:
    """Whole numbers of any library as int; anything else unchanged, so that the validator refuses it."""
    return value if isinstance(value, bool) or not hasattr(value, "__index__") else operator.index(value)


def at_least_one(instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    """The attrs validator of a budget's count: ``ValueError`` unless it is a whole number of at least 1."""
    check_whole(f"the budget's {attribute.name}", value, least=1)


def check_whole(name: str, value: object, least: int) -> int:
    """The value, a whole number of any library, as int; ``ValueError``, naming it, where it is none or too small."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return operator.index(value)


Validator = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def whole(least: int = 0) -> Validator:
    """The attrs validator of an int of at least ``least``."""
    return _each(lambda value: type(value) is int and value >= least, f"a whole number of at least {least}")


def finite() -> Validator:
    """The attrs validator of a finite number."""
    return _each(_is_finite, "a finite number")


def amount() -> Validator:
    """The attrs validator of a finite number of at least 0."""
    return _each(lambda value: _is_finite(value) and value >= 0, "a finite number of at least 0")


def points() -> Validator:
    """The attrs validator of a tuple of finite floats."""
    return _each(
        lambda value: isinstance(value, tuple) and all(map(_is_finite, value)),
        "a tuple of finite numbers",
    )


def texts() -> Validator:
    """The attrs validator of a tuple of texts."""
    return _each(
        lambda value: isinstance(value, tuple) and all(isinstance(one, str) for one in value), "a tuple of texts"
    )


def is_a(kind: type) -> Validator:
    """The attrs validator of a value of that class."""
    return _each(lambda value: isinstance(value, kind), f"a {kind.__name__}")


def _is_finite(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < math.inf


def _each(holds: Callable[[Any], bool], words: str) -> Validator:
    def check(record: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ValueError(f"a {type(record).__name__}'s {attribute.name} must be {words}, not {value!r}")

    return check
