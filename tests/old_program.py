"""The program as it was before noise lay on a grid: what the adversaries broke, and must go on breaking."""

import attrs
import torch

from gsmooth_core import LatentSmoothing, ParameterSmoothing


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


def old(recipe):
    """The recipe with its smoothing as it was."""
    smoothing = recipe.smoothing
    if isinstance(smoothing, LatentSmoothing):
        was = FloatNoise(smoothing.surrogate, smoothing.parameter_std, smoothing.latent_std)
    else:
        was = FloatParameters(smoothing.transformation, smoothing.noise)
    return attrs.evolve(recipe, smoothing=was)
