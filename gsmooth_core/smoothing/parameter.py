"""Noise on the transformation's own parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import attrs
import torch
from torch import Tensor

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.distribution import TAIL, NoiseDistribution, OneSidedNoise
from gsmooth_core.smoothing.grid import GridNoise, not_negative
from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Box, Region


def _one_or_tuple(
    noise: NoiseDistribution | Iterable[NoiseDistribution],
) -> NoiseDistribution | tuple[NoiseDistribution, ...]:
    return noise if isinstance(noise, NoiseDistribution) else tuple(noise)


@attrs.frozen
class ParameterNoise:
    """Noise on the parameters of a recipe's transformation: :class:`Corruption` binds it to that transformation.

    ``noise`` and ``pixel_std`` are those of the :class:`ParameterSmoothing` that :meth:`on` returns.
    """

    noise: NoiseDistribution | tuple[NoiseDistribution, ...] = attrs.field(converter=_one_or_tuple)
    pixel_std: float = attrs.field(default=0.0, converter=float, validator=not_negative)

    def on(self, transformation: Transformation) -> ParameterSmoothing:
        """The noise on the parameters of that transformation."""
        return ParameterSmoothing(transformation, self.noise, self.pixel_std)


@attrs.frozen
class ParameterSmoothing(Smoothing):
    """Noise on the transformation's own parameters: the model sees ``τ(θ, x) + n``, θ = identity + draws.

    ``noise`` is one distribution for all parameters, or one for each. If parameters are whole numbers, θ is rounded.
    The pixel noise n is normal with standard deviation ``pixel_std``, in intensity, on its grid (:class:`GridNoise`). A
    small amount hides the rounding of float32, so that certificates hold in floating-point arithmetic too. With
    ``pixel_std=0``, the default, there is none.
    """

    transformation: Transformation
    noise: NoiseDistribution | tuple[NoiseDistribution, ...] = attrs.field(converter=_one_or_tuple)
    pixel_std: float = attrs.field(default=0.0, converter=float, validator=not_negative)

    def __attrs_post_init__(self) -> None:
        count = self.transformation.space.dimension
        if isinstance(self.noise, tuple) and len(self.noise) != count:
            raise ValueError(
                f"there are {len(self.noise)} noise distributions for {count} parameters; give one, or one for each"
            )

    def is_on(self, transformation: Transformation) -> bool:
        """Whether the noise is on the parameters of that map, with all its settings: also those that == leaves out."""
        return self.transformation == transformation and repr(self.transformation) == repr(transformation)

    @property
    def laws(self) -> tuple[NoiseDistribution, ...]:
        """The noise distribution of each parameter."""
        return self.noise if isinstance(self.noise, tuple) else (self.noise,) * self.transformation.space.dimension

    @property
    def pixels(self) -> GridNoise | None:
        """The noise on pixels, if any."""
        return GridNoise(self.pixel_std) if self.pixel_std > 0 else None

    def bounds(self, share: float = TAIL) -> Region:
        """The box that holds the draws, except for a share ``share`` of each parameter's draws, by default ``TAIL``."""
        lower, upper = zip(*(law.bounds(share) for law in self.laws), strict=True)
        return Box(lower, upper)

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves, in float64 if pixel noise hides the rounding of the transformed images."""
        return images if self.pixels is None else images.double()

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Parameters (count, dimension), float64, relative to the identity.

        With pixel noise: float32 (count, 2 dimension + pixels), each parameter as the sum of two, before the pixels.
        """
        parameters = self._parameters(count, generator, device)
        return parameters if self.pixels is None else self._with_pixels(parameters, self.pixels, code_shape, generator)

    def draw_in_parts(
        self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> Iterator[Tensor]:
        """As for every smoothing: all parameters come first, and then the pixels of a few draws at a time."""
        parameters = self._parameters(count, generator, device)
        if self.pixels is None:
            yield parameters
            return
        for part in parameters.split(self.pixels.at_once(math.prod(code_shape), device)):
            yield self._with_pixels(part, self.pixels, code_shape, generator)

    def _parameters(self, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
        return torch.stack([law.sample((count,), generator, device) for law in self.laws], dim=1)

    def _with_pixels(
        self, parameters: Tensor, pixels: GridNoise, code_shape: tuple[int, ...], generator: torch.Generator
    ) -> Tensor:
        """Parameters (count, dimension) with fresh noise for each pixel: float32 (count, 2 dimension + pixels)."""
        count, front, device = len(parameters), 2 * len(self.laws), parameters.device
        noise = torch.empty(count, front + math.prod(code_shape), dtype=torch.float32, device=device)
        noise[:, : front // 2] = parameters
        noise[:, front // 2 : front] = parameters - noise[:, : front // 2]
        pixels.draw((count, math.prod(code_shape)), generator, device, out=noise[:, front:])
        return noise

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """``τ(identity + noise, x)``, with the pixel noise added."""
        space, count = self.transformation.space, len(self.laws)
        parameters = noise if self.pixels is None else noise[:, :count].double() + noise[:, count : 2 * count]
        identity = torch.tensor(space.identity, device=noise.device, dtype=torch.float64)
        images = self.transformation.apply(codes, space.snap(identity + parameters))
        if self.pixels is None:
            return images.float()
        return (self.pixels.snap(images) + noise[:, 2 * count :].view(images.shape)).float()

    def drawing_error(self, code_shape: tuple[int, ...]) -> float:
        """A bound of the total variation distance between draws for codes of shape (*code) and their distribution.

        It is a share of ``TAIL`` for each parameter (:meth:`NoiseDistribution.sample`), plus that of the pixel noise.
        For whole numbers one more term is added: a draw within ``DRAW_ROUNDING · f`` of an exact one, f the farthest
        end of ``bounds``, may be rounded to another whole number if the exact one is within as much of a half. For a
        density with one peak of at most 13/f, as all distributions here have, this probability is below 2⁻³⁵(f + 13).
        """
        shares = [TAIL for _ in self.laws]
        if self.transformation.space.integer:
            shares += [2**-35 * (farthest + 13) for farthest in self.bounds().farthest]
        return sum(shares) + (0.0 if self.pixels is None else self.pixels.total_variation(math.prod(code_shape)))

    def check_support(self, region: Region) -> None:
        """Raise ``ValueError`` if draws leave the parameter space, or do not certify the side of the region."""
        space = self.transformation.space
        for index, law in enumerate(self.laws):
            name, unit, noise = space.names[index], space.units[index], type(law).__name__
            low, high = space.lower[index], space.upper[index]
            within = f"{name} from {low:g} to {high:g} {unit}"
            if high < math.inf:
                raise ValueError(
                    f"{noise} noise certifies {name} where it has no upper end, but it ends at {high:g} {unit}; use "
                    "certifier='latent', or let the space go to infinity if the map has a meaning there"
                )
            start, rises = space.identity[index], region.lower[index] == space.identity[index]
            if not isinstance(law, OneSidedNoise) and low > -math.inf:
                from_there = "" if rises else f" and a region that starts at {start:g}"
                raise ValueError(
                    f"{noise} noise leaves the parameter space ({within}); use a OneSidedNoise such as "
                    f"Exponential{from_there}"
                )
            if isinstance(law, OneSidedNoise) and not rises:
                two_sided = ", or two-sided noise such as Gaussian" * (low == -math.inf)
                raise ValueError(
                    f"{noise} noise certifies parameters from the identity upwards, not from {region.lower[index]:g}; "
                    f"use a region that starts at {start:g}{two_sided}"
                )
