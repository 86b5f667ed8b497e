"""Attrs records as JSON files: written in one step, with a digest, and read back strictly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from gsmooth_core.common.files import write_text
from gsmooth_core.common.json_values import parsed, structured, unstructured

T = TypeVar("T")


def save_record(path: str | Path, record: object, format_: int | str) -> None:
    """Write an attrs record as JSON, in one step: a kill leaves the old file or the new one, never half."""
    content = {"format": format_, **unstructured(record)}
    sealed = {"format": format_, "digest": digest_of(content), **content}
    write_text(path, json.dumps(sealed, indent=1, ensure_ascii=False, allow_nan=False))


def load_record(
    path: str | Path,
    kind: type[T],
    format_: int | str,
    what: str,
    upgrades: Mapping[int | str, Callable[[dict[str, Any]], dict[str, Any]]] = MappingProxyType({}),
) -> T:
    """The record that :func:`save_record` wrote.

    ``upgrades`` turn content of an earlier format, by its name, into content of today's. ``ValueError`` for a file of
    another kind or format, for values of other types than ``kind`` declares or that contradict each other, and for a
    file that was edited.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}; give one that {kind.__name__}.save wrote")
    try:
        content = parsed(Path(path).read_text(encoding="utf-8"))
        found = content.pop("format", None)
        known = {format_: _as_it_is, **upgrades}
        if not isinstance(found, int | str) or isinstance(found, bool) or found not in known:
            raise ValueError("written by another version, or another kind of file")
        digest = content.pop("digest", None)
        record = structured(known[found](content), kind)
        if digest != digest_of({"format": found, **content}):
            raise ValueError("it was edited after it was written: its digest is that of other content")
        return record
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is no {what}: {error}; give a file that {kind.__name__}.save wrote") from error


def _as_it_is(content: dict[str, Any]) -> dict[str, Any]:
    return content


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 (64 digits) of a file's content except the digest, for any order and spaces.

    It shows that a file was changed by mistake. Somebody who changes it on purpose can compute the digest again.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
