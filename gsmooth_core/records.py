"""Records as JSON files: reports and tables that are written in one step and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import cattrs

from gsmooth_core.files import write_text

T = TypeVar("T")
_CONVERTER = cattrs.Converter(forbid_extra_keys=True)


def save_record(path: str | Path, record: object, format_: int | str) -> None:
    """Write an attrs record as JSON, in one step: a kill leaves the old file or the new one, never half."""
    content = {"format": format_, **_CONVERTER.unstructure(record)}
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False))


def load_record(path: str | Path, kind: type[T], format_: int | str, what: str) -> T:
    """The record that :func:`save_record` wrote; ``ValueError`` for a file that is none of that kind and format."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}; give one that {kind.__name__}.save wrote")
    try:
        content: Any = json.loads(Path(path).read_text(encoding="utf-8"))
        if content.pop("format") != format_:
            raise ValueError("written by another version, or another kind of file")
        return _CONVERTER.structure(content, kind)
    except (ValueError, KeyError, AttributeError, TypeError, ExceptionGroup) as error:
        raise ValueError(f"{str(path)!r} is no {what}: {error}; give a file that {kind.__name__}.save wrote") from error
