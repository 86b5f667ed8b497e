"""The latent certificate: any enclosed transformation, covered by balls in a surrogate's latent space."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
from scipy.special import ndtr

from gsmooth_core.certifier import (
    Certifier,
    Finding,
    Problem,
    Steps,
    Task,
    ask_bound,
    ask_class,
    few_votes,
    too_few_samples,
    unfit,
)
from gsmooth_core.certifiers.cover import ROUNDING, Cover, kept_entries
from gsmooth_core.certifiers.fitting import unfit_for
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.statistics.bounds import anchor_share
from gsmooth_core.transformations.base import EnclosedTransformation, SampledTransformation

OVERLAP = 0.9
"""The next anchor is placed as if its ball had this share of the last one's radius."""
AIM = 1.0
"""Sequential sampling stops at this ball radius, in ``d_Σ``: larger balls cost more draws per length of path."""


@attrs.frozen
class LatentCertifier(Certifier):
    """Certifies enclosed transformations by a cover of latent balls.

    Latent certificate (docs/theory.md; Cohen et al. 2019, Theorem 1, in the norm of Σ). Under latent noise N(b₁, Σ), a
    class of probability at least p > ½ at the image y has probability above ½ at every y' with
    ``d_Σ(y', y) = ‖Σ^{−1/2}(F₂(y') − F₂(y))‖₂ < Ψ(p)``, Ψ the normal quantile function.

    Cover. The region is cut into boxes Z_i with centres c_i. For every ξ in Z_i and every image y,

        d_Σ(τ(ξ, x), y)  ≤  d_Σ(τ(c_i, x), y) + Lip(F₂)/σ₂ · ‖max(high_i − τ(c_i, x), τ(c_i, x) − low_i)‖₂

    by the triangle inequality, ``‖Σ^{−1/2}‖ ≤ 1/σ₂``, and the enclosure ``low_i ≤ τ(ξ, x) ≤ high_i``. A box whose bound
    stays below Ψ(p_j) for some anchor j is certified; if all are, and every p_j bounds the probability of the one class
    that was selected first, the prediction is constant on the region. The j-th anchor spends ``anchor_share(j)·α``.

    In floating-point arithmetic. Codes and noise lie on one grid, so the theorem is about the program at codes that
    were rounded to it (:class:`GridNoise`): :meth:`LatentSmoothing.rounding` is added to each distance, ``ROUNDING`` to
    each pixel of an enclosure for the float32 image, and p_j is reduced for draws that miss their distribution
    (:func:`after_drawing`). Assumes the enclosure, ``Lip(F₂)`` and that surrogates compute F₂ as exactly as
    ``rounding`` says; the quality of their imitation does not matter.
    """

    name: ClassVar[str] = "latent"

    def guarantee(self, problem: Problem) -> Guarantee:
        """``PROBABILISTIC``; ``ESTIMATE`` where enclosures are sampled."""
        sampled = isinstance(problem.transformation, SampledTransformation)
        return Guarantee.ESTIMATE if sampled else Guarantee.PROBABILISTIC

    def basis(self, problem: Problem) -> str:
        """The theorem's name; and that enclosures are sampled, where they are not proved."""
        sampled = self.guarantee(problem) is Guarantee.ESTIMATE
        return (
            "the latent certificate in floating-point arithmetic" + ", with enclosures estimated from samples" * sampled
        )

    def check(self, problem: Problem) -> None:
        """Raise ``ValueError`` for a transformation without an enclosure, and for noise outside a latent layer."""
        transformation, smoothing = problem.transformation, problem.smoothing
        if not isinstance(transformation, EnclosedTransformation):
            raise unfit_for(self, "an EnclosedTransformation", transformation)
        if not isinstance(smoothing, LatentSmoothing):
            instead = "use smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0, latent_std=0.25)"
            raise unfit(self, "noise in a surrogate's latent layer", smoothing, instead)

    def steps(self, task: Task) -> Steps:
        """Select a class at the image, then place anchors until every cell lies in a ball, or none helps.

        With ``maximize``, anchors are placed outwards from the identity; otherwise inwards from the region's far end,
        where an image that cannot be certified usually fails at once.
        """
        alpha, guarantee = task.budget.alpha, self.guarantee(task.problem)
        class_ = yield from ask_class(task.image)
        aim = AIM if task.budget.stopping == "sequential" else math.inf
        answer = yield from ask_bound(task.image, class_, alpha * anchor_share(1), (0.5, float(ndtr(aim))))
        if not answer.lower > 0.5:
            return Finding(None, None, guarantee, 1, few_votes(answer, "on the unchanged image"))
        cover, anchors, reason = Cover(task), 1, ""
        expected = min(cover.add_ball(task.image, answer.lower), aim)
        while not cover.complete and (target := cover.target(nearest=task.maximize)) is not None:
            if anchors == task.budget.anchors:
                reason = f"the budget of {anchors} anchor{'s' * (anchors != 1)} ran out"
                break
            anchor = cover.anchor_for(target, OVERLAP * expected)
            image, anchors = cover.image(anchor), anchors + 1
            thresholds = (0.5, *(float(ndtr(r)) for r in (cover.farthest[anchor, target].item(), OVERLAP * expected)))
            answer = yield from ask_bound(image, class_, alpha * anchor_share(anchors), thresholds)
            reach = cover.add_ball(image, answer.lower, anchor)
            expected = min(reach, aim) if reach > 0 else expected / 2
            if reach <= 0 or (anchor == target and not cover.covered[target]):
                short = f"its votes reach {reach:.2g} in latent distance, less than a cell: raise the budget's cells"
                where = f"at {task.transformation.space.words(cover.centre[anchor].tolist())}"
                reason = few_votes(answer, where) if reach <= 0 else f"{where} {short}"
                if not task.maximize:
                    break
                cover.give_up_from(anchor)
        if cover.complete:
            return Finding(class_, task.region, guarantee, anchors)
        return Finding(class_, task.largest_region(cover.holds), guarantee, anchors, reason)

    def prospects(self, task: Task) -> str:
        """Too few samples for the first anchor's ball to hold a cell, even if all votes agree.

        A cell's radius is at least that of a constant image: the rounding of its code, and ``ROUNDING`` for each pixel.
        """
        smoothing = task.smoothing
        assert isinstance(smoothing, LatentSmoothing)
        shape = tuple(smoothing.encode(task.image[None]).shape[1:])
        spread = ROUNDING * math.sqrt(task.image.numel()) * smoothing.surrogate.lipschitz / smoothing.latent_std
        smallest, error = spread + smoothing.rounding(shape), smoothing.drawing_error(shape, task.image.device)
        needed = float(ndtr(smallest)) / (1 - 2 * error) + error if error < 0.5 else 1.0  # after_drawing, solved for p
        return too_few_samples(task.budget, needed - 1e-9, "more noise", share=anchor_share(1))

    def memory(self, task: Task) -> int:
        """The codes of all cells, or what is kept of them, and the distances between each two of them, in float32."""
        entries = kept_entries(task.smoothing.encode(task.image[None]).numel(), task.budget.cells)
        return 4 * task.budget.cells * (entries + task.budget.cells)
