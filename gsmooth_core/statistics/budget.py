"""What a certificate may cost."""

from __future__ import annotations

from typing import Literal

import attrs
import numpy as np

from gsmooth_core.common.validators import at_least_one, whole_number
from gsmooth_core.statistics.bounds import looks, lower_bound


def _number(value: object) -> object:
    return float(value) if isinstance(value, float | int | np.floating) else value


def _open_unit(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not isinstance(value, float) or not 0 < value < 1:
        raise ValueError(f"the budget's alpha must lie strictly between 0 and 1, not {value!r}; 0.001 is usual")


def _known(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value not in ("sequential", "fixed"):
        raise ValueError(f"the budget's stopping is 'sequential' or 'fixed', not {value!r}")


@attrs.frozen
class Budget:
    """What a certificate may cost, and how large its error probability may be.

    ``select``: draws that choose the class. ``samples``: the most draws per anchor that bound its probability.
    ``stopping``: with ``"sequential"`` sampling stops once the votes decide, by a test that is valid at every look;
    with ``"fixed"`` all ``samples`` are drawn. ``alpha``: the probability that the whole certificate of one image may
    be wrong. ``anchors``: how many points of the region may be sampled. ``cells``: into how many boxes the region may
    be cut. ``batch``: images per call of the model, which changes speed and memory but no result; ``None`` chooses by
    the model's activations.

    >>> Budget(samples=500).alpha
    0.001
    """

    select: int = attrs.field(default=100, converter=whole_number, validator=at_least_one)
    samples: int = attrs.field(default=10_000, converter=whole_number, validator=at_least_one)
    stopping: Literal["sequential", "fixed"] = attrs.field(default="sequential", validator=_known)
    alpha: float = attrs.field(default=0.001, converter=_number, validator=_open_unit)
    anchors: int = attrs.field(default=256, converter=whole_number, validator=at_least_one)
    cells: int = attrs.field(default=4_096, converter=whole_number, validator=at_least_one)
    batch: int | None = attrs.field(
        default=None, eq=False, converter=whole_number, validator=attrs.validators.optional(at_least_one)
    )

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many draws the votes of an anchor are looked at."""
        return (self.samples,) if self.stopping == "fixed" else looks(self.samples)

    def surest(self, share: float = 1.0) -> float:
        """The largest lower bound of a probability that votes can prove, with error ``share · alpha``: if all agree.

        >>> round(Budget(samples=50).surest(), 3)
        0.871
        """
        return lower_bound(self.samples, self.samples, share * self.alpha / len(self.looks))

    def samples_for(self, p: float, share: float = 1.0) -> int | None:
        """The fewest ``samples`` with which :meth:`surest` exceeds ``p``; ``None`` if not even 2³⁰ are enough.

        >>> Budget().samples_for(0.871), Budget().samples_for(1.0)
        (51, None)
        """

        def enough(samples: int) -> bool:
            return attrs.evolve(self, samples=samples).surest(share) > p

        low, high = 0, 1
        while not enough(high):
            if high >= 2**30:
                return None
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high
