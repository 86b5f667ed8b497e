"""The engine answers the questions of certifiers by votes, many images side by side.

Each certifier's question is a :class:`Poll`, and the polls of all images fill the model's batches together. Noise comes
in blocks of :data:`BLOCK` draws, each from its own generator keyed by (seed, image, question, block), and the model
sees batches of one fixed size, the last one padded (on a GPU, whose batches are large, to a block doubled as often as
needed). So the votes depend on the seed alone, not on the batch size or on which other images are certified.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import attrs
import torch
from torch import Tensor

from gsmooth_core.certifier import (
    Answer,
    AskBound,
    AskClass,
    AskPlain,
    Certifier,
    Finding,
    Model,
    Selection,
    Steps,
    Task,
)
from gsmooth_core.common.progress import say_so_far
from gsmooth_core.common.seeds import Key
from gsmooth_core.engine.draws import BLOCK, Poll
from gsmooth_core.engine.tally import Tally
from gsmooth_core.engine.votes import count_votes
from gsmooth_core.models.logits import blamed, check_finite, logits_of
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.statistics.budget import Budget

BATCHES_AHEAD = 4
"""Images are certified side by side until their first looks fill this number of batches."""

AT_ONCE = 16
"""The largest number of images certified side by side, each with its own cover in memory."""

MEMORY = 2**30
"""Bytes that certifiers may keep for all images side by side; one image is always certified, whatever it needs."""


@attrs.define
class _Job:
    """A certifier at work on one image. Mutable; made for one image."""

    image: int
    steps: Steps
    tries: str
    asked: int = 0
    tried: int = 0
    question: _Question | None = None
    samples: int = 0
    seconds: float = 0.0


@attrs.frozen
class _Question:
    """A question about the smoothed classifier that is being voted on."""

    tally: Tally
    code: Tensor
    key: Key

    def poll(self, seed: int) -> Poll:
        """The draws up to the next look."""
        return Poll(self.code, seed, self.key, first=self.tally.drawn, count=self.tally.wanted)


def _say_so_far(jobs: list[_Job]) -> None:
    """Show beside the bar how far the images are that are certified at the moment."""
    images = f"image {jobs[0].image}" if len(jobs) == 1 else f"{len(jobs)} images"
    draws, tried = (sum(getattr(job, name) for job in jobs) for name in ("samples", "tried"))
    say_so_far(f"{images}: {f'{draws:,} draws, ' * (draws > 0)}{tried:,} {jobs[0].tries}", len(jobs))


@attrs.frozen
class Outcome:
    """A certifier's finding for the image with an index, and the draws and seconds that it took."""

    image: int
    finding: Finding
    samples: int
    seconds: float


@attrs.frozen
class Engine:
    """Answers the questions of certifiers by votes of ``model`` under ``smoothing``, ``batch`` views at a time.

    ``width`` is the number of the model's classes, if it is known.
    """

    model: Model
    smoothing: Smoothing
    budget: Budget
    seed: int
    batch: int
    width: int | None = None

    def run(self, certifier: Certifier, tasks: Iterable[tuple[int, Task]]) -> Iterator[Outcome]:
        """Drive a certifier's steps for tasks, each with its image's index; outcomes come as they are finished."""
        waiting, jobs = iter(tasks), list[_Job]()
        room = min(AT_ONCE, -(-BATCHES_AHEAD * self.batch // BLOCK))
        while True:
            while len(jobs) < room and (begun := next(waiting, None)) is not None:
                image, task = begun
                room = min(room, max(1, MEMORY // max(1, certifier.memory(task))))
                job = _Job(image, certifier.steps(task), certifier.tries)
                if (finding := self._go_on(job, None)) is None:
                    jobs.append(job)
                else:
                    yield Outcome(job.image, finding, job.samples, job.seconds)
            if not jobs:
                return
            for job, answer in self._poll(jobs):
                if (finding := self._go_on(job, answer)) is not None:
                    jobs.remove(job)
                    yield Outcome(job.image, finding, job.samples, job.seconds)

    def _go_on(self, job: _Job, answer: Selection | Answer | None) -> Finding | None:
        """Send an answer to a job's certifier: its finding, or ``None`` if it has another question."""
        start = time.perf_counter()
        try:
            asked = next(job.steps) if answer is None else job.steps.send(answer)
            while isinstance(asked, AskPlain):
                job.asked += 1
                job.tried += len(asked.images)
                _say_so_far([job])
                asked = job.steps.send(self.classes(asked.images))
        except StopIteration as stop:
            finding: Finding = stop.value
            return finding
        finally:
            job.seconds += time.perf_counter() - start
        if not isinstance(asked, AskClass | AskBound):
            raise ValueError(f"a certifier yields AskClass, AskBound or AskPlain, not {asked!r}; correct its steps")
        with blamed(type(self.smoothing).__name__):
            code = self.smoothing.encode(asked.image[None])[0]
        job.question = _Question(Tally.of(asked, self.budget), code, ("votes", job.image, job.asked))
        job.asked += 1
        job.tried += isinstance(asked, AskBound)
        return None

    def _poll(self, jobs: list[_Job]) -> list[tuple[_Job, Selection | Answer]]:
        """Draw for each job up to its next look: the answers that are ready."""
        start = time.perf_counter()
        questions = [(job, job.question) for job in jobs if job.question is not None]
        polls = [question.poll(self.seed) for _, question in questions]
        votes = count_votes(self.model, self.smoothing, polls, self.batch, self.width)
        each = (time.perf_counter() - start) / sum(poll.count for poll in polls)
        answers = []
        for (job, question), poll, row in zip(questions, polls, votes, strict=True):
            job.seconds += each * poll.count
            job.samples += poll.count
            if (answer := question.tally.add(row, poll.count)) is not None:
                answers.append((job, answer))
        _say_so_far(jobs)
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
