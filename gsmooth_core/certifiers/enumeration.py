"""Enumeration: every distinct output of a discrete transformation, tried on the plain model."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch

from gsmooth_core.certifier import (
    Certifier,
    Finding,
    Problem,
    Steps,
    Task,
    ask_plain,
    unfit,
)
from gsmooth_core.certifiers.fitting import unfit_for
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.transformations.discrete import DiscreteTransformation

AT_ONCE = 2**20
"""Pixels transformed at a time, so that memory does not grow with the number of outputs."""


@attrs.frozen
class EnumerationCertifier(Certifier):
    """Certifies discrete transformations of the plain model, exactly: no noise, no error probability.

    Theorem (enumeration). If ``representatives`` gives every distinct output of τ on the region, and the model
    answers one class on all of them and on the image, its answer is constant on the region. Assumes the completeness
    of ``representatives``, and that the model's answer for an image does not depend on its batch.
    """

    name: ClassVar[str] = "enumeration"
    tries: ClassVar[str] = "outputs"

    def guarantee(self, problem: Problem) -> Guarantee:
        """``EXACT``."""
        return Guarantee.EXACT

    def basis(self, problem: Problem) -> str:
        """Enumeration, in floating-point arithmetic."""
        return "enumeration in floating-point arithmetic"

    def check(self, problem: Problem) -> None:
        """Raise ``ValueError`` for a transformation without a list of outputs, and for a smoothed model."""
        transformation, smoothing = problem.transformation, problem.smoothing
        if not isinstance(transformation, DiscreteTransformation):
            raise unfit_for(self, "a DiscreteTransformation", transformation)
        if not isinstance(smoothing, NoSmoothing):
            raise unfit(self, "the plain model", smoothing, "use smoothing=NoSmoothing() (--plain on the command line)")

    def steps(self, task: Task) -> Steps:
        """Ask for the model's class of every output, the farthest first; with ``maximize`` go on after a failure."""
        transformation = task.transformation
        assert isinstance(transformation, DiscreteTransformation)
        clean = yield from ask_plain(task.image[None])
        predicted, differing, tried = int(clean[0]), [], 0
        parameters = transformation.representatives(task.region, *task.image.shape[-2:]).to(task.image.device)
        for chunk in parameters.flip(0).split(max(1, AT_ONCE // task.image.numel())):
            outputs = transformation.apply(task.image.expand(len(chunk), *task.image.shape), chunk)
            classes = yield from ask_plain(outputs)
            tried += len(chunk)
            differing.append(chunk[classes != predicted])
            if len(differing[-1]) and not task.maximize:
                break
        wrong = torch.cat(differing).cpu()
        if len(wrong) == 0:
            return Finding(predicted, task.region, Guarantee.EXACT, tried)
        witness = tuple(wrong[-1].tolist())
        reason = f"at {transformation.space.words(witness)} it answers differently"
        proved = task.largest_region(lambda region: not region.contains(wrong).any())
        return Finding(predicted, proved, Guarantee.EXACT, tried, reason, witness)
