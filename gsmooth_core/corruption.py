"""Corruptions: the recipes that plugins return."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import attrs

from gsmooth_core.certifier import Certifier
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region


def _word(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(:[a-z][a-z0-9]*)?", value):
        raise ValueError(f"a corruption's name is 'word' or 'word:variant' in lower case, not {value!r}; rename it")


@attrs.frozen
class Corruption:
    """A transformation with the smoothing and the certifier that suit it.

    ``radius`` gives the default attack radius, in the parameter's unit, for each kind of image as
    (channel, height, width): the paper's radii for grey 28 × 28 and colour 32 × 32 images, usually.
    """

    name: str = attrs.field(validator=_word)
    transformation: Transformation
    smoothing: Smoothing
    certifier: Certifier
    radius: Mapping[tuple[int, int, int], float] = attrs.field(factory=dict)

    def default_radius(self, shape: tuple[int, int, int]) -> float:
        """The recipe's radius for images of shape (channel, height, width); ``ValueError`` where it has none."""
        if shape not in self.radius:
            known = ", ".join(f"{radius:g} for {kind}" for kind, radius in self.radius.items()) or "none"
            raise ValueError(
                f"{self.name!r} has no default radius for images of (channel, height, width) {shape} (known: {known}); "
                f"pass radius=, or a Region in {' and '.join(self.transformation.space.units)}"
            )
        return self.radius[shape]

    def region(self, radius: float | Region | None, shape: tuple[int, int, int]) -> Region:
        """The attack region of a radius (default: the recipe's for that shape), checked against the space."""
        if isinstance(radius, Region):
            region = radius
        elif isinstance(radius, bool) or not isinstance(radius, int | float | None):
            raise ValueError(f"radius must be a number or a Region, not {radius!r}; pass one, or Box(lower, upper)")
        elif radius is not None and not 0 <= radius < math.inf:
            raise ValueError(f"radius must be finite and at least 0, not {radius}; to go to both sides pass a Region")
        else:
            region = self.transformation.region(self.default_radius(shape) if radius is None else radius)
        self.transformation.space.check_region(region)
        return region
