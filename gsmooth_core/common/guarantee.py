"""How much a certificate promises."""

from __future__ import annotations

from enum import StrEnum


class Guarantee(StrEnum):
    """What stands behind a certificate, from the strongest to the weakest.

    ``EXACT``: deterministic, without an error probability. ``PROBABILISTIC``: proved for the real transformation,
    true with confidence 1 − α over the drawn noise. ``ESTIMATE``: rests on something that was not proved; the
    certificate's claim says on what.

    >>> Guarantee.weakest(Guarantee.EXACT, Guarantee.ESTIMATE).value
    'estimate'
    """

    EXACT = "exact"
    PROBABILISTIC = "probabilistic"
    ESTIMATE = "estimate"

    @staticmethod
    def weakest(*guarantees: Guarantee) -> Guarantee:
        """The weakest of them: what a result promises that rests on all of them."""
        order = list(Guarantee)
        return max(guarantees, key=order.index)
