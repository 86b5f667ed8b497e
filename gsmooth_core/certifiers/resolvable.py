"""Theorem 1: transformations that add up, smoothed by noise on their own parameter."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs

from gsmooth_core.certifier import Ask, Certifier, Finding, Steps, Task, few_votes
from gsmooth_core.guarantee import Guarantee
from gsmooth_core.noise import OneSidedNoise
from gsmooth_core.smoothing import ParameterSmoothing, Smoothing
from gsmooth_core.transformation import AdditiveTransformation, Region, Transformation


@attrs.frozen
class ResolvableCertifier(Certifier):
    """Certifies additive transformations of one parameter by shifting the noise.

    Theorem 1 (Hao et al. 2022; Li et al. 2021, in Neyman–Pearson form). If ``τ(θ, τ(δ, x)) = τ(θ + δ, x)``, the
    smoothed classifier at the attacked image ``τ(δ, x)`` under noise θ is the one at x under θ + δ: the attack shifts
    the law of the noise. If class c has probability at least p > ½ at x, it stays the majority while |δ| (δ ≥ 0, for a
    one-sided law) is below ``noise.shift(p, 1 − p)``. Assumes additivity in real arithmetic: in float32 the two sides
    differ in the last digits (the tests allow 1e-5), and a classifier that decides by those may escape.
    """

    name: ClassVar[str] = "resolvable"

    def guarantee(self, smoothing: Smoothing) -> Guarantee:
        """``PROBABILISTIC``, or what the noise's own shift is good for."""
        if not isinstance(smoothing, ParameterSmoothing):
            return Guarantee.PROBABILISTIC
        return Guarantee.weakest(Guarantee.PROBABILISTIC, smoothing.noise.shift_guarantee)

    def basis(self, smoothing: Smoothing) -> str:
        """Theorem 1, in real arithmetic; and by quadrature, where the noise has no proved shift."""
        quadrature = self.guarantee(smoothing) is Guarantee.ESTIMATE
        return "Theorem 1 in real arithmetic" + ", the noise's shift by quadrature" * quadrature

    def check(self, transformation: Transformation, smoothing: Smoothing, region: Region) -> None:
        """Refuse what is not additive, not smoothed in the parameter, of several parameters, or leaves the space."""
        if not isinstance(transformation, AdditiveTransformation) or transformation.space.dimension != 1:
            raise ValueError(
                f"the resolvable certifier needs an AdditiveTransformation of one parameter, which "
                f"{type(transformation).__name__} is not; for an EnclosedTransformation use certifier='latent'"
            )
        if not isinstance(smoothing, ParameterSmoothing) or smoothing.transformation != transformation:
            raise ValueError(
                f"the resolvable certifier needs noise on the parameter of {type(transformation).__name__} itself, not "
                f"{type(smoothing).__name__}; use smoothing=ParameterSmoothing(transformation, noise)"
            )
        space, noise = transformation.space, smoothing.noise
        if space.identity != (0.0,):
            raise ValueError(
                f"parameters that add up have the identity 0, not {space.identity[0]:g}; shift the parameter"
            )
        if isinstance(noise, OneSidedNoise):
            if region.lower != space.identity:
                raise ValueError(
                    f"{type(noise).__name__} noise certifies parameters from the identity upwards, not from "
                    f"{region.lower[0]:g}; use a two-sided law such as Gaussian, or a region that starts at "
                    f"{space.identity[0]:g}"
                )
            if space.upper[0] < math.inf:
                raise ValueError(f"noise without bound leaves a space that ends at {space.upper[0]:g}; use 'latent'")
        elif space.lower[0] > -math.inf or space.upper[0] < math.inf:
            raise ValueError(
                f"{type(noise).__name__} noise leaves the parameter space ({space.names[0]} from {space.lower[0]:g} to "
                f"{space.upper[0]:g} {space.units[0]}); use a OneSidedNoise such as Exponential"
            )

    def steps(self, task: Task) -> Steps:
        """Select a class, bound its probability p, and shift the noise by all that p allows."""
        assert isinstance(task.smoothing, ParameterSmoothing)
        guarantee = self.guarantee(task.smoothing)
        selected = yield Ask(task.image)
        answer = yield Ask(task.image, selected.class_, task.budget.alpha)
        if not answer.lower > 0.5:
            return Finding(None, None, guarantee, 1, few_votes(answer, "on the unchanged image"))
        shift = task.smoothing.noise.shift(answer.lower, 1 - answer.lower)
        identity, unit = task.transformation.space.identity[0], task.transformation.space.units[0]

        def below_shift(region: Region) -> bool:
            return max(identity - region.lower[0], region.upper[0] - identity) < shift

        if below_shift(task.region):
            return Finding(answer.class_, task.region, guarantee, 1)
        reason = (
            f"its {answer.votes:,} of {answer.samples:,} votes prove shifts of the noise below {shift:.4g} {unit} only"
        )
        proved = None
        if task.maximize:
            radius = task.transformation.largest_radius(lambda r: below_shift(r) and r.inside(task.region))
            proved = None if radius is None else task.transformation.region(radius)
        return Finding(answer.class_, proved, guarantee, 1, reason)
