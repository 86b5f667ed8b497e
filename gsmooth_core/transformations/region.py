"""What every region of parameters can do."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch import Tensor

ROUNDING = 1e-12
"""An upper bound of the float64 error in the squared distance of a point from an ellipsoid's centre."""


def floats(value: float | Iterable[float]) -> tuple[float, ...]:
    """One number or several as a tuple of floats."""
    values = value if isinstance(value, Iterable) else (value,)
    return tuple(float(one) + 0.0 for one in values)  # −0 becomes 0, so that nobody reads "from −0"


def float32_from(value: float, towards: float) -> float:
    """The float32 number nearest to a number on the side of ``towards``, which is ± infinity.

    >>> import math
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

    ``lower`` and ``upper`` are the ends of the smallest box that holds it: one entry per parameter, in the parameter's
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
        """The kind of the region in words; empty if it is the whole box between its ends."""

    @property
    @abstractmethod
    def cuttable(self) -> bool:
        """Whether :meth:`inside` recognises each result of :meth:`cut` as a part, for any centre."""

    @abstractmethod
    def contains(self, parameters: Tensor) -> Tensor:
        """Whether each row of ``parameters`` (batch, dimension) lies in the region: bool (batch,).

        Decided in float64. Near the border of an ellipsoid the answer is True if in doubt: no point inside is missed.

        >>> from gsmooth_core import Ellipsoid
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

    @abstractmethod
    def projection(self, start: int, stop: int) -> Region:
        """The region of the parameters from number ``start`` to before ``stop``, over all values of the others.

        >>> from gsmooth_core import Ellipsoid
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

        >>> from gsmooth_core import Box, Ellipsoid
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
        """The largest number of points per parameter, up to ``most``, for which :meth:`grid` holds all ends.

        The ends of an ellipsoid lie on the axes through its centre, so the number must be odd; two points are too few
        for that, and stay two.
        """

    @final
    def grid(self, points: int) -> Tensor:
        """The points inside of an even grid with ``points`` per parameter, ends included: float64 (count, dimension).

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
        """``count`` parameters, uniform in the region: float32 (count, dimension), on the generator's device.

        For a product these are draws from its parts, side by side, which is the uniform distribution on it.
        """

    @abstractmethod
    def pulled_in(self, parameters: Tensor, integer: bool = False) -> Tensor:
        """``parameters``, float32 (count, dimension), moved into the region, to whole numbers if ``integer``.

        Rounding may leave some outside, where no float32 or whole number is near; :meth:`contains` finds them.

        >>> from gsmooth_core import Box
        >>> Box((0, 0), (1, 2)).pulled_in(torch.tensor([[0.5, 3.0]])).tolist()
        [[0.5, 2.0]]
        """

    @abstractmethod
    def _factors(self) -> tuple[Region, ...]:
        """The factors of this region as a product; none of them is a product itself."""

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
