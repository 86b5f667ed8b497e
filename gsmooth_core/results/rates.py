"""Shares of images, with their intervals."""

from __future__ import annotations

import attrs

from gsmooth_core.statistics.bounds import interval

RATE_ALPHA = 0.05
"""A rate's interval misses the true share of the data's source with at most this probability."""


@attrs.frozen
class Rate:
    """A share of images, with its 95 % interval (Clopper–Pearson) as a sample of the data's source.

    >>> print(Rate.of(30, 50))
    60.0 % [45.2, 73.6]
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
