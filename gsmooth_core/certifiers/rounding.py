"""Theorem 1 for the program: how much rounding lowers a probability before the theorem in real numbers is applied."""

from __future__ import annotations

import itertools
import math

import attrs
import torch
from scipy.special import ndtr, ndtri

from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.distribution import TAIL
from gsmooth_core.smoothing.parameter import ParameterSmoothing
from gsmooth_core.statistics.bounds import after_drawing
from gsmooth_core.transformations.base import ScaledTransformation, Transformation
from gsmooth_core.transformations.regions import Box, Region

SHARES = (1e-2, 1e-3, 1e-4, TAIL)
"""Draws are sorted by their distance from the centre: rare ones may be rounded more, and cost little."""


def hides_rounding(transformation: Transformation, smoothing: Smoothing) -> bool:
    """Whether the theorem has a bound for the program: with pixel noise and a proved rounding error, or with no error.

    Without pixel noise the error must be 0 on the box of all draws: at the identity alone no map rounds.
    """
    if not isinstance(transformation, ScaledTransformation) or not isinstance(smoothing, ParameterSmoothing):
        return False
    if smoothing.pixels is None:
        everywhere = smoothing.bounds()
        return transformation.composition_error(everywhere, everywhere, (1, 28, 28)) == 0
    point = Box(transformation.space.identity, transformation.space.identity)
    return transformation.composition_error(point, point, (1, 28, 28)) < math.inf


@attrs.frozen
class Rounding:
    """How much rounding lowers probabilities, for images of ``shape`` (channel, height, width) with n values.

    Theorem. Let η be the parameter of both maps together. The attack δ in the region moves its distribution; the noise
    is the θ with η = δ + s(δ) ⊙ θ. Let S(z) be the class's probability at an image z under pixel noise N(0, s²I),
    rounded to its grid after it was added, and q(η) = S(τ(η, x)), with τ in real numbers. At x, and under the attack,
    the program shows the model an image, rounded to the grid, whose ℓ2 distances from τ(η, x) add up to at most c(η)·s.
    So, with the mean E over the distribution of η, ``p ≤ E g(η) + error`` for some g, and under attack, where the mean
    is E_δ, the class has at least ``E_δ w(η) − error``, ``w = Φ(Ψ(g) − c)`` (Cohen et al. 2019, in the form of Salman
    et al. 2019, Lemma 2; ``error``: of the draws, which :func:`after_drawing` charges). Theorem 1 applies to w, which
    is a probability at each η, once a lower bound of its mean E w before the attack is known.

    *The mean.* Let B₁ ⊂ B₂ ⊂ … be boxes that hold the draws of each of m parameters except for a share t_j
    (``SHARES``), and c_j the largest c on B_j. Φ(Ψ(g) − c) is convex in g, and falls by at most 1/√(2π) per unit of c.
    By Jensen's inequality

        E w  ≥  Φ(Ψ(E g) − c_j) − Σ_{i ≥ j} m t_i (c_{i+1} − c_i)/√(2π),  for each j; the best one counts.

    c·s is :meth:`~ScaledTransformation.composition_error` and the way to the grid, √n·step/2 for each image; images are
    cut off at the grid's end, which increases no distance. Its outer box holds η and every θ that leads to it.

    Maps without rounding need no pixel noise, and only the error of the draws is charged. If rounding is not hidden,
    nothing is subtracted: Theorem 1 then holds in real arithmetic, with draws of the distribution itself.
    """

    smoothing: ParameterSmoothing
    shape: tuple[int, int, int]
    boxes: tuple[Region, ...] = attrs.field(init=False)

    @boxes.default
    def _boxes(self) -> tuple[Region, ...]:
        return tuple(self.smoothing.bounds(share) for share in SHARES)

    def left(self, p: float, region: Region) -> float:
        """What remains of a class's probability ``p`` under the program, for Theorem 1 on the region."""
        transformation = self.smoothing.transformation
        assert isinstance(transformation, ScaledTransformation)
        if not hides_rounding(transformation, self.smoothing):
            return p
        p = after_drawing(p, self.smoothing.drawing_error(self.shape))
        outer = [drawn(box, region, transformation) for box in self.boxes]
        errors = [
            math.inf if box is None else transformation.composition_error(region, box, self.shape) for box in outer
        ]
        if self.smoothing.pixels is None:
            return p if not any(errors) else 0.0
        snapping = 2 * self.smoothing.pixels.snapping(math.prod(self.shape))
        costs = [(error + snapping) / self.smoothing.pixel_std for error in errors]
        if math.inf in costs:
            return 0.0
        steps = [max(0.0, farther - cost) for cost, farther in itertools.pairwise(costs)]
        rests = [share * step / math.sqrt(2 * math.pi) for share, step in zip(SHARES, steps, strict=False)]
        bounds = (ndtr(ndtri(p) - cost) - region.dimension * sum(rests[j:]) for j, cost in enumerate(costs))
        return max(0.0, *map(float, bounds))


def drawn(box: Region, region: Region, transformation: ScaledTransformation) -> Region | None:
    """A box that holds each η of ``box``, and each θ that leads there, ``η = δ + s(δ) ⊙ θ``, for a δ of the region.

    s is monotone in each single parameter, so it lies between its values at the region's corners, and 1. ``None`` where
    float64 has no such box.
    """
    corners = list(itertools.product(*zip(region.lower, region.upper, strict=True)))
    scales = transformation.scale(torch.tensor(corners, dtype=torch.float64))
    if not bool((scales > 0).all() and scales.isfinite().all()):
        return None
    lower, upper = [], []
    for index, (low, high) in enumerate(zip(box.lower, box.upper, strict=True)):
        ends = low - region.upper[index], high - region.lower[index]
        factors = 1.0, 1 / float(scales[:, index].min()), 1 / float(scales[:, index].max())
        lower.append(min(low, *(end * factor for end in ends for factor in factors)))
        upper.append(max(high, *(end * factor for end in ends for factor in factors)))
    return Box(tuple(lower), tuple(upper)) if all(map(math.isfinite, lower + upper)) else None
