"""Work that is saved while it goes on, can be stopped, and is continued from its file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

import attrs

from gsmooth_core.common.files import check_writable, locked, resolved, write_bytes

T = TypeVar("T")

SAVING = 0.1
"""The share of a call's time that may be spent on saving its results so far."""


class HasRun(Protocol):
    """A record that names everything that determines it."""

    @property
    def run(self) -> Any:
        """An attrs record."""


R = TypeVar("R", bound=HasRun)


class AnotherRun(ValueError):
    """The reason why a file cannot be continued, or two reports cannot be merged."""


class Withdrawn(ValueError):
    """The reason why results that a call has found, and may have saved, must be discarded."""


class Saved(Protocol):
    """A record that can be saved."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON, in one step."""


@contextmanager
def kept(out: str | Path | None, what: str) -> Iterator[Callable[[Callable[[], Saved]], None]]:
    """A function to be called again and again with a maker of the growing record, which it saves in ``out`` if named.

    It does not save at each call, so that making and saving the record takes not much more than the share ``SAVING`` of
    the time, however large the record is. It always saves at the end, also if the block ends by an exception or Ctrl-C.
    After :class:`Withdrawn` the file has its earlier content again. The file is locked until the block ends, so its
    content is read inside the block. ``ValueError`` if it cannot be written, or another call has locked it; ``what``
    names its content.
    """
    latest: Callable[[], Saved] | None = None
    due, holder = 0.0, os.getpid()
    if out is not None:
        check_writable(out, what)
        out = resolved(out)  # the model may change the folder

    def save() -> None:
        nonlocal latest, due
        if out is not None and latest is not None and os.getpid() == holder:  # a forked child leaves the file alone
            start = monotonic()
            latest().save(out)
            latest = None
            due = monotonic() + (monotonic() - start) * (1 / SAVING - 1)

    def keep(make: Callable[[], Saved]) -> None:
        nonlocal latest
        latest = make
        if monotonic() >= due:
            save()

    with nullcontext() if out is None else locked(out):
        before = out.read_bytes() if isinstance(out, Path) and out.exists() else None
        try:
            yield keep
        except Withdrawn:
            latest = None
            if isinstance(out, Path):
                write_bytes(out, before) if before is not None else out.unlink(missing_ok=True)
            raise
        finally:
            save()


@contextmanager
def continued(out: str | Path | None, load: Callable[[Path], R], run: object) -> Iterator[R | None]:
    """The record that a stopped call left in ``out``, which must be of the same ``run``; ``None`` if there is no file.

    An :class:`AnotherRun` that is raised inside, with the reason why this call cannot continue the record, becomes an
    error that names the file.
    """

    def refusal(error: ValueError) -> ValueError:
        return ValueError(f"{str(out)!r} cannot be continued: {error}. Name another file, or delete this one")

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
    """Raise :class:`AnotherRun`, naming the differences, unless two runs, attrs records of one kind, are equal."""
    differing = [
        f"{name} ({getattr(run, name)!r} against {getattr(other, name)!r})"
        for name in attrs.fields_dict(type(run))
        if getattr(run, name) != getattr(other, name)
    ]
    if differing:
        raise AnotherRun(
            f"the runs differ: {'; '.join(differing)}; use the same settings and code (a hash that differs alone means "
            "that the code or the weights have changed since)"
        )
