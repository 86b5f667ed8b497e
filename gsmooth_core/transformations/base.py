"""Transformations: maps with parameters, and classes that say what they can do.

Notation: ``τ(ξ, x)`` is the transformed image; ``ξ₀`` is the identity parameter, with ``τ(ξ₀, x) = x``, or the mildest
parameter of a map that changes every image (``ParameterSpace.unchanged_at_identity``).
"""

from __future__ import annotations

import itertools
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from gsmooth_core.common.described import ShowsSettings
from gsmooth_core.transformations.parameter_space import ParameterSpace
from gsmooth_core.transformations.regions import Region


class Transformation(ShowsSettings, ABC):
    """A map ``τ(ξ, x)`` from parameters and images to images. Plugin authors write the three abstract members.

    Laws: ``transform`` keeps the shape, uses each image's own parameters, draws no random numbers, and leaves its input
    untouched; regions are nested and hold the identity. :meth:`apply` does the rest.
    """

    def __init_subclass__(cls) -> None:
        """Use the ``apply`` of a class that writes it, as in the first versions, as its ``transform``."""
        super().__init_subclass__()
        if "apply" in cls.__dict__ and "transform" not in cls.__dict__:
            cls.transform = cls.__dict__["apply"]  # type: ignore[method-assign]
            del cls.apply
        if cls.apply is not Transformation.apply:
            raise TypeError(f"{cls.__name__} must leave apply to Transformation; write transform in its place")

    @property
    @abstractmethod
    def space(self) -> ParameterSpace:
        """All parameters that :meth:`apply` accepts."""

    @abstractmethod
    def region(self, radius: float) -> Region:
        """The attack region of a radius, in the parameter's unit; ``ValueError`` if no region has that radius."""

    @abstractmethod
    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Images (batch, channel, height, width), each transformed by its own row of parameters (batch, dimension).

        Images and parameters are float64, and so is the result. The result at ``space.identity`` is not used, unless
        the space says that the image changes there. Values are in [0, 1]: certificates are about such images, and noise
        on pixels comes after the map. A :class:`ResolvableTransformation` is applied to its own outputs too.
        """

    @final
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """``τ(ξ, x)``: :meth:`transform` in float64, rounded once to the images' type, and the image at an identity.

        Images are (batch, channel, height, width), parameters (batch, dimension), of any floating-point type and on one
        device. Autocast is off, and the result shares no memory with the arguments. If the images are one image
        expanded, :meth:`transform` gets an expanded image too. No images give no images, without :meth:`transform`.
        """
        if len(images) == 0:
            return images.clone()
        exact = images[:1].double().expand(images.shape) if images.stride(0) == 0 else images.double()
        given = parameters.double()
        unchanged = (given == given.new_tensor(self.space.identity)).all(dim=1) & self.space.unchanged_at_identity
        with torch.autocast(images.device.type, enabled=False):
            transformed = self.transform(exact, given)
        if not isinstance(transformed, Tensor) or transformed.shape != images.shape:
            got = tuple(transformed.shape) if isinstance(transformed, Tensor) else type(transformed).__name__
            raise ValueError(
                f"{type(self).__name__}.transform must return a tensor of the images' shape {tuple(images.shape)}, not "
                f"{got}; correct it"
            )
        rounded = transformed.to(images.dtype)
        if images.device.type == "cpu" and not bool(unchanged.any()):  # asking a GPU would cost more than it saves
            return rounded.clone() if _shares_memory(rounded, images) else rounded
        kept: Tensor = _KeptWhere.apply(rounded, images, unchanged.view(-1, 1, 1, 1))
        return kept

    @final
    def largest_radius(self, accepts: Callable[[Region], bool]) -> float | None:
        """The largest radius whose region is accepted, for a test that holds up to some radius and fails beyond it.

        ``None`` if not even ``region(0)`` is accepted; exact to the last bit otherwise.
        """

        def holds(radius: float) -> bool:
            try:
                return accepts(self.region(radius))
            except (ValueError, OverflowError):
                return False

        if not holds(0.0):
            return None
        low, high = 0.0, 1.0
        while holds(high):
            if high == sys.float_info.max:
                raise ValueError("a finite region holds region(r) for every r: region(r) must grow with r; correct it")
            low, high = high, min(2 * high, sys.float_info.max)
        return last_held(holds, low, high)


def _shares_memory(one: Tensor, other: Tensor) -> bool:
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


class _KeptWhere(torch.autograd.Function):
    """Images where a mask holds, transformed ones elsewhere, with the gradients of the transformed ones only."""

    @staticmethod
    def forward(ctx: Any, transformed: Tensor, images: Tensor, mask: Tensor) -> Tensor:
        return torch.where(mask, images, transformed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0], None, None


def last_held(holds: Callable[[float], bool], low: float, high: float) -> float:
    """The last float at which a test holds, if it holds at ``low``, fails at ``high`` and changes once in between."""
    while low < (middle := low + (high - low) / 2) < high:
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


class ResolvableTransformation(Transformation):
    """Two applications equal one: ``τ(outer, τ(inner, x)) = τ(compose(outer, inner), x)``, up to float rounding."""

    @abstractmethod
    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        """The parameters (batch, dimension) of applying ``inner`` first and ``outer`` next (batch, dimension each)."""


class ScaledTransformation(ResolvableTransformation):
    """A resolvable transformation whose inner parameters shift and stretch the outer ones.

    ``compose(outer, inner) = inner + scale(inner) ⊙ outer``, so an attack ``inner`` moves and stretches the
    distribution of the noise ``outer``, parameter by parameter. The identity is 0.
    """

    @abstractmethod
    def scale(self, parameters: Tensor) -> Tensor:
        """The factors (batch, dimension) of parameters (batch, dimension).

        Positive, 1 at the identity, and each monotone in each single parameter, so that a box's corners bound them.
        """

    @final
    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        """``inner + scale(inner) ⊙ outer`` (batch, dimension)."""
        return inner + self.scale(inner) * outer

    def composition_error(self, inner: Region, outer: Region, shape: tuple[int, int, int]) -> float:
        """A bound of the rounding error of two maps in a row, in ℓ2; ``inf``, the default, if none is proved.

        Let x be an image of ``shape`` (channel, height, width) in [0, 1], δ in the box ``inner``, θ and θ′ in the box
        ``outer``, and θ̃ (θ̃′) a float64 vector with an error in each θ_i of at most ``DRAW_ROUNDING`` times the box's
        farthest end in that parameter. The bound is of the sum ``‖A(θ̃, y) − τ(θ, τ(δ, x))‖₂ + ‖A(θ̃′, x) − τ(θ′,
        x)‖₂``, where A is :meth:`apply` on float64 images and y the float32 image of ``A(δ, x)``. 0 means that nothing
        is ever rounded.
        """
        return math.inf


class AdditiveTransformation(ScaledTransformation):
    """A resolvable transformation whose parameters add up: ``compose(outer, inner) = outer + inner``."""

    @final
    def scale(self, parameters: Tensor) -> Tensor:
        """Ones (batch, dimension)."""
        return torch.ones_like(parameters)


class EnclosedTransformation(Transformation):
    """A transformation that bounds its outputs over boxes of parameters."""

    @abstractmethod
    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """Images ``(low, high)`` with ``low ≤ τ(ξ, x) ≤ high`` per pixel for every ξ with ``lower ≤ ξ ≤ upper``.

        ``images`` is (batch, channel, height, width); ``lower`` and ``upper`` are (batch, dimension); both results
        have the images' shape. The bound must be proved for real arithmetic in the docstring, and must shrink to a
        single image as the box shrinks to a point.
        """


class SampledTransformation(EnclosedTransformation):
    """A transformation without a proved enclosure: its latent certificates are estimates, also those of subclasses."""

    @final
    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """The range of τ over an even grid of each box (3 points per parameter), widened by half about the centre.

        Not a bound: what happens between the points is unknown.
        """
        shares = torch.tensor(list(itertools.product((0.5, 0.0, 1.0), repeat=lower.shape[1]))).to(lower)
        outputs = torch.stack([self.apply(images, lower + share * (upper - lower)) for share in shares])
        low, high = outputs.amin(dim=0), outputs.amax(dim=0)
        return low - (outputs[0] - low) / 2, high + (high - outputs[0]) / 2
