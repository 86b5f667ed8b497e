"""Transformations: maps with parameters, and classes that say what they can do.

Notation: ``τ(ξ, x)`` is the transformed image; ``ξ₀`` is the identity parameter, with ``τ(ξ₀, x) = x``.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Literal, final

import attrs
import torch
from torch import Tensor

from gsmooth_core.settings import ShowsSettings


def _floats(value: float | Iterable[float]) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, Iterable) else (float(value),)


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


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

    def contains(self, parameters: Tensor) -> Tensor:
        """Whether each row of ``parameters`` (batch, dimension) lies in the region: bool (batch,)."""
        low, high = (torch.as_tensor(end, dtype=parameters.dtype, device=parameters.device) for end in self._ends())
        if self.norm == "box":
            return ((parameters >= low) & (parameters <= high)).all(dim=1)
        half = (high - low) / 2
        unit = torch.where(half > 0, (parameters - (low + high) / 2) / half.clamp_min(1e-300), 0.0)
        return (unit.square().sum(dim=1) <= 1) & ((parameters >= low) & (parameters <= high)).all(dim=1)

    def inside(self, other: Region) -> bool:
        """Whether this region is a subset of ``other`` (two ellipsoids: only if they share their centre)."""
        in_box = all(a >= b for a, b in zip(self.lower, other.lower, strict=True)) and all(
            a <= b for a, b in zip(self.upper, other.upper, strict=True)
        )
        if other.norm == "box" or not in_box:
            return in_box
        if self.norm == "box":
            corners = torch.tensor(
                list(itertools.product(*zip(self.lower, self.upper, strict=True))), dtype=torch.float64
            )
            return bool(other.contains(corners).all())
        centres = zip(self.lower, self.upper, other.lower, other.upper, strict=True)
        return all(a + b == c + d for a, b, c, d in centres)

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
        if not bool(region.contains(torch.tensor([self.identity], dtype=torch.float64))):
            raise ValueError(
                f"the region {shown} does not hold the identity {self.identity}, at which the image is unchanged; "
                "choose a region around it"
            )


class Transformation(ShowsSettings, ABC):
    """A map ``τ(ξ, x)`` from parameters and images to images. Plugin authors write the three abstract members.

    Laws: ``apply`` keeps shape, dtype and device, uses each image's own parameters, draws no random numbers, leaves
    its input untouched, and gives back the image at ``space.identity``; regions are nested and hold the identity.
    """

    @property
    @abstractmethod
    def space(self) -> ParameterSpace:
        """All parameters that :meth:`apply` takes."""

    @abstractmethod
    def region(self, radius: float) -> Region:
        """The attack region of a radius, in the parameter's unit; ``ValueError`` where no region has that radius."""

    @abstractmethod
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images (batch, channel, height, width), each transformed by its own row of parameters (batch, dimension)."""

    @final
    def largest_radius(self, accepts: Callable[[Region], bool]) -> float | None:
        """The largest radius whose region is accepted, for a test that holds up to some radius and fails beyond it.

        ``None`` where not even ``region(0)`` is accepted; exact to the last bit otherwise.
        """

        def holds(radius: float) -> bool:
            try:
                return accepts(self.region(radius))
            except ValueError:
                return False

        if not holds(0.0):
            return None
        low, high = 0.0, 1.0
        while holds(high):
            low, high = high, 2 * high
            if high > 1e9:
                raise ValueError("a finite region holds region(r) for every r: region(r) must grow with r; correct it")
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low


class ResolvableTransformation(Transformation):
    """Two applications are one: ``τ(outer, τ(inner, x)) = τ(compose(outer, inner), x)``, to float rounding."""

    @abstractmethod
    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        """The parameters (batch, dimension) of applying ``inner`` first and ``outer`` next (batch, dimension each)."""


class AdditiveTransformation(ResolvableTransformation):
    """A resolvable transformation whose parameters add up: ``compose(outer, inner) = outer + inner``."""

    @final
    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        """``outer + inner`` (batch, dimension)."""
        return outer + inner


class EnclosedTransformation(Transformation):
    """A transformation that bounds its outputs over boxes of parameters."""

    @abstractmethod
    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``(low, high)`` with ``low ≤ τ(ξ, x) ≤ high`` per pixel for every ξ with ``lower ≤ ξ ≤ upper``.

        ``images`` is (batch, channel, height, width); ``lower`` and ``upper`` are (batch, dimension); both results
        have the images' shape. The bound must be proved for real arithmetic in the docstring, and must shrink to the
        point as the box does.
        """


class DiscreteTransformation(Transformation):
    """A transformation with finitely many distinct outputs on every region."""

    @abstractmethod
    def representatives(self, region: Region, height: int, width: int) -> Tensor:
        """Parameters (count, dimension) in the region that give every distinct output for images of that size."""
