"""The record of everything that determines a report's certificates."""

from __future__ import annotations

import attrs
from attrs.validators import optional

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.common.validators import amount, is_a, whole
from gsmooth_core.results.wording import error_probability_words
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region


def check_axes(names: tuple[str, ...], units: tuple[str, ...], region: Region) -> None:
    """Raise ``ValueError`` unless there are as many names and units as the region has parameters."""
    if not len(names) == len(units) == region.dimension:
        raise ValueError(f"the names {names} and units {units} must be as many as {region} has parameters")


@attrs.frozen
class Run:
    """Everything that determines a report's certificates, so that it can be reproduced or resumed.

    ``corruption``, ``plugin`` (distribution and version, ``None`` for one passed as an object), ``transformation``,
    ``smoothing`` and ``certifier`` describe the recipe with all settings, and ``model`` names the model; ``region`` and
    ``radius`` (as in :class:`Certificate`) are what was asked for, in the ``units`` of the parameters ``names``.
    ``theorem`` is the certifier's name, and ``tries`` what it tries, in the plural: anchors, outputs, cells, layers.
    ``classes``: the number of the model's classes. ``data_hash``: covers the data that the images are from; for a
    dataset, its length and a few items.
    """

    corruption: str
    plugin: str | None
    names: tuple[str, ...]
    units: tuple[str, ...]
    transformation: str
    smoothing: str
    certifier: str
    theorem: str
    tries: str
    guarantee: Guarantee = attrs.field(validator=is_a(Guarantee))
    region: Region = attrs.field(validator=is_a(Region))
    radius: float | None = attrs.field(validator=optional(amount()))
    maximize: bool = attrs.field(validator=is_a(bool))
    budget: Budget = attrs.field(validator=is_a(Budget))
    seed: int = attrs.field(validator=whole())
    model: str
    model_hash: str
    classes: int = attrs.field(validator=whole(2))
    data_hash: str
    device: str
    versions: dict[str, str]

    def __attrs_post_init__(self) -> None:
        check_axes(self.names, self.units, self.region)

    @property
    def odds(self) -> str:
        """The error probability of an image's certificate, in words."""
        return error_probability_words(self.guarantee, self.budget.alpha)
