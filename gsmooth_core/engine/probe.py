"""Whether a model gives an image the same answer in every call, at every place in the batch, beside any images."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch import Tensor

from gsmooth_core.common.fingerprints import Node, describe, digest, steady
from gsmooth_core.common.resuming import Withdrawn
from gsmooth_core.common.seeds import generator_of
from gsmooth_core.models.logits import blamed, check_finite, logits_of
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing

MARGIN_VARIATION = 1e-2
"""How far the logits of the two leading classes may differ between two calls, as a share of their distance."""
LAST_DIGITS = 3e-6
"""How far the other images of a batch may move logits, as a share of their size, if nothing else changes."""
FAINTER = 0.5
"""The share by which the last image of a batch is fainter than the first."""
LOUDER = 8
"""Rows that many batches further on are 3 to 3.5 times as loud, and negative."""


@attrs.frozen(eq=False)
class Probe:
    """A model (behind its smoothing, if any, without noise) that is tried on a batch of the size that the work uses.

    The batch is made of a few images (count, channel, height, width): unchanged, far outside [0, 1], as with noise,
    and fainter from row to row, so that no two rows are equal. ``logits`` are the model's for this batch before the
    work. This is a trial, not a proof: it covers a few of thousands of calls.
    """

    model: Callable[[Tensor], Tensor]
    smoothing: Smoothing
    few: Tensor
    batch: int
    logits: Tensor
    model_hash: str
    """The digest of the model after it was called, without what changes from call to call."""

    @staticmethod
    def of(
        model: Callable[[Tensor], Tensor], images: Tensor, batch: int, smoothing: Smoothing = NoSmoothing()
    ) -> Probe:
        """Try the model with ``batch`` images at a time, made of the first of these; ``ValueError`` if it fails.

        It must return finite logits (batch, classes ≥ 2), and the same logits for an image when it is called again,
        with the rows in another order, with half of the batch, and with one image alone. If only the other images of
        a batch change, and not its size nor the image's place, a program that rounds has no reason to answer
        otherwise, so the logits must then agree to the last digits: a scale that is taken from the whole batch, as in
        dynamic quantisation, moves them by less than half precision does. With ``batch`` 1 every call has one image.
        """
        few = images[:3]
        few = torch.cat([few, 3 * few - 1, torch.zeros_like(few[:1]), torch.ones_like(few[:1])])
        probe = Probe(model, smoothing, few, batch, logits=few.new_empty(0, 0), model_hash="")
        rows = probe.rows
        logits = probe.ask(rows)
        probe = attrs.evolve(probe, logits=logits)  # their number of classes is required from now on
        first = _described(model)
        again = probe.ask(rows)
        if _differ(logits, again):
            raise ValueError(
                "the model's answer for an image varies from call to call, so no certificate would hold; switch off "
                "its randomness (dropout, sampling), for example with model.eval()"
            )
        half, alone = rows[len(rows) // 2 :], (rows[:1], rows[3:4])
        exactly = torch.equal(logits, again) and not _is_half(logits)
        if any(_differ(logits[part], probe.ask(part)) for part in (_shuffled(rows, 0), half, *alone)) or (
            batch > 1 and _differ(logits[::2], probe.beside_others(), exactly=exactly)
        ):
            raise ValueError(
                "the model's answer for an image depends on the other images of the batch, or on its place among them, "
                "so no certificate would hold; put batch normalisation into evaluation mode, for example with "
                "model.eval(); or, if the model takes one scale for a whole batch (dynamic quantisation), give it one "
                "image at a time with Budget(batch=1), or batch=1 (--batch 1), here and wherever it is deployed"
            )
        return attrs.evolve(probe, model_hash=digest(steady(first, _described(model)))[:16])

    @property
    def rows(self) -> Tensor:
        """The places in the batch, or a few more if it is small: int64 (count,)."""
        return torch.arange(max(self.batch, len(self.few)))

    @property
    def classes(self) -> int:
        """The number of classes."""
        return self.logits.shape[1]

    def again(self) -> None:
        """Raise :class:`Withdrawn`, a ``ValueError``, unless the model gives the same answers as before the work."""
        rows = _shuffled(self.rows, 1)
        if _differ(self.logits[rows], self.ask(rows)):
            raise Withdrawn(
                "the model answers differently after the work than before it, so no result of this call would hold, "
                "and none is kept; find what the model keeps from call to call, and leave it out"
            )

    def beside_others(self) -> Tensor:
        """The logits of every second row at its own place, with much louder images in place of the other rows."""
        rows = self.rows.clone()
        rows[1::2] += LOUDER * len(rows)
        return self.ask(rows, slice(None, None, 2))

    def ask(self, rows: Tensor, kept: slice = slice(None)) -> Tensor:
        """The logits of these rows of the batch, with the usual number of rows per call: (rows, classes) of those kept.

        ``ValueError`` unless the logits of the rows that are kept are finite.
        """
        answers: list[Tensor] = []
        for part in rows.split(self.batch):
            with blamed(type(self.smoothing).__name__):
                images = self._images(part)
            logits = logits_of(self.model, images, answers[0].shape[1] if answers else self.logits.shape[1] or None)
            answers.append(logits.detach().clone())  # a compiled model may use its output's memory again
        answer = torch.cat([answer.to(answers[0].device) for answer in answers])[kept]
        check_finite(answer, f"for a batch of shape {tuple(images.shape)}")
        return answer

    def _images(self, rows: Tensor) -> Tensor:
        """What the model sees of these rows: (rows, channel, height, width)."""
        rows = rows.to(self.few.device)
        images = self.few[rows % len(self.few)] * (1 - FAINTER * rows.to(self.few) / len(self.rows)).view(-1, 1, 1, 1)
        codes = self.smoothing.encode(images)
        source = generator_of(0, (0, 0), codes.device)
        noise = torch.zeros_like(self.smoothing.draw(1, tuple(codes.shape[1:]), source, codes.device))
        return self.smoothing.perturb(codes, noise.expand(len(rows), *noise.shape[1:]).clone())


def check_model(model: Callable[[Tensor], Tensor], images: Tensor) -> int:
    """The number of classes of a model, tried on a few images at a time; ``ValueError`` if its answers vary."""
    return Probe.of(model, images, 8).classes


def _described(model: Callable[[Tensor], Tensor]) -> Node:
    with blamed("taking the model apart for its digest"):
        return describe(model)


def _shuffled(rows: Tensor, seed: int) -> Tensor:
    return rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]


def _differ(logits: Tensor, again: Tensor, *, exactly: bool = False) -> bool:
    """Whether two answers for the same images differ by more than rounding, in the classes that decide.

    With ``exactly``, in more than their last digits.
    """
    again = again.to(logits.device).double()
    leading, highest = logits.double().topk(2, dim=1), again.amax(dim=1)
    moved = (again.gather(1, leading.indices) - leading.values).abs().amax(dim=1)
    moved = torch.maximum(moved, (highest - leading.values[:, 0]).abs())
    size = leading.values.abs().amax(dim=1)
    if exactly:
        return bool((moved > LAST_DIGITS * size).any())
    allowed = MARGIN_VARIATION * (leading.values[:, 0] - leading.values[:, 1])
    return bool((moved > allowed + _rounding_variation(logits) * size).any())


def _is_half(logits: Tensor) -> bool:
    """Whether logits are numbers of half precision, also where they are stored in float32."""
    return any(torch.equal(logits.to(kind).to(logits.dtype), logits) for kind in (torch.bfloat16, torch.float16))


def _rounding_variation(logits: Tensor) -> float:
    """How much rounding may change logits, relative to their size: in half precision, TF32 on CUDA, or float32."""
    if logits.element_size() <= 2:
        return 3e-2
    return 5e-3 if logits.is_cuda and logits.element_size() == 4 else 1e-4
