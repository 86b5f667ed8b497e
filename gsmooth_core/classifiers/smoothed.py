"""The smoothed classifier: what is certified is what is deployed."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gsmooth_core.common.seeds import seed_from
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_images
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.draws import Poll
from gsmooth_core.engine.votes import count_votes
from gsmooth_core.models.devices import evaluating
from gsmooth_core.models.logits import blamed
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.parameter import ParameterNoise
from gsmooth_core.statistics.bounds import is_majority


class SmoothedClassifier(nn.Module):
    """The classifier ``y ↦ argmax_c P[model(perturbed y) = c]``, by votes."""

    def __init__(self, model: Callable[[Tensor], Tensor], smoothing: Smoothing, corruption: str | None = None) -> None:
        """Smooth ``model``, from images (batch, channel, height, width) to logits (batch, classes).

        ``corruption`` is the name of the installed recipe that the smoothing is for, which :func:`save_smoothed` needs.
        """
        super().__init__()
        self.model = model
        self.smoothing = smoothing
        self.networks = smoothing.networks
        self._corruption = corruption  # not for the digest: the smoothing says all that decides the votes

    def forward(self, images: Tensor, *, samples: int = 1_000, generator: torch.Generator | None = None) -> Tensor:
        """Vote frequencies: float32 (batch, classes), on the images' device.

        ``images`` are floats (batch, channel, height, width), in [0, 1] or, if corrupted, not far outside. Without a
        generator, the noise is that of seed 0, so the same images give the same frequencies.
        """
        return self.votes(check_images(images, margin=10.0), samples, generator).float() / samples

    def predict(
        self,
        images: Tensor,
        *,
        samples: int = 1_000,
        alpha: float = 0.001,
        generator: torch.Generator | None = None,
    ) -> list[int | None]:
        """The class of each image, or ``None`` if the votes do not decide between the two leading classes.

        A class other than the smoothed classifier's comes back with probability at most ``alpha`` per image
        (Cohen et al. 2019, Proposition 2), for images that were chosen without knowing the noise. If somebody may
        search for images that are misclassified under the noise of seed 0, pass a generator with a secret seed.
        """
        return self.decide(self.votes(check_images(images, margin=10.0), samples, generator), alpha)

    def decide(self, votes: Tensor, alpha: float = 0.001) -> list[int | None]:
        """The classes that votes (batch, classes) elect, or ``None``, as :meth:`predict` answers."""
        leaders = votes.topk(2, dim=1)
        return [
            int(classes[0]) if is_majority(int(counts[0]), int(counts[1]), alpha) else None
            for counts, classes in zip(leaders.values, leaders.indices, strict=True)
        ]

    def votes(
        self,
        images: Tensor,
        samples: int,
        generator: torch.Generator | None = None,
        *,
        classes: int | None = None,
    ) -> Tensor:
        """How often each class is answered: int64 (batch, classes), for images of any finite values.

        ``ValueError`` if the model fails, or its logits are not finite or not of ``classes``, if that is known.
        """
        images = check_images(images, margin=math.inf).float()
        seed = 0 if generator is None else seed_from(generator)
        with evaluating(self.model, self.smoothing, images.device):
            with blamed(type(self.smoothing).__name__):
                codes = self.smoothing.encode(images)
            polls = [Poll(code, seed, ("deployed", index), first=0, count=samples) for index, code in enumerate(codes)]
            batch = choose_batch(self.model, images[0])
            counts = count_votes(self.model, self.smoothing, polls, batch, classes)
        return torch.from_numpy(counts).to(images.device)

    @property
    def corruption(self) -> str | None:
        """The name of the recipe that the smoothing is for, if it is known."""
        return self._corruption


def smooth(
    model: Callable[[Tensor], Tensor],
    corruption: str | Corruption,
    *,
    smoothing: Smoothing | ParameterNoise | None = None,
) -> SmoothedClassifier:
    """The module to deploy: ``model`` under the corruption's smoothing, or under ``smoothing``."""
    recipe = recipe_of(corruption, smoothing=smoothing)
    return SmoothedClassifier(model, recipe.smoothing, str(recipe.name))
