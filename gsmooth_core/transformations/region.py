"""What every region of parameters can do."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

SMALLEST_SHARE = 1e-3
"""Of an ellipsoid whose half-axes are a smaller share of its centre's distance from 0, no part but itself is known."""
ROUNDING = 1e-12
"""More than float64 misses the squared distance of a point from an ellipsoid's centre by."""


def floats(value: float | Iterable[float]) -> tuple[float, ...]:
    """One number or several as a tuple of floats."""
    values = value if isinstance(value, Iterable) else (value,)
    return tuple(float(one) + 0.0 for one in values)  # −0 becomes 0, so that nobody reads "from −0"


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
        return _spanned(*args, **kwargs) if cls is Region else super().__call__(*args, **kwargs)


class Region(metaclass=_Shorthand):
    """A convex set of parameters: a :class:`Box`, an :class:`Ellipsoid` or a :class:`ProductRegion`.

    ``lower`` and ``upper`` are the ends of the smallest box that holds it: one entry a parameter, in the parameter's
    own unit. ``Region(lower, upper)`` is short for that box, ``Region(lower, upper, norm="l2")`` for the ellipsoid.

    >>> from gsmooth_core import Region
    >>> Region(0, 5)
    Box(lower=(0.0,), upper=(5.0,))
    >>> Region((-3, -3), (3, 3), norm="l2")
    Ellipsoid(lower=(-3.0, -3.0), upper=(3.0, 3.0))
    """

    __slots__ = ()
    kind: ClassVar[str]
    """The class in one word, as tables name it."""
    spanned: ClassVar[bool] = False
    """Whether ``lower`` and ``upper`` make a region of the class."""
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

        >>> from gsmooth_core import Box
        >>> Box((-3, 0), (1, 4)).farthest
        (3.0, 4.0)
        """
        return tuple(max(-low, high) for low, high in zip(self.lower, self.upper, strict=True))

    @property
    @abstractmethod
    def words(self) -> str:
        """What the region is beside its ends, in words; empty where it is the whole box between them."""

    @property
    @abstractmethod
    def cuttable(self) -> bool:
        """Whether :meth:`inside` knows each part that :meth:`cut` makes as one, wherever its centre lies."""

    @abstractmethod
    def contains(self, parameters: Tensor) -> Tensor:
        """Whether each row of ``parameters`` (batch, dimension) lies in the region: bool (batch,).

        Decided in float64. On the border of an ellipsoid, in doubt a point lies in it: nothing inside is missed.

        >>> from gsmooth_core import Ellipsoid
        >>> Ellipsoid((-13, -13), (13, 13)).contains(torch.tensor([[5.0, 12.0], [5.0, 12.1]]))
        tensor([ True, False])
        """

    @final
    def inside(self, other: Region) -> bool:
        """Whether this region is a subset of ``other``; in doubt not, as for some ellipsoids of unequal shape.

        *In a box*: exactly if the box of its own ends is, as that is the smallest one. *In a product*: exactly if the
        :meth:`projection` on the parameters of each part lies in that part, so part by part. *In an ellipsoid* of
        centre c and half-axes h: if ``‖(ξ − c)/h‖₂ ≤ 1`` for all its ξ, of which :meth:`reach` has an upper bound; or
        if it is an ellipsoid of the same centre with smaller half-axes.
        """
        ends = zip(self.lower, self.upper, other.lower, other.upper, strict=True)
        return all(low >= a and high <= b for low, high, a, b in ends) and other._covers(self)

    @abstractmethod
    def _covers(self, other: Region) -> bool:
        """Whether a region that lies in the box of this one's ends lies in this one; in doubt not."""

    def _fits(self, other: Region) -> bool:
        """Whether the region, which lies in the box of an ellipsoid's ends, lies in the ellipsoid ``other``.

        In doubt not: also where float64 tells too little about the ellipsoid, for its half-axes are none, or much
        smaller than the distance of its centre from 0.
        """
        centre = [low / 2 + high / 2 for low, high in zip(other.lower, other.upper, strict=True)]
        half = [high / 2 - low / 2 for low, high in zip(other.lower, other.upper, strict=True)]
        known = all(
            size > 1e-290 and size > SMALLEST_SHARE * abs(middle) for size, middle in zip(half, centre, strict=True)
        )
        return known and self.reach(half, centre) <= 1 - ROUNDING

    @abstractmethod
    def projection(self, start: int, stop: int) -> Region:
        """The region of the parameters from number ``start`` to before ``stop``, whatever the others are.

        >>> from gsmooth_core import Ellipsoid
        >>> Ellipsoid((-1, -2, -3), (1, 2, 3)).projection(1, 3)
        Ellipsoid(lower=(-2.0, -3.0), upper=(2.0, 3.0))
        """

    @abstractmethod
    def cut(self, share: float, centre: Sequence[float]) -> Region:
        """The part that lies within ``share`` of the region's reach from ``centre``, a point in it, with that point.

        Parts of a smaller share lie in those of a larger one. In a box the reach is, for each parameter, the distance
        of the farther end. Ends that are cut are float32 numbers there, rounded towards the centre, so that they lie in
        the part when they are written as such. An ellipsoid is shrunk towards the centre p, to ``{p + share (ξ − p)}``,
        which lies in it, as it is convex. A product is cut part by part.

        >>> from gsmooth_core import Box, Ellipsoid
        >>> Box((0, -1), (2, 3)).cut(0.5, (0, 0))
        Box(lower=(0.0, -1.0), upper=(1.0, 1.5))
        >>> Ellipsoid((0, 0), (2, 2)).cut(0.5, (1, 0.5))
        Ellipsoid(lower=(0.5, 0.25), upper=(1.5, 1.25))
        """

    @abstractmethod
    def orthants(self) -> Iterator[Region]:
        """The parts of a region that holds 0, which together are the region.

        Those of a box are its parts on either side of 0, so that each has 0 as a corner. An ellipsoid is its own only
        part. Those of a product are the products of its parts' parts.
        """

    @abstractmethod
    def reach(self, widths: Sequence[float], origin: Sequence[float] | None = None) -> float:
        """An upper bound of ``‖(ξ − origin)/widths‖₂`` over the region's ξ, from 0 unless an origin is given.

        Exact for boxes, where the farther ends of all parameters meet in a corner, and for ellipsoids around the
        origin: their points are ``u ⊙ h``, with half-axes h and ``‖u‖₂ ≤ 1``, so the norm is at most the largest
        ``h_i/w_i``, and is as much at an end of that axis. For any other ellipsoid, of centre c, it is at most as much
        and ``‖(c − origin)/widths‖₂`` more, by the triangle inequality, and at most that of the box of its ends: the
        less of the two. For a product, the root of the sum of the squares of the parts' reaches: the square of the norm
        is the sum of the parts' squares, of which each has its maximum whatever the others are. So it is exact where
        the parts' are.

        >>> from gsmooth_core import Box, Ellipsoid
        >>> Ellipsoid((-3, -3), (3, 3)).reach([1, 2]), Box((-3, 0), (1, 4)).reach([1, 1])
        (3.0, 5.0)
        """

    @abstractmethod
    def diagonal(self) -> Tensor:
        """The least and the largest point of the region on the diagonal of its box: float64 (2, dimension).

        For a product these are the points of its parts, side by side.

        >>> from gsmooth_core import Box
        >>> Box((0, 0), (1, 2)).diagonal().tolist()
        [[0.0, 0.0], [1.0, 2.0]]
        """

    @abstractmethod
    def grid_points(self, most: int) -> int:
        """At most ``most``: as many points a parameter as let :meth:`grid` hold both ends of every parameter.

        The ends of an ellipsoid lie on the axes through its centre, which only odd numbers hit; two points are too few
        for that, and stay two.
        """

    @final
    def grid(self, points: int) -> Tensor:
        """An even grid of ``points`` a parameter, ends included, as far as it lies inside: float64 (count, dimension).

        >>> from gsmooth_core import Box
        >>> Box(0, 0.3).grid(3)[-1].tolist()
        [0.3]
        """
        ends = zip(self.lower, self.upper, strict=True)
        axes = [torch.linspace(low, high, points, dtype=torch.float64) for low, high in ends]
        grid = torch.cartesian_prod(*axes).view(-1, self.dimension)
        return grid[self.contains(grid)]

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """``count`` parameters drawn evenly from the region: float32 (count, dimension), on the generator's device.

        Those of a product are draws from its parts, side by side, which is the even law on it.
        """

    @abstractmethod
    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """``parameters``, float32 (count, dimension), drawn into the region, to whole numbers if ``integer``.

        Rounding may leave some outside, where no float32 or whole number is near; :meth:`contains` finds them.

        >>> from gsmooth_core import Box
        >>> Box((0, 0), (1, 2)).pulled_in(torch.tensor([[0.5, 3.0]])).tolist()
        [[0.5, 2.0]]
        """

    @abstractmethod
    def _factors(self) -> tuple[Region, ...]:
        """The regions that this one is the product of, none of them a product."""

    def __init_subclass__(cls) -> None:
        """Make a final class, which has a ``kind``, known by it."""
        super().__init_subclass__()
        if "kind" in cls.__dict__:
            _KINDS[cls.kind] = cls

    @classmethod
    def json_layouts(cls) -> Mapping[type, tuple[str, str] | None]:
        """The classes of regions, each with the entry that distinguishes it from others of the same fields in JSON."""
        return {member: ("norm", kind) if member.spanned else None for kind, member in _KINDS.items()}


_KINDS: dict[str, type[Region]] = {}


def _spanned(lower: float | Iterable[float], upper: float | Iterable[float], norm: str = "box") -> Region:
    kinds = [kind for kind, member in _KINDS.items() if member.spanned]
    if norm not in kinds:
        raise ValueError(
            f"a region's norm is {' or '.join(map(repr, kinds))}, not {norm!r}; pass one, or use its class"
        )
    make: Any = _KINDS[norm]
    region: Region = make(lower, upper)
    return region


def holds_all(region: Region, parameters: list[tuple[float, ...]]) -> bool:
    """Whether all parameters are points of the region."""
    if any(len(parameter) != region.dimension for parameter in parameters):
        return False
    return not parameters or bool(region.contains(torch.tensor(parameters, dtype=torch.float64)).all())
