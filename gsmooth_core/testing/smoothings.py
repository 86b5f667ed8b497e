"""Laws of latent smoothing: what the surrogate promises, and the covariance of the noise that is drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from gsmooth_core.corruption import Corruption
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.testing.law import generator, images_of, largest, make, require, shapes_of

DRAWS = 4_000


def stretches_no_more_than_promised(corruption: Corruption) -> None:
    """``lipschitz`` bounds how much the encoder stretches distances, also in the direction that it stretches most."""
    surrogate = _latent(corruption).surrogate
    for shape in shapes_of(corruption):
        images, step = images_of(4, shape, torch.float32), torch.randn(4, *shape, generator=generator(1))
        for _ in range(8):  # power iteration by finite differences and the gradient
            step = step / step.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            near = (images + 0.1 * step).requires_grad_()
            difference = surrogate.encode_image(near) - surrogate.encode_image(images)
            quotient = float(difference.detach().flatten(1).norm(dim=1).max()) / 0.1
            held = quotient <= surrogate.lipschitz * (1 + 1e-3) + 1e-6
            require(held, f"the encoder stretches by {quotient:.5g}, more than its lipschitz {surrogate.lipschitz:.5g}")
            [step] = torch.autograd.grad(difference.square().sum(), near)


def encodes_parameters_affinely(corruption: Corruption) -> None:
    """``encode_parameters`` keeps means: the latent of the mean of two parameters is the mean of their latents."""
    surrogate = _latent(corruption).surrogate
    first, second = (torch.randn(8, surrogate.dimension, generator=generator(seed)) for seed in (2, 3))
    middle = (surrogate.encode_parameters(first) + surrogate.encode_parameters(second)) / 2
    gap = largest(surrogate.encode_parameters((first + second) / 2) - middle)
    require(gap <= 1e-4 * (1 + largest(middle)), f"encode_parameters is not affine: it is off by {gap:.2g}")


def draws_latent_noise_of_its_covariance(corruption: Corruption) -> None:
    """Along random directions v, the draws have the variance ``σ₁²‖A₁ᵀv‖² + σ₂²‖v‖²`` around b₁."""
    smoothing, shape = _latent(corruption), shapes_of(corruption)[0]
    code = smoothing.encode(images_of(1, shape, torch.float32))[0]
    noise = smoothing.draw(DRAWS, tuple(code.shape), generator(4), code.device).expand(DRAWS, *code.shape).flatten(1)
    rows, offset = (
        part.expand(-1, *code.shape).flatten(1) for part in smoothing.surrogate.affine_parameters(code.device)
    )
    directions: list[Tensor] = [torch.randn(code.numel(), generator=generator(seed)) for seed in range(4)]
    for direction in (*directions, *rows):
        expected = smoothing.parameter_std**2 * float((rows @ direction).square().sum())
        expected += smoothing.latent_std**2 * float(direction.square().sum())
        along = (noise - offset) @ direction
        share = float(along.square().mean()) / max(expected, 1e-12)
        require(expected == 0 or 0.85 < share < 1.15, f"the noise's variance is {share:.3g} times what it should be")


def _latent(corruption: Corruption) -> LatentSmoothing:
    assert isinstance(corruption.smoothing, LatentSmoothing)
    return corruption.smoothing


LAWS = make(
    lambda corruption: isinstance(corruption.smoothing, LatentSmoothing),
    stretches_no_more_than_promised,
    encodes_parameters_affinely,
    draws_latent_noise_of_its_covariance,
)
"""The laws of this file."""
