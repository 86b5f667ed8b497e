"""Records as JSON files: reports and tables that are written in one step, read back, and continued."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

import attrs
import cattrs

from gsmooth_core.files import check_writable, write_text

T = TypeVar("T")
SAVING = 0.1
"""The share of a call's time that may go into saving what it has so far."""
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


class HasRun(Protocol):
    """A record that names all that decides it."""

    @property
    def run(self) -> Any:
        """An attrs record."""


R = TypeVar("R", bound=HasRun)


class AnotherRun(ValueError):
    """Why a file cannot be continued, or two reports not be merged."""


class Saved(Protocol):
    """A record that can be saved."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON, in one step."""


@contextmanager
def kept(out: str | Path | None) -> Iterator[Callable[[Saved], None]]:
    """A function that takes a growing record again and again, and saves it in ``out``, if that is a file.

    Not each time, so that of all the time not much more than the share ``SAVING`` goes into saving, however large the
    record grows; but at last in any case, also where the block is left by an exception or by Ctrl-C.
    """
    latest: Saved | None = None
    due = 0.0

    def save() -> None:
        nonlocal latest, due
        if out is not None and latest is not None:
            start = monotonic()
            latest.save(out)
            latest = None
            due = monotonic() + (monotonic() - start) * (1 / SAVING - 1)

    def keep(record: Saved) -> None:
        nonlocal latest
        latest = record
        if monotonic() >= due:
            save()

    try:
        yield keep
    finally:
        save()


@contextmanager
def continued(out: str | Path | None, load: Callable[[Path], R], run: object, what: str) -> Iterator[R | None]:
    """What a stopped call left in ``out``, which must be of the same ``run``; ``None`` where that is no file yet.

    An :class:`AnotherRun` inside, which says why this call cannot go on from it, becomes an error that names the file.
    """

    def refusal(error: ValueError) -> ValueError:
        return ValueError(f"{str(out)!r} cannot be continued: {error}. Name another file, or delete this one")

    if out is not None:
        check_writable(out, what)
    if out is None or not Path(out).exists():
        yield None
        return
    try:
        earlier = load(Path(out))
    except ValueError as error:
        raise refusal(error) from error
    try:
        check_same_run(earlier.run, run)
        yield earlier
    except AnotherRun as error:
        raise refusal(error) from error


def check_same_run(run: Any, other: Any) -> None:
    """Raise :class:`AnotherRun`, naming what differs, unless two runs, attrs records of one kind, are one."""
    differing = [
        f"{name} ({getattr(run, name)!r} against {getattr(other, name)!r})"
        for name in attrs.fields_dict(type(run))
        if getattr(run, name) != getattr(other, name)
    ]
    if differing:
        raise AnotherRun(f"the runs differ: {'; '.join(differing)}; use the same settings")
