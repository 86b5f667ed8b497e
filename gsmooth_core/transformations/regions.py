"""Regions of parameters, and the spaces that they lie in."""

from __future__ import annotations

import itertools
import math
from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, final

import attrs
import numpy as np
import torch
from torch import Tensor

ROUNDING = 1e-12
"""An upper bound of the float64 error in the squared distance of a point from an ellipsoid's centre."""
FARTHEST = 1e18
"""Regions reach no farther from 0, so that the square of a parameter is still a float32 number."""


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


class _Shorthand(ABCMeta):
    """Lets ``Region(lower, upper)`` make a :class:`Box`, and with ``norm="l2"`` an :class:`Ellipsoid`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _region(*args, **kwargs) if cls is Region else super().__call__(*args, **kwargs)


class Region(metaclass=_Shorthand):
    """A convex set of parameters: a :class:`Box`, an :class:`Ellipsoid` or a :class:`ProductRegion`.

    ``lower`` and ``upper`` are the ends of the smallest box that holds it: one entry per parameter, in the parameter's
    own unit. ``Region(lower, upper)`` is short for that box, ``Region(lower, upper, norm="l2")`` for the ellipsoid.

    >>> Region(0, 5)
    Box(lower=(0.0,), upper=(5.0,))
    >>> Region((-3, -3), (3, 3), norm="l2")
    Ellipsoid(lower=(-3.0, -3.0), upper=(3.0, 3.0))
    """

    __slots__ = ()
    kind: ClassVar[str]
    """The class in one word, as tables name it."""
    noun: ClassVar[str]
    """The class in words, with their article."""

    @property
    @abstractmethod
    def lower(self) -> tuple[float, ...]:
        """The least value of each parameter."""

    @property
    @abstractmethod
    def upper(self) -> tuple[float, ...]:
        """The largest value of each parameter."""

    @property
    def dimension(self) -> int:
        """The number of parameters."""
        return len(self.lower)

    @property
    def farthest(self) -> tuple[float, ...]:
        """The largest absolute value of each parameter.

        >>> Box((-3, 0), (1, 4)).farthest
        (3.0, 4.0)
        """
        return tuple(max(-low, high) for low, high in zip(self.lower, self.upper, strict=True))

    @property
    @abstractmethod
    def words(self) -> str:
        """The kind of the region in words; empty if it is the whole box between its ends."""

    @property
    @abstractmethod
    def cuttable(self) -> bool:
        """Whether :meth:`inside` recognises each result of :meth:`cut` as a part, for any centre."""

    @abstractmethod
    def contains(self, parameters: Tensor) -> Tensor:
        """Whether each row of ``parameters`` (batch, dimension) lies in the region: bool (batch,).

        Decided in float64. Near the border of an ellipsoid the answer is True if in doubt: no point inside is missed.

        >>> Ellipsoid((-13, -13), (13, 13)).contains(torch.tensor([[5.0, 12.0], [5.0, 12.1]]))
        tensor([ True, False])
        """

    @final
    def inside(self, other: Region) -> bool:
        """Whether this region is a subset of ``other``; False if in doubt, as for some ellipsoids of unequal shape.

        *In a box*: exactly if the box of its own ends is, as that is the smallest one. *In a product*: exactly if the
        :meth:`projection` on the parameters of each part lies in that part, so part by part. *In an ellipsoid* of
        centre c and half-axes h: if ``‖(ξ − c)/h‖₂ ≤ 1`` for all its ξ, of which :meth:`reach` has an upper bound; or
        if it is an ellipsoid of the same centre with smaller half-axes.
        """
        ends = zip(self.lower, self.upper, other.lower, other.upper, strict=True)
        return all(low >= a and high <= b for low, high, a, b in ends) and other._covers(self)

    @abstractmethod
    def _covers(self, other: Region) -> bool:
        """Whether a region that lies in the box of this one's ends lies in this one; False if in doubt."""

    def _fits(self, ellipsoid: Ellipsoid) -> bool:
        """Whether the region, which lies in the box of the ellipsoid's ends, lies in it; False if in doubt."""
        return self.reach(ellipsoid.half_axes, ellipsoid.centre) <= 1 - ROUNDING

    @abstractmethod
    def projection(self, start: int, stop: int) -> Region:
        """The region of the parameters from number ``start`` to before ``stop``, over all values of the others.

        >>> Ellipsoid((-1, -2, -3), (1, 2, 3)).projection(1, 3)
        Ellipsoid(lower=(-2.0, -3.0), upper=(2.0, 3.0))
        """

    @abstractmethod
    def cut(self, share: float, centre: Sequence[float]) -> Region:
        """The part of the region within ``share`` of its reach from ``centre``, a point of the region and of the part.

        The part of a smaller share lies in that of a larger one. In a box the reach is, for each parameter, the
        distance to the farther end. The new ends of a box are float32 numbers, rounded towards the centre, so that they
        lie in the part also when written as float32. An ellipsoid is shrunk towards the centre p, to ``{p + share (ξ −
        p)}``, which lies in it because it is convex. A product is cut part by part.

        >>> Box((0, -1), (2, 3)).cut(0.5, (0, 0))
        Box(lower=(0.0, -1.0), upper=(1.0, 1.5))
        >>> Ellipsoid((0, 0), (2, 2)).cut(0.5, (1, 0.5))
        Ellipsoid(lower=(0.5, 0.25), upper=(1.5, 1.25))
        """

    @abstractmethod
    def orthants(self) -> Iterator[Region]:
        """Parts of a region that holds 0; their union is the region.

        A box is cut at 0 in each parameter, so that each part has 0 as a corner. An ellipsoid is its own only part. A
        product has the products of the parts of its factors.
        """

    @abstractmethod
    def reach(self, widths: Sequence[float], origin: Sequence[float] | None = None) -> float:
        """An upper bound of ``‖(ξ − origin)/widths‖₂`` over the region's ξ, from 0 unless an origin is given.

        Exact for boxes, where the farther ends of all parameters meet in a corner, and for ellipsoids around the
        origin: their points are ``u ⊙ h``, with half-axes h and ``‖u‖₂ ≤ 1``, so the norm is at most the largest
        ``h_i/w_i``, and has this value at an end of that axis. For any other ellipsoid, of centre c, it is at most this
        value plus ``‖(c − origin)/widths‖₂``, by the triangle inequality, and at most the reach of the box of its ends:
        the smaller of the two is returned. For a product, the root of the sum of the squares of the parts' reaches: the
        square of the norm is the sum of the parts' squares, and each takes its maximum independently of the others. So
        it is exact if the parts' reaches are.

        >>> Ellipsoid((-3, -3), (3, 3)).reach([1, 2]), Box((-3, 0), (1, 4)).reach([1, 1])
        (3.0, 5.0)
        """

    @abstractmethod
    def diagonal(self) -> Tensor:
        """The least and the largest point of the region on the diagonal of its box: float64 (2, dimension).

        For a product these are the points of its parts, side by side.

        >>> Box((0, 0), (1, 2)).diagonal().tolist()
        [[0.0, 0.0], [1.0, 2.0]]
        """

    @abstractmethod
    def grid_points(self, most: int) -> int:
        """The largest number of points per parameter, up to ``most``, for which :meth:`grid` holds all ends.

        The ends of an ellipsoid lie on the axes through its centre, so the number must be odd; two points are too few
        for that, and stay two.
        """

    @final
    def grid(self, points: int) -> Tensor:
        """The points inside of an even grid with ``points`` per parameter, ends included: float64 (count, dimension).

        >>> Box(0, 0.3).grid(3)[-1].tolist()
        [0.3]
        """
        ends = zip(self.lower, self.upper, strict=True)
        axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in ends]
        grid = torch.cartesian_prod(*axes).view(-1, self.dimension)
        return grid[self.contains(grid)]

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` parameters, uniform in the region: float32 (count, dimension), on the generator's device.

        For a product these are draws from its parts, side by side, which is the uniform distribution on it.
        """

    @abstractmethod
    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """``parameters``, float32 (count, dimension), moved into the region, to whole numbers if ``integer``.

        Rounding may leave some outside, where no float32 or whole number is near; :meth:`contains` finds them.

        >>> Box((0, 0), (1, 2)).pulled_in(torch.tensor([[0.5, 3.0]])).tolist()
        [[0.5, 2.0]]
        """

    @abstractmethod
    def _factors(self) -> tuple[_Spanned, ...]:
        """The factors of this region as a product; none of them is a product itself."""

    @classmethod
    def json_layouts(cls) -> Mapping[type, tuple[str, str] | None]:
        """The classes of regions, each with the entry that distinguishes it in JSON from one with the same fields."""
        return {Box: ("norm", Box.kind), Ellipsoid: ("norm", Ellipsoid.kind), ProductRegion: None}


@attrs.frozen
class _Spanned(Region):
    """A region that is determined by its class and its ends."""

    lower: tuple[float, ...] = attrs.field(converter=_floats)
    upper: tuple[float, ...] = attrs.field(converter=_floats)

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
        low = torch.tensor([float32_from(low, math.inf) for low in self.lower], device=parameters.device)
        high = torch.tensor([float32_from(high, -math.inf) for high in self.upper], device=parameters.device)
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
        low, high = (torch.tensor(end, device=unit.device) for end in self._ends())
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
            2 * torch.rand(count, self.dimension, generator=generator, device=generator.device) - 1,
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
        return tuple((low + high) / 2 for low, high in zip(self.lower, self.upper, strict=True))

    @property
    def half_axes(self) -> tuple[float, ...]:
        """Half the distance of the ends of each parameter."""
        return tuple((high - low) / 2 for low, high in zip(self.lower, self.upper, strict=True))

    def contains(self, parameters: Tensor) -> Tensor:
        """As for every region; True near the border if in doubt."""
        parameters = parameters.double()
        centre, half = (
            torch.tensor(one, dtype=torch.float64, device=parameters.device) for one in (self.centre, self.half_axes)
        )
        unit = torch.where(half > 0, (parameters - centre) / half.clamp_min(1e-300), 0.0)
        return (unit.square().sum(dim=1) <= 1 + ROUNDING) & self._in_box(parameters)

    def _covers(self, other: Region) -> bool:
        return other._fits(self)

    def _fits(self, ellipsoid: Ellipsoid) -> bool:
        ends = zip(self.lower, self.upper, ellipsoid.lower, ellipsoid.upper, strict=True)
        return all(a + b == c + d for a, b, c, d in ends) or super()._fits(ellipsoid)

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
        unit = torch.randn(count, self.dimension, generator=generator, device=generator.device)
        length = torch.rand(count, 1, generator=generator, device=generator.device) ** (1 / self.dimension)
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
    return tuple(factor for part in given for factor in part._factors())


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

    def _factors(self) -> tuple[_Spanned, ...]:
        return self.parts

    def _places(self) -> list[tuple[_Spanned, int, int]]:
        """The parts, each with the numbers of its first parameter and of the one after its last."""
        stops = list(itertools.accumulate(part.dimension for part in self.parts))
        return list(zip(self.parts, [0, *stops], stops, strict=False))

    def _split(self, parameters: Tensor) -> list[tuple[_Spanned, Tensor]]:
        columns = parameters.split([part.dimension for part in self.parts], dim=1)
        return list(zip(self.parts, columns, strict=True))


_BY_NORM: dict[str, type[Box] | type[Ellipsoid]] = {Box.kind: Box, Ellipsoid.kind: Ellipsoid}


def _region(lower: float | Iterable[float], upper: float | Iterable[float], norm: str = Box.kind) -> Box | Ellipsoid:
    if norm not in _BY_NORM:
        raise ValueError(f"a region's norm is 'box' or 'l2', not {norm!r}; pass one, or use Box or Ellipsoid")
    return _BY_NORM[norm](lower, upper)


def _over(value: float, width: float) -> float:
    """``value/width`` of a value that is not negative; 0 of 0, and infinity of any other value, for a width of 0."""
    if width > 0:
        return value / width
    return 0.0 if value == 0 else math.inf


@attrs.frozen
class ParameterSpace:
    """All parameters that a transformation takes, with their names and units.

    ``lower``, ``upper`` (infinite ends are allowed) and ``identity`` have one entry per parameter. ``integer``: the
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

        If the region reaches to both sides, the identity is in the middle, otherwise at one end. Whole numbers are
        rounded towards the identity, so that they stay inside boxes and balls around it, and products of them.

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
        """Parameters (batch, dimension) as the transformation accepts them: rounded if they are whole numbers."""
        return torch.floor(parameters + 0.5) if self.integer else parameters  # round() gives 0 and 2 for 0.5 and 1.5

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
