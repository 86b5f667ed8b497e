"""Noise in blocks, each from its own generator: drawn on several cores at once, or in parts if a block is large."""

from __future__ import annotations

import functools
import itertools
import math
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import attrs
import torch
from torch import Tensor

from gsmooth_core.common.seeds import Key, generator_of
from gsmooth_core.models.logits import blamed
from gsmooth_core.smoothing.base import Smoothing

BLOCK = 100
"""Draws per generator."""

LEAST_AHEAD, LARGEST_AHEAD = 2**16, 2**28
"""Bytes: smaller blocks are not worth a thread; at most the second number is drawn ahead on several cores."""

LARGEST_BLOCK = 2**27
"""Bytes: larger blocks are drawn in parts. They are too large to be drawn ahead."""


@attrs.frozen
class Poll:
    """The draws ``first`` to ``first + count − 1`` of a stream of noise, wanted around one code (*code).

    The stream is named by ``seed`` and ``key``, so a poll is data: it can be stored, sent to another process, cut into
    parts and drawn again. Generators are made where the noise is drawn, one for each block.
    """

    code: Tensor
    seed: int
    key: Key
    first: int
    count: int

    @property
    def spans(self) -> Iterator[tuple[int, int, int]]:
        """The blocks that hold the draws, each with the first wanted draw and the one after the last wanted draw."""
        end = self.first + self.count
        for block in range(self.first // BLOCK, -(-end // BLOCK)):
            yield block, max(0, self.first - block * BLOCK), min(BLOCK, end - block * BLOCK)


def blocks(smoothing: Smoothing, polls: Sequence[Poll]) -> Iterator[tuple[int, Tensor]]:
    """The draws of all polls in order, a block at a time; on the CPU each core draws one (torch uses one core).

    Blocks above ``LARGEST_BLOCK`` come in parts, so that memory does not grow with the size of images.
    """

    def draw(poll: Poll, block: int, start: int, end: int) -> Tensor:
        device = poll.code.device
        generator = generator_of(poll.seed, (*poll.key, block), device)
        with _drawing(smoothing, device):
            return smoothing.draw(BLOCK, tuple(poll.code.shape), generator, device)[start:end]

    wanted = ((owner, (poll, *span)) for owner, poll in enumerate(polls) for span in poll.spans)
    if any(4 * BLOCK * math.prod(poll.code.shape) > LARGEST_BLOCK for poll in polls):
        for owner, (poll, block, start, end) in wanted:
            yield from ((owner, part) for part in _parts(smoothing, poll, block, start, end))
        return
    cores = 1  # for the first block, whose size shows how many cores are worth while
    while group := list(itertools.islice(wanted, cores)):
        *others, (owner, own) = group
        waiting = [(other, _pool(cores).submit(draw, *arguments)) for other, arguments in others]
        noise = draw(*own)
        if noise.device.type == "cpu" and noise.nbytes >= LEAST_AHEAD:
            cores = min(torch.get_num_threads(), max(1, LARGEST_AHEAD // noise.nbytes))
        yield from ((other, future.result()) for other, future in waiting)
        yield owner, noise


def _parts(smoothing: Smoothing, poll: Poll, block: int, start: int, end: int) -> Iterator[Tensor]:
    """The draws ``start`` to before ``end`` of a block, a few at a time; those after ``end`` are not drawn."""
    device = poll.code.device
    with _drawing(smoothing, device):
        generator = generator_of(poll.seed, (*poll.key, block), device)
        parts = smoothing.draw_in_parts(BLOCK, tuple(poll.code.shape), generator, device)
    drawn = 0
    while drawn < end:
        with _drawing(smoothing, device):
            part = next(parts, None)
        if part is None:
            raise ValueError(
                f"{type(smoothing).__name__}.draw_in_parts gave {drawn} of {BLOCK} draws; let it give as many as draw"
            )
        wanted, drawn = part[max(0, start - drawn) : end - drawn], drawn + len(part)
        if len(wanted):
            yield wanted


@contextmanager
def _drawing(smoothing: Smoothing, device: torch.device) -> Iterator[None]:
    """Without gradients and autocast, which hold in the calling thread alone; errors name the smoothing."""
    with blamed(type(smoothing).__name__), torch.no_grad(), torch.autocast(device.type, enabled=False):
        yield


@functools.lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that each use one core: OpenMP teams of their own would slow down the model's threads from then on."""

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # a thread takes the number that is set when it is first asked for, and keeps it

    pool = ThreadPoolExecutor(threads, "gsmooth-noise", initializer=begin)
    own, all_begun = torch.get_num_threads(), threading.Barrier(threads)
    for begun in [pool.submit(all_begun.wait) for _ in range(threads)]:
        begun.result()
    torch.set_num_threads(own)  # the earlier number again, for this thread and those that begin later
    return pool


def _be_alone() -> None:
    """A forked process has only its own thread: neither this pool's nor those of torch for large operations."""
    _pool.cache_clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_be_alone)
