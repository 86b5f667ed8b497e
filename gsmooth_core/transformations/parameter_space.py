"""All parameters that a transformation takes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
import torch
from torch import Tensor

from gsmooth_core.transformations.region import floats

if TYPE_CHECKING:
    from gsmooth_core.transformations.regions import Region

FARTHEST = 1e18
"""Regions reach no farther from 0, so that the square of a parameter is still a float32 number."""


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen
class ParameterSpace:
    """All parameters that a transformation takes, with their names and units.

    ``lower``, ``upper`` (infinite ends are allowed) and ``identity`` have one entry a parameter; ``integer`` says that
    parameters are whole numbers. A space of one parameter may be written with plain numbers and strings.

    At ``identity`` the image is unchanged. A map without such a parameter, as of JPEG, says
    ``unchanged_at_identity=False``: the identity is then its mildest parameter, from which regions and radii are
    measured. Certificates are about its outputs in the region, and the class is that of the image before the map.

    >>> ParameterSpace(lower=0, upper=16, identity=0, names="radius", units="px").dimension
    1
    """

    lower: tuple[float, ...] = attrs.field(converter=floats)
    upper: tuple[float, ...] = attrs.field(converter=floats)
    identity: tuple[float, ...] = attrs.field(converter=floats)
    names: tuple[str, ...] = attrs.field(converter=_names)
    units: tuple[str, ...] = attrs.field(converter=_names)
    integer: bool = False
    unchanged_at_identity: bool = True

    def __attrs_post_init__(self) -> None:
        if len({len(self.lower), len(self.upper), len(self.identity), len(self.names), len(self.units)}) != 1:
            raise ValueError("lower, upper, identity, names and units need one entry per parameter each; count them")
        if not all(a <= b <= c for a, b, c in zip(self.lower, self.identity, self.upper, strict=True)):
            raise ValueError(f"the identity {self.identity} must lie between {self.lower} and {self.upper}")

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return len(self.lower)

    def words(self, parameter: Iterable[float]) -> str:
        """One parameter in words.

        >>> ParameterSpace((-9, -9), (9, 9), (0, 0), ("dx", "dy"), ("px", "px")).words([1, -0.5])
        'dx 1 px, dy -0.5 px'
        """
        values = zip(self.names, parameter, self.units, strict=True)
        return ", ".join(f"{name} {value:.5g} {unit}" for name, value, unit in values)

    def walk(self, region: Region, points: int) -> Tensor:
        """Parameters along a region's diagonal, through the identity from one end to the other: float64 (points, dim).

        Where the region reaches to both sides, the identity stands in the middle, else at one end. Whole numbers are
        rounded towards the identity, which stays inside boxes and balls around it, and
        inside products of them.

        >>> from gsmooth_core import Box
        >>> space = ParameterSpace(lower=-90, upper=90, identity=0, names="angle", units="degrees")
        >>> space.walk(Box(-10, 30), 5).flatten().tolist(), space.walk(Box(0, 30), 3).flatten().tolist()
        ([-10.0, -5.0, 0.0, 15.0, 30.0], [0.0, 15.0, 30.0])
        """
        identity = torch.tensor([self.identity], dtype=torch.float64)
        ends = region.diagonal()
        shares = torch.linspace(0, 1, points, dtype=torch.float64)[:, None]
        if self.identity in (region.lower, region.upper):
            walk = torch.lerp(ends[:1], ends[1:], shares)
        else:
            left, right = torch.lerp(ends[:1], identity, 2 * shares), torch.lerp(identity, ends[1:], 2 * shares - 1)
            walk = torch.where(shares < 0.5, left, right)
        return identity + (walk - identity).trunc() if self.integer else walk

    def snap(self, parameters: Tensor) -> Tensor:
        """Parameters (batch, dimension) as the transformation takes them: rounded where they are whole numbers."""
        return torch.floor(parameters + 0.5) if self.integer else parameters  # round() would round 0.5 and 1.5 apart

    def whole(self, region: Region) -> Region:
        """The smallest box with the same whole parameters as a box that holds some, if parameters are whole numbers.

        All other regions stay as they are: a ball with whole ends may hold fewer of the parameters.

        >>> from gsmooth_core import Box
        >>> steps = ParameterSpace(lower=0, upper=100, identity=0, names="count", units="steps", integer=True)
        >>> steps.whole(Box(0, 49.9999))
        Box(lower=(0.0,), upper=(49.0,))
        """
        if not self.integer or region.kind != "box":
            return region
        make: Any = type(region)
        box: Region = make(tuple(map(math.ceil, region.lower)), tuple(map(math.floor, region.upper)))
        return box

    def check_region(self, region: Region) -> None:
        """Raise ``ValueError`` unless ``region`` lies in this space and holds the identity."""
        shown = f"[{', '.join(f'{a:g}..{b:g}' for a, b in zip(region.lower, region.upper, strict=True))}]"
        space = ", ".join(
            f"{name} {a:g}..{b:g} {unit}"
            for name, a, b, unit in zip(self.names, self.lower, self.upper, self.units, strict=True)
        )
        if region.dimension != self.dimension:
            raise ValueError(
                f"the region {shown} has {region.dimension} parameters, the transformation {self.dimension} ({space}); "
                "give one interval per parameter"
            )
        ends = zip(region.lower, region.upper, self.lower, self.upper, strict=True)
        if not all(low >= a and high <= b for low, high, a, b in ends):
            raise ValueError(f"the region {shown} leaves the parameter space ({space}); choose a region inside it")
        if max(map(abs, region.lower + region.upper)) > FARTHEST:
            raise ValueError(
                f"the region {shown} reaches farther than {FARTHEST:g}, too far for float32 parameters; choose a "
                "smaller radius"
            )
        if not bool(region.contains(torch.tensor([self.identity], dtype=torch.float64))):
            raise ValueError(
                f"the region {shown} does not hold the identity {self.identity}, at which the image is "
                f"{'unchanged' if self.unchanged_at_identity else 'changed least'}; choose a region around it"
            )
