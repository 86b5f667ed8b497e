"""How much an attack may cost."""

from __future__ import annotations

import attrs

from gsmooth_core.common.validators import at_least_one, whole_number


@attrs.frozen
class AttackBudget:
    """How much an attack may cost per image.

    ``calls``: calls of the model in the search; for a smoothed classifier each point takes ``draws`` of them. At least
    one point is evaluated, and every output of a corruption that has finitely many. Then the classifier itself answers
    at the ``finalists`` worst points, a smoothed one by ``confirm`` votes each, which are not counted as calls. The
    finalists share the error probability, so with more finalists each of them needs a clearer majority.
    """

    calls: int = attrs.field(default=1_000, converter=whole_number, validator=at_least_one)
    draws: int = attrs.field(default=20, converter=whole_number, validator=at_least_one)
    finalists: int = attrs.field(default=5, converter=whole_number, validator=at_least_one)
    confirm: int = attrs.field(default=1_000, converter=whole_number, validator=at_least_one)
