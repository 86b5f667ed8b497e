"""Noise in a surrogate's latent layer."""

from __future__ import annotations

import math
from collections.abc import Iterator

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.distribution import TAIL
from gsmooth_core.smoothing.distributions import Gaussian
from gsmooth_core.smoothing.grid import GridNoise, not_negative, positive
from gsmooth_core.smoothing.surrogate import Surrogate


@attrs.frozen(eq=False)
class LatentSmoothing(Smoothing):
    """Noise in a surrogate's latent layer: the model sees ``H(F₁(θ) + ζ + F₂(x))``, θ ~ N(0, σ₁²I), ζ ~ N(0, σ₂²I).

    ``parameter_std`` is σ₁ in the parameter's unit, ``latent_std`` is σ₂ > 0 in the latent's (for the identity
    surrogate: in intensity). The latent noise is normal with covariance ``Σ = σ₁²A₁A₁ᵀ + σ₂²I``, where A₁ is the
    float32 matrix that :meth:`Surrogate.affine_parameters` reads off. Codes and noise are rounded to one grid
    (:class:`GridNoise`).
    """

    surrogate: Surrogate
    parameter_std: float = attrs.field(converter=float, validator=not_negative)
    latent_std: float = attrs.field(converter=float, validator=positive)

    @property
    def grid(self) -> GridNoise:
        """The noise ζ, and the grid of the codes."""
        return GridNoise(self.latent_std)

    def encode(self, images: Tensor) -> Tensor:
        """``F₂(x)`` on the grid, with autocast off: coarser codes would be farther apart than the bounds allow."""
        with torch.autocast(images.device.type, enabled=False):
            return self.grid.snap(self.surrogate.encode_image(images))

    def draw(self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
        """``F₁(θ) + ζ`` on the grid: float32 (count, *code)."""
        means = self._means(count, generator, device)
        mean = None if means is None else means.expand(-1, *code_shape)
        return self.grid.draw((count, *code_shape), generator, device, mean=mean)

    def draw_in_parts(
        self, count: int, code_shape: tuple[int, ...], generator: torch.Generator, device: torch.device
    ) -> Iterator[Tensor]:
        """As for every smoothing: the θ of all draws come first, and then the ζ of a few draws at a time."""
        means = self._means(count, generator, device)
        rows = self.grid.at_once(math.prod(code_shape), device)
        for start in range(0, count, rows):
            mean = None if means is None else means[start * (len(means) > 1) :][:rows].expand(-1, *code_shape)
            yield self.grid.draw((min(rows, count - start), *code_shape), generator, device, mean=mean)

    def _means(self, count: int, generator: torch.Generator, device: torch.device) -> Tensor | None:
        """``F₁(θ)`` of fresh θ, float64 (count or 1, …), which broadcasts to codes; ``None`` if it is 0."""
        rows, offset = self._affine(device)
        if not bool(torch.cat([rows, offset]).any()):
            return None
        if self.parameter_std == 0:
            return offset
        parameters = Gaussian(self.parameter_std).sample((count, len(rows)), generator, device)
        means: Tensor = offset + torch.tensordot(parameters, rows, dims=1)
        return means

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

        Each is moved by at most :meth:`GridNoise.snapping`. The same amount is added for the surrogate, under the
        assumption that it computes each entry of ``F₂`` with an error of at most half a step, which is at least 2⁻¹⁶ of
        ``latent_std``. The identity has no error, and the U-Net's float64 convolution a smaller one.
        """
        return 4 * self.grid.snapping(math.prod(code_shape)) / self.latent_std

    def drawing_error(self, code_shape: tuple[int, ...], device: torch.device) -> float:
        """A bound of the total variation distance between draws for codes of shape (*code) and their distribution.

        In addition to :meth:`GridNoise.total_variation` it has a share of ``TAIL`` for each θ, if there is noise on it,
        and ``‖A₁Δ‖/(σ₂√2π)`` for the error Δ of the other draws of θ, at most 2⁻³⁶ · 4.5σ₁ each.
        """
        entries = math.prod(code_shape)
        rows, offset = self._affine(device)
        error = self.grid.total_variation(entries, moved=bool(torch.cat([rows, offset]).any()))
        if self.parameter_std > 0 and bool(rows.any()):
            largest = float(rows.abs().max()) * math.sqrt(entries) * len(rows)
            error += len(rows) * TAIL + 2**-34 * self.parameter_std * largest / self.latent_std
        return error

    def slopes(self, code: Tensor, parameters: Tensor) -> Tensor:
        """The slope of the surrogate's path ``y_ξ = H(F₁(ξ) + code)`` at each row ξ of parameters (count, m).

        ``√λ_max(I/σ₁² + DᵀD/σ₂²)`` with ``D = ∂F₂(y_ξ)/∂ξ − A₁`` (Hao et al. 2022, Corollary 1), float64 (count,). The
        derivatives are exact, by one forward-mode product per parameter. ``code`` is F₂(x), (1, *latent).
        """

        def latents(at: Tensor) -> Tensor:
            return self.surrogate.encode_image(
                self.surrogate.decode(self.surrogate.encode_parameters(at) + code.expand(len(at), *code.shape[1:]))
            )

        axes = torch.eye(parameters.shape[1], dtype=torch.float32, device=parameters.device)
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
