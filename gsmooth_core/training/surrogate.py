"""Training a surrogate: to imitate a corruption, or to restore images from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.corruption import Corruption
from gsmooth_core.models.devices import check_device
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.results.identity import code_hash
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.smoothing.unet import UNetSurrogate
from gsmooth_core.training.plan import Objective, Plan, first_images, training_data
from gsmooth_core.transformations.regions import Region

Aim = Literal["imitate", "denoise", "restore"]
STEP = 0.02
"""The share of the region between the two ends of a piece of path whose length is penalised."""


def fit_surrogate(
    corruption: str | Corruption,
    images: Tensor | Dataset[Any] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    radius: float | Region | None = None,
    aim: Aim = "imitate",
    parameter_std: float | None = None,
    latent_std: float | None = None,
    latents: int | None = None,
    width: int = 8,
    depth: int = 2,
    penalty: float = 0.0,
    epochs: int = 20,
    batch: int = 128,
    learning_rate: float = 2e-3,
    seed: int = 0,
    patience: int | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
    trainer: Mapping[str, Any] | None = None,
) -> UNetSurrogate:
    """Train a U-Net surrogate of a corruption, without labels and without a classifier; ready for use.

    With the aim ``"imitate"``, ``H(F₁(ξ) + F₂(x))`` shall be ``τ(ξ, x)`` (Hao et al. 2022, Eq. 5). Half of each batch
    is under the noise of the latent, so that the decoder also denoises. ξ is drawn from the region and, because noise
    on the parameters leaves it, also from beyond; there τ has its value at the border of its space. The other aims
    ignore the parameters: ``H(F₂(τ(ξ, x)) + noise)`` shall be ``τ(ξ, x)`` for ``"denoise"``, and ``x`` itself for
    ``"restore"``. With such a decoder, a classifier can be certified that was trained on neither noise nor corruption
    (denoised smoothing, Salman et al. 2020). The loss is the mean absolute difference.

    Args:
        corruption: a name or a recipe.
        images: float in [0, 1], (count, channel, height, width); a dataset may stand here too.
        dataset: in place of images, any torch dataset of (image, anything) or of images.
        radius: the attack radius or region; default: the recipe's.
        aim: what the decoder shall give.
        parameter_std: σ₁ in the parameter's unit; default: a quarter of the region, or 0 where parameters are ignored.
        latent_std: σ₂; default: the recipe's, if it is smoothed in a latent layer.
        latents: the channels of a learned linear encoder; default: none, the image is its own latent.
        width: channels of the U-Net's first level.
        depth: halvings of the U-Net.
        penalty: the weight of the length, in ``d_Σ``, of the real transformation's path through the latent layer: the
            shorter, the fewer anchors cover it. It needs ``latents``. 1e-3 is a start.
        epochs: passes over the images. Adam, learning rate ``learning_rate`` with warm-up and cosine decay.
        batch: images per step.
        learning_rate: the highest rate.
        seed: of the first weights, the order, the parameters and all noise.
        patience: stop after this number of epochs in which the mean loss did not fall.
        device: where to train; default: the images' device, or the CPU.
        progress: show a bar; default: on a terminal.
        out: a folder for checkpoints, one after each epoch; the same call goes on from there after it was stopped.
        trainer: options of Lightning's Trainer, such as ``{"precision": "bf16-mixed", "devices": 4}``.

    Returns:
        The surrogate in evaluation mode, with fixed weights. Its ``card`` says how it was trained, and names the noise
        that :func:`use_surrogate` uses.
    """
    recipe = recipe_of(corruption)
    if aim not in ("imitate", "denoise", "restore"):
        raise ValueError(f"the aim is 'imitate', 'denoise' or 'restore', not {aim!r}")
    if not 0 <= penalty < math.inf:
        raise ValueError(f"penalty must be at least 0, not {penalty}; 1e-3 is a start")
    if penalty > 0 and latents is None:
        raise ValueError(
            f"penalty={penalty} needs a learned encoder, whose path can be shortened; pass latents=4, or penalty=0"
        )
    plan = Plan(epochs, batch, learning_rate, 0.0, seed, patience, out, trainer or {})
    data = training_data(images, None, dataset)
    first, _ = first_images(data, 2)
    channels, height, width_px = first.shape[1:]
    region = recipe.region(radius, (channels, height, width_px))
    space = recipe.transformation.space
    scale = [max(abs(low), abs(high)) or 1.0 for low, high in zip(region.lower, region.upper, strict=True)]
    if parameter_std is None:
        parameter_std = max(scale) / 4 if aim == "imitate" else 0.0
    if latent_std is None:
        if not isinstance(recipe.smoothing, LatentSmoothing):
            raise ValueError(f"{recipe.name!r} is not smoothed in a latent layer; pass latent_std, such as 0.25")
        latent_std = recipe.smoothing.latent_std
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        surrogate = UNetSurrogate(
            channels,
            space.dimension,
            scale=scale,
            planes=space.dimension if aim == "imitate" else 0,
            latents=latents,
            width=width,
            depth=depth,
        )
    if device is None:
        device = images.device if isinstance(images, Tensor) else "cpu"
    place = check_device(device)
    smoothing = LatentSmoothing(surrogate, parameter_std, latent_std)
    objective = _Imitation(smoothing, recipe, region, aim, penalty)
    from gsmooth_core.training.loop import run

    loss = run(objective.to(place).train(), data, plan, place, f"fit surrogate ({aim})", progress)
    surrogate.card = {
        "corruption": recipe.name,
        "region": [list(region.lower), list(region.upper)],
        "aim": aim,
        "parameter_std": parameter_std,
        "latent_std": latent_std,
        "penalty": penalty,
        "images": len(data),  # type: ignore[arg-type]
        **{name: getattr(plan, name) for name in ("epochs", "batch", "learning_rate", "seed")},
        "last mean loss": loss,
    }
    return surrogate.eval().requires_grad_(False)


class _Imitation(Objective):
    """The mean absolute difference between what a surrogate gives and what it shall give."""

    def __init__(
        self, smoothing: LatentSmoothing, recipe: Corruption, region: Region, aim: Aim, penalty: float
    ) -> None:
        super().__init__()
        self.surrogate = smoothing.surrogate
        self.smoothing, self.recipe, self.region, self.aim, self.penalty = smoothing, recipe, region, aim, penalty

    def extra_repr(self) -> str:
        """The settings, which identify a checkpoint."""
        stds = (self.smoothing.parameter_std, self.smoothing.latent_std)
        code = code_hash(type(self.recipe.transformation))
        return f"{self.recipe.transformation} {code} {self.region} {self.aim} {stds} {self.penalty}"

    def forward(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of images (batch, channel, height, width)."""
        count, std = len(images), self.smoothing.latent_std
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            parameters = self.region.sample(count, generator)
            if self.aim == "imitate":
                parameters = parameters + self.smoothing.parameter_std * torch.randn(
                    parameters.shape, generator=generator, dtype=torch.float32, device=images.device
                )
            transformed = self._transformed(images, parameters)
        if self.aim == "imitate":
            latents = self.surrogate.encode_parameters(parameters) + self.surrogate.encode_image(images)
        else:
            latents = self.surrogate.encode_image(transformed)
        noise = torch.randn(latents.shape, generator=generator, dtype=torch.float32, device=images.device) * std
        if self.aim == "imitate":
            noise[: count // 2] = 0
        target = images if self.aim == "restore" else transformed
        loss = (self.surrogate.decode(latents + noise) - target).abs().mean()
        if self.penalty == 0:
            return loss
        return loss + self.penalty * self._path_length(images, generator)

    def _transformed(self, images: Tensor, parameters: Tensor) -> Tensor:
        """The real τ, at parameters that are cut off at the ends of its space."""
        space = self.recipe.transformation.space
        low, high = (parameters.new_tensor(end) for end in (space.lower, space.upper))
        return self.recipe.transformation.apply(images, space.snap(parameters.clamp(low, high)))

    def _path_length(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """The mean length in ``d_Σ`` of the real path over the region, from one short piece per image."""
        with torch.no_grad():
            start = self.region.sample(len(images), generator)
            low, high = (start.new_tensor(end) for end in (self.region.lower, self.region.upper))
            towards = torch.where(start < (low + high) / 2, 1.0, -1.0).to(start)
            pieces = [self._transformed(images, start + share * towards * (high - low)) for share in (0.0, STEP)]
        first, second = (self.smoothing.encode(piece) for piece in pieces)
        apart = first - second + 1e-7  # the root has no gradient where nothing moves
        return self.smoothing.distance(apart).mean().float() / STEP


def use_surrogate(
    corruption: str | Corruption,
    surrogate: UNetSurrogate,
    parameter_std: float | None = None,
    latent_std: float | None = None,
) -> Corruption:
    """The recipe with a trained surrogate, under the noise of its card unless other noise is named."""
    recipe, card = recipe_of(corruption), surrogate.card
    stds = {"parameter_std": parameter_std, "latent_std": latent_std}
    for name, value in stds.items():
        if value is None and name not in card:
            raise ValueError(f"the surrogate has no card that names its noise; pass {name}")
    chosen = {name: card[name] if value is None else value for name, value in stds.items()}
    return attrs.evolve(recipe, smoothing=LatentSmoothing(surrogate, **chosen))
