"""From draws to votes: what the model sees, and how often it answers each class."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np
import torch
from torch import Tensor

from gsmooth_core.engine.batch_size import LARGEST_KEPT
from gsmooth_core.engine.draws import BLOCK, Poll, blocks
from gsmooth_core.models.logits import blamed, logits_of, not_finite
from gsmooth_core.smoothing.base import Smoothing

COUNTED_AT_ONCE = 2**16
"""Logits are counted once there are this many numbers: each count costs as much as a layer of a small network."""


def count_votes(
    model: Callable[[Tensor], Tensor],
    smoothing: Smoothing,
    polls: Sequence[Poll],
    batch: int,
    classes: int | None = None,
) -> np.ndarray:
    """How often the model answers each class under noise around each poll's code: int64 (polls, classes).

    ``ValueError`` if the model or the smoothing fails, or if logits are not finite or not (batch, ``classes``). If
    ``classes`` is not known, the first batch decides it. Memory does not depend on the counts.
    """
    # Once a block was freed, glibc keeps up to twice its size: up to 1.5 times as fast as requesting it each time.
    torch.empty(LARGEST_KEPT, dtype=torch.uint8)
    count = _Count(len(polls))
    for parts in _batches(smoothing, polls, batch):
        with blamed(type(smoothing).__name__):
            views = _views(smoothing, polls, parts, batch)
        logits = logits_of(model, views, classes)
        classes = logits.shape[1]
        count.add(logits.to(views.device), [(owner, len(noise)) for owner, noise in parts])
    count.settle()
    if count.votes is None:
        raise ValueError("no votes are asked for; ask for at least 1 draw")
    if bool(count.broken):
        raise not_finite("under noise")
    return count.votes.cpu().numpy()


@attrs.define
class _Count:
    """The votes of ``polls`` so far, and the logits of the last batches, which cost less to count together."""

    polls: int
    votes: Tensor | None = None
    broken: Tensor | bool = False
    logits: list[Tensor] = attrs.field(factory=list)
    parts: list[tuple[int, int]] = attrs.field(factory=list)

    def add(self, logits: Tensor, parts: list[tuple[int, int]]) -> None:
        """Add logits (batch, classes): each owner's number of rows, in order; the rows after these are padding."""
        # Cloned: a compiled model may use its output's memory again.
        self.logits.append(logits.detach()[: sum(length for _, length in parts)].clone())
        self.parts += parts
        if len(self.logits) * logits.numel() >= COUNTED_AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Count the logits that are waiting."""
        if not self.logits:
            return
        logits = torch.cat(self.logits)
        classes = logits.shape[1]
        owners = torch.from_numpy(np.repeat(*np.array(self.parts).T)).to(logits.device)
        cells = owners * classes + logits.argmax(dim=1)
        votes = cells.bincount(minlength=self.polls * classes).view(self.polls, classes)
        self.votes = votes if self.votes is None else self.votes + votes
        self.broken = self.broken | ~logits.isfinite().all()
        self.logits, self.parts = [], []


def _batches(smoothing: Smoothing, polls: Sequence[Poll], batch: int) -> Iterator[list[tuple[int, Tensor]]]:
    """The draws of all polls in order, ``batch`` at a time (fewer in the last), each with the place of its poll."""
    parts, room = [], batch
    for owner, noise in blocks(smoothing, polls):
        while len(noise):
            part, noise = noise[:room], noise[room:]
            parts.append((owner, part))
            room -= len(part)
            if room == 0:
                yield parts
                parts, room = [], batch
    if parts:
        yield parts


def _views(smoothing: Smoothing, polls: Sequence[Poll], parts: list[tuple[int, Tensor]], batch: int) -> Tensor:
    """What the model sees: (batch, channel, height, width), padded with copies of the last view."""
    views = []
    for owner, group in itertools.groupby(parts, key=lambda part: part[0]):
        noise = _joined([part for _, part in group])
        code = polls[owner].code
        view = smoothing.perturb(code.expand(len(noise), *code.shape), noise)
        if len(view) != len(noise):
            raise ValueError(
                f"{type(smoothing).__name__}.perturb must give an image for each draw, not {len(view)} for "
                f"{len(noise)}; correct it"
            )
        if view.untyped_storage().data_ptr() == code.untyped_storage().data_ptr():
            view = view.clone()  # a model that works in place must not change the code
        views.append(view)
    drawn = sum(map(len, views))
    missing = _padded(drawn, batch, views[0].device) - drawn
    return _joined(views + [views[-1][-1:].expand(missing, *views[-1].shape[1:])] * (missing > 0))


def _padded(draws: int, batch: int, device: torch.device) -> int:
    """The number of views that the model gets for ``draws`` draws, chosen so that few different sizes occur."""
    size = batch if device.type == "cpu" else BLOCK
    while size < draws:
        size *= 2
    return min(size, batch)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
