"""Regions of parameters, and the spaces that they lie in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    pass

ROUNDING = 1e-12
"""More than float64 misses the squared distance of a point from an ellipsoid's centre by."""
FARTHEST = 1e18
"""Regions reach no farther from 0: the square of a float32 number still is one."""


def _floats(value: float | Iterable[float]) -> tuple[float, ...]:
    values = value if isinstance(value, Iterable) else (value,)
    return tuple(float(one) + 0.0 for one in values)  # −0 becomes 0, so that nobody reads "from −0"


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def float32_from(value: float, towards: float) -> float:
    """The float32 number nearest to a number on the side of ``towards``, which is ± infinity.

    >>> float32_from(0.3, -math.inf), float32_from(0.25, -math.inf)
    (0.29999998211860657, 0.25)
    """
    nearest = np.float32(value)
    missed = float(nearest) > value if towards < 0 else float(nearest) < value
    return float(np.nextafter(nearest, np.float32(towards)) if missed else nearest)


@attrs.frozen
class Region:
    """A set of parameters: the box from ``lower`` to ``upper``, or the ellipsoid inscribed in it.

    ``lower`` and ``upper`` have one entry a parameter, in the parameter's own unit. ``norm="l2"`` makes the region the
    ellipsoid whose half-axes are half the box's sides (a ball where the sides are equal).

    >>> Region(lower=0, upper=5)
    Region(lower=(0.0,), upper=(5.0,), norm='box')
    >>> Region((-3, -3), (3, 3), norm="l2").contains(torch.tensor([[3.0, 0.0], [3.0, 3.0]]))
    tensor([ True, False])
    """

    lower: tuple[float, ...] = attrs.field(converter=_floats)
    upper: tuple[float, ...] = attrs.field(converter=_floats)
    norm: Literal["box", "l2"] = "box"

    def __attrs_post_init__(self) -> None:
        if self.norm not in ("box", "l2"):
            raise ValueError(f"a region's norm is 'box' or 'l2', not {self.norm!r}")
        if len(self.lower) != len(self.upper) or not self.lower:
            raise ValueError(
                f"a region needs one lower and one upper end per parameter, not {self.lower} and {self.upper}; "
                "give two tuples of one length"
            )
        if not all(map(math.isfinite, self.lower + self.upper)):
            raise ValueError(f"a region must be finite, not {self.lower} to {self.upper}; give finite ends")
        if any(low > high for low, high in zip(self.lower, self.upper, strict=True)):
            raise ValueError(f"a region's lower end {self.lower} lies above its upper end {self.upper}; swap them")

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return len(self.lower)

    @property
    def farthest(self) -> tuple[float, ...]:
        """The largest absolute value of each parameter.

        >>> Region((-3, 0), (1, 4)).farthest
        (3.0, 4.0)
        """
        return tuple(max(-low, high) for low, high in zip(self.lower, self.upper, strict=True))

    def contains(self, parameters: Tensor) -> Tensor:
        """Whether each row of ``parameters`` (batch, dimension) lies in the region: bool (batch,).

        Decided in float64. On the border of an ellipsoid, in doubt a point lies in it: nothing inside is missed.

        >>> Region((-13, -13), (13, 13), norm="l2").contains(torch.tensor([[5.0, 12.0], [5.0, 12.1]]))
        tensor([ True, False])
        """
        return self._holds(parameters, 1 + ROUNDING)

    def _holds(self, parameters: Tensor, largest: float) -> Tensor:
        """Whether parameters lie in the box, and for an ellipsoid, at a squared distance of at most ``largest``."""
        parameters = parameters.double()
        low, high = (torch.tensor(end, dtype=torch.float64, device=parameters.device) for end in self._ends())
        in_box = ((parameters >= low) & (parameters <= high)).all(dim=1)
        if self.norm == "box":
            return in_box
        half = (high - low) / 2
        unit = torch.where(half > 0, (parameters - (low + high) / 2) / half.clamp_min(1e-300), 0.0)
        return (unit.square().sum(dim=1) <= largest) & in_box

    def inside(self, other: Region) -> bool:
        """Whether this region is a subset of ``other``; in doubt not, as for some ellipsoids of unequal shape."""
        in_box = all(a >= b for a, b in zip(self.lower, other.lower, strict=True)) and all(
            a <= b for a, b in zip(self.upper, other.upper, strict=True)
        )
        if other.norm == "box" or not in_box:
            return in_box
        if self.norm == "box":
            corners = torch.tensor(
                list(itertools.product(*zip(self.lower, self.upper, strict=True))), dtype=torch.float64
            )
            return bool(other._holds(corners, 1 - ROUNDING).all())
        if all(a + b == c + d for a, b, c, d in zip(self.lower, self.upper, other.lower, other.upper, strict=True)):
            return True
        # This ellipsoid lies in the other's shape, grown by the largest ratio of their half-axes and moved.
        own, its = (torch.tensor(region._ends(), dtype=torch.float64) for region in (self, other))
        half = (its[1] - its[0]) / 2
        if bool((half <= 0).any()):
            return False
        moved = float(((own.mean(dim=0) - its.mean(dim=0)) / half).norm())
        return moved + float(((own[1] - own[0]) / 2 / half).max()) <= 1 - ROUNDING

    def cut(self, share: float, centre: Sequence[float]) -> Region:
        """The part of a box that lies within ``share`` of its reach from ``centre``, a point in it, with that point.

        The reach is, for each parameter, the distance of the farther end. Ends that are cut are float32 numbers,
        rounded towards the centre, so that they lie in the part when they are written as such.

        >>> Region((0, -1), (2, 3)).cut(0.5, (0, 0))
        Region(lower=(0.0, -1.0), upper=(1.0, 1.5), norm='box')
        """
        lower, upper = [], []
        for low, high, middle in zip(self.lower, self.upper, centre, strict=True):
            reach = share * max(middle - low, high - middle)
            lower.append(max(low, min(middle, float32_from(middle - reach, math.inf))))
            upper.append(min(high, max(middle, float32_from(middle + reach, -math.inf))))
        return Region(lower, upper)

    def orthants(self) -> Iterator[Region]:
        """The parts of a box on either side of 0, so that each has 0 as a corner."""
        sides = [
            [(low, 0.0)] * (low < 0) + [(0.0, high)] * (high > 0 or low == 0)
            for low, high in zip(self.lower, self.upper, strict=True)
        ]
        for ends in itertools.product(*sides):
            yield Region(tuple(low for low, _ in ends), tuple(high for _, high in ends))

    def reach(self, widths: Sequence[float]) -> float:
        """An upper bound of ``‖ξ/widths‖₂`` over the region's ξ: exact for boxes, and for ellipsoids around 0.

        >>> Region((-3, -3), (3, 3), norm="l2").reach([1, 2]), Region((-3, 0), (1, 4)).reach([1, 1])
        (3.0, 5.0)
        """
        ends = list(zip(self.lower, self.upper, widths, strict=True))
        if self.norm == "l2" and all(low == -high for low, high, _ in ends):
            return max(high / width for _, high, width in ends)
        return math.hypot(*(max(-low, high) / width for low, high, width in ends))

    def grid(self, points: int) -> Tensor:
        """An even grid of ``points`` a parameter, ends included, as far as it lies inside: float64 (count, dimension).

        >>> Region(0, 0.3).grid(3)[-1].tolist()
        [0.3]
        """
        ends = zip(self.lower, self.upper, strict=True)
        axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in ends]
        grid = torch.cartesian_prod(*axes).view(-1, self.dimension)
        return grid[self.contains(grid)]

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` parameters drawn evenly from the region: float32 (count, dimension), on the generator's device."""
        low, high = (torch.tensor(end, device=generator.device) for end in self._ends())
        if self.norm == "box":
            unit = 2 * torch.rand(count, self.dimension, generator=generator, device=generator.device) - 1
        else:
            unit = torch.randn(count, self.dimension, generator=generator, device=generator.device)
            length = torch.rand(count, 1, generator=generator, device=generator.device) ** (1 / self.dimension)
            unit = unit / unit.norm(dim=1, keepdim=True) * length
        return ((low + high) / 2 + unit * (high - low) / 2).clamp(low, high)

    def _ends(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.lower, self.upper


@attrs.frozen
class ParameterSpace:
    """All parameters that a transformation takes, with their names and units.

    ``lower``, ``upper`` (infinite ends are allowed) and ``identity`` have one entry a parameter; ``integer`` says that
    parameters are whole numbers. A space of one parameter may be written with plain numbers and strings.

    >>> ParameterSpace(lower=0, upper=16, identity=0, names="radius", units="px").dimension
    1
    """

    lower: tuple[float, ...] = attrs.field(converter=_floats)
    upper: tuple[float, ...] = attrs.field(converter=_floats)
    identity: tuple[float, ...] = attrs.field(converter=_floats)
    names: tuple[str, ...] = attrs.field(converter=_names)
    units: tuple[str, ...] = attrs.field(converter=_names)
    integer: bool = False

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
        rounded towards the identity, which stays inside boxes and balls around it.

        >>> space = ParameterSpace(lower=-90, upper=90, identity=0, names="angle", units="degrees")
        >>> space.walk(Region(-10, 30), 5).flatten().tolist(), space.walk(Region(0, 30), 3).flatten().tolist()
        ([-10.0, -5.0, 0.0, 15.0, 30.0], [0.0, 15.0, 30.0])
        """
        identity = torch.tensor([self.identity], dtype=torch.float64)
        ends = torch.tensor([region.lower, region.upper], dtype=torch.float64)
        if region.norm == "l2":
            ends = ends.mean(dim=0) + (ends - ends.mean(dim=0)) / math.sqrt(region.dimension)
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
                f"the region {shown} does not hold the identity {self.identity}, at which the image is unchanged; "
                "choose a region around it"
            )


def holds_all(region: Region, parameters: list[tuple[float, ...]]) -> bool:
    """Whether all parameters are points of the region."""
    if any(len(parameter) != region.dimension for parameter in parameters):
        return False
    return not parameters or bool(region.contains(torch.tensor(parameters, dtype=torch.float64)).all())
