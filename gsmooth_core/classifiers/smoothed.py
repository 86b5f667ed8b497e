"""The smoothed classifier: what is certified is what is deployed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from gsmooth_core.common.notices import notify
from gsmooth_core.common.seeds import seed_from
from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.checks import check_images
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.draws import Poll
from gsmooth_core.engine.votes import count_votes
from gsmooth_core.models.devices import evaluating
from gsmooth_core.models.kinds import check_callable
from gsmooth_core.models.logits import blamed
from gsmooth_core.plugins.registry import recipe_of
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.parameter import ParameterNoise
from gsmooth_core.statistics.bounds import is_majority

OUTSIDE, FAR_OUTSIDE = 10.0, 1.5
"""How far corrupted images may lie outside [0, 1]; and how far without a warning: the recipes' reach 1.25."""


class SmoothedClassifier(nn.Module):
    """The classifier ``y ↦ argmax_c P[model(perturbed y) = c]``, by votes."""

    def __init__(self, model: Callable[[Tensor], Tensor], smoothing: Smoothing, corruption: str | None = None) -> None:
        """Smooth ``model``, from images (batch, channel, height, width) to logits (batch, classes).

        ``corruption`` is the name of the installed recipe that the smoothing is for, which :func:`save_smoothed` needs.
        """
        super().__init__()
        check_callable(model)
        self.model = model
        self.smoothing = smoothing
        self.networks = smoothing.networks
        self._corruption = corruption  # not for the digest: the smoothing says all that decides the votes

    def train(self, mode: bool = True) -> Self:
        """Set the mode, as of every module; a model that torch.export made keeps the one that it has."""
        try:
            return super().train(mode)
        except NotImplementedError:
            return self

    def forward(
        self,
        images: Tensor,
        *,
        samples: int = 1_000,
        generator: torch.Generator | None = None,
        batch: int | None = None,
    ) -> Tensor:
        """Vote frequencies: float32 (batch, classes), on the images' device.

        ``images`` are floats (batch, channel, height, width), in [0, 1] or, if corrupted, at most ``OUTSIDE`` outside;
        a warning comes from ``FAR_OUTSIDE`` on. Without a generator, the noise is that of seed 0, so the same images
        give the same frequencies. ``batch`` is the number of images that the model gets at a time, as ``Budget.batch``
        is for ``certify``; a model that was certified with 1, because its answers depend on the batch, needs 1 here
        too.
        """
        return self.votes(_checked(images), samples, generator, batch=batch).float() / samples

    def predict(
        self,
        images: Tensor,
        *,
        samples: int = 1_000,
        alpha: float = 0.001,
        generator: torch.Generator | None = None,
        batch: int | None = None,
    ) -> list[int | None]:
        """The class of each image, or ``None`` if the votes do not decide between the two leading classes.

        A class other than the smoothed classifier's comes back with probability at most ``alpha`` per image
        (Cohen et al. 2019, Proposition 2), for images that were chosen without knowing the noise. If somebody may
        search for images that are misclassified under the noise of seed 0, pass a generator with a secret seed.
        ``images`` and ``batch`` are as for :meth:`forward`.
        """
        return self.decide(self.votes(_checked(images), samples, generator, batch=batch), alpha)

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
        batch: int | None = None,
    ) -> Tensor:
        """How often each class is answered: int64 (batch, classes), for images of any finite values.

        The model gets ``batch`` images at a time; default: chosen by its activations. ``ValueError`` if the model
        fails, or its logits are not finite or not of ``classes``, if that is known.
        """
        images = check_images(images, margin=math.inf).float()
        size = None if batch is None else check_whole("batch", batch, least=1)
        seed = 0 if generator is None else seed_from(generator)
        with evaluating(self.model, self.smoothing, images.device):
            with blamed(type(self.smoothing).__name__):
                codes = self.smoothing.encode(images)
            polls = [Poll(code, seed, ("deployed", index), first=0, count=samples) for index, code in enumerate(codes)]
            size = size or choose_batch(self.model, images[0])
            counts = count_votes(self.model, self.smoothing, polls, size, classes)
        return torch.from_numpy(counts).to(images.device)

    @property
    def corruption(self) -> str | None:
        """The name of the recipe that the smoothing is for, if it is known."""
        return self._corruption


def _checked(images: Tensor) -> Tensor:
    """Images that may be corrupted; ``ValueError`` for others, and a warning for some that are hardly in [0, 1]."""
    checked = check_images(images, margin=OUTSIDE)
    low, high = float(checked.min()), float(checked.max())
    if low < -FAR_OUTSIDE or high > 1 + FAR_OUTSIDE:
        notify(
            f"the images lie in [{low:.3g}, {high:.3g}], as normalised ones do; pass images in [0, 1], or corrupted "
            "versions of such"
        )
    return checked


def smooth(
    model: Callable[[Tensor], Tensor],
    corruption: str | Corruption,
    *,
    smoothing: Smoothing | ParameterNoise | None = None,
) -> SmoothedClassifier:
    """The module to deploy: ``model`` under the corruption's smoothing, or under ``smoothing``."""
    recipe = recipe_of(corruption, smoothing=smoothing)
    return SmoothedClassifier(model, recipe.smoothing, str(recipe.name))
