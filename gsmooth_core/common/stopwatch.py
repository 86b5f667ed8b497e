"""The time that a call takes, with that of the calls that it continues."""

from __future__ import annotations

from time import monotonic


class Stopwatch:
    """``seconds`` from the moment at which it is made to the last :meth:`lap`, in addition to those of earlier calls.

    They are the same between two laps, so that a record which is made twice is the same. ``None``: nobody knows how
    long the earlier calls took.

    >>> watch = Stopwatch()
    >>> watch.add(60.0)
    >>> watch.lap()
    >>> 60 < watch.seconds < 61
    True
    """

    def __init__(self) -> None:
        self.seconds: float | None = 0.0
        self._before: float | None = 0.0
        self._start = monotonic()

    def add(self, before: float | None) -> None:
        """Begin with the seconds of earlier calls; those of this call count from the next lap on."""
        self.seconds = self._before = before

    def lap(self) -> None:
        """Count the time up to now."""
        if self._before is not None:
            self.seconds = self._before + monotonic() - self._start
