"""Shares of images, with their intervals."""

from __future__ import annotations

import attrs

from gsmooth_core.statistics.bounds import interval

RATE_ALPHA = 0.05
"""A rate's interval misses the true share of the data's source with at most this probability."""


@attrs.frozen(eq=False)
class Rate:
    """A share of images, with its 95 % interval (Clopper–Pearson) as a sample of the data's source.

    Rates are ordered by their value, also among numbers. Two rates are equal if their intervals are equal too; a rate
    is equal to a number if its value is.

    >>> rate = Rate.of(30, 50)
    >>> print(rate)
    60.0 % [45.2, 73.6]
    >>> f"{rate:.0%}", float(rate), rate > 0.5, rate == 0.6, max(rate, Rate.of(4, 5)).value
    ('60%', 0.6, True, True, 0.8)
    """

    value: float
    low: float
    high: float

    @staticmethod
    def of(count: int, total: int) -> Rate:
        """The share ``count`` of ``total`` images."""
        return Rate(count / total, *interval(count, total, RATE_ALPHA))

    def __str__(self) -> str:
        return f"{self.value:.1%} [{100 * self.low:.1f}, {100 * self.high:.1f}]".replace("%", " %")

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def __float__(self) -> float:
        return self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rate):
            return attrs.astuple(self) == attrs.astuple(other)
        return self.value == other if isinstance(other, int | float) else NotImplemented

    def __lt__(self, other: Rate | float) -> bool:
        return self.value < float(other)

    def __le__(self, other: Rate | float) -> bool:
        return self.value <= float(other)

    def __gt__(self, other: Rate | float) -> bool:
        return self.value > float(other)

    def __ge__(self, other: Rate | float) -> bool:
        return self.value >= float(other)
