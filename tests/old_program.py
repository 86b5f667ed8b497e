"""The program as it was before noise lay on a grid: what the adversaries broke, and must go on breaking."""

import attrs
import torch
from gsmooth_plugin_gaussianblur import GaussianBlur

from gsmooth_core import LatentSmoothing, ParameterSmoothing, list_cosine_frequencies
from gsmooth_core.transformations.cosine_spectrum import _cosine_basis


class FloatNoise(LatentSmoothing):
    """Float32 draws, each with digits of its own, added to the image's own digits."""

    def encode(self, images):
        return self.surrogate.encode_image(images)

    def draw(self, count, code_shape, generator, device):
        return torch.empty((count, *code_shape), device=device).normal_(0, self.latent_std, generator=generator)

    def perturb(self, codes, noise):
        return self.surrogate.decode(codes + noise)


class FloatParameters(ParameterSmoothing):
    """Parameters in float32, and nothing that hides the rounding of two maps in a row."""

    def encode(self, images):
        return images

    def draw(self, count, code_shape, generator, device):
        return torch.stack([law.sample((count,), generator, device).float() for law in self.laws], dim=1)

    def perturb(self, codes, noise):
        space = self.transformation.space
        return self.transformation.apply(codes, space.snap(torch.tensor(space.identity) + noise))


@attrs.frozen
class FloatBlur(GaussianBlur):
    """Gaussian blur in float32."""

    def apply(self, images, parameters):
        variance = parameters.float().view(-1, 1, 1)
        rows, columns = (_cosine_basis(size, images.device).float() for size in images.shape[-2:])
        across, along = (list_cosine_frequencies(size, images.device).square().float() for size in images.shape[-2:])
        gain = torch.exp(-variance / 2 * across[:, None]) * torch.exp(-variance / 2 * along)
        given = images[:1] if images.stride(0) == 0 else images
        blurred = rows.T @ (gain[:, None] * (rows @ given.float() @ columns.T)) @ columns
        return torch.where(variance[:, None] == 0, images, blurred.to(images.dtype))


def old(recipe):
    """The recipe with its smoothing, and its arithmetic, as they were."""
    if isinstance(recipe.transformation, GaussianBlur):
        smoothing = attrs.evolve(recipe.smoothing, transformation=FloatBlur())
        recipe = attrs.evolve(recipe, transformation=FloatBlur(), smoothing=smoothing)
    smoothing = recipe.smoothing
    if isinstance(smoothing, LatentSmoothing):
        was = FloatNoise(smoothing.surrogate, smoothing.parameter_std, smoothing.latent_std)
    else:
        was = FloatParameters(smoothing.transformation, smoothing.noise)
    return attrs.evolve(recipe, smoothing=was)
