"""The kinds of regions: boxes, ellipsoids, and products of these."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, ClassVar, cast, final

import attrs
import torch
from torch import Tensor

from gsmooth_core.transformations.region import ROUNDING, float32_from, floats
from gsmooth_core.transformations.region import Region as Region

SMALLEST_SHARE = 1e-3
"""If a half-axis is less than this share of the centre's distance from 0, float64 is too coarse to prove a subset."""


@attrs.frozen
class _Spanned(Region):
    """A region that is determined by its class and its ends."""

    spanned: ClassVar[bool] = True
    lower: tuple[float, ...] = attrs.field(converter=floats)
    upper: tuple[float, ...] = attrs.field(converter=floats)

    def __attrs_post_init__(self) -> None:
        if len(self.lower) != len(self.upper) or not self.lower:
            raise ValueError(
                f"a region needs one lower and one upper end per parameter, not {self.lower} and {self.upper}; "
                "give two tuples of one length"
            )
        if not all(map(math.isfinite, self.lower + self.upper)):
            raise ValueError(f"a region must be finite, not {self.lower} to {self.upper}; give finite ends")
        if any(low > high for low, high in zip(self.lower, self.upper, strict=True)):
            raise ValueError(f"a region's lower end {self.lower} lies above its upper end {self.upper}; swap them")

    def _in_box(self, parameters: Tensor) -> Tensor:
        low, high = (torch.tensor(end, dtype=torch.float64, device=parameters.device) for end in self._ends())
        return ((parameters >= low) & (parameters <= high)).all(dim=1)

    def _clamped(self, parameters: Tensor, integer: bool) -> tuple[Tensor, Tensor, Tensor]:
        """Parameters moved into the box of the ends, and the ends that were used: float32 or whole, rounded inwards."""
        low = torch.tensor(
            [float32_from(low, math.inf) for low in self.lower], dtype=torch.float32, device=parameters.device
        )
        high = torch.tensor(
            [float32_from(high, -math.inf) for high in self.upper], dtype=torch.float32, device=parameters.device
        )
        if integer:
            low, high = low.ceil(), high.floor()
        clamped = torch.minimum(torch.maximum(parameters, low), high)
        return (torch.floor(clamped + 0.5) if integer else clamped), low, high

    def _box_reach(self, widths: Sequence[float], origin: Sequence[float]) -> float:
        """The reach of the box of the ends."""
        ends = zip(self.lower, self.upper, widths, origin, strict=True)
        return math.hypot(*(_over(max(middle - low, high - middle), width) for low, high, width, middle in ends))

    def _spread(self, unit: Tensor) -> Tensor:
        """Float32 points of the box of the ends at the places ``unit`` (count, dimension), −1 to 1."""
        low, high = (torch.tensor(end, dtype=torch.float32, device=unit.device) for end in self._ends())
        return ((low + high) / 2 + unit * (high - low) / 2).clamp(low, high)

    def _ends(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.lower, self.upper

    def _factors(self) -> tuple[_Spanned, ...]:
        return (self,)


@final
@attrs.frozen
class Box(_Spanned):
    """All parameters from ``lower`` to ``upper``, ends included: one entry per parameter, in the parameter's own unit.

    >>> Box(lower=0, upper=5)
    Box(lower=(0.0,), upper=(5.0,))
    """

    kind: ClassVar[str] = "box"
    noun: ClassVar[str] = "a box"
    words: ClassVar[str] = ""
    cuttable: ClassVar[bool] = True

    def contains(self, parameters: Tensor) -> Tensor:
        """As for every region; exact."""
        return self._in_box(parameters.double())

    def _covers(self, other: Region) -> bool:
        return True

    def projection(self, start: int, stop: int) -> Box:
        """The box of those ends."""
        return Box(self.lower[start:stop], self.upper[start:stop])

    def cut(self, share: float, centre: Sequence[float]) -> Box:
        """As for every region."""
        lower, upper = [], []
        for low, high, middle in zip(self.lower, self.upper, centre, strict=True):
            reach = share * max(middle - low, high - middle)
            lower.append(max(low, min(middle, float32_from(middle - reach, math.inf))))
            upper.append(min(high, max(middle, float32_from(middle + reach, -math.inf))))
        return Box(lower, upper)

    def orthants(self) -> Iterator[Box]:
        """The parts on either side of 0, so that each has 0 as a corner.

        >>> list(Box(-1, 2).orthants())
        [Box(lower=(-1.0,), upper=(0.0,)), Box(lower=(0.0,), upper=(2.0,))]
        """
        sides = [
            [(low, 0.0)] * (low < 0) + [(0.0, high)] * (high > 0 or low == 0)
            for low, high in zip(self.lower, self.upper, strict=True)
        ]
        for ends in itertools.product(*sides):
            yield Box(tuple(low for low, _ in ends), tuple(high for _, high in ends))

    def reach(self, widths: Sequence[float], origin: Sequence[float] | None = None) -> float:
        """As for every region; exact."""
        return self._box_reach(widths, [0.0] * self.dimension if origin is None else origin)

    def diagonal(self) -> Tensor:
        """The ends."""
        return torch.tensor(self._ends(), dtype=torch.float64)

    def grid_points(self, most: int) -> int:
        """``most``: any number is possible."""
        return most

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """As for every region."""
        return self._spread(
            2 * torch.rand(count, self.dimension, generator=generator, dtype=torch.float32, device=generator.device)
            - 1,
        )

    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """The nearest points of the box."""
        return self._clamped(parameters, integer)[0]


@final
@attrs.frozen
class Ellipsoid(_Spanned):
    """The ellipsoid inscribed in the box from ``lower`` to ``upper``: its half-axes are half the box's sides.

    Where the sides are equal it is a ball. A half-axis may be 0.

    >>> Ellipsoid((-3, -3), (3, 3)).contains(torch.tensor([[3.0, 0.0], [3.0, 3.0]]))
    tensor([ True, False])
    """

    kind: ClassVar[str] = "l2"
    noun: ClassVar[str] = "an ellipsoid"
    words: ClassVar[str] = "ℓ2 ball"
    cuttable: ClassVar[bool] = False

    @property
    def centre(self) -> tuple[float, ...]:
        """The middle of the ends."""
        return tuple(low / 2 + high / 2 for low, high in zip(self.lower, self.upper, strict=True))

    @property
    def half_axes(self) -> tuple[float, ...]:
        """Half the distance of the ends of each parameter."""
        return tuple(high / 2 - low / 2 for low, high in zip(self.lower, self.upper, strict=True))

    def contains(self, parameters: Tensor) -> Tensor:
        """As for every region; True near the border if in doubt."""
        parameters = parameters.double()
        centre, half = (
            torch.tensor(one, dtype=torch.float64, device=parameters.device) for one in (self.centre, self.half_axes)
        )
        unit = torch.where(half > 0, (parameters - centre) / half.clamp_min(1e-300), 0.0)
        return (unit.square().sum(dim=1) <= 1 + ROUNDING) & self._in_box(parameters)

    def _covers(self, other: Region) -> bool:
        ends = zip(self.lower, self.upper, other.lower, other.upper, strict=True)
        concentric = all(Fraction(a) + Fraction(b) == Fraction(c) + Fraction(d) for a, b, c, d in ends)
        if concentric and isinstance(other, Ellipsoid):
            return True
        axes = zip(self.half_axes, self.centre, strict=True)
        known = all(half > 1e-290 and half > SMALLEST_SHARE * abs(middle) for half, middle in axes)
        return known and other.reach(self.half_axes, self.centre) <= 1 - ROUNDING

    def projection(self, start: int, stop: int) -> Ellipsoid:
        """The ellipsoid of those ends: these parameters reach farthest if the others are at the centre."""
        return Ellipsoid(self.lower[start:stop], self.upper[start:stop])

    def cut(self, share: float, centre: Sequence[float]) -> Ellipsoid:
        """The ellipsoid shrunk towards ``centre``."""
        if share == 1:
            return self
        ends = [list(zip(end, centre, strict=True)) for end in self._ends()]
        return Ellipsoid(*([middle + share * (end - middle) for end, middle in side] for side in ends))

    def orthants(self) -> Iterator[Ellipsoid]:
        """The ellipsoid alone."""
        yield self

    def reach(self, widths: Sequence[float], origin: Sequence[float] | None = None) -> float:
        """As for every region; exact around the origin."""
        origin = [0.0] * self.dimension if origin is None else origin
        ratio = max(_over(half, width) for half, width in zip(self.half_axes, widths, strict=True))
        way = [middle - start for middle, start in zip(self.centre, origin, strict=True)]
        moved = math.hypot(*(_over(abs(one), width) for one, width in zip(way, widths, strict=True)))
        return min(moved + ratio, self._box_reach(widths, origin))

    def diagonal(self) -> Tensor:
        """The points of the diagonal that lie on the border, each parameter 1/√dimension of its half-axis away."""
        ends = torch.tensor(self._ends(), dtype=torch.float64)
        return ends.mean(dim=0) + (ends - ends.mean(dim=0)) / math.sqrt(self.dimension)

    def grid_points(self, most: int) -> int:
        """An odd number, where there are more than two."""
        return most - (1 - most % 2) * (most > 2)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """As for every region."""
        common: dict[str, Any] = {"generator": generator, "dtype": torch.float32, "device": generator.device}
        unit = torch.randn(count, self.dimension, **common)
        length = torch.rand(count, 1, **common) ** (1 / self.dimension)
        return self._spread(unit / unit.norm(dim=1, keepdim=True) * length)

    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """Points outside are moved into the box of the ends, and then towards the centre."""
        parameters, low, high = self._clamped(parameters, integer)
        centre, half = (low + high) / 2, ((high - low) / 2).clamp_min(1e-12)
        length = ((parameters - centre) / half).norm(dim=1, keepdim=True).clamp_min(1.0)
        pulled = centre + (parameters - centre) / length * (1 - 1e-6)
        if integer:  # towards the centre, so as not to leave the ellipsoid again
            pulled = torch.where(pulled > centre, pulled.floor(), pulled.ceil())
        return torch.where(length > 1, pulled, parameters)


def _flat(parts: Iterable[Region]) -> tuple[_Spanned, ...]:
    given = tuple(parts) if isinstance(parts, Iterable) else (parts,)
    for part in given:
        if not isinstance(part, Region):
            raise ValueError(f"the parts of a product are regions, not {part!r}; pass a Box or an Ellipsoid")
    factors: Any = tuple(factor for part in given for factor in part._factors())
    return cast(tuple[_Spanned, ...], factors)


@final
@attrs.frozen
class ProductRegion(Region):
    """All parameters whose first entries lie in the first part, the next ones in the second, and so on.

    It is the region of maps applied one after the other, each with its own parameters. Parts that are products
    themselves are split, so that products of the same parts are equal.

    >>> product = ProductRegion((Box(0, 5), Ellipsoid((-3, -3), (3, 3))))
    >>> product.lower, product.upper
    ((0.0, -3.0, -3.0), (5.0, 3.0, 3.0))
    >>> product.contains(torch.tensor([[5.0, 0.0, 3.0], [5.0, 3.0, 3.0]])).tolist(), product.reach((1, 1, 1))
    ([True, False], 5.830951894845301)
    """

    kind: ClassVar[str] = "product"
    noun: ClassVar[str] = "a product"
    parts: tuple[_Spanned, ...] = attrs.field(converter=_flat)

    def __attrs_post_init__(self) -> None:
        if not self.parts:
            raise ValueError("a product needs at least one part; pass a Box or an Ellipsoid for each map")

    @property
    def lower(self) -> tuple[float, ...]:
        """The parts' lower ends, one after the other."""
        return tuple(low for part in self.parts for low in part.lower)

    @property
    def upper(self) -> tuple[float, ...]:
        """The parts' upper ends, one after the other."""
        return tuple(high for part in self.parts for high in part.upper)

    @property
    def words(self) -> str:
        """The parts in words; empty if all are boxes.

        >>> ProductRegion((Box(0, 5), Ellipsoid((-3, -3), (3, 3)))).words
        'box in 1 parameter × ℓ2 ball in 2 parameters'
        """
        if not any(part.words for part in self.parts):
            return ""
        return " × ".join(
            f"{part.words or part.kind} in {part.dimension} parameter{'s' * (part.dimension > 1)}"
            for part in self.parts
        )

    @property
    def cuttable(self) -> bool:
        """Whether all parts are cuttable."""
        return all(part.cuttable for part in self.parts)

    def contains(self, parameters: Tensor) -> Tensor:
        """As for every region: whether each part holds its columns."""
        return torch.stack([part.contains(columns) for part, columns in self._split(parameters)]).all(dim=0)

    def _covers(self, other: Region) -> bool:
        return all(other.projection(start, stop).inside(part) for part, start, stop in self._places())

    def projection(self, start: int, stop: int) -> Region:
        """The product of the parts' projections, or the only one of them."""
        parts = [
            part.projection(max(start, first) - first, min(stop, last) - first)
            for part, first, last in self._places()
            if max(start, first) < min(stop, last)
        ]
        return parts[0] if len(parts) == 1 else ProductRegion(parts)

    def cut(self, share: float, centre: Sequence[float]) -> ProductRegion:
        """The product of the parts' cuts."""
        return ProductRegion(part.cut(share, centre[start:stop]) for part, start, stop in self._places())

    def orthants(self) -> Iterator[ProductRegion]:
        """The products of the parts' orthants.

        >>> [piece.lower for piece in ProductRegion((Box(-1, 2), Ellipsoid(-3, 3))).orthants()]
        [(-1.0, -3.0), (0.0, -3.0)]
        """
        for pieces in itertools.product(*(part.orthants() for part in self.parts)):
            yield ProductRegion(pieces)

    def reach(self, widths: Sequence[float], origin: Sequence[float] | None = None) -> float:
        """As for every region; exact where the parts' reaches are."""
        places = self._places()
        if origin is None:
            return math.hypot(*(part.reach(widths[start:stop]) for part, start, stop in places))
        return math.hypot(*(part.reach(widths[start:stop], origin[start:stop]) for part, start, stop in places))

    def diagonal(self) -> Tensor:
        """Those of the parts, side by side."""
        return torch.cat([part.diagonal() for part in self.parts], dim=1)

    def grid_points(self, most: int) -> int:
        """The smallest number that a part needs; boxes accept any."""
        return min(part.grid_points(most) for part in self.parts)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """As for every region."""
        return torch.cat([part.sample(count, generator) for part in self.parts], dim=1)

    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """Each part's columns moved into it."""
        return torch.cat([part.pulled_in(columns, integer) for part, columns in self._split(parameters)], dim=1)

    def _factors(self) -> tuple[Region, ...]:
        return self.parts

    def _places(self) -> list[tuple[Region, int, int]]:
        """The parts, each with the numbers of its first parameter and of the one after its last."""
        stops = list(itertools.accumulate(part.dimension for part in self.parts))
        return list(zip(self.parts, [0, *stops], stops, strict=False))

    def _split(self, parameters: Tensor) -> list[tuple[Region, Tensor]]:
        columns = parameters.split([part.dimension for part in self.parts], dim=1)
        return list(zip(self.parts, columns, strict=True))


def _over(value: float, width: float) -> float:
    """``value/width`` of a value that is not negative; 0 of 0, and infinity of any other value, for a width of 0."""
    if width > 0:
        return value / width
    return 0.0 if value == 0 else math.inf
