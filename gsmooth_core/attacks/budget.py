"""How much an attack may cost."""

from __future__ import annotations

import attrs

from gsmooth_core.checks import check_whole


@attrs.frozen
class AttackBudget:
    """How much an attack may cost an image.

    ``calls`` of the model in the search; of a smoothed classifier each point takes ``draws`` of them. One point is
    looked at in any case, and every output of a corruption that has finitely many. The ``finalists`` worst points are
    then put to the classifier itself, a smoothed one with ``confirm`` votes each, which are not counted as calls.
    """

    calls: int = 1_000
    draws: int = 20
    finalists: int = 5
    confirm: int = 1_000

    def __attrs_post_init__(self) -> None:
        for name in attrs.fields_dict(AttackBudget):
            check_whole(name, getattr(self, name), least=1)
