"""The votes for a question, and when they are enough."""

from __future__ import annotations

import attrs
import numpy as np

from gsmooth_core.certifier import Answer, AskBound, AskClass, Selection
from gsmooth_core.statistics.bounds import is_settled, lower_bound
from gsmooth_core.statistics.budget import Budget


@attrs.define
class Tally:
    """The votes for a question so far, looked at after fixed numbers of draws. Mutable; made for one question."""

    ask: AskClass | AskBound
    looks: tuple[int, ...]
    counts: np.ndarray = attrs.field(factory=lambda: np.zeros(1, dtype=np.int64))
    drawn: int = 0
    lower: float = 0.0

    @staticmethod
    def of(ask: AskClass | AskBound, budget: Budget) -> Tally:
        """No votes yet, and the looks that the budget has for such a question."""
        return Tally(ask, budget.looks if isinstance(ask, AskBound) else (budget.select,))

    @property
    def wanted(self) -> int:
        """The draws up to the next look."""
        return next(look for look in self.looks if look > self.drawn) - self.drawn

    def add(self, votes: np.ndarray, draws: int) -> Selection | Answer | None:
        """Count the votes (classes,) of more draws. Return the answer, or ``None`` if more draws are useful."""
        self.counts, self.drawn = self.counts + votes, self.drawn + draws
        left = self.looks[-1] - self.drawn
        if isinstance(self.ask, AskClass):
            chosen = Selection(int(self.counts.argmax()), int(self.counts.max()), self.drawn)
            return None if left else chosen
        for_class, alpha = int(self.counts[self.ask.class_]), self.ask.alpha / len(self.looks)
        self.lower = max(self.lower, lower_bound(for_class, self.drawn, alpha))
        thresholds, refine = self.ask.thresholds, self.ask.refine
        if left and not is_settled(for_class, self.drawn, left, self.lower, alpha, thresholds, refine):
            return None
        return Answer(self.ask.class_, for_class, self.drawn, self.lower)
