"""Certifiers: theorems that ask for votes and end in a finding.

A certifier draws no noise and calls no model. It yields an :class:`Ask` and is sent an :class:`Answer`, so that
whoever drives it decides how votes are drawn: :mod:`gsmooth_core.engine`, or a test with an oracle.
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
from gsmooth_core.transformations.regions import Region, float32_from


@attrs.frozen
class Task:
    """One image and what is asked about it: is the prediction constant on ``{τ(ξ, image) : ξ in region}``?

    ``image`` is float32 (channel, height, width). With ``maximize`` the certifier looks for the largest part of
    ``region`` for which it can be proved; without, it may stop as soon as the answer for ``region`` is known.
    """

    image: Tensor = attrs.field(eq=False)
    region: Region
    transformation: Transformation
    smoothing: Smoothing
    budget: Budget
    maximize: bool = False

    def largest_region(self, accepts: Callable[[Region], bool]) -> Region | None:
        """The largest part of ``region`` that is accepted; ``None`` without ``maximize``, or where no part is.

        ``accepts`` must hold for every part of a part for which it holds. A ``transformation.region(R)`` has the parts
        ``transformation.region(r)``, with r a float32 number, so that it lies in its own region when it is written as
        one. Any other region that is ``cuttable``, as boxes are, has the parts ``region.cut(share, identity)``, and the
        rest, as ellipsoids, every ``transformation.region(r)`` inside it.
        """
        if not self.maximize:
            return None
        transformation, asked = self.transformation, self.region
        whole = transformation.largest_radius(lambda region: region.inside(asked))
        if asked.cuttable and (whole is None or transformation.region(whole) != asked):

            def holds(share: float) -> bool:
                return accepts(asked.cut(share, transformation.space.identity))

            return asked.cut(last_held(holds, 0, 1), transformation.space.identity) if holds(0) else None
        radius = transformation.largest_radius(lambda region: accepts(region) and region.inside(asked))
        return None if radius is None else transformation.region(float32_from(radius, -math.inf))


@attrs.frozen
class Ask:
    """A question about the smoothed classifier at ``image`` (channel, height, width).

    Without ``class_``: which class gets most of ``budget.select`` votes? With it: what is a lower bound, at confidence
    1 − ``alpha``, of that class's probability, from at most ``budget.samples`` fresh votes? They may stop once the
    probability is known to lie above or below each of the ``thresholds`` (without any, all are drawn); with ``refine``,
    only once it lies above all or below all, for the sake of a better bound.
    """

    image: Tensor = attrs.field(eq=False)
    class_: int | None = None
    alpha: float | None = None
    thresholds: tuple[float, ...] = ()
    refine: bool = False


@attrs.frozen
class Answer:
    """The votes for ``class_``, of how many, and the lower bound that was asked for (0 for a selection)."""

    class_: int
    votes: int
    samples: int
    lower: float = 0.0


@attrs.frozen
class AskPlain:
    """Which classes does the plain model answer for ``images`` (batch, channel, height, width)? Sent int64 (batch,)."""

    images: Tensor = attrs.field(eq=False)


@attrs.frozen
class Finding:
    """How a certifier ends. ``proved`` is the region on which the prediction is constant, ``None`` where none is.

    ``predicted`` is ``None`` where the smoothed classifier abstains on the unchanged image; ``reason`` says in a
    clause why less was proved than was asked (empty if all was); ``witness`` is a parameter of the region at which
    the prediction is known to differ.
    """

    predicted: int | None
    proved: Region | None
    guarantee: Guarantee
    anchors: int
    reason: str = ""
    witness: tuple[float, ...] | None = None


Steps = Generator[Ask | AskPlain, Any, Finding]
"""What a certifier runs: sent an :class:`Answer` for each :class:`Ask`, and classes for each :class:`AskPlain`."""


class Certifier(ShowsSettings, ABC):
    """A theorem: what it needs, and the questions whose answers prove a region."""

    name: ClassVar[str]
    """The name under which a plugin offers the certifier."""

    @abstractmethod
    def guarantee(self, transformation: Transformation, smoothing: Smoothing) -> Guarantee:
        """The strongest guarantee that the theorem gives for the two together."""

    @abstractmethod
    def basis(self, transformation: Transformation, smoothing: Smoothing) -> str:
        """The clause of the claim that names the theorem, and whatever it rests on that is not proved."""

    @abstractmethod
    def check(self, transformation: Transformation, smoothing: Smoothing, region: Region) -> None:
        """Raise ``ValueError``, naming what would fit, unless the theorem holds for the three together."""

    @abstractmethod
    def steps(self, task: Task) -> Steps:
        """Ask until the task is settled."""


def unfit(certifier: Certifier, needed: str, given: object, instead: str) -> ValueError:
    """The error for a certifier that needs one thing and is given another."""
    return ValueError(f"the {certifier.name} certifier needs {needed}, not {type(given).__name__}; {instead}")


def few_votes(answer: Answer, where: str) -> str:
    """The clause for an anchor at which the class has no proved majority."""
    return f"{where}, class {answer.class_} got {answer.votes:,} of {answer.samples:,} votes, too few for a majority"
