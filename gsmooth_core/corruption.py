"""Corruptions: the recipes that plugins return."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import attrs
import numpy as np
from torch import Tensor

from gsmooth_core.certifier import Certifier, Model, Problem
from gsmooth_core.common.notices import notify
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.parameter import ParameterNoise
from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region


class CorruptionName(str):
    """A corruption's name: ``word`` or ``word:variant``, in lower case; ``ValueError`` for any other text.

    >>> CorruptionName("defocus:discrete").word, CorruptionName("defocus:discrete").variant
    ('defocus', 'discrete')
    """

    __slots__ = ()

    def __new__(cls, text: str) -> CorruptionName:
        """The name that a text is."""
        if not isinstance(text, str) or not re.fullmatch(r"[a-z][a-z0-9]*(:[a-z][a-z0-9]*)?", text):
            raise ValueError(f"a corruption's name is 'word' or 'word:variant' in lower case, not {text!r}; rename it")
        return super().__new__(cls, text)

    @property
    def word(self) -> str:
        """The part before the colon: the name of the entry point."""
        return self.partition(":")[0]

    @property
    def variant(self) -> str:
        """The part after the colon; empty for the corruption itself."""
        return self.partition(":")[2]


class Channels(StrEnum):
    """Which images a corruption is for, by their number of channels.

    >>> Channels.GREY.takes(1), Channels.GREY.takes(3), Channels.ANY.takes(4)
    (True, False, True)
    """

    ANY = "any"
    GREY = "grey"
    COLOUR = "colour"

    def takes(self, count: int) -> bool:
        """Whether images with ``count`` channels may be corrupted."""
        return self is Channels.ANY or count == (1 if self is Channels.GREY else 3)


def _part(kind: type) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """The validator of a recipe's part: an object of that kind."""

    def check(recipe: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            given = f"the class {value.__name__}; write {value.__name__}()" if isinstance(value, type) else repr(value)
            raise ValueError(f"a Corruption's {attribute.name} must be a {kind.__name__}, not {given}")

    return check


def _check_radii(recipe: object, attribute: attrs.Attribute[Any], radii: object) -> None:
    """Radii by kind of image, as the class says."""
    if not isinstance(radii, Mapping) or not all(
        isinstance(kind, tuple) and len(kind) == 3 and all(isinstance(size, int) and size > 0 for size in kind)
        for kind in radii
    ):
        raise ValueError(
            f"a Corruption's radius gives radii by (channel, height, width), as {{(1, 28, 28): 0.5}}, not {radii!r}"
        )
    if not all(isinstance(radius, int | float) and 0 <= radius < math.inf for radius in radii.values()):
        raise ValueError(f"a Corruption's radii must be finite and at least 0, not {[*radii.values()]}")


def _bound(smoothing: Smoothing | ParameterNoise, recipe: attrs.AttrsInstance) -> Smoothing:
    assert isinstance(recipe, Corruption)
    _part(Transformation)(recipe, attrs.fields(Corruption).transformation, recipe.transformation)
    return smoothing.on(recipe.transformation) if isinstance(smoothing, ParameterNoise) else smoothing


@attrs.frozen
class Corruption:
    """A transformation with the smoothing and the certifier that suit it.

    ``smoothing`` may be a :class:`ParameterNoise`, which becomes noise on the parameters of ``transformation``.
    ``radius`` gives the default attack radius, in the parameter's unit, for each kind of image as
    (channel, height, width): usually the published radii for grey 28 × 28, colour 32 × 32 and colour 224 × 224 images.
    Other sizes take one of these (:meth:`default_radius`); ``any_size`` says that the radius does not depend on the
    size, as one in degrees does not, but one in pixels does. ``channels`` says which images the corruption accepts.
    """

    name: CorruptionName = attrs.field(converter=CorruptionName)
    transformation: Transformation
    smoothing: Smoothing = attrs.field(
        converter=attrs.Converter(_bound, takes_self=True),  # type: ignore[misc]
        validator=_part(Smoothing),
    )
    certifier: Certifier = attrs.field(validator=_part(Certifier))
    radius: Mapping[tuple[int, int, int], float] = attrs.field(factory=dict, validator=_check_radii)
    channels: Channels = attrs.field(default=Channels.ANY, converter=Channels)
    any_size: bool = False

    def default_radius(self, shape: tuple[int, int, int]) -> float:
        """The recipe's radius for images of shape (channel, height, width).

        Of the kinds that ``radius`` names, grey ones for grey images and others for others, the largest one with no
        more pixels counts, or the smallest one. A warning says so where the radius depends on the size (``any_size``),
        because it may be small for larger images. Where it does not, colour images may also take the radius of grey
        ones. ``ValueError`` if there is no such kind.

        >>> from gsmooth_core import get_corruption
        >>> rotation = get_corruption("rotation")
        >>> rotation.default_radius((3, 96, 96)), rotation.default_radius((1, 32, 32))
        (10.0, 50.0)
        """
        suited = [kind for kind in self.radius if (kind[0] == 1) == (shape[0] == 1)]
        suited = suited or [*self.radius] * self.any_size
        alike = sorted(suited, key=lambda kind: kind[1] * kind[2])
        unit = " and ".join(self.transformation.space.units)
        if not alike:
            known = ", ".join(f"{radius:g} for {kind}" for kind, radius in self.radius.items()) or "none"
            raise ValueError(
                f"{str(self.name)!r} has no default radius for images of (channel, height, width) {shape} (known: "
                f"{known}); pass radius=, or a Region in {unit}"
            )
        nearest = [kind for kind in alike if kind[1] * kind[2] <= shape[1] * shape[2]][-1:] or alike[:1]
        chosen = shape if shape in self.radius else nearest[0]
        if chosen != shape and not (self.any_size and len({self.radius[kind] for kind in alike}) == 1):
            notify(
                f"{str(self.name)!r} has no radius of its own for images of (channel, height, width) {shape}: it takes "
                f"{self.radius[chosen]:g}, in {unit}, as for {chosen}; pass radius= for another"
            )
        return self.radius[chosen]

    def region(self, radius: float | Region | None, shape: tuple[int, int, int]) -> Region:
        """The attack region of a radius (default: the recipe's for that shape), checked against the space.

        A radius may be a number of Python, numpy or torch.
        ``ValueError`` for a radius or region outside the space, and for a number of channels that ``channels``
        excludes.
        """
        if not self.channels.takes(shape[0]):
            raise ValueError(
                f"{str(self.name)!r} is for {self.channels} images, not for images of {shape[0]} channels; convert "
                "them, or choose another corruption"
            )
        if isinstance(radius, np.generic | np.ndarray | Tensor) and not radius.shape:
            radius = radius.item()
        if isinstance(radius, Region):
            region = radius
        elif isinstance(radius, bool) or not isinstance(radius, int | float | None):
            raise ValueError(f"radius must be a number or a Region, not {radius!r}; pass one, or Box(lower, upper)")
        elif radius is not None and not 0 <= radius < math.inf:
            raise ValueError(f"radius must be finite and at least 0, not {radius}; for other regions pass a Region")
        else:
            region = self.transformation.region(self.default_radius(shape) if radius is None else radius)
        self.transformation.space.check_region(region)
        return region

    def problem(
        self, radius: float | Region | None, shape: tuple[int, int, int], model: Model | None = None
    ) -> Problem:
        """The certifier's problem for images of shape (channel, height, width), with the region of :meth:`region`."""
        return Problem(self.transformation, self.smoothing, self.region(radius, shape), model)

    def outline(self) -> Problem:
        """The problem with radius 0 and without a model: it is enough to know the guarantee that the recipe gives."""
        return Problem(self.transformation, self.smoothing, self.transformation.region(0.0))
