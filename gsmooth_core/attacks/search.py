"""Ways to look for the worst parameter of a region."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import torch
from scipy.optimize import Bounds, differential_evolution
from scipy.stats import qmc
from torch import Tensor

from gsmooth_core.attacks.target import Target
from gsmooth_core.region import Region
from gsmooth_core.transformation import Transformation

STARTS, STEPS = 4, 10
"""Of the gradient ascent: how many points climb side by side, and how often at most."""
AT_ONCE = 2**24
"""Values of images that are transformed at once."""
FIRST_STEP, SHRINK = 0.5, 0.7
"""The first step, as a share of half the region, and how each is smaller than the one before."""


@attrs.define
class Search:
    """One image's search: everything that was looked at so far, within ``calls`` of the model."""

    image: Tensor
    class_: int
    region: Region
    transformation: Transformation
    target: Target
    calls: int
    generator: torch.Generator
    used: int = 0
    parameters: list[Tensor] = attrs.field(factory=list)
    margins: list[Tensor] = attrs.field(factory=list)

    @property
    def points(self) -> int:
        """How many more points may be looked at."""
        return max(0, (self.calls - self.used) // self.target.draws)

    def transformed(self, parameters: Tensor) -> Tensor:
        """Images at parameters (count, dimension)."""
        return self.transformation.apply(self.image.expand(len(parameters), *self.image.shape), parameters)

    def look(self, parameters: Tensor) -> Tensor:
        """The margins (count,) at parameters (count, dimension), as many as may still be looked at.

        Parameters are drawn back into the region, and rounded where they are whole numbers.
        """
        return self.look_exactly(self.inside(parameters.to(self.image.device).float()))

    def look_exactly(self, parameters: Tensor) -> Tensor:
        """The margins (count,) at just these parameters of the region (count, dimension), as many as may be."""
        parameters = parameters.to(self.image.device)[: self.points]
        if len(parameters) == 0:
            return torch.empty(0, device=self.image.device)
        self.used += len(parameters) * self.target.draws
        parts = parameters.split(max(1, AT_ONCE // self.image.numel()))
        with torch.no_grad():
            margins = torch.cat(
                [self.target.margins(self.transformed(part), self.class_, self.generator) for part in parts]
            )
        self.parameters.append(parameters)
        self.margins.append(margins)
        return margins

    def inside(self, parameters: Tensor) -> Tensor:
        """Parameters (count, dimension) drawn back into the region, rounded where they must be, and in it for sure."""
        low, high = (_float32(end, side) for end, side in ((self.region.lower, np.inf), (self.region.upper, -np.inf)))
        low, high = low.to(parameters.device), high.to(parameters.device)
        whole = self.transformation.space.integer
        if whole:
            low, high = low.ceil(), high.floor()
        parameters = self.transformation.space.snap(torch.minimum(torch.maximum(parameters, low), high))
        if self.region.norm == "l2":
            centre, half = (low + high) / 2, ((high - low) / 2).clamp_min(1e-12)
            length = ((parameters - centre) / half).norm(dim=1, keepdim=True).clamp_min(1.0)
            pulled = centre + (parameters - centre) / length * (1 - 1e-6)
            if whole:  # towards the centre, so as not to leave the ball again
                pulled = torch.where(pulled > centre, pulled.floor(), pulled.ceil())
            parameters = torch.where(length > 1, pulled, parameters)
        return parameters[self.region.contains(parameters)]

    def worst(self, count: int) -> tuple[Tensor, Tensor]:
        """The distinct parameters (count, dimension) with the least margins, and those, least first."""
        margins, parameters = torch.cat(self.margins), torch.cat(self.parameters)
        chosen: dict[tuple[float, ...], int] = {}
        for place in margins.argsort(stable=True).tolist():
            chosen.setdefault(tuple(parameters[place].tolist()), place)
            if len(chosen) == count:
                break
        order = torch.tensor(list(chosen.values()), device=margins.device)
        return parameters[order], margins[order]


def _float32(ends: tuple[float, ...], inwards: float) -> Tensor:
    """A region's ends in float32, rounded inwards so that they lie in it."""
    exact, nearest = np.array(ends), np.array(ends, dtype=np.float32)
    outside = nearest < exact if inwards > 0 else nearest > exact
    return torch.from_numpy(np.where(outside, np.nextafter(nearest, np.float32(inwards)), nearest))


def grid(search: Search) -> None:
    """An even grid, as dense as the calls allow; both ends of every parameter are in it."""
    points = max(2, math.floor(search.points ** (1 / search.region.dimension)))
    if search.region.norm == "l2" and points > 2:
        points -= 1 - points % 2  # of a ball, the ends lie on the axes through the centre
    search.look(search.region.grid(points))


def random(search: Search) -> None:
    """Scrambled Sobol points (Owen 1998)."""
    seed = int(torch.randint(2**31, (), generator=search.generator, device=search.generator.device))
    count = search.points
    unit = qmc.Sobol(search.region.dimension, rng=np.random.default_rng(seed)).random_base2(
        max(1, math.ceil(math.log2(max(2, 2 * count))))
    )
    low, high = np.array(search.region.lower), np.array(search.region.upper)
    points = torch.from_numpy(low + unit * (high - low))
    search.look(points[search.region.contains(points)][:count])


def pgd(search: Search) -> None:
    """Projected ascent of the loss by the sign of its gradient, from the worst of some random starts.

    The gradient goes through the real transformation, and through the noise by a mean over draws (expectation over
    transformation, Athalye et al. 2018); steps shrink. Where there is no gradient, as for whole parameters, points
    stay, and the rest of the calls goes to random points.
    """
    if not search.transformation.space.integer:
        steps = min(STEPS, search.points // (2 * STARTS))
        low, high = (
            torch.tensor(end, device=search.image.device) for end in (search.region.lower, search.region.upper)
        )
        half = (high - low) / 2
        starts = search.region.sample(max(STARTS, search.points - 2 * STARTS * steps), search.generator)
        search.look(starts)
        at, _ = search.worst(STARTS)
        for step in range(steps):
            slope = gradient(search, at)
            search.used += len(at) * search.target.draws
            if not bool(slope.any()):
                break
            at = search.inside(at - slope.sign() * half * FIRST_STEP * SHRINK**step)
            search.look(at)
    if search.points > 0:
        random(search)


def gradient(search: Search, parameters: Tensor) -> Tensor:
    """The gradient of the smooth margin in the parameters (count, dimension)."""
    with torch.enable_grad():
        at = parameters.detach().clone().requires_grad_()
        margins = search.target.soft_margins(search.transformed(at), search.class_, search.generator)
        if not margins.requires_grad:
            return torch.zeros_like(parameters)
        [slope] = torch.autograd.grad(margins.sum(), at, allow_unused=True)
    return torch.zeros_like(parameters) if slope is None else slope.nan_to_num()


def evolution(search: Search) -> None:
    """Differential evolution (Storn & Price 1997), a generation at a time."""
    dimension, size = search.region.dimension, max(5, min(15 * search.region.dimension, search.points // 4))
    if search.points < 2 * size or search.region.lower == search.region.upper:
        return random(search)
    seed = int(torch.randint(2**31, (), generator=search.generator, device=search.generator.device))

    def values(points: Any) -> Any:
        found = np.full(points.shape[1], np.inf)
        parameters = torch.from_numpy(np.ascontiguousarray(points.T))
        kept = [index for index, one in enumerate(parameters) if len(search.inside(one[None].float())) == 1]
        margins = search.look(parameters[kept])
        found[kept[: len(margins)]] = margins.cpu().numpy()
        return found

    differential_evolution(
        values,
        Bounds(list(search.region.lower), list(search.region.upper)),
        popsize=max(1, size // dimension),
        maxiter=max(1, search.points // size - 1),
        tol=0,
        atol=-1,  # go on where all points are alike, as vote shares of 1 are
        polish=False,
        vectorized=True,
        updating="deferred",
        rng=np.random.default_rng(seed),
    )
    return random(search) if search.points > 0 else None


METHODS: dict[str, Callable[[Search], None]] = {"grid": grid, "random": random, "pgd": pgd, "evolution": evolution}
