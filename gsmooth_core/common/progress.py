"""Progress bars: shown on a terminal, silent elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Protocol, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from gsmooth_core.common.console import new_console

T = TypeVar("T")
SETTLING = 2.0
"""Seconds after which a guess of the time that is left is shown."""


class _Tell(Protocol):
    def __call__(self, *, so_far: str, underway: int) -> None: ...


_TELL: ContextVar[_Tell | None] = ContextVar("tell", default=None)
"""Changes the bar that is shown in this thread, if there is one."""


def track(items: Iterable[T], total: int, description: str, shown: bool | None = None, done: int = 0) -> Generator[T]:
    """The items, one by one, under a bar on standard error that starts at ``done`` of ``total``.

    ``shown=None`` shows the bar only on a terminal; ``True`` always, ``False`` never. The work may say more by
    :func:`say_so_far`.
    """
    console = new_console(stderr=True, force_terminal=True if shown else None)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        _TimeLeft(table_column=Column(no_wrap=True)),
        _SoFar(),
    )
    if not (console.is_terminal if shown is None else shown):
        yield from items
        return
    outer = _TELL.get()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(description, total=total, completed=done, before=done, underway=1, so_far="")
        _TELL.set(partial(bar.update, task))
        try:
            for item in items:
                yield item
                bar.advance(task)
        finally:
            _TELL.set(outer)


def say_so_far(text: str, underway: int = 1) -> None:
    """Show beside the bar what was done so far, if a bar is shown, and for how many items at the same time."""
    if (tell := _TELL.get()) is not None:
        tell(so_far=text, underway=underway)


def seconds_left(elapsed: float, finished: float, left: float, underway: int) -> float:
    """A guess of the time that is left, from the seconds that ``finished`` items took; ``left`` are not finished.

    Those that are ``underway`` count as half done, so that there is a guess before the first is finished, and the first
    of many at the same time does not count as the only one.

    >>> seconds_left(60.0, finished=1, left=49, underway=16)
    273.3333333333333
    >>> seconds_left(60.0, finished=0, left=1, underway=1)
    60.0
    """
    half = min(underway, left) / 2
    return elapsed * (left - half) / (finished + half) if left else 0.0


class _TimeLeft(ProgressColumn):
    """The guess of the time that is left."""

    max_refresh = 0.5

    def render(self, task: Task) -> Text:
        """The guess as hours, minutes and seconds, with "left" behind it."""
        if task.elapsed is None or task.total is None or task.elapsed < SETTLING:
            return Text("-:--:-- left", style="progress.remaining")
        finished, left = task.completed - task.fields["before"], task.total - task.completed
        seconds = seconds_left(task.elapsed, finished, left, task.fields["underway"])
        return Text(f"{timedelta(seconds=round(seconds))} left", style="progress.remaining")


class _SoFar(ProgressColumn):
    """What the work says by :func:`say_so_far`, cut where the line ends."""

    def render(self, task: Task) -> Text:
        """The text, on one line."""
        return Text(task.fields["so_far"], no_wrap=True, overflow="ellipsis")
