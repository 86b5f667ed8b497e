"""The latent certificate: any enclosed transformation, covered by balls in a surrogate's latent space."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import torch
from scipy.special import ndtr, ndtri
from torch import Tensor

from gsmooth_core.certifier import Answer, Ask, Certifier, Finding, Steps, Task, few_votes, unfit
from gsmooth_core.confidence import after_drawing, anchor_share
from gsmooth_core.guarantee import Guarantee
from gsmooth_core.region import Region
from gsmooth_core.smoothing import LatentSmoothing, Smoothing
from gsmooth_core.transformation import EnclosedTransformation, SampledTransformation, Transformation

ROUNDING = 1e-5
"""Added to every pixel of an enclosure, in intensity: more than the float32 image differs from the exact one."""
CELL_RADIUS = 0.1
"""Cells are halved until their radius in ``d_Σ`` is below this (balls have one of about 1 to 2), or the budget ends."""
OVERLAP = 0.9
"""The next anchor is placed as if its ball had this share of the last one's radius."""
AIM = 1.0
"""The radius of a ball, in ``d_Σ``, for which sequential sampling is content: larger ones cost more draws a length."""


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
    each pixel of an enclosure for the float32 image, and p_j pays for draws that miss their law
    (:func:`after_drawing`). Assumes the enclosure, ``Lip(F₂)`` and that surrogates compute F₂ as exactly as
    ``rounding`` says; they need not imitate anything well.
    """

    name: ClassVar[str] = "latent"

    def guarantee(self, transformation: Transformation, smoothing: Smoothing) -> Guarantee:
        """``PROBABILISTIC``; ``ESTIMATE`` where enclosures are sampled."""
        sampled = isinstance(transformation, SampledTransformation)
        return Guarantee.ESTIMATE if sampled else Guarantee.PROBABILISTIC

    def basis(self, transformation: Transformation, smoothing: Smoothing) -> str:
        """The theorem's name; and that enclosures are sampled, where they are not proved."""
        sampled = self.guarantee(transformation, smoothing) is Guarantee.ESTIMATE
        return (
            "the latent certificate in floating-point arithmetic" + ", with enclosures estimated from samples" * sampled
        )

    def check(self, transformation: Transformation, smoothing: Smoothing, region: Region) -> None:
        """Refuse what cannot be enclosed, or is not smoothed in a latent layer."""
        if not isinstance(transformation, EnclosedTransformation):
            instead = "for an AdditiveTransformation use certifier='resolvable'"
            raise unfit(self, "an EnclosedTransformation", transformation, instead)
        if not isinstance(smoothing, LatentSmoothing):
            instead = "use smoothing=LatentSmoothing(IdentitySurrogate(), parameter_std=0, latent_std=0.25)"
            raise unfit(self, "noise in a surrogate's latent layer", smoothing, instead)

    def steps(self, task: Task) -> Steps:
        """Select a class at the image, then place anchors until every cell lies in a ball, or none helps.

        With ``maximize``, anchors march outwards from the identity; without, inwards from the region's far end, where
        an image that cannot be certified usually fails at once.
        """
        alpha, guarantee = task.budget.alpha, self.guarantee(task.transformation, task.smoothing)
        selected: Answer = yield Ask(task.image)
        aim = AIM if task.budget.stopping == "sequential" else math.inf
        answer: Answer = yield Ask(task.image, selected.class_, alpha * anchor_share(1), (0.5, float(ndtr(aim))))
        if not answer.lower > 0.5:
            return Finding(None, None, guarantee, 1, few_votes(answer, "on the unchanged image"))
        cover, anchors, reason = Cover(task), 1, ""
        expected = min(cover.add_ball(task.image, answer.lower), aim)
        while not cover.complete and (target := cover.target(nearest=task.maximize)) is not None:
            if anchors == task.budget.anchors:
                reason = f"the budget of {anchors} anchors ran out"
                break
            anchor = cover.anchor_for(target, OVERLAP * expected)
            image, anchors = cover.image(anchor), anchors + 1
            thresholds = (0.5, *(float(ndtr(r)) for r in (cover.farthest[anchor, target].item(), OVERLAP * expected)))
            answer = yield Ask(image, selected.class_, alpha * anchor_share(anchors), thresholds)
            reach = cover.add_ball(image, answer.lower)
            expected = min(reach, aim) if reach > 0 else expected / 2
            if reach <= 0 or (anchor == target and not cover.covered[target]):
                short = f"its votes reach {reach:.2g} in latent distance, less than a cell: raise the budget's cells"
                where = f"at {task.transformation.space.words(cover.centre[anchor].tolist())}"
                reason = few_votes(answer, where) if reach <= 0 else f"{where} {short}"
                if not task.maximize:
                    break
                cover.give_up_from(anchor)
        if cover.complete:
            return Finding(selected.class_, task.region, guarantee, anchors)
        return Finding(selected.class_, task.largest_region(cover.holds), guarantee, anchors, reason)


class Cover:
    """Boxes that fill a region, and which of them lie in a ball. The one mutable thing here; it lives for one image."""

    def __init__(self, task: Task) -> None:
        """Cut the task's region into cells."""
        assert isinstance(task.smoothing, LatentSmoothing)
        assert isinstance(task.transformation, EnclosedTransformation)
        self.original, self.transformation, self.smoothing = task.image, task.transformation, task.smoothing
        self.at_once = max(1, 2**20 // task.image.numel())  # images per step, 8 MB in float64
        shape = tuple(self.smoothing.encode(task.image[None]).shape[1:])
        self.rounding = self.smoothing.rounding(shape)
        self.drawing_error = self.smoothing.drawing_error(shape, task.image.device)
        self.lower, self.upper, self.codes, self.radius = self._cut(task.region, task.budget.cells)
        self.centre = (self.lower + self.upper) / 2
        self.covered = torch.zeros(len(self.centre), dtype=torch.bool, device=self.centre.device)
        self.given_up = self.covered.clone()
        identity = self.centre.new_tensor(task.transformation.space.identity)
        half = torch.maximum(self.upper.amax(0) - identity, identity - self.lower.amin(0)).clamp_min(1e-300)
        self.gauge = ((self.centre - identity).abs() / half).amax(dim=1)
        flat = (self.codes - self.codes[:1]).flatten(1).float()
        apart = torch.cdist(flat, flat) / task.smoothing.latent_std  # guides the choice of anchors; proves nothing
        self.farthest = apart + self.radius.float()  # (anchor, cell)

    def _cut(self, region: Region, budget: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cells (lower, upper: (count, dimension)), the codes of their centres (count, *code) and radii (count,).

        Cells with a radius above ``CELL_RADIUS`` are halved across their relatively longest side, the widest first
        when the budget does not allow all.
        """
        ends = torch.tensor([region.lower, region.upper], dtype=torch.float64, device=self.original.device)
        whole = (ends[1] - ends[0]).clamp_min(1e-300)
        lower, upper = ends[:1], ends[1:]
        codes, radius = self._enclose(lower, upper)
        while len(lower) < budget and bool((wide := (radius > CELL_RADIUS) & (lower < upper).any(dim=1)).any()):
            order = torch.argsort(torch.where(wide, radius, -1.0), descending=True)
            halved = order[: min(int(wide.sum()), budget - len(lower))]
            kept = torch.ones_like(wide).index_fill_(0, halved, False)
            side = torch.nn.functional.one_hot(((upper - lower)[halved] / whole).argmax(dim=1), len(whole)).bool()
            middle = (lower[halved] + upper[halved]) / 2
            new_lower = torch.cat([lower[halved], torch.where(side, middle, lower[halved])])
            new_upper = torch.cat([torch.where(side, middle, upper[halved]), upper[halved]])
            new_codes, new_radius = self._enclose(new_lower, new_upper)
            lower, upper = torch.cat([lower[kept], new_lower]), torch.cat([upper[kept], new_upper])
            codes, radius = torch.cat([codes[kept], new_codes]), torch.cat([radius[kept], new_radius])
        return lower, upper, codes, radius

    def _enclose(self, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """The codes of the boxes' centres (count, *code), and the radii in ``d_Σ`` around them (count,)."""
        codes, radii = [], []
        for low_end, high_end in zip(lower.split(self.at_once), upper.split(self.at_once), strict=True):
            images = self.original.double().expand(len(low_end), *self.original.shape)
            centre = self.transformation.apply(images, (low_end + high_end) / 2)
            low, high = self.transformation.enclose(images, low_end, high_end)
            if not bool(((low <= centre + ROUNDING) & (centre <= high + ROUNDING)).all()):
                raise ValueError(
                    f"{type(self.transformation).__name__}.enclose leaves out its box's centre; correct it"
                )
            spread = torch.maximum(high - centre, centre - low).clamp_min(0) + ROUNDING
            codes.append(self.smoothing.encode(centre.float()))
            stretch = self.smoothing.surrogate.lipschitz / self.smoothing.latent_std
            radii.append(spread.flatten(1).norm(dim=1) * stretch + self.rounding)
        return torch.cat(codes), torch.cat(radii)

    def add_ball(self, image: Tensor, p: float) -> float:
        """Mark the cells in the ball around ``image``; its radius in ``d_Σ``, Ψ(p) but for the draws, is returned."""
        code = self.smoothing.encode(image[None]).double()
        chunks = self.codes.split(self.at_once)
        distance = torch.cat([self.smoothing.distance(codes.double() - code) for codes in chunks])
        self.covered |= distance + self.radius < (reach := float(ndtri(after_drawing(p, self.drawing_error))))
        return reach

    def target(self, nearest: bool) -> int | None:
        """The open cell nearest to the identity, or farthest from it; ``None`` where none is open."""
        open_ = ~self.covered & ~self.given_up
        if not bool(open_.any()):
            return None
        gauge = self.gauge if nearest else -self.gauge
        return int(torch.where(open_, gauge, torch.inf).argmin())

    def anchor_for(self, target: int, reach: float) -> int:
        """The cell at whose centre a ball of radius ``reach`` would hold the target and the most other open cells."""
        within = self.farthest < reach
        sizes = (self.upper - self.lower).prod(dim=1)
        gain = (within & ~self.covered & ~self.given_up).double() @ sizes
        candidates = within[:, target]
        return int(torch.where(candidates, gain, -1.0).argmax()) if bool(candidates.any()) else target

    def give_up_from(self, cell: int) -> None:
        """Stop trying cells at least as far from the identity as this one."""
        self.given_up |= self.gauge >= self.gauge[cell]

    @property
    def complete(self) -> bool:
        """Whether every cell lies in a ball."""
        return bool(self.covered.all())

    def holds(self, region: Region) -> bool:
        """Whether no uncovered cell meets the region's bounding box."""
        low, high = (self.centre.new_tensor(end) for end in (region.lower, region.upper))
        meets = ((self.lower <= high) & (self.upper >= low)).all(dim=1)
        return bool(self.covered[meets].all())

    def image(self, cell: int) -> Tensor:
        """The transformed image at the cell's centre: float32 (channel, height, width)."""
        return self.transformation.apply(self.original[None], self.centre[cell : cell + 1].float())[0]
