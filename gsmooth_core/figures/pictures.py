"""What the classifier sees under noise on pixels and under noise in a latent layer (Hao et al. 2022, Figure 4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor
from torchvision.utils import make_grid

from gsmooth_core.common.seeds import generator_of
from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_images
from gsmooth_core.figures.shared import takes_parameters, useless
from gsmooth_core.models.devices import evaluating
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.results.drawing import new_axes
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.smoothing.surrogate import IdentitySurrogate

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_noisy_images(
    corruption: str | Corruption,
    images: Tensor,
    *,
    parameter_std: float | None = None,
    latent_std: float | None = None,
    seed: int = 0,
) -> dict[str, Tensor]:
    """Rows of images, by their titles: unchanged, under pixel noise, and under the noise of the recipe.

    Each is (batch, channel, height, width) and not clipped, on the device of ``images``. The second row is
    ``x + ζ, ζ ~ N(0, σ₂²I)``. The third is

    - behind a surrogate, what its decoder gives: ``H(F₁(θ) + ζ + F₂(x))``, with θ ~ N(0, σ₁²I);
    - of a recipe that is smoothed on its parameters, the corruption under a draw of its noise;
    - with the identity surrogate, for which the classifier sees the second row, the corruption itself at a draw of
      N(0, σ₁²I) if ``parameter_std`` is given (folded if parameters start at the identity, and cut off at the ends of
      their space); otherwise there is no third row.

    Args:
        corruption: a name, or a recipe such as ``use_surrogate`` gives.
        images: float in [0, 1], (batch, channel, height, width).
        parameter_std: σ₁, in the parameter's unit; default: the recipe's.
        latent_std: σ₂, in the latent's unit and in intensity; default: the recipe's, if it has one.
        seed: of all noise.
    """
    recipe, images = recipe_of(corruption), check_images(images).float()
    seed = check_whole("seed", seed, least=0)
    smoothing, space = recipe.smoothing, recipe.transformation.space
    if isinstance(smoothing, LatentSmoothing):
        first = smoothing.parameter_std if parameter_std is None else parameter_std
        second = smoothing.latent_std if latent_std is None else latent_std
        latent = smoothing = attrs.evolve(smoothing, parameter_std=first, latent_std=second)
    elif not isinstance(smoothing, ParameterSmoothing):
        raise ValueError(
            f"{recipe.name!r} is certified without noise, so there is none to show; name another corruption"
        )
    elif parameter_std is not None:
        raise ValueError(f"{recipe.name!r} has the noise {smoothing.noise} on its parameter; leave parameter_std out")
    elif latent_std is None:
        raise ValueError(
            f"{recipe.name!r} has no latent noise to show its own noise beside; pass latent_std, such as 0.25"
        )
    else:
        latent = LatentSmoothing(IdentitySurrogate(space.dimension), 0.0, latent_std)
    generators = [generator_of(seed, ("picture", row), images.device) for row in range(2)]
    pixels = (
        torch.randn(images.shape, generator=generators[0], dtype=torch.float32, device=images.device)
        * latent.latent_std
    )
    rows = {"as it is": images, f"pixel noise, σ₂ = {latent.latent_std:g}": images + pixels}
    count, units = len(images), " and ".join(space.units)
    with evaluating(latent.surrogate, NoSmoothing(), images.device):
        if isinstance(smoothing, ParameterSmoothing):
            rows[f"{recipe.name}, {smoothing.noise}"] = smoothing.noisy(images, generators[1])
        elif not isinstance(smoothing.surrogate, IdentitySurrogate):
            if parameter_std is not None and not takes_parameters(smoothing):
                raise useless(recipe.name, "its decoder is shown under σ₂")
            shown = f"σ₁ = {smoothing.parameter_std:g} {units}, " if takes_parameters(smoothing) else ""
            rows[f"latent noise, {shown}σ₂ = {smoothing.latent_std:g}, decoded"] = smoothing.noisy(
                images, generators[1]
            )
        elif smoothing.parameter_std > 0:
            normal = torch.randn(
                count, space.dimension, generator=generators[1], dtype=torch.float32, device=images.device
            )
            low, high, identity = (normal.new_tensor(end) for end in (space.lower, space.upper, space.identity))
            offset = torch.where(low == identity, normal.abs(), normal) * smoothing.parameter_std
            parameters = space.snap(torch.clamp(identity + offset, low, high))
            shown = f"{recipe.name} itself, σ₁ = {smoothing.parameter_std:g} {units}"
            rows[shown] = recipe.transformation.apply(images, parameters)
    return rows


def plot_images(rows: Mapping[str, Tensor], axes: Axes | None = None) -> Axes:
    """Rows of images (batch, channel, height, width), one or three channels, clipped to [0, 1], with their names."""
    count, (_, height, width) = len(next(iter(rows.values()))), next(iter(rows.values())).shape[1:]
    lines = [name.replace(", ", "\n") for name in rows]
    longest = max(len(line) for name in lines for line in name.split("\n"))
    size = (0.9 * count + 0.08 * longest + 0.3, 0.9 * len(rows) * height / width + 0.2)
    axes = new_axes(*size) if axes is None else axes
    grid = make_grid(torch.cat(list(rows.values())).cpu().clamp(0, 1), nrow=count, padding=1, pad_value=0.5)
    axes.imshow(grid.permute(1, 2, 0).numpy(), interpolation="nearest")
    middles = [1 + (height - 1) / 2 + row * (height + 1) for row in range(len(rows))]
    axes.set_yticks(middles, lines, fontsize=9)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_anchor("E")
    axes.spines[:].set_visible(False)
    return axes
