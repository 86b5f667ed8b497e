"""Certifiers: theorems that ask for votes and end in a finding.

A certifier draws no noise and calls no model. It yields an :class:`Ask` and is sent an answer. So the code that drives
it decides how votes are drawn: :mod:`gsmooth_core.engine`, or a test with an oracle.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from typing import Any, ClassVar

import attrs
from torch import Tensor

from gsmooth_core.common.described import ShowsSettings
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.base import Transformation, last_held
from gsmooth_core.transformations.region import float32_from
from gsmooth_core.transformations.regions import Region

Model = Callable[[Tensor], Tensor]
"""A classifier: from images (batch, channel, height, width) to logits (batch, classes)."""


@attrs.frozen
class Problem:
    """What is to be certified for every image: the smoothed model keeps its answer under τ(ξ, ·) for ξ in ``region``.

    ``model`` is for theorems about the inside of a network, which read its layers. It is ``None`` before a model is
    chosen, as in a list of corruptions: a certifier that needs a model then says what it would promise for one.
    """

    transformation: Transformation
    smoothing: Smoothing
    region: Region
    model: Model | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Task:
    """One image and the problem: is the prediction constant on ``{τ(ξ, image) : ξ in region}``?

    ``image`` is float32 (channel, height, width). With ``maximize`` the certifier looks for the largest part of
    the region for which this can be proved; otherwise it may stop as soon as the answer for the region is known.
    """

    image: Tensor = attrs.field(eq=False)
    problem: Problem
    budget: Budget
    maximize: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channel, height, width) of the image."""
        channels, height, width = self.image.shape
        return channels, height, width

    @property
    def transformation(self) -> Transformation:
        """The problem's."""
        return self.problem.transformation

    @property
    def smoothing(self) -> Smoothing:
        """The problem's."""
        return self.problem.smoothing

    @property
    def region(self) -> Region:
        """The problem's."""
        return self.problem.region

    def largest_region(self, accepts: Callable[[Region], bool]) -> Region | None:
        """The largest part of ``region`` that is accepted; ``None`` without ``maximize``, or where no part is.

        If ``accepts`` holds for a part, it must hold for every part of that part. The parts of a
        ``transformation.region(R)`` are ``transformation.region(r)``, with r a float32 number, so that r written as
        float32 lies in its own region. The parts of any other ``cuttable`` region, such as a box, are
        ``region.cut(share, identity)``. The parts of all other regions, such as ellipsoids, are every
        ``transformation.region(r)`` inside them. Where parameters are whole numbers, the ends of a box are too.
        """
        if not self.maximize:
            return None
        transformation, asked = self.transformation, self.region
        if accepts(asked):
            return asked
        whole = transformation.largest_radius(lambda region: region.inside(asked))
        if asked.cuttable and (whole is None or transformation.region(whole) != asked):

            def holds(share: float) -> bool:
                return accepts(asked.cut(share, transformation.space.identity))

            if not holds(0):
                return None
            return transformation.space.whole(asked.cut(last_held(holds, 0, 1), transformation.space.identity))
        radius = transformation.largest_radius(lambda region: accepts(region) and region.inside(asked))
        if radius is None:
            return None
        return transformation.space.whole(transformation.region(float32_from(radius, -math.inf)))


class Ask:
    """A question of a certifier: an :class:`AskClass`, an :class:`AskBound` or an :class:`AskPlain`."""


@attrs.frozen
class AskClass(Ask):
    """Asks which class gets most of ``budget.select`` votes at ``image`` (channel, height, width).

    It is answered by a :class:`Selection`.
    """

    image: Tensor = attrs.field(eq=False)


@attrs.frozen
class AskBound(Ask):
    """Asks for a lower bound of the probability of ``class_`` at ``image`` (channel, height, width).

    It is answered by an :class:`Answer`, at confidence 1 − ``alpha``, from at most ``budget.samples`` fresh votes.
    Drawing may stop once the probability is known to lie above or below each of the ``thresholds`` (without
    thresholds, all votes are drawn); with ``refine``, only once it lies above all or below all, for a better bound.
    """

    image: Tensor = attrs.field(eq=False)
    class_: int
    alpha: float
    thresholds: tuple[float, ...] = ()
    refine: bool = False


@attrs.frozen
class AskPlain(Ask):
    """Asks for the plain model's classes of ``images`` (batch, channel, height, width); answered by int64 (batch,)."""

    images: Tensor = attrs.field(eq=False)


@attrs.frozen
class Selection:
    """The class with most votes: ``votes`` out of ``samples``."""

    class_: int
    votes: int
    samples: int


@attrs.frozen
class Answer:
    """The ``votes`` for ``class_`` out of ``samples``, and the lower bound of its probability that they prove."""

    class_: int
    votes: int
    samples: int
    lower: float


@attrs.frozen
class Finding:
    """The result of a certifier: ``proved`` is the region on which the prediction is constant, ``None`` if there is
    none.

    ``predicted`` is ``None`` if the smoothed classifier abstains on the unchanged image; ``tried`` counts what the
    certifier tries (``Certifier.tries``); ``reason`` says in a clause why less was proved than was asked (empty if
    everything was proved); ``witness`` is a parameter of the region at which the prediction is known to differ.
    """

    predicted: int | None
    proved: Region | None
    guarantee: Guarantee
    tried: int
    reason: str = ""
    witness: tuple[float, ...] | None = None


Steps = Generator[Ask, Any, Finding]
"""What ``Certifier.steps`` returns. Each :class:`Ask` that it yields is answered as the class of the Ask says.

The three functions below ask, and return the answer with its type.
"""


def ask_class(image: Tensor) -> Generator[Ask, Any, int]:
    """The class with most votes at an image (channel, height, width): use ``yield from``."""
    selection: Selection = yield AskClass(image)
    return selection.class_


def ask_bound(
    image: Tensor, class_: int, alpha: float, thresholds: tuple[float, ...] = (), *, refine: bool = False
) -> Generator[Ask, Any, Answer]:
    """The votes for a class at an image (channel, height, width), and what they prove: use ``yield from``."""
    answer: Answer = yield AskBound(image, class_, alpha, thresholds, refine)
    return answer


def ask_plain(images: Tensor) -> Generator[Ask, Any, Tensor]:
    """The plain model's answers for images (batch, channel, height, width), int64 (batch,): use ``yield from``."""
    classes: Tensor = yield AskPlain(images)
    return classes


class Certifier(ShowsSettings, ABC):
    """A theorem: its assumptions, and the questions whose answers prove a region.

    All four members get the same :class:`Problem`. So a field that is added for a later theorem breaks no earlier one.
    """

    name: ClassVar[str]
    """The name under which a plugin offers the certifier."""
    tries: ClassVar[str] = "anchors"
    """What ``Finding.tried`` counts, in the plural: anchors, outputs, cells, layers."""

    @abstractmethod
    def guarantee(self, problem: Problem) -> Guarantee:
        """The strongest guarantee that the theorem gives for such a problem."""

    @abstractmethod
    def basis(self, problem: Problem) -> str:
        """The clause of the claim that names the theorem, and every assumption that is not proved."""

    @abstractmethod
    def check(self, problem: Problem) -> None:
        """Raise ``ValueError``, naming what would fit, unless the theorem holds for the problem."""

    @abstractmethod
    def steps(self, task: Task) -> Steps:
        """Ask questions until the task is decided, and return the finding."""

    def prospects(self, task: Task) -> str:
        """Why no image like the task's could be certified, whatever the model answers; empty if one could.

        A sentence without its full stop, with the least that would do: more samples, more noise, a smaller radius.
        ``certify`` refuses such work before it begins. With ``maximize``, it is a reason why nothing could be proved
        for any part of the region. The default knows of no reason. A reason must be right: nothing may be refused that
        could be certified.
        """
        return ""

    def memory(self, task: Task) -> int:
        """How many bytes :meth:`steps` keeps for such a task, at most, while it waits for an answer.

        The engine certifies fewer images side by side if it is much. The default is 0: a negligible amount.
        """
        return 0


def unfit(certifier: Certifier, needed: str, given: object, instead: str) -> ValueError:
    """The error for a certifier that needs one thing and is given another."""
    return ValueError(f"the {certifier.name} certifier needs {needed}, not {type(given).__name__}; {instead}")


def too_few_samples(budget: Budget, needed: float, *others: str, share: float = 1.0) -> str:
    """The sentence for a budget whose votes cannot prove a probability above ``needed``; empty if they can.

    ``share`` is the share of the budget's alpha that the votes may spend, and ``others`` are other things to take.

    >>> too_few_samples(Budget(samples=5), 0.5)
    '5 votes that all agree prove a probability of 0.251, and more than 0.5 is needed; take at least Budget(samples=10)'
    """
    if (proved := budget.surest(share)) > needed:
        return ""
    enough = budget.samples_for(needed, share)
    cures = [*[f"at least Budget(samples={enough})"] * (enough is not None), *others]
    return (
        f"{budget.samples:,} votes that all agree prove a probability of {proved:.3g}, and more than {needed:.6g} is "
        f"needed; " + (f"take {' or '.join(cures)}" if cures else "no number of votes is enough")
    )


def few_votes(answer: Answer, where: str) -> str:
    """The clause for an anchor at which the class has no proved majority."""
    return (
        f"{where}, class {answer.class_} got {answer.votes:,} of {answer.samples:,} votes, too few to prove a majority"
    )
