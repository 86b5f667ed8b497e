"""What is attacked: a plain classifier, or a smoothed one."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import final

import torch
from torch import Tensor, nn

from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.common.validators import check_whole
from gsmooth_core.engine.batch_size import choose_batch
from gsmooth_core.engine.probe import Probe
from gsmooth_core.models.devices import choose_device, evaluating
from gsmooth_core.models.kinds import check_callable
from gsmooth_core.models.logits import check_finite, logits_of
from gsmooth_core.results.identity import model_name
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing


class Target(ABC):
    """A classifier that an attack can ask, on ``device``. A margin is positive where the class leads."""

    name: str
    model: Callable[[Tensor], Tensor]
    smoothing: Smoothing
    """The model, and the noise under which it is called."""
    device: torch.device
    draws: int
    """How many model calls one margin takes."""
    batch: int | None
    """How many images the model gets at a time; :meth:`tried` chooses where it is not named."""
    classes: int | None = None
    """The number of classes, once :meth:`tried` has found it."""

    @abstractmethod
    def margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """The class's lead over the best other one at images (batch, channel, height, width): (batch,)."""

    @abstractmethod
    def soft_margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """A smooth stand-in for the margins, with gradients: (batch,)."""

    @abstractmethod
    def answers(self, images: Tensor, generator: torch.Generator) -> list[int | None]:
        """The class of each image, ``None`` if the classifier abstains or the votes do not decide."""

    @abstractmethod
    def leaders(self, images: Tensor, generator: torch.Generator) -> list[int]:
        """The class that leads on each image, also where the classifier abstains."""

    @final
    def ready(self) -> AbstractContextManager[None]:
        """Evaluation mode without gradients, on the device, as long as the attack lasts."""
        return evaluating(self.model, self.smoothing, self.device)

    @final
    def tried(self, images: Tensor) -> Probe:
        """The model on a batch made of images (batch, channel, height, width); ``ValueError`` if it is not a model."""
        few = images[:3].to(self.device)
        self.batch = self.batch or choose_batch(self.model, few[0])
        probe = Probe.of(self.model, few, self.batch, self.smoothing)
        self.classes = probe.classes
        return probe

    @final
    def has_gradients(self, image: Tensor) -> bool:
        """Whether the model's logits have gradients in its image; tried on one (channel, height, width)."""
        at = image[None].to(self.device, copy=True).requires_grad_()
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.filterwarnings("error", "(?s).*an autograd kernel was not registered")  # quantised layers
            try:
                [slope] = torch.autograd.grad(self._logits(at).sum(), at, allow_unused=True)
            except Exception:  # it answers without gradients, so they are the reason
                return False
        return slope is not None

    @final
    def _logits(self, images: Tensor) -> Tensor:
        """The model's logits, float32 (batch, classes), of images (batch, channel, height, width)."""
        answers = []
        batch = self.batch or choose_batch(self.model, images[0].detach())
        for part in images.split(batch):  # cloned: a model may work in place, and use its output's memory again
            logits = logits_of(self.model, part.clone(), self.classes)
            self.classes = logits.shape[1]
            answers.append(logits.to(images.device, torch.float32, copy=True))
        return torch.cat(answers)


class PlainTarget(Target):
    """A model by itself: the margin is that of its logits."""

    def __init__(
        self, model: Callable[[Tensor], Tensor], device: str | torch.device | None, batch: int | None = None
    ) -> None:
        """Attack ``model``, from images to logits."""
        self.model, self.device, self.draws, self.batch = model, choose_device(model, device), 1, batch
        self.smoothing = NoSmoothing()
        self.name = model_name(model)

    def margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """The logit's lead."""
        return lead(self._finite_logits(images), class_)

    def soft_margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """The logit's lead, with gradients."""
        return lead(self._finite_logits(images), class_)

    def answers(self, images: Tensor, generator: torch.Generator) -> list[int | None]:
        """The largest logit."""
        return list(self.leaders(images, generator))

    def leaders(self, images: Tensor, generator: torch.Generator) -> list[int]:
        """The largest logit."""
        return list(self._finite_logits(images).argmax(dim=1).tolist())

    def _finite_logits(self, images: Tensor) -> Tensor:
        logits = self._logits(images)
        check_finite(logits, "for a transformed image")
        return logits


class SmoothedTarget(Target):
    """A smoothed classifier: the margin is a difference of vote shares over ``draws``, confirmed by ``confirm`` votes.

    The smooth stand-in is the lead of the mean probabilities under noise (expectation over transformation, Athalye et
    al. 2018).
    """

    def __init__(
        self,
        classifier: SmoothedClassifier,
        device: str | torch.device | None,
        draws: int,
        confirm: int,
        alpha: float = 0.001,
        batch: int | None = None,
    ) -> None:
        """Attack ``classifier``; each answer is a class other than its own with probability ``alpha`` at most."""
        self.classifier, self.draws, self.confirm, self.alpha = classifier, draws, confirm, alpha
        self.batch = batch
        self.model, self.smoothing = classifier.model, classifier.smoothing
        self.device = choose_device(classifier.model, device)
        self.name = f"{model_name(classifier.model)} under {classifier.smoothing}"

    def margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """The share of votes' lead."""
        return lead(self._votes(images, self.draws, generator).float() / self.draws, class_)

    def soft_margins(self, images: Tensor, class_: int, generator: torch.Generator) -> Tensor:
        """The lead of the mean probabilities, with gradients through the smoothing."""
        views = self.smoothing.noisy(images, generator, self.draws)
        scores = self._logits(views).softmax(dim=1)
        return lead(scores.view(len(images), self.draws, -1).mean(dim=1), class_)

    def answers(self, images: Tensor, generator: torch.Generator) -> list[int | None]:
        """As ``SmoothedClassifier.predict``."""
        return self.classifier.decide(self._votes(images, self.confirm, generator), self.alpha)

    def leaders(self, images: Tensor, generator: torch.Generator) -> list[int]:
        """The class with most votes."""
        return list(self._votes(images, self.confirm, generator).argmax(dim=1).tolist())

    def _votes(self, images: Tensor, samples: int, generator: torch.Generator) -> Tensor:
        return self.classifier.votes(images, samples, generator, classes=self.classes, batch=self.batch)


def lead(scores: Tensor, class_: int) -> Tensor:
    """By how much the class's score exceeds the best other one: (batch,) of scores (batch, classes).

    >>> lead(torch.tensor([[3.0, 1.0, 2.0]]), class_=0), lead(torch.tensor([[3.0, 1.0, 2.0]]), class_=1)
    (tensor([1.]), tensor([-2.]))
    """
    others = scores.clone()
    others[:, class_] = -torch.inf
    return scores[:, class_] - others.amax(dim=1)


def target_of(
    classifier: Callable[[Tensor], Tensor] | nn.Module,
    device: str | torch.device | None,
    draws: int,
    confirm: int,
    alpha: float = 0.001,
    batch: int | None = None,
) -> Target:
    """The classifier as an attack sees it; an answer of a smoothed one is wrong with probability ``alpha`` at most.

    The model gets ``batch`` images at a time. ``ValueError`` if the classifier is none.
    """
    check_callable(classifier)
    batch = None if batch is None else check_whole("batch", batch, least=1)
    if isinstance(classifier, SmoothedClassifier):
        return SmoothedTarget(classifier, device, draws, confirm, alpha, batch)
    return PlainTarget(classifier, device, batch)


def even_share(alpha: float, answers: int) -> float:
    """The error probability of each of ``answers`` answers, so that any is wrong with probability at most ``alpha``.

    By the union bound; the number of answers must be fixed before the votes are drawn.
    """
    return alpha / answers
