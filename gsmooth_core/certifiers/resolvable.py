"""Theorem 1: transformations that compose to one of themselves, smoothed by noise on their own parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import ClassVar

import attrs
import torch
from scipy.special import ndtr, ndtri

from gsmooth_core.certifier import Answer, Ask, Certifier, Finding, Steps, Task, few_votes
from gsmooth_core.guarantee import Guarantee
from gsmooth_core.noise import Gaussian, NoiseDistribution, OneSidedNoise
from gsmooth_core.region import ParameterSpace, Region
from gsmooth_core.smoothing import ParameterSmoothing, Smoothing
from gsmooth_core.transformation import AdditiveTransformation, ScaledTransformation, Transformation


@attrs.frozen
class ResolvableCertifier(Certifier):
    """Certifies scaled transformations (additive ones above all) by what the attack does to the noise.

    Theorem 1 (Hao et al. 2022; Li et al. 2021, in Neyman–Pearson form). If ``τ(θ, τ(δ, x)) = τ(δ + s(δ) ⊙ θ, x)``, the
    smoothed classifier at the attacked image ``τ(δ, x)`` under noise θ is the one at x under ``δ + s(δ) ⊙ θ``: the
    attack shifts and stretches the law of the noise. Let class c have probability at least p > ½ at x.

    *One additive parameter* (s = 1), any law: c stays the majority while |δ| (δ ≥ 0, for a one-sided law) is below
    ``noise.shift(p, 1 − p)``.

    *Several parameters, or stretched ones*, normal laws N(0, σ_i²): p falls to at least p̃ by stretching
    (:func:`stretched`, one parameter after the other), and c stays the majority while ``‖δ/(s(δ) ⊙ σ)‖₂ < Ψ(p̃)``
    (Cohen et al. 2019, Theorem 1, in the stretched norm). On a box that has the identity as a corner each s_i lies
    between its values at the corners, of which one is s_i = 1; the worst of each is taken.

    Assumes the composition in real arithmetic: in float32 the two sides differ in the last digits (the tests allow
    1e-5), and a classifier that decides by those may escape.
    """

    name: ClassVar[str] = "resolvable"

    def guarantee(self, transformation: Transformation, smoothing: Smoothing) -> Guarantee:
        """``PROBABILISTIC``, or what the noise's own shift is good for."""
        laws = smoothing.laws if isinstance(smoothing, ParameterSmoothing) else ()
        return Guarantee.weakest(Guarantee.PROBABILISTIC, *(law.shift_guarantee for law in laws))

    def basis(self, transformation: Transformation, smoothing: Smoothing) -> str:
        """Theorem 1, in real arithmetic; and by quadrature, where the noise has no proved shift."""
        quadrature = self.guarantee(transformation, smoothing) is Guarantee.ESTIMATE
        return "Theorem 1 in real arithmetic" + ", the noise's shift by quadrature" * quadrature

    def check(self, transformation: Transformation, smoothing: Smoothing, region: Region) -> None:
        """Refuse what does not compose, is not smoothed in its parameters, needs other laws, or leaves its space."""
        name = type(transformation).__name__
        if not isinstance(transformation, ScaledTransformation):
            raise ValueError(
                f"the resolvable certifier needs an AdditiveTransformation or a ScaledTransformation, which {name} is "
                "not; for an EnclosedTransformation use certifier='latent'"
            )
        if not isinstance(smoothing, ParameterSmoothing) or smoothing.transformation != transformation:
            raise ValueError(
                f"the resolvable certifier needs noise on the parameter of {name} itself, not "
                f"{type(smoothing).__name__}; use smoothing=ParameterSmoothing(transformation, noise)"
            )
        space = transformation.space
        if any(space.identity):
            raise ValueError(
                f"parameters that add up have the identity 0, not {space.identity[0]:g}; shift the parameter"
            )
        if space.integer and not isinstance(transformation, AdditiveTransformation):
            raise ValueError(f"whole numbers do not stay whole when {name} stretches them; use real parameters")
        single = space.dimension == 1 and isinstance(transformation, AdditiveTransformation)
        others = [law for law in smoothing.laws if not isinstance(law, Gaussian)]
        if others and not single:
            raise ValueError(
                f"{name} needs Gaussian noise on each parameter, not {type(others[0]).__name__}; only one parameter "
                "that adds up may have another law"
            )
        for index, law in enumerate(smoothing.laws):
            _check_support(law, space, index, region)

    def steps(self, task: Task) -> Steps:
        """Select a class, bound its probability p, and see whether p allows what the region does to the noise."""
        guarantee = self.guarantee(task.transformation, task.smoothing)
        selected: Answer = yield Ask(task.image)
        answer: Answer = yield Ask(task.image, selected.class_, task.budget.alpha)
        if not answer.lower > 0.5:
            return Finding(None, None, guarantee, 1, few_votes(answer, "on the unchanged image"))

        def holds(region: Region) -> bool:
            assert isinstance(task.smoothing, ParameterSmoothing)
            return withstands(region, answer.lower, task.smoothing)

        if holds(task.region):
            return Finding(answer.class_, task.region, guarantee, 1)
        reason = (
            f"its {answer.votes:,} of {answer.samples:,} votes prove a probability of {answer.lower:.4g}, too low for "
            "the whole region"
        )
        proved = None
        if task.maximize:
            radius = task.transformation.largest_radius(lambda r: holds(r) and r.inside(task.region))
            proved = None if radius is None else task.transformation.region(radius)
        return Finding(answer.class_, proved, guarantee, 1, reason)


def withstands(region: Region, p: float, smoothing: ParameterSmoothing) -> bool:
    """Whether a class of probability at least ``p`` > ½ stays the majority on the whole region (Theorem 1)."""
    transformation = smoothing.transformation
    assert isinstance(transformation, ScaledTransformation)
    additive = isinstance(transformation, AdditiveTransformation)
    if additive and region.dimension == 1:
        return max(-region.lower[0], region.upper[0]) < smoothing.laws[0].shift(p, 1 - p)
    stds = [law.std for law in smoothing.laws if isinstance(law, Gaussian)]
    for piece in [region] if region.norm == "l2" else _orthants(region):
        corners = list(itertools.product(*zip(piece.lower, piece.upper, strict=True)))
        scales = transformation.scale(torch.tensor(corners, dtype=torch.float64))
        narrowest, widest = scales.amin(dim=0).tolist(), scales.amax(dim=0).tolist()
        left = p
        for low, high in zip(narrowest, widest, strict=True):
            left = min(stretched(left, low), stretched(left, high))
        widths = [std * low for std, low in zip(stds, narrowest, strict=True)]
        if not (left > 0.5 and _reach(piece, widths) < float(ndtri(left))):
            return False
    return True


def stretched(p: float, scale: float) -> float:
    """The least probability under N(0, scale²σ²) of anything that has probability ``p`` under N(0, σ²).

    The ratio of the two densities is monotone in |t|, so by Neyman and Pearson the worst set holds the smallest |t| if
    the law widens, ``2Φ(Ψ((1+p)/2)/scale) − 1``, and the largest if it narrows, ``2 − 2Φ(Ψ(1−p/2)/scale)``. It falls
    the further ``scale`` is from 1.

    >>> round(stretched(0.9, 2.0), 4), round(stretched(0.9, 0.5), 4), stretched(0.9, 1.0)
    (0.5892, 0.8016, 0.9)
    """
    if scale == 1:
        return p
    if scale > 1:
        return float(2 * ndtr(-ndtri((1 - p) / 2) / scale) - 1)
    return float(2 * ndtr(ndtri(p / 2) / scale))


def _orthants(region: Region) -> Iterator[Region]:
    """The parts of a box on either side of the identity 0, so that each has the identity as a corner."""
    sides = [
        [(low, 0.0)] * (low < 0) + [(0.0, high)] * (high > 0 or low == 0)
        for low, high in zip(region.lower, region.upper, strict=True)
    ]
    for ends in itertools.product(*sides):
        yield Region(tuple(low for low, _ in ends), tuple(high for _, high in ends))


def _reach(region: Region, widths: list[float]) -> float:
    """An upper bound of ``‖δ/widths‖₂`` over the region: exact for boxes, and for ellipsoids around 0."""
    ends = list(zip(region.lower, region.upper, widths, strict=True))
    if region.norm == "l2" and all(low == -high for low, high, _ in ends):
        return max(high / width for _, high, width in ends)
    return math.hypot(*(max(-low, high) / width for low, high, width in ends))


def _check_support(law: NoiseDistribution, space: ParameterSpace, index: int, region: Region) -> None:
    """Refuse a law whose draws leave the space, or that does not certify the region's side."""
    name, unit = space.names[index], space.units[index]
    low, high, noise = space.lower[index], space.upper[index], type(law).__name__
    if isinstance(law, OneSidedNoise):
        if region.lower[index] != 0:
            raise ValueError(
                f"{noise} noise certifies parameters from the identity upwards, not from {region.lower[index]:g}; use "
                "a two-sided law such as Gaussian, or a region that starts at 0"
            )
        if high < math.inf:
            raise ValueError(f"noise without bound leaves a space that ends at {high:g} {unit}; use 'latent'")
    elif low > -math.inf or high < math.inf:
        raise ValueError(
            f"{noise} noise leaves the parameter space ({name} from {low:g} to {high:g} {unit}); use a OneSidedNoise "
            "such as Exponential"
        )
