"""Smoothings: how randomness enters between an image and the model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.grid import GridNoise, positive
from gsmooth_core.noise import TAIL, Gaussian, NoiseDistribution, OneSidedNoise
from gsmooth_core.region import Region
from gsmooth_core.settings import ShowsSettings
from gsmooth_core.surrogate import Surrogate
from gsmooth_core.transformation import Transformation


class Smoothing(ShowsSettings, ABC):
    """Three steps from an image to what the model sees: encode once, draw noise, perturb by it."""

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """Codes (batch, *code) of images (batch, channel, height, width); no randomness."""

    @abstractmethod
    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``count`` independent draws of the noise (count, …) for codes of shape (*code).

        Several threads may draw at once, each from a generator of its own.
        """

    @abstractmethod
    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """Images for the model (count, channel, height, width), from codes (count, *code) and draws (count, …).

        The codes of one image come as one that is expanded; the noise may be overwritten.
        """

    @property
    def networks(self) -> nn.ModuleList:
        """The networks that the smoothing runs, to be moved and put into evaluation mode with the model."""
        return nn.ModuleList()


@attrs.frozen
class NoSmoothing(Smoothing):
    """The model as it is: no noise at all (for certifiers that try every distinct output)."""

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves."""
        return images

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Nothing: (count, 0)."""
        return torch.empty(count, 0, device=device)

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """The codes, in memory of their own."""
        return codes.clone()


def _one_or_tuple(
    noise: NoiseDistribution | Iterable[NoiseDistribution],
) -> NoiseDistribution | tuple[NoiseDistribution, ...]:
    return noise if isinstance(noise, NoiseDistribution) else tuple(noise)


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be finite and not negative, not {value}")


@attrs.frozen
class ParameterSmoothing(Smoothing):
    """Noise on the transformation's own parameters: the model sees ``τ(θ, x) + n``, θ = identity + draws.

    ``noise`` is one law for all parameters, or one for each. Where parameters are whole numbers, θ is rounded. The
    pixel noise n is normal of ``pixel_std``, on its grid (:class:`GridNoise`): a little of it hides how float32 rounds,
    so that certificates hold in floating-point arithmetic too. With ``pixel_std=0``, the default, there is none.
    """

    transformation: Transformation
    noise: NoiseDistribution | tuple[NoiseDistribution, ...] = attrs.field(converter=_one_or_tuple)
    pixel_std: float = attrs.field(default=0.0, converter=float, validator=_not_negative)

    def __attrs_post_init__(self) -> None:
        count = self.transformation.space.dimension
        if isinstance(self.noise, tuple) and len(self.noise) != count:
            raise ValueError(
                f"there are {len(self.noise)} noise laws for {count} parameters; give one, or one for each"
            )

    @property
    def laws(self) -> tuple[NoiseDistribution, ...]:
        """The law of each parameter."""
        return self.noise if isinstance(self.noise, tuple) else (self.noise,) * self.transformation.space.dimension

    @property
    def pixels(self) -> GridNoise | None:
        """The noise on pixels, if any."""
        return GridNoise(self.pixel_std) if self.pixel_std > 0 else None

    def bounds(self, share: float = TAIL) -> Region:
        """The box that draws lie in, but for a share of ``TAIL``, or of another share, of each parameter's."""
        lower, upper = zip(*(law.bounds(share) for law in self.laws), strict=True)
        return Region(lower, upper)

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves, float64 if noise hides how the transformed ones are rounded."""
        return images if self.pixels is None else images.double()

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Parameters (count, dimension), float64, relative to the identity.

        With pixel noise: float32 (count, 2 dimension + pixels), each parameter as the sum of two, before the pixels.
        """
        parameters = torch.stack([law.sample((count,), generator, device) for law in self.laws], dim=1)
        if self.pixels is None:
            return parameters
        front = 2 * len(self.laws)
        noise = torch.empty(count, front + math.prod(code_shape), dtype=torch.float32, device=device)
        noise[:, : front // 2] = parameters
        noise[:, front // 2 : front] = parameters - noise[:, : front // 2]
        self.pixels.draw((count, math.prod(code_shape)), generator, device, out=noise[:, front:])
        return noise

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """``τ(identity + noise, x)``, and the pixel noise on it."""
        space, count = self.transformation.space, len(self.laws)
        parameters = noise if self.pixels is None else noise[:, :count].double() + noise[:, count : 2 * count]
        identity = torch.tensor(space.identity, device=noise.device, dtype=torch.float64)
        images = self.transformation.apply(codes, space.snap(identity + parameters))
        if self.pixels is None:
            return images.float()
        return (self.pixels.snap(images) + noise[:, 2 * count :].view(images.shape)).float()

    def drawing_error(self, code_shape: tuple[int, ...]) -> float:
        """A bound of the total variation distance between draws for codes of shape (*code) and their law.

        A share of ``TAIL`` for each parameter (:meth:`NoiseDistribution.sample`), and what pixel noise adds. Of whole
        numbers there is more: a draw that is within ``DRAW_ROUNDING · f`` of an exact one, f the farthest of
        ``bounds``, may be rounded otherwise where that is within as much of a half. With a density of one peak of at
        most 13/f, as all laws here have, the probability is below 2⁻³⁵(f + 13).
        """
        shares = [TAIL for _ in self.laws]
        if self.transformation.space.integer:
            shares += [2**-35 * (farthest + 13) for farthest in self.bounds().farthest]
        return sum(shares) + (0.0 if self.pixels is None else self.pixels.total_variation(math.prod(code_shape)))

    def check_support(self, region: Region) -> None:
        """Raise ``ValueError`` where a law's draws leave the parameter space, or do not certify the region's side."""
        space = self.transformation.space
        for index, law in enumerate(self.laws):
            name, unit, noise = space.names[index], space.units[index], type(law).__name__
            low, high = space.lower[index], space.upper[index]
            if not isinstance(law, OneSidedNoise):
                if low > -math.inf or high < math.inf:
                    raise ValueError(
                        f"{noise} noise leaves the parameter space ({name} from {low:g} to {high:g} {unit}); use a "
                        "OneSidedNoise such as Exponential"
                    )
            elif region.lower[index] != space.identity[index]:
                raise ValueError(
                    f"{noise} noise certifies parameters from the identity upwards, not from {region.lower[index]:g}; "
                    f"use a two-sided law such as Gaussian, or a region that starts at {space.identity[index]:g}"
                )
            elif high < math.inf:
                raise ValueError(
                    f"{noise} noise certifies {name} where it has no upper end, but it ends at {high:g} {unit}; use "
                    "certifier='latent'"
                )


@attrs.frozen(eq=False)
class LatentSmoothing(Smoothing):
    """Noise in a surrogate's latent layer: the model sees ``H(F₁(θ) + ζ + F₂(x))``, θ ~ N(0, σ₁²I), ζ ~ N(0, σ₂²I).

    ``parameter_std`` is σ₁ in the parameter's unit, ``latent_std`` is σ₂ > 0 in the latent's (for the identity
    surrogate: in intensity). The latent noise is normal with covariance ``Σ = σ₁²A₁A₁ᵀ + σ₂²I``, where A₁ is the
    float32 matrix that :meth:`Surrogate.affine_parameters` reads off. Codes and noise are rounded to one grid
    (:class:`GridNoise`).
    """

    surrogate: Surrogate
    parameter_std: float = attrs.field(converter=float, validator=_not_negative)
    latent_std: float = attrs.field(converter=float, validator=positive)

    @property
    def grid(self) -> GridNoise:
        """The noise ζ, and the grid of the codes."""
        return GridNoise(self.latent_std)

    def encode(self, images: Tensor) -> Tensor:
        """``F₂(x)`` on the grid, whatever autocast says: coarser codes would be farther apart than allowed for."""
        with torch.autocast(images.device.type, enabled=False):
            return self.grid.snap(self.surrogate.encode_image(images))

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``F₁(θ) + ζ`` on the grid: float32 (count, *code)."""
        mean = None
        rows, offset = self._affine(device)
        if bool(torch.cat([rows, offset]).any()):
            mean = offset
            if self.parameter_std > 0:
                law = Gaussian(self.parameter_std)
                parameters = law.sample((count, len(rows)), generator, device)
                mean = mean + torch.tensordot(parameters, rows, dims=1)
            mean = mean.expand(-1, *code_shape)
        return self.grid.draw((count, *code_shape), generator, device, mean=mean)

    def _affine(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """``(A₁ᵀ, b₁)``, float64 (m, *latent) and (1, *latent), or what broadcasts to them."""
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            rows, offset = self.surrogate.affine_parameters(device)
        return rows.double(), offset.double()

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """``H(F₂(x) + noise)``."""
        return self.surrogate.decode(noise.add_(codes))

    def distance(self, differences: Tensor) -> Tensor:
        """``d_Σ = ‖Σ^{−1/2} v‖₂`` of latent differences v (count, *latent): float64 (count,), without unit.

        With the singular vectors u_i and values s_i of A₁, ``vᵀΣ⁻¹v = (‖v‖² − Σ w_i ⟨u_i, v⟩²)/σ₂²``, where
        ``w_i = σ₁²s_i²/(σ₁²s_i² + σ₂²)`` (theory: the latent certificate).
        """
        flat = differences.flatten(1).double()
        squared = flat.square().sum(dim=1)
        rows = self._affine(flat.device)[0].expand(-1, *differences.shape[1:]).flatten(1)
        if self.parameter_std > 0 and bool(rows.any()):
            _, values, vectors = torch.linalg.svd(rows, full_matrices=False)
            along = (self.parameter_std * values).square()
            weights = along / (along + self.latent_std**2)
            squared = squared - (flat @ vectors.T).square() @ weights
        return squared.clamp_min(0).sqrt() / self.latent_std

    def rounding(self, code_shape: tuple[int, ...]) -> float:
        """How far at most, in d_Σ, two codes of shape (*code) lie from ``F₂`` of their images, together.

        Each is moved by :meth:`GridNoise.snapping`. As much again is for the surrogate: assumed is that it computes no
        entry of ``F₂`` with an error of more than half a step, 2⁻¹⁶ of ``latent_std`` at least. The identity makes
        none, the U-Net's float64 convolution less.
        """
        return 4 * self.grid.snapping(math.prod(code_shape)) / self.latent_std

    def drawing_error(self, code_shape: tuple[int, ...], device: torch.device) -> float:
        """A bound of the total variation distance between draws for codes of shape (*code) and their law.

        Beside :meth:`GridNoise.total_variation` it has a share of ``TAIL`` for each θ, if there is noise on it, and
        ``‖A₁Δ‖/(σ₂√2π)`` for the error Δ of the other ones, at most 2⁻³⁶ · 4.5σ₁ each.
        """
        entries = math.prod(code_shape)
        rows, offset = self._affine(device)
        error = self.grid.total_variation(entries, moved=bool(torch.cat([rows, offset]).any()))
        if self.parameter_std > 0 and bool(rows.any()):
            largest = float(rows.abs().max()) * math.sqrt(entries) * len(rows)
            error += len(rows) * TAIL + 2**-34 * self.parameter_std * largest / self.latent_std
        return error

    def slopes(self, code: Tensor, parameters: Tensor) -> Tensor:
        """How steep the surrogate's path ``y_ξ = H(F₁(ξ) + code)`` is at most, at each row ξ of parameters (count, m).

        ``√λ_max(I/σ₁² + DᵀD/σ₂²)`` with ``D = ∂F₂(y_ξ)/∂ξ − A₁`` (Hao et al. 2022, Corollary 1), float64 (count,): the
        derivatives exactly, one forward-mode product a parameter. ``code`` is F₂(x), (1, *latent).
        """

        def latents(at: Tensor) -> Tensor:
            return self.surrogate.encode_image(
                self.surrogate.decode(self.surrogate.encode_parameters(at) + code.expand(len(at), *code.shape[1:]))
            )

        axes = torch.eye(parameters.shape[1], device=parameters.device)
        columns = []
        for row, axis in zip(self.surrogate.affine_parameters(parameters.device)[0], axes, strict=True):
            tangent = torch.func.jvp(latents, (parameters,), (axis.expand_as(parameters),))[1]
            columns.append((tangent - row).flatten(1).double())
        d = torch.stack(columns, dim=2)
        squared = torch.linalg.eigvalsh(axes.double() / self.parameter_std**2 + d.mT @ d / self.latent_std**2)
        steepest: Tensor = squared[:, -1].sqrt()
        return steepest

    @property
    def networks(self) -> nn.ModuleList:
        """The surrogate."""
        return nn.ModuleList([self.surrogate])
