"""Boxes that fill a region, and which of them lie in balls around anchors."""

from __future__ import annotations

import math

import torch
from scipy.special import ndtri
from torch import Tensor

from gsmooth_core.certifier import Task
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.statistics.bounds import after_drawing
from gsmooth_core.transformations.base import EnclosedTransformation
from gsmooth_core.transformations.regions import Region

ROUNDING = 1e-5
"""Added to every pixel of an enclosure, in intensity: more than the float32 image differs from the exact one."""
CELL_RADIUS = 0.1
"""Cells are halved until their radius in ``d_Σ`` is below this (balls have one of about 1 to 2), or the budget ends."""
LARGEST_CODES = 2**32
"""Bytes: if the codes of all cells may need more, they are computed again for each ball, instead of kept."""
SAMPLED = 2**14
"""The number of entries that are kept of such a code, to choose anchors by."""


class Cover:
    """Boxes that fill a region, and which of them lie in a ball. Mutable; created per image."""

    def __init__(self, task: Task) -> None:
        """Cut the task's region into cells."""
        assert isinstance(task.smoothing, LatentSmoothing)
        assert isinstance(task.transformation, EnclosedTransformation)
        self.original, self.transformation, self.smoothing = task.image, task.transformation, task.smoothing
        self.at_once = max(1, 2**20 // task.image.numel())  # images per step, 8 MB in float64
        shape = tuple(self.smoothing.encode(task.image[None]).shape[1:])
        self.rounding = self.smoothing.rounding(shape)
        self.drawing_error = self.smoothing.drawing_error(shape, task.image.device)
        self.entries = kept_entries(math.prod(shape), task.budget.cells)
        self.complete_codes = self.entries == math.prod(shape)
        self.lower, self.upper, self.codes, self.radius = self._cut(task.region, task.budget.cells)
        self.centre = (self.lower + self.upper) / 2
        self.covered = torch.zeros(len(self.centre), dtype=torch.bool, device=self.centre.device)
        self.given_up = self.covered.clone()
        identity = self.centre.new_tensor(task.transformation.space.identity)
        half = torch.maximum(self.upper.amax(0) - identity, identity - self.lower.amin(0)).clamp_min(1e-300)
        self.gauge = ((self.centre - identity).abs() / half).amax(dim=1)
        flat = (self.codes - self.codes[:1]).flatten(1).float()
        width = task.smoothing.latent_std / math.sqrt(math.prod(shape) / flat.shape[1])
        apart = torch.cdist(flat, flat) / width  # guides the choice of anchors; proves nothing
        self.farthest = apart + self.radius.float()  # (anchor, cell)

    def _cut(self, region: Region, budget: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Cells (lower, upper: (count, dimension)), the codes of their centres (``_enclose``) and radii (count,).

        Cells with a radius above ``CELL_RADIUS`` are halved across their relatively longest side. The widest cells are
        halved first if the budget does not allow all.
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
        """The codes of the boxes' centres, and the radii in ``d_Σ`` around them (count,).

        Codes are (count, *code), or ``SAMPLED`` entries of each, (count, entries), if the memory does not hold more.
        """
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
            code = self.smoothing.encode(centre.float())
            codes.append(code if self.complete_codes else self._sampled(code))
            stretch = self.smoothing.surrogate.lipschitz / self.smoothing.latent_std
            radii.append(spread.flatten(1).norm(dim=1) * stretch + self.rounding)
        return torch.cat(codes), torch.cat(radii)

    def _sampled(self, code: Tensor) -> Tensor:
        places = torch.linspace(0, code[0].numel() - 1, self.entries, dtype=torch.float64, device=code.device)
        return code.flatten(1)[:, places.round().long()]

    def _codes_of(self, cells: Tensor) -> Tensor:
        """The codes of the centres of cells (count,): (count, *code).

        A code that is computed again may differ in the last bits from the one that the cell's radius was computed with;
        ``ROUNDING`` is for each float32 image of the centre.
        """
        if self.complete_codes:
            return self.codes[cells]
        images = self.original.double().expand(len(cells), *self.original.shape)
        return self.smoothing.encode(self.transformation.apply(images, self.centre[cells]).float())

    def add_ball(self, image: Tensor, p: float, anchor: int | None = None) -> float:
        """Mark the cells in the ball around ``image``. Return its radius in ``d_Σ``: Ψ(p), less the error of draws.

        ``anchor`` is the cell whose centre ``image`` is. If codes are kept in part, its distances are known only now,
        and are kept: otherwise it might be chosen again and again for a cell that it does not hold.
        """
        code = self.smoothing.encode(image[None]).double()
        reach = float(ndtri(after_drawing(p, self.drawing_error)))
        for cells in (~self.covered).nonzero()[:, 0].split(self.at_once):
            if len(cells) == 0:  # as splitting no cells gives
                break
            farthest = self.smoothing.distance(self._codes_of(cells).double() - code) + self.radius[cells]
            self.covered[cells] = farthest < reach
            if anchor is not None and not self.complete_codes:
                self.farthest[anchor, cells] = farthest.float()
        return reach

    def target(self, nearest: bool) -> int | None:
        """The open cell nearest to the identity, or farthest from it; ``None`` if none is open."""
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


def kept_entries(entries: int, cells: int) -> int:
    """How many entries of each code of ``entries`` a cover of ``cells`` cells keeps: all, or ``SAMPLED``."""
    return entries if 4 * cells * entries <= LARGEST_CODES else min(entries, SAMPLED)
