"""Smoothings: how randomness enters between an image and the model."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.noise import NoiseDistribution, OneSidedNoise, positive
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


@attrs.frozen
class ParameterSmoothing(Smoothing):
    """Noise on the transformation's own parameters: the model sees ``τ(θ, x)``, θ = identity + a draw per parameter.

    ``noise`` is one law for all parameters, or one for each. Where parameters are whole numbers, θ is rounded.
    """

    transformation: Transformation
    noise: NoiseDistribution | tuple[NoiseDistribution, ...] = attrs.field(converter=_one_or_tuple)

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

    def encode(self, images: Tensor) -> Tensor:
        """The images themselves."""
        return images

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """Parameters (count, dimension), relative to the identity."""
        return torch.stack([law.sample((count,), generator, device) for law in self.laws], dim=1)

    def perturb(self, codes: Tensor, noise: Tensor) -> Tensor:
        """``τ(identity + noise, x)``."""
        space = self.transformation.space
        identity = torch.tensor(space.identity, device=noise.device, dtype=noise.dtype)
        return self.transformation.apply(codes, space.snap(identity + noise))

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


def _not_negative(instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be finite and not negative, not {value}")


@attrs.frozen(eq=False)
class LatentSmoothing(Smoothing):
    """Noise in a surrogate's latent layer: the model sees ``H(F₁(θ) + ζ + F₂(x))``, θ ~ N(0, σ₁²I), ζ ~ N(0, σ₂²I).

    ``parameter_std`` is σ₁ in the parameter's unit, ``latent_std`` is σ₂ > 0 in the latent's (for the identity
    surrogate: in intensity). The latent noise is normal with covariance ``Σ = σ₁²A₁A₁ᵀ + σ₂²I``.
    """

    surrogate: Surrogate
    parameter_std: float = attrs.field(converter=float, validator=_not_negative)
    latent_std: float = attrs.field(converter=float, validator=positive)

    def encode(self, images: Tensor) -> Tensor:
        """``F₂(x)``, whatever autocast says: coarser codes would be farther apart than the certificates allow for."""
        with torch.autocast(images.device.type, enabled=False):
            return self.surrogate.encode_image(images)

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``F₁(θ) + ζ``: (count, *code)."""
        noise = torch.empty((count, *code_shape), device=device).normal_(0, self.latent_std, generator=generator)
        parameters = torch.zeros(1, self.surrogate.dimension, device=device)
        if self.parameter_std > 0:
            parameters = torch.randn(count, self.surrogate.dimension, generator=generator, device=device)
        offset = self.surrogate.encode_parameters(parameters * self.parameter_std)
        return noise.add_(offset) if bool(offset.any()) else noise

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
        with torch.no_grad():
            rows = (
                self.surrogate.affine_parameters(flat.device)[0].expand(-1, *differences.shape[1:]).flatten(1).double()
            )
        if self.parameter_std > 0 and bool(rows.any()):
            _, values, vectors = torch.linalg.svd(rows, full_matrices=False)
            along = (self.parameter_std * values).square()
            weights = along / (along + self.latent_std**2)
            squared = squared - (flat @ vectors.T).square() @ weights
        return squared.clamp_min(0).sqrt() / self.latent_std

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
