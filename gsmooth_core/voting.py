"""The engine: the only code that draws noise and calls the model.

Many images are certified at once: each certifier's question is a :class:`Poll`, and the polls of all images fill the
model's batches together. Noise comes in blocks of :data:`BLOCK` draws, each from a generator of its own keyed by (seed,
image, question, block), and the model sees batches of one fixed size, the last one padded (on a GPU, whose batches are
large, to a block doubled so often). So the votes depend on the seed alone, not on the batch size or on which other
images are certified.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from gsmooth_core.budget import Budget
from gsmooth_core.certifier import Answer, Ask, AskPlain, Finding, Steps
from gsmooth_core.confidence import is_settled, lower_bound
from gsmooth_core.logits import blamed, check_finite, logits_of, not_finite
from gsmooth_core.randomness import Key, generator_of
from gsmooth_core.smoothing import LatentSmoothing, Smoothing

BLOCK = 100
"""Draws per generator."""
ACTIVATION_CHANNELS = 64
"""Of a function, whose layers cannot be watched: its largest activation, in channels at the image's own resolution."""
ACTIVATION_BYTES = {"cpu": 4 * 2**20, "cuda": 2**30}
"""The largest activation of a batch should stay below this: on the CPU, in the caches; elsewhere, in memory."""
LARGEST_KEPT = 31 * 2**20
"""The largest block of memory that Linux' C library can be brought to keep, rather than to fetch it anew each time."""
FEW = 8
"""So many images a batch at least, as long as their largest activation can be kept."""
BATCHES_AHEAD = 4
"""Images are certified side by side until their first looks fill so many batches."""
AT_ONCE = 16
"""The most images that are certified side by side, each with a cover of its own in memory."""
LEAST_AHEAD, LARGEST_AHEAD = 2**16, 2**28
"""Bytes of noise that may be drawn ahead on several cores; blocks below the first are not worth a thread."""
COUNTED_AT_ONCE = 2**16
"""Logits are counted when there are so many numbers of them: each time costs as much as a layer of a small network."""
COVERS = 2**30
"""Bytes that the covers of all images side by side may take; but one image is certified in any case."""


@attrs.frozen
class Poll:
    """``count`` draws wanted around one code (*code), from generators that give a block each."""

    code: Tensor
    count: int
    source: Iterator[torch.Generator]


def count_votes(
    model: Callable[[Tensor], Tensor],
    smoothing: Smoothing,
    polls: Sequence[Poll],
    batch: int,
    classes: int | None = None,
) -> np.ndarray:
    """How often the model answers each class under noise around each poll's code: int64 (polls, classes).

    ``ValueError`` where the model or the smoothing fails, and where logits are not finite or not (batch, ``classes``),
    the number that the first batch has if it is not known. Memory does not depend on the counts.
    """
    # Once a block was freed, glibc keeps up to twice its size for later: up to 1.5 times as fast as to ask for it anew.
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
        """Logits (batch, classes), in order so many of each owner; what is beyond is padding."""
        # Cloned: a compiled model may use its output's memory again.
        self.logits.append(logits.detach()[: sum(length for _, length in parts)].clone())
        self.parts += parts
        if len(self.logits) * logits.numel() >= COUNTED_AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Count what waits."""
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
    """The draws of all polls in order, ``batch`` at a time (the last may be fewer), each with its poll's place."""
    parts, room = [], batch
    for owner, noise in _blocks(smoothing, polls):
        while len(noise):
            part, noise = noise[:room], noise[room:]
            parts.append((owner, part))
            room -= len(part)
            if room == 0:
                yield parts
                parts, room = [], batch
    if parts:
        yield parts


def _blocks(smoothing: Smoothing, polls: Sequence[Poll]) -> Iterator[tuple[int, Tensor]]:
    """The draws of all polls in order, a block at a time; on the CPU each core draws one (torch draws on one)."""

    def draw(poll: Poll, generator: torch.Generator, count: int) -> Tensor:
        device = poll.code.device
        # which hold in the calling thread alone
        with blamed(type(smoothing).__name__), torch.no_grad(), torch.autocast(device.type, enabled=False):
            return smoothing.draw(BLOCK, tuple(poll.code.shape), generator, device)[:count]

    wanted = (
        (owner, (poll, next(poll.source), poll.count - start))
        for owner, poll in enumerate(polls)
        for start in range(0, poll.count, BLOCK)
    )
    cores = 1  # for the first block, whose size tells how many pay
    while group := list(itertools.islice(wanted, cores)):
        *others, (owner, own) = group
        waiting = [(other, _pool(cores).submit(draw, *arguments)) for other, arguments in others]
        noise = draw(*own)
        if noise.device.type == "cpu" and noise.nbytes >= LEAST_AHEAD:
            cores = min(torch.get_num_threads(), max(1, LARGEST_AHEAD // noise.nbytes))
        yield from ((other, future.result()) for other, future in waiting)
        yield owner, noise


@functools.lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that each compute by themselves: teams of their own would slow down the model's for good (OpenMP)."""

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # a thread takes the number that is set when it is first asked for, and keeps it

    pool = ThreadPoolExecutor(threads, "gsmooth-noise", initializer=begin)
    own, all_begun = torch.get_num_threads(), threading.Barrier(threads)
    for begun in [pool.submit(all_begun.wait) for _ in range(threads)]:
        begun.result()
    torch.set_num_threads(own)  # for this thread, and those that begin later, as it was
    return pool


def _be_alone() -> None:
    """A forked process has no threads but its own: neither ours nor those that torch waits for in large operations."""
    _pool.cache_clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_be_alone)


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
    """How many views the model is shown for so many draws, so that there are few sizes in all."""
    size = batch if device.type == "cpu" else BLOCK
    while size < draws:
        size *= 2
    return min(size, batch)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def choose_batch(model: Callable[[Tensor], Tensor], image: Tensor) -> int:
    """A batch for images like this one (channel, height, width), by the model's largest activation: from 1 to 10,000.

    Of a module, the layers' outputs for one image are watched; of a function or a scripted module, they are guessed.
    ``ValueError`` where the model fails on that image.
    """
    seen: list[int] = []

    def watch(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            seen.append(output.numel() * output.element_size())

    layers = list(model.modules()) if isinstance(model, nn.Module) else []
    if layers and not any(isinstance(layer, torch.jit.ScriptModule) for layer in layers):
        hooks = [layer.register_forward_hook(watch) for layer in layers]
        try:
            logits_of(model, image[None].clone())
        finally:
            for hook in hooks:
                hook.remove()
    guess = ACTIVATION_CHANNELS * 4 * image.shape[-2] * image.shape[-1]
    largest = max(4 * image.numel(), *seen) if len(seen) > 1 else guess  # a compiled module shows its result alone
    limit = ACTIVATION_BYTES.get(image.device.type, ACTIVATION_BYTES["cpu"])
    most = max(1, min(FEW, LARGEST_KEPT // largest), min(10_000, limit // largest))
    if 0.9 * BLOCK / 2 <= most < BLOCK:
        return BLOCK // 2
    return most // BLOCK * BLOCK or most  # whole and half blocks need not be joined


def generators(seed: int, key: Key, device: torch.device) -> Iterator[torch.Generator]:
    """Generators for block 0, 1, 2, … of a key, on the device; no two blocks of any keys share draws."""
    for block in itertools.count():
        yield generator_of(seed, (*key, block), device)


@attrs.define
class Tally:
    """The votes for a question so far, looked at after fixed numbers of draws."""

    ask: Ask
    looks: tuple[int, ...]
    counts: np.ndarray = attrs.field(factory=lambda: np.zeros(1, dtype=np.int64))
    drawn: int = 0
    lower: float = 0.0

    @property
    def wanted(self) -> int:
        """The draws up to the next look."""
        return next(look for look in self.looks if look > self.drawn) - self.drawn

    def add(self, votes: np.ndarray, draws: int) -> Answer | None:
        """Count the votes (classes,) of more draws: the answer, unless still more are worth while."""
        self.counts, self.drawn = self.counts + votes, self.drawn + draws
        if self.ask.class_ is None or self.ask.alpha is None:
            return Answer(int(self.counts.argmax()), int(self.counts.max()), self.drawn)
        for_class, left = int(self.counts[self.ask.class_]), self.looks[-1] - self.drawn
        alpha = self.ask.alpha / len(self.looks)
        self.lower = max(self.lower, lower_bound(for_class, self.drawn, alpha))
        thresholds, refine = self.ask.thresholds, self.ask.refine
        if left and not is_settled(for_class, self.drawn, left, self.lower, alpha, thresholds, refine):
            return None
        return Answer(self.ask.class_, for_class, self.drawn, self.lower)


@attrs.define
class _Job:
    """A certifier at work on one image."""

    image: int
    steps: Steps
    asked: int = 0
    tally: Tally | None = None
    code: Tensor | None = None
    source: Iterator[torch.Generator] | None = None
    samples: int = 0
    seconds: float = 0.0


@attrs.frozen
class Outcome:
    """How a certifier ended on the image of a number, and the draws and seconds that it took."""

    image: int
    finding: Finding
    samples: int
    seconds: float


@attrs.frozen
class Engine:
    """Answers the questions of certifiers by votes of ``model`` under ``smoothing``, ``batch`` views at a time.

    ``width`` is how many classes the model has, where it is known.
    """

    model: Callable[[Tensor], Tensor]
    smoothing: Smoothing
    budget: Budget
    seed: int
    batch: int
    width: int | None = None

    def run(self, certifiers: Iterable[tuple[int, Steps]]) -> Iterator[Outcome]:
        """Drive certifiers' steps, each for the image of a number, to their ends, in the order in which they end."""
        waiting, jobs = iter(certifiers), list[_Job]()
        room = min(AT_ONCE, -(-BATCHES_AHEAD * self.batch // BLOCK))
        while True:
            while len(jobs) < room and (begun := next(waiting, None)) is not None:
                job = _Job(*begun)
                if (finding := self._go_on(job, None)) is None:
                    jobs.append(job)
                    room = min(room, max(1, COVERS // self._cover_bytes(job)))
                else:
                    yield Outcome(job.image, finding, job.samples, job.seconds)
            if not jobs:
                return
            for job, answer in self._poll(jobs):
                if (finding := self._go_on(job, answer)) is not None:
                    jobs.remove(job)
                    yield Outcome(job.image, finding, job.samples, job.seconds)

    def _cover_bytes(self, job: _Job) -> int:
        """At most how many bytes a cover of the job's image takes: codes and distances of all its cells."""
        if job.code is None or not isinstance(self.smoothing, LatentSmoothing):
            return 1
        return 4 * self.budget.cells * (job.code.numel() + self.budget.cells)

    def _go_on(self, job: _Job, answer: Answer | None) -> Finding | None:
        """Send an answer to a job's certifier: its finding, or ``None`` where it has another question."""
        start = time.perf_counter()
        try:
            asked = next(job.steps) if answer is None else job.steps.send(answer)
            while isinstance(asked, AskPlain):
                job.asked += 1
                asked = job.steps.send(self.classes(asked.images))
        except StopIteration as stop:
            finding: Finding = stop.value
            return finding
        finally:
            job.seconds += time.perf_counter() - start
        if asked.class_ is not None and asked.alpha is None:
            raise ValueError("an Ask that names a class needs alpha; give the share of α that it may spend")
        job.tally = Tally(asked, (self.budget.select,) if asked.class_ is None else self.budget.looks)
        with blamed(type(self.smoothing).__name__):
            job.code = self.smoothing.encode(asked.image[None])[0]
        job.source = generators(self.seed, ("votes", job.image, job.asked), job.code.device)
        job.asked += 1
        return None

    def _poll(self, jobs: list[_Job]) -> list[tuple[_Job, Answer]]:
        """Draw for each job up to its next look: the answers that are ready."""
        start = time.perf_counter()
        polls = [
            Poll(job.code, job.tally.wanted, job.source)
            for job in jobs
            if job.code is not None and job.tally is not None and job.source is not None
        ]
        votes = count_votes(self.model, self.smoothing, polls, self.batch, self.width)
        each = (time.perf_counter() - start) / sum(poll.count for poll in polls)
        answers = []
        for job, poll, row in zip(jobs, polls, votes, strict=True):
            job.seconds += each * poll.count
            job.samples += poll.count
            if job.tally is not None and (answer := job.tally.add(row, poll.count)) is not None:
                answers.append((job, answer))
        return answers

    def base_class(self, image: Tensor) -> int:
        """The plain model's answer for an image (channel, height, width)."""
        return int(self.classes(image[None])[0])

    def classes(self, images: Tensor) -> Tensor:
        """The plain model's answers for images (batch, channel, height, width): int64 (batch,)."""
        width, answers = self.width, []
        for part in images.split(self.batch):
            logits = logits_of(self.model, part.clone(), width)
            width = logits.shape[1]
            answers.append(logits.detach().to(images.device, copy=True))  # it may use its output's memory again
        logits = torch.cat(answers)
        check_finite(logits, "for a transformed image")
        return logits.argmax(dim=1)
