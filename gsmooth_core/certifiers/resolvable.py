"""Theorem 1: transformations that compose to one of themselves, smoothed by noise on their own parameters."""

from __future__ import annotations

import itertools
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
    unfit,
)
from gsmooth_core.certifiers.fitting import unfit_for
from gsmooth_core.certifiers.rounding import Rounding, hides_rounding
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.smoothing.distribution import ScalableNoise
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.transformations.base import AdditiveTransformation, ScaledTransformation
from gsmooth_core.transformations.region import ROUNDING
from gsmooth_core.transformations.regions import Region


@attrs.frozen
class ResolvableCertifier(Certifier):
    """Certifies scaled transformations (in particular additive ones) by the effect of the attack on the noise.

    Theorem 1 (Hao et al. 2022; Li et al. 2021, in Neyman–Pearson form). If ``τ(θ, τ(δ, x)) = τ(δ + s(δ) ⊙ θ, x)``, the
    smoothed classifier at the attacked image ``τ(δ, x)`` under noise θ is the one at x under ``δ + s(δ) ⊙ θ``: the
    attack shifts and stretches the noise distribution. Let class c have probability at least p > ½ at x.

    *One additive parameter* (s = 1), any distribution: c stays the majority while |δ| (δ ≥ 0, for a one-sided
    distribution) is below ``noise.shift(p, 1 − p)``.

    *Several parameters, or stretched ones*, normal distributions N(0, σ_i²): p falls to at least p̃ by stretching
    (:meth:`ScalableNoise.stretched`, one parameter after the other), and c stays the majority while
    ``‖δ/(s(δ) ⊙ σ)‖₂ < Ψ(p̃)`` (Cohen et al. 2019, Theorem 1, in the stretched norm). On a box that has the identity as
    a corner each s_i lies between its values at the corners, of which one is s_i = 1; the worst of each is taken. The
    same holds on the box around an ellipsoid, or around a product.

    *In floating-point arithmetic* the two sides of the composition differ in the last digits, so the theorem does not
    hold for a classifier that decides by those digits, or by the spacing of float64 draws. Pixel noise of std s after
    the map hides both (:class:`Rounding`); maps without rounding need no pixel noise. In all other cases the
    certificate holds in real arithmetic alone, and says so.
    """

    name: ClassVar[str] = "resolvable"

    def guarantee(self, problem: Problem) -> Guarantee:
        """``PROBABILISTIC``, or ``ESTIMATE`` if the noise's own shift is an estimate."""
        smoothing = problem.smoothing
        laws = smoothing.laws if isinstance(smoothing, ParameterSmoothing) else ()
        return Guarantee.weakest(Guarantee.PROBABILISTIC, *(law.shift_guarantee for law in laws))

    def basis(self, problem: Problem) -> str:
        """Theorem 1, and in which arithmetic; with "by quadrature" if the noise has no proved shift."""
        quadrature = self.guarantee(problem) is Guarantee.ESTIMATE
        arithmetic = "floating-point" if hides_rounding(problem.transformation, problem.smoothing) else "real"
        return f"Theorem 1 in {arithmetic} arithmetic" + ", the noise's shift by quadrature" * quadrature

    def check(self, problem: Problem) -> None:
        """Raise ``ValueError`` unless the map composes, and its noise is on the parameters, fits and stays in the
        space.
        """
        transformation, smoothing, region = problem.transformation, problem.smoothing, problem.region
        name = type(transformation).__name__
        if not isinstance(transformation, ScaledTransformation):
            raise unfit_for(self, "an AdditiveTransformation or a ScaledTransformation", transformation)
        if not isinstance(smoothing, ParameterSmoothing) or not smoothing.is_on(transformation):
            instead = "use smoothing=ParameterNoise(noise)"
            raise unfit(self, f"noise on the parameter of {name} itself", smoothing, instead)
        space = transformation.space
        if not space.unchanged_at_identity:
            raise ValueError(
                f"the resolvable certifier needs a parameter at which {name} changes nothing; for a map without one "
                "use certifier='latent' with an enclosure, or certifier='enumeration' with a list of outputs"
            )
        if any(space.identity):
            raise ValueError(
                f"parameters that add up have the identity 0, not {space.identity[0]:g}; shift the parameter"
            )
        if space.integer and not isinstance(transformation, AdditiveTransformation):
            raise ValueError(f"whole numbers do not stay whole when {name} stretches them; use real parameters")
        single = space.dimension == 1 and isinstance(transformation, AdditiveTransformation)
        others = [law for law in smoothing.laws if not isinstance(law, ScalableNoise)]
        if others and not single:
            raise ValueError(
                f"{name} needs Gaussian noise on each parameter, not {type(others[0]).__name__}; only one parameter "
                "that adds up may have another distribution"
            )
        smoothing.check_support(region)

    def steps(self, task: Task) -> Steps:
        """Select a class, bound its probability p, and check whether p is large enough for the whole region."""
        guarantee = self.guarantee(task.problem)
        class_ = yield from ask_class(task.image)
        smoothing = task.smoothing
        assert isinstance(smoothing, ParameterSmoothing)
        thresholds = (0.5, least_probability(task.region, smoothing, task.shape))
        answer = yield from ask_bound(task.image, class_, task.budget.alpha, thresholds, refine=task.maximize)
        if not answer.lower > 0.5:
            return Finding(None, None, guarantee, 1, few_votes(answer, "on the unchanged image"))

        rounding = Rounding(smoothing, task.shape)

        def holds(region: Region) -> bool:
            return withstands(region, rounding.left(answer.lower, region), smoothing)

        if holds(task.region):
            return Finding(answer.class_, task.region, guarantee, 1)
        reason = (
            f"its {answer.votes:,} of {answer.samples:,} votes prove a probability of {answer.lower:.4g}, too low for "
            "the whole region"
        )
        return Finding(answer.class_, task.largest_region(holds), guarantee, 1, reason)

    def prospects(self, task: Task) -> str:
        """Too few samples for the region, or too little noise, even if all votes agree, and the largest radius.

        The bound of a probability is largest if all ``samples`` votes agree, and :func:`withstands` holds for every
        larger probability, so what fails for that bound fails for every image.
        """
        smoothing = task.smoothing
        assert isinstance(smoothing, ParameterSmoothing)
        rounding, surest = Rounding(smoothing, task.shape), task.budget.surest()

        def holds(region: Region) -> bool:
            return withstands(region, rounding.left(surest, region), smoothing)

        if holds(task.region) or task.largest_region(holds) is not None:
            return ""
        needed = max(0.5, surest, least_probability(task.region, smoothing, task.shape))
        within = task.transformation.largest_radius(lambda region: holds(region) and region.inside(task.region))
        smaller = [f"a radius of at most {0.999 * within:.4g}"] if within else []
        return too_few_samples(task.budget, needed, *smaller, "more noise")


def least_probability(region: Region, smoothing: ParameterSmoothing, shape: tuple[int, int, int]) -> float:
    """The probability above which a class withstands the region, to about 1e-6; the engine uses it to stop drawing.

    For images of ``shape`` (channel, height, width).
    """
    low, high, rounding = 0.0, 8.0, Rounding(smoothing, shape)
    for _ in range(24):
        middle = (low + high) / 2
        left = rounding.left(float(ndtr(middle)), region)
        low, high = (low, middle) if withstands(region, left, smoothing) else (middle, high)
    return float(ndtr(high))


def withstands(region: Region, p: float, smoothing: ParameterSmoothing) -> bool:
    """Whether a class of probability at least ``p`` > ½ stays the majority on the whole region (Theorem 1)."""
    if p <= 0.5:
        return False
    transformation = smoothing.transformation
    assert isinstance(transformation, ScaledTransformation)
    additive = isinstance(transformation, AdditiveTransformation)
    if additive and region.dimension == 1:
        return max(-region.lower[0], region.upper[0]) < smoothing.laws[0].shift(p, 1 - p)
    laws = [law for law in smoothing.laws if isinstance(law, ScalableNoise)]
    for piece in region.orthants():
        corners = list(itertools.product(*zip(piece.lower, piece.upper, strict=True)))
        scales = transformation.scale(torch.tensor(corners, dtype=torch.float64))
        narrowest, widest = scales.amin(dim=0).tolist(), scales.amax(dim=0).tolist()
        left = p
        for law, low, high in zip(laws, narrowest, widest, strict=True):
            left = min(law.stretched(left, low), law.stretched(left, high))
        widths = [law.deviation * low for law, low in zip(laws, narrowest, strict=True)]
        if not (left > 0.5 and piece.reach(widths) * (1 + ROUNDING) < float(ndtri(left))):
            return False
    return True
