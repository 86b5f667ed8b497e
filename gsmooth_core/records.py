"""Records as JSON files: reports and tables that are written in one step, read back, and continued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import cattrs

from gsmooth_core.files import check_writable, write_text

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


@contextmanager
def continued(out: str | Path | None, load: Callable[[Path], T], what: str) -> Iterator[T | None]:
    """What a stopped call left in ``out``, ``None`` where that is no file yet.

    A ``ValueError`` inside, which says why this call cannot go on from it, becomes one that names the file.
    """
    if out is not None:
        check_writable(out, what)
    if out is None or not Path(out).exists():
        yield None
        return
    try:
        yield load(Path(out))
    except ValueError as error:
        raise ValueError(f"{str(out)!r} cannot be continued: {error}. Name another file, or delete this one") from error


def check_same_run(run: Any, other: Any) -> None:
    """Raise ``ValueError``, naming what differs, unless two runs, attrs records of one kind, are one."""
    differing = [
        f"{name} ({getattr(run, name)!r} against {getattr(other, name)!r})"
        for name in attrs.fields_dict(type(run))
        if getattr(run, name) != getattr(other, name)
    ]
    if differing:
        raise ValueError(f"the runs differ: {'; '.join(differing)}; use the same settings")
