"""Work that is kept as it grows, stopped, and continued from its file."""

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
"""The share of a call's time that may go into saving what it has so far."""


class HasRun(Protocol):
    """A record that names all that decides it."""

    @property
    def run(self) -> Any:
        """An attrs record."""


R = TypeVar("R", bound=HasRun)


class AnotherRun(ValueError):
    """Why a file cannot be continued, or two reports not be merged."""


class Withdrawn(ValueError):
    """Why what a call has found, and may have saved, must not stay."""


class Saved(Protocol):
    """A record that can be saved."""

    def save(self, path: str | Path) -> None:
        """Write it as JSON, in one step."""


@contextmanager
def kept(out: str | Path | None, what: str) -> Iterator[Callable[[Callable[[], Saved]], None]]:
    """A function that takes, again and again, how to make a growing record, and saves it in ``out``, if that is a file.

    Not each time, so that of all the time not much more than the share ``SAVING`` goes into making and saving it,
    however large the record grows; but at last in any case, also where the block is left by an exception or by Ctrl-C.
    After :class:`Withdrawn` the file is again as it was.
    The file is locked as long as the block lasts: what it holds is read inside. ``ValueError`` if it cannot be
    written, or another call has it locked; ``what`` names its content.
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
    """What a stopped call left in ``out``, which must be of the same ``run``; ``None`` if that is no file yet.

    An :class:`AnotherRun` inside, which says why this call cannot go on from it, becomes an error that names the file.
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
    """Raise :class:`AnotherRun`, naming what differs, unless two runs, attrs records of one kind, are one."""
    differing = [
        f"{name} ({getattr(run, name)!r} against {getattr(other, name)!r})"
        for name in attrs.fields_dict(type(run))
        if getattr(run, name) != getattr(other, name)
    ]
    if differing:
        raise AnotherRun(f"the runs differ: {'; '.join(differing)}; use the same settings")
