"""The engine: the only code that draws noise and calls the model.

Noise comes in blocks of :data:`BLOCK` draws, each from a generator of its own keyed by (seed, image, question, block),
and the model sees batches of one fixed size, the last one padded. So the votes depend on the seed alone, not on the
batch size or on which other images are certified.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs
import numpy as np
import torch
from torch import Tensor

from gsmooth_core.budget import Budget
from gsmooth_core.certifier import Answer, Ask, AskPlain, Finding, Steps, drive
from gsmooth_core.confidence import lower_bound
from gsmooth_core.smoothing import Smoothing

BLOCK = 100
"""Draws per generator."""
ACTIVATION_CHANNELS = 64
"""A usual network's largest activation has about so many channels at the image's own resolution."""
ACTIVATION_BYTES = {"cpu": 32 * 2**20, "cuda": 2 * 2**30}
"""That activation should stay below this: on the CPU, allocators map and unmap larger ones at every call."""


def count_votes(
    model: Callable[[Tensor], Tensor],
    smoothing: Smoothing,
    image: Tensor,
    samples: int,
    generators: Iterable[torch.Generator],
    batch: int | None = None,
) -> np.ndarray:
    """How often the model answers each class for ``image`` (channel, height, width) under noise: int64 (classes,).

    Each generator gives one block of draws, on the image's device; as many are used as ``samples`` needs.
    ``ValueError`` where the model returns something that is not finite.
    """
    batch = batch or choose_batch(image)
    code = smoothing.encode(image[None])[0]
    votes: Tensor | None = None
    broken = torch.zeros((), dtype=torch.int64, device=image.device)
    for noise in _rebatch(_blocks(smoothing, code, samples, generators), batch):
        padded = torch.cat([noise, noise[-1:].expand(batch - len(noise), *noise.shape[1:])])
        logits = model(smoothing.perturb(code.expand(batch, *code.shape), padded))[: len(noise)]
        broken += (~logits.isfinite()).sum()
        counts = torch.bincount(logits.argmax(dim=1), minlength=logits.shape[1])
        votes = counts if votes is None else votes + counts
    if votes is None:
        raise ValueError(f"{samples} votes cannot be counted; ask for at least 1, and give one generator per {BLOCK}")
    if int(broken) > 0:
        raise ValueError(
            "the model returned NaN or infinite logits under noise; it must accept any finite float image, also "
            "outside [0, 1]: look for logarithms, roots and divisions in its first layers"
        )
    return votes.cpu().numpy()


def _blocks(
    smoothing: Smoothing, code: Tensor, samples: int, generators: Iterable[torch.Generator]
) -> Iterator[Tensor]:
    blocks = -(-samples // BLOCK)
    for number, generator in zip(range(blocks), generators, strict=False):
        noise = smoothing.draw(BLOCK, tuple(code.shape), generator, code.device)
        yield noise[: samples - number * BLOCK]


def _rebatch(blocks: Iterable[Tensor], batch: int) -> Iterator[Tensor]:
    """The same rows in the same order, ``batch`` at a time; the last may be shorter."""
    waiting: list[Tensor] = []
    for block in blocks:
        waiting.append(block)
        if sum(map(len, waiting)) >= batch:
            *full, rest = torch.cat(waiting).split(batch)
            if len(rest) == batch:
                full, rest = [*full, rest], rest[:0]
            yield from full
            waiting = [rest] if len(rest) else []
    if waiting:
        yield torch.cat(waiting)


def choose_batch(image: Tensor) -> int:
    """A batch for images like this one (channel, height, width), by the size of activations: from 1 to 1,000.

    >>> choose_batch(torch.zeros(1, 28, 28)), choose_batch(torch.zeros(3, 224, 224))
    (167, 2)
    """
    activation = ACTIVATION_CHANNELS * 4 * image.shape[-2] * image.shape[-1]
    limit = ACTIVATION_BYTES.get(image.device.type, ACTIVATION_BYTES["cpu"])
    return max(1, min(1_000, limit // activation))


def generators(seed: int, key: tuple[int, ...], device: torch.device) -> Iterator[torch.Generator]:
    """Generators for block 0, 1, 2, … of a key, on the device, seeded apart from each other and from every other key.

    Torch keeps 32 bits of a seed on the CPU, so two of 100,000 blocks may be the same draws; two of the hundred or so
    in one certificate are with a chance of about 1e-6, in which case it rests on 100 draws fewer.
    """
    block = 0
    while True:
        state = np.random.SeedSequence(seed, spawn_key=(*key, block)).generate_state(1, np.uint64)
        yield torch.Generator(device).manual_seed(int(state[0]))
        block += 1


@attrs.frozen
class Engine:
    """Answers the questions of certifiers by votes of ``model`` under ``smoothing``."""

    model: Callable[[Tensor], Tensor]
    smoothing: Smoothing
    budget: Budget
    seed: int

    def run(self, steps: Steps, image_index: int) -> tuple[Finding, int]:
        """Drive a certifier's steps for the image of that index to the end: its finding, and the draws it took."""
        samples = []

        def answer(ask: Ask | AskPlain, question: int) -> Answer | Tensor:
            if isinstance(ask, AskPlain):
                return self.classes(ask.images)
            given = self.answer(ask, (image_index, question))
            samples.append(given.samples)
            return given

        return drive(steps, answer), sum(samples)

    def base_class(self, image: Tensor) -> int:
        """The plain model's answer for an image (channel, height, width)."""
        return int(self.classes(image[None])[0])

    def classes(self, images: Tensor) -> Tensor:
        """The plain model's answers for images (batch, channel, height, width): int64 (batch,)."""
        batch = self.budget.batch or choose_batch(images[0])
        logits = torch.cat([self.model(part.clone()) for part in images.split(batch)])
        if not bool(logits.isfinite().all()):
            raise ValueError(
                "the model returned NaN or infinite logits for a transformed image; it must accept any finite float"
            )
        return logits.argmax(dim=1)

    def answer(self, ask: Ask, key: tuple[int, int]) -> Answer:
        """Draw the votes for one question; ``key`` is (image index, number of the question)."""
        samples = self.budget.select if ask.class_ is None else self.budget.samples
        source = generators(self.seed, key, ask.image.device)
        votes = count_votes(self.model, self.smoothing, ask.image, samples, source, self.budget.batch)
        if ask.class_ is None:
            return Answer(int(votes.argmax()), int(votes.max()), samples)
        if ask.alpha is None:
            raise ValueError("an Ask that names a class needs alpha; give the share of α that it may spend")
        count = int(votes[ask.class_])
        return Answer(ask.class_, count, samples, lower_bound(count, samples, ask.alpha))
