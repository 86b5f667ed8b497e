"""Training a classifier for the noise that it will be certified under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax
from torch.utils.data import Dataset, TensorDataset

from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_classes, check_labels
from gsmooth_core.engine.probe import check_model
from gsmooth_core.models.devices import choose_device, evaluating, lent
from gsmooth_core.models.kinds import check_callable
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.results.identity import code_hash, model_hash
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.training.plan import Objective, Plan, first_images, known, training_data
from gsmooth_core.transformations.regions import Region

ENTROPY = 0.5
"""The weight of the mean prediction's entropy under consistency regularisation (Jeong & Shin 2020)."""


def fit_classifier(
    model: nn.Module,
    corruptions: str | Corruption | Sequence[str | Corruption],
    images: Tensor | Dataset[Any] | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
    radius: float | Region | None = None,
    epochs: int = 20,
    batch: int = 128,
    learning_rate: float = 2e-3,
    consistency: float = 0.0,
    jitter: int = 2,
    mirror: bool = False,
    seed: int = 0,
    patience: int | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
    trainer: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Train ``model`` in place on what the smoothed classifier will see, and return it in evaluation mode.

    Each batch is split evenly between the corruptions; each part is transformed by parameters drawn from the recipe's
    region and perturbed by the recipe's noise. Noise on the transformation's own parameters already transforms, so in
    this case the region is not used. Training starts from the weights that the model has.

    Args:
        model: from images (batch, channel, height, width) to logits (batch, classes).
        corruptions: names or recipes, one or several; the model is trained for all of them at once. For other noise,
            pass ``attrs.evolve(get_corruption(name), smoothing=…)``.
        images: float in [0, 1], (count, channel, height, width); a dataset may stand here too.
        labels: whole numbers (count,); a dataset has its own.
        dataset: in place of images and labels, any torch dataset of (image, label).
        radius: the attack radius or region, of a single corruption; default: each recipe's.
        epochs: passes over the images. AdamW, learning rate ``learning_rate`` with warm-up and cosine decay.
        batch: images per step.
        learning_rate: the highest rate.
        consistency: the weight of consistency regularisation (Jeong & Shin 2020): each image is seen under two draws
            of the noise, whose predictions shall agree. 10 is usual; each step then costs twice as much.
        jitter: images are also shifted, all of a step by the same amount, by up to this number of px.
        mirror: each image is also mirrored at random.
        seed: of the order, the parameters and all noise.
        patience: stop after this number of epochs in which the mean loss did not fall.
        device: where to train; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a folder for checkpoints, one after each epoch; the same call goes on from there after it was stopped.
        trainer: options of Lightning's Trainer, such as ``{"precision": "bf16-mixed", "devices": 4}``.
    """
    if isinstance(corruptions, str | Corruption):
        corruptions = [corruptions]
    recipes = [recipe_of(item) for item in corruptions]
    if not recipes:
        raise ValueError("there are no corruptions to train for; name at least one, such as 'defocus'")
    if radius is not None and len(recipes) > 1:
        raise ValueError(
            "one radius cannot suit several corruptions; leave it out, or set each recipe's with attrs.evolve"
        )
    if not 0 <= consistency < 1e6:
        raise ValueError(f"consistency must be at least 0, not {consistency}; 10 is usual")
    jitter = check_whole("jitter", jitter, least=0)
    plan = Plan(epochs, batch, learning_rate, 1e-2, seed, patience, out, trainer or {})
    place = choose_device(model, device)
    if labels is None and isinstance(images, Tensor):
        raise ValueError("a classifier learns from labels; pass one label per image")
    data = training_data(images, labels, dataset)
    first, own = first_images(data, 3)
    few = check_labels(known(own), len(first))
    channels, height, width = first.shape[1:]
    regions = [recipe.region(radius, (channels, height, width)) for recipe in recipes]
    if not isinstance(model, nn.Module):
        raise ValueError(f"only a torch Module can be trained, not a {type(model).__name__}; wrap it in one")
    check_callable(model)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError(
            "the model has no parameter to train: all are frozen (requires_grad=False), or it has none; unfreeze them "
            "with model.requires_grad_(True), or some of its layers likewise"
        )
    with evaluating(model.to(place), NoSmoothing()):
        classes = check_model(model, first.float().to(place))
        check_classes(data.tensors[1].tolist() if isinstance(data, TensorDataset) else few, classes)
    objective = _AsSeen(model, recipes, regions, consistency, jitter, mirror)
    objective.classes = classes
    from gsmooth_core.training.loop import run

    try:
        with lent([network for recipe in recipes for network in recipe.smoothing.networks], place):
            run(objective.train(), data, plan, place, "fit classifier", progress)
    finally:
        model.eval()
    return model


class _AsSeen(Objective):
    """The cross-entropy of a model on images as the smoothed classifier sees them."""

    def __init__(
        self,
        model: nn.Module,
        recipes: list[Corruption],
        regions: list[Region],
        consistency: float,
        jitter: int,
        mirror: bool,
    ) -> None:
        super().__init__()
        self.model, self.recipes, self.regions = model, recipes, regions
        self.consistency, self.jitter, self.mirror = consistency, jitter, mirror

    def extra_repr(self) -> str:
        """The settings, which identify a checkpoint."""
        networks = [model_hash(network) for recipe in self.recipes for network in recipe.smoothing.networks]
        code = [code_hash(type(recipe.transformation)) for recipe in self.recipes]
        return f"{self.recipes} {code} {networks} {self.regions} {self.consistency} {self.jitter} {self.mirror}"

    def forward(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """The loss of images (batch, channel, height, width)."""
        varied = _varied(images, self.jitter, self.mirror, generator)
        share = torch.arange(len(images), device=images.device).tensor_split(len(self.recipes))
        views = 1 if self.consistency == 0 else 2
        for recipe in self.recipes:
            recipe.smoothing.networks.to(images.device)  # each process has its own copy
        seen: list[list[Tensor]] = [[] for _ in range(views)]
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            for part, recipe, region in zip(share, self.recipes, self.regions, strict=True):
                if len(part):
                    transformed = _transformed(varied[part], recipe, region, generator)
                    for view in seen:
                        view.append(recipe.smoothing.noisy(transformed, generator))
        logits = self.model(torch.cat([image for view in seen for image in view]))
        loss = cross_entropy(logits, labels.repeat(views))
        if views == 1:
            return loss
        scores = log_softmax(logits.view(views, len(images), -1), dim=2)
        mean = scores.exp().mean(dim=0)
        log_mean = mean.clamp_min(1e-20).log()
        disagreement = (mean * (log_mean - scores)).sum(dim=2).mean()
        return loss + self.consistency * disagreement - ENTROPY * (mean * log_mean).sum(dim=1).mean()


def _transformed(images: Tensor, recipe: Corruption, region: Region, generator: torch.Generator) -> Tensor:
    """Images moved to points of the region, unless the noise itself moves them."""
    if isinstance(recipe.smoothing, ParameterSmoothing):
        return images
    parameters = recipe.transformation.space.snap(region.sample(len(images), generator))
    return recipe.transformation.apply(images, parameters)


def _varied(images: Tensor, jitter: int, mirror: bool, generator: torch.Generator) -> Tensor:
    """Images shifted (circularly) by up to ``jitter`` px, all by the same amount, and each mirrored at random."""
    if mirror:
        chosen = torch.rand(len(images), 1, 1, 1, generator=generator, dtype=torch.float32, device=images.device) < 0.5
        images = torch.where(chosen, images.flip(-1), images)
    shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator, device=images.device).tolist()
    return images.roll((shift[0], shift[1]), dims=(-2, -1))
