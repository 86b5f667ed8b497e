"""The votes for a question, and when they suffice."""

from __future__ import annotations

import attrs
import numpy as np

from gsmooth_core.certifier import Answer, Ask
from gsmooth_core.statistics.bounds import is_settled, lower_bound


@attrs.define
class Tally:
    """The votes for a question so far, looked at after fixed numbers of draws."""

    ask: Ask
    looks: tuple[int, ...]
    counts: np.ndarray = attrs.field(factory=lambda: np.zeros(1, dtype=np.int64))
    drawn: int = 0
    lower: float = 0.0

    @property
    def wanted(self) -> int:
        """The draws up to the next look."""
        return next(look for look in self.looks if look > self.drawn) - self.drawn

    def add(self, votes: np.ndarray, draws: int) -> Answer | None:
        """Count the votes (classes,) of more draws: the answer, unless still more are worth while."""
        self.counts, self.drawn = self.counts + votes, self.drawn + draws
        if self.ask.class_ is None or self.ask.alpha is None:
            return Answer(int(self.counts.argmax()), int(self.counts.max()), self.drawn)
        for_class, left = int(self.counts[self.ask.class_]), self.looks[-1] - self.drawn
        alpha = self.ask.alpha / len(self.looks)
        self.lower = max(self.lower, lower_bound(for_class, self.drawn, alpha))
        thresholds, refine = self.ask.thresholds, self.ask.refine
        if left and not is_settled(for_class, self.drawn, left, self.lower, alpha, thresholds, refine):
            return None
        return Answer(self.ask.class_, for_class, self.drawn, self.lower)
