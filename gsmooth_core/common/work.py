"""Work item by item that is saved while it goes on, stopped, and continued: the one loop of every long call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from gsmooth_core.common.progress import track
from gsmooth_core.common.resuming import HasRun, Saved, continued, kept


class Record(HasRun, Saved, Protocol):
    """What a call returns: a record that names everything that determines it, and can be saved."""


class Checked(Protocol):
    """Something that the results depend on, such as the model, as it was before the work."""

    def again(self) -> None:
        """Raise ``Withdrawn`` if it changed during the work."""


Kept = TypeVar("Kept", bound=Record)
Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class Work(ABC, Generic[Kept, Key, Result]):
    """The work of one call for each of its items, after all checks, with the model ready.

    ``run`` names all that decides the results; ``probe`` is checked again after the work.
    """

    run: Any
    probe: Checked

    @property
    @abstractmethod
    def keys(self) -> Sequence[Key]:
        """The items, in order."""

    @abstractmethod
    def found_in(self, earlier: Kept) -> dict[Key, Result]:
        """The results of an earlier call of the same run; ``AnotherRun``, with the reason, if its items are others."""

    @abstractmethod
    def results(self, left: Sequence[Key]) -> Iterator[tuple[Key, Result]]:
        """The results of the items that are left, each with its key, in the order in which they are finished."""

    @abstractmethod
    def record(self, found: dict[Key, Result]) -> Kept:
        """The record that the call returns, if these are all results."""

    def completes(self, key: Key) -> bool:
        """Whether the record changes with the result of this key, so that it is worth saving."""
        return True


def carry_out(
    begun: AbstractContextManager[Work[Kept, Key, Result]],
    *,
    load: Callable[[Path], Kept],
    out: str | Path | None,
    what: str,
    title: str,
    progress: bool | None,
) -> Kept:
    """The record of the work that ``begun`` prepares, saved in ``out`` while it goes on, if that is named.

    A bar with a ``title`` shows the progress. A record that exists already, which ``load`` reads, is continued if it is
    of the same run. If the call is stopped, the results so far stay in the file; ``what`` names the record in errors.
    """
    with kept(out, what) as keep, begun as work:
        with continued(out, load, work.run) as earlier:
            found = {} if earlier is None else work.found_in(earlier)
        left = [key for key in work.keys if key not in found]
        if not left and earlier is None:
            keep(partial(work.record, found))
        for key, result in track(work.results(left), len(work.keys), title, progress, len(found)):
            found[key] = result
            if work.completes(key):
                keep(partial(work.record, found))
        if left:
            work.probe.again()
    return work.record(found)
