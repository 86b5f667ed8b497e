"""Corollary 1 of the paper: balls in the parameter, along the surrogate's own path."""

from __future__ import annotations

from typing import ClassVar

import attrs
import torch
from scipy.special import ndtr, ndtri

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
)
from gsmooth_core.certifiers.surrogate_path import Path
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.statistics.bounds import after_drawing, anchor_share

AIM = 1.0
"""Sampling stops once a ball reaches this far beyond the error at its own centre, in ``M‖ξ − a‖``."""


@attrs.frozen
class SurrogateCertifier(Certifier):
    """The bound of the paper, with anchors, as an estimate.

    Corollary 1 (Hao et al. 2022). Let ``y_ξ = H(F₁(ξ) + F₂(x))`` be the surrogate's path. If a class has probability at
    least p > ½ at ``y_a`` under latent smoothing, it is the majority at every ``y_ξ`` with ``M‖ξ − a‖₂ < Ψ(p)``, where
    M is the largest ``√λ_max(I/σ₁² + DᵀD/σ₂²)``, ``D = ∂F₂(y_ξ)/∂ξ − A₁``, on the ball around a: the path may start at
    any anchor a. Theorem 3, in its sound form for one image: the class is the majority at the real ``τ(ξ, x)`` too if
    ``M‖ξ − a‖₂ + L₂ ε_ξ/σ₂ < Ψ(p)``, with ``ε_ξ = ‖τ(ξ, x) − y_ξ‖₂`` and the encoder's Lipschitz bound L₂.

    M is taken over a grid of ``points`` per parameter, and the inequality is checked at the grid's points alone, so the
    guarantee is ``estimate``. With ``real=False`` the certificate is about the path ``y_ξ``, as in the paper.
    """

    name: ClassVar[str] = "surrogate"
    points: int = 101
    real: bool = True

    def guarantee(self, problem: Problem) -> Guarantee:
        """``ESTIMATE``."""
        return Guarantee.ESTIMATE

    def basis(self, problem: Problem) -> str:
        """The theorem, the grid, and what the certificate is about."""
        about = "with the surrogate's error (Theorem 3)" if self.real else "for the surrogate's imitation alone"
        return f"Corollary 1 along the surrogate's path {about}, its maximum over {self.points} points per parameter"

    def check(self, problem: Problem) -> None:
        """Raise ``ValueError`` unless the noise is in a latent layer and on the parameters of this transformation."""
        transformation, smoothing = problem.transformation, problem.smoothing
        if not isinstance(smoothing, LatentSmoothing) or smoothing.parameter_std == 0:
            raise ValueError(
                "the surrogate certifier needs LatentSmoothing with parameter_std above 0; for parameter_std=0 use "
                "certifier='latent', which is stronger"
            )
        if not transformation.space.unchanged_at_identity:
            raise ValueError(
                f"the surrogate's path begins at the unchanged image, and {type(transformation).__name__} changes "
                "every image; use certifier='latent' with parameter_std=0"
            )
        if smoothing.surrogate.dimension != transformation.space.dimension:
            raise ValueError(
                f"the surrogate has {smoothing.surrogate.dimension} parameters, {type(transformation).__name__} "
                f"{transformation.space.dimension}; use a surrogate made for it"
            )

    def prospects(self, task: Task) -> str:
        """Too few samples for a proved majority at the first anchor, even if all votes agree."""
        return too_few_samples(task.budget, 0.5, share=anchor_share(1))

    def steps(self, task: Task) -> Steps:
        """Select a class at the path's start, then place anchors outwards until every grid point lies in a ball."""
        path, anchor, anchors, reason = Path(task, self.points, self.real), 0, 0, ""
        open_ = torch.ones(len(path.parameters), dtype=torch.bool, device=task.image.device)
        given_up = ~open_
        class_ = yield from ask_class(path.image(anchor))
        while bool((open_ & ~given_up).any()) and anchors < task.budget.anchors:
            anchors += 1
            share = task.budget.alpha * anchor_share(anchors)
            least = float(path.margin[anchor])  # below it the ball does not hold its own centre
            thresholds = (0.5, *(float(ndtr(reach)) for reach in (least, least + AIM)))
            answer = yield from ask_bound(path.image(anchor), class_, share, thresholds)
            if anchors == 1 and not answer.lower > 0.5:
                return Finding(None, None, Guarantee.ESTIMATE, 1, few_votes(answer, "at the start of the path"))
            open_ = open_ & ~path.held(anchor, float(ndtri(after_drawing(answer.lower, path.drawing_error))))
            if bool(open_[anchor]):  # too few votes, or too large an error, for the ball to hold its own centre
                where = task.transformation.space.words(path.parameters[anchor].tolist())
                reason = f"at {where} its bound is too small"
                given_up = given_up | (path.gauge >= path.gauge[anchor]) | (not task.maximize)
            anchor = int(torch.where(open_ & ~given_up, path.gauge, torch.inf).argmin())
        if not bool(open_.any()):
            return Finding(class_, task.region, Guarantee.ESTIMATE, anchors)
        left = path.parameters[open_]
        proved = task.largest_region(lambda region: not region.contains(left).any())
        reason = reason or f"the budget of {anchors} anchor{'s' * (anchors != 1)} ran out"
        return Finding(None if bool(open_[0]) else class_, proved, Guarantee.ESTIMATE, anchors, reason)
