"""How much an attack may cost."""

from __future__ import annotations

import attrs

from gsmooth_core.common.validators import at_least_one, whole_number


@attrs.frozen
class AttackBudget:
    """How much an attack may cost an image.

    ``calls`` of the model in the search; of a smoothed classifier each point takes ``draws`` of them. One point is
    looked at in any case, and every output of a corruption that has finitely many. The ``finalists`` worst points are
    then put to the classifier itself, a smoothed one with ``confirm`` votes each, which are not counted as calls. They
    share the error probability, so that with more finalists each of them needs a clearer majority.
    """

    calls: int = attrs.field(default=1_000, converter=whole_number, validator=at_least_one)
    draws: int = attrs.field(default=20, converter=whole_number, validator=at_least_one)
    finalists: int = attrs.field(default=5, converter=whole_number, validator=at_least_one)
    confirm: int = attrs.field(default=1_000, converter=whole_number, validator=at_least_one)
