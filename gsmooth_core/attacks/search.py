"""One image's search for the worst parameter of a region: the points so far, and the calls that are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import torch
from torch import Tensor

from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region

if TYPE_CHECKING:
    from gsmooth_core.classifiers.target import Target

AT_ONCE = 2**24
"""The largest number of pixel values that are transformed at once."""


@attrs.define
class Search:
    """One image's search: all points that were evaluated so far, with at most ``calls`` calls of the model."""

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
        """How many more points may be evaluated."""
        return max(0, (self.calls - self.used) // self.target.draws)

    def transformed(self, parameters: Tensor) -> Tensor:
        """Images at parameters (count, dimension)."""
        return self.transformation.apply(self.image.expand(len(parameters), *self.image.shape), parameters)

    def look(self, parameters: Tensor) -> Tensor:
        """The margins (count,) at parameters (count, dimension), for as many rows as may still be evaluated.

        Parameters are moved into the region, and rounded if they are whole numbers.
        """
        return self.look_exactly(self.inside(parameters.to(self.image.device).float()))

    def look_exactly(self, parameters: Tensor) -> Tensor:
        """The margins (count,) at exactly these parameters of the region (count, dimension), for as many as allowed."""
        parameters = parameters.to(self.image.device)[: self.points]
        if len(parameters) == 0:
            return torch.empty(0, dtype=torch.float32, device=self.image.device)
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
        """Parameters (count, dimension) moved into the region, rounded if whole; rows still outside are left out."""
        parameters = self.region.pulled_in(parameters, self.transformation.space.integer)
        return parameters[self.region.contains(parameters)]

    def worst(self, count: int) -> tuple[Tensor, Tensor]:
        """The distinct parameters (count, dimension) with the smallest margins, and these margins, smallest first."""
        margins, parameters = torch.cat(self.margins), torch.cat(self.parameters)
        chosen: dict[tuple[float, ...], int] = {}
        for place in margins.argsort(stable=True).tolist():
            chosen.setdefault(tuple(parameters[place].tolist()), place)
            if len(chosen) == count:
                break
        order = torch.tensor(list(chosen.values()), device=margins.device)
        return parameters[order], margins[order]
