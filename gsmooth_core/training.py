"""Training a classifier for the noise that it will be certified under."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gsmooth_core.checks import check_classes, check_images, check_labels, check_model, check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.evaluation import choose_device, evaluating
from gsmooth_core.plugins import recipe_of
from gsmooth_core.progress import track
from gsmooth_core.region import Region
from gsmooth_core.smoothing import NoSmoothing, ParameterSmoothing


def fit_classifier(
    model: nn.Module,
    corruptions: str | Corruption | Sequence[str | Corruption],
    images: Tensor,
    labels: Tensor | Sequence[int],
    *,
    radius: float | Region | None = None,
    epochs: int = 20,
    batch: int = 128,
    learning_rate: float = 2e-3,
    jitter: int = 2,
    mirror: bool = False,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> nn.Module:
    """Train ``model`` in place on what the smoothed classifier will see, and return it in evaluation mode.

    Each batch is dealt out evenly to the corruptions; a share is transformed by parameters drawn from the recipe's
    region and perturbed by the recipe's noise. Noise on the transformation's own parameters already transforms, so
    there the region is left out.

    Args:
        model: from images (batch, channel, height, width) to logits (batch, classes).
        corruptions: names or recipes, one or several; the model learns to live with all of them at once. For other
            noise, pass ``attrs.evolve(get_corruption(name), smoothing=…)``.
        images: float in [0, 1], (count, channel, height, width).
        labels: whole numbers (count,).
        radius: the attack radius or region, of a single corruption; default: each recipe's.
        epochs: passes over the images. AdamW, learning rate ``learning_rate`` with warm-up and cosine decay.
        batch: images a step.
        learning_rate: the highest rate.
        jitter: images are also shifted, all of a step alike, by up to so many px.
        mirror: images are also mirrored, each or not at random.
        seed: of the order, the parameters and all noise.
        device: where to train; default: where the model is.
        progress: show a bar; default: on a terminal.
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
    epochs, batch = check_whole("epochs", epochs, least=1), check_whole("batch", batch, least=1)
    seed = check_whole("seed", seed, least=0)
    place = choose_device(model, device)
    images = check_images(images).float().to(place)
    whole = check_labels(labels, len(images))
    targets = torch.tensor(whole, device=place)
    channels, height, width = images.shape[1:]
    regions = [recipe.region(radius, (channels, height, width)) for recipe in recipes]
    generator = torch.Generator(place).manual_seed(seed)
    with evaluating(model.to(place), NoSmoothing()):
        check_classes(whole, check_model(model, images))
    for recipe in recipes:
        recipe.smoothing.networks.to(place).eval()
    steps = epochs * -(-len(images) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps + 1, pct_start=0.05)
    model.train()
    try:
        for epoch in track(range(epochs), epochs, "fit classifier", progress):
            for chosen in torch.randperm(len(images), generator=generator, device=place).split(batch):
                if len(chosen) == 1 < len(images):
                    continue  # a batch of one has no statistics, which batch normalisation would want
                seen = [
                    _as_seen(_varied(images[part], jitter, mirror, generator), recipe, region, generator)
                    for part, recipe, region in zip(chosen.tensor_split(len(recipes)), recipes, regions, strict=True)
                    if len(part)
                ]
                loss = cross_entropy(model(torch.cat(seen)), targets[chosen])
                if not bool(loss.isfinite()):
                    raise ValueError(f"the loss became {float(loss)} in epoch {epoch + 1}; lower learning_rate")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    finally:
        model.eval()
    return model


@torch.no_grad()
def _as_seen(images: Tensor, recipe: Corruption, region: Region, generator: torch.Generator) -> Tensor:
    """Images as the model sees them when the smoothed classifier is asked about a point of the region."""
    if not isinstance(recipe.smoothing, ParameterSmoothing):
        parameters = recipe.transformation.space.snap(region.sample(len(images), generator))
        images = recipe.transformation.apply(images, parameters)
    codes = recipe.smoothing.encode(images)
    noise = recipe.smoothing.draw(len(codes), tuple(codes.shape[1:]), generator, codes.device)
    return recipe.smoothing.perturb(codes, noise)


def _varied(images: Tensor, jitter: int, mirror: bool, generator: torch.Generator) -> Tensor:
    """Images shifted (circularly) by up to ``jitter`` px, all alike, and mirrored or not, each."""
    if mirror:
        chosen = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < 0.5
        images = torch.where(chosen, images.flip(-1), images)
    shift = torch.randint(-jitter, jitter + 1, (2,), generator=generator, device=images.device).tolist()
    return images.roll((shift[0], shift[1]), dims=(-2, -1))
