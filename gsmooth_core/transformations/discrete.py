"""Transformations with finitely many distinct outputs on every region."""

from __future__ import annotations

from abc import abstractmethod
from typing import final

import torch
from torch import Tensor

from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region

MOST_OUTPUTS = 2**22
"""Longer lists of outputs are refused, because they would fill the memory."""


class DiscreteTransformation(Transformation):
    """A transformation with finitely many distinct outputs on every region."""

    @abstractmethod
    def representatives(self, region: Region, height: int, width: int) -> Tensor:
        """Parameters in the region that give every distinct output for images of that size: float64 (count, dimension).

        Each output has a representative as near to the identity as possible: a smaller region of the same kind gives
        exactly the outputs whose representatives it holds, and so does ``region.cut(share, identity)`` of a box.
        ``ValueError`` if there are too many to be listed.
        """


class StepTransformation(DiscreteTransformation):
    """A transformation of one parameter ξ ≥ 0 that depends on it only through a whole number, its level."""

    @abstractmethod
    def level(self, parameters: Tensor, height: int, width: int) -> Tensor:
        """The levels (batch,), int64, of parameters (batch, 1) for images of that size; they never fall as ξ grows.

        The docstring says at which parameters the level rises.
        """

    @final
    def representatives(self, region: Region, height: int, width: int) -> Tensor:
        """The least float64 parameter of each level in the region: (count, 1).

        Proof. Equal levels give equal outputs, so one parameter per level is enough. As levels never fall, the
        parameters with a level of at least v form an interval up to the region's end, and bisection finds its start to
        the last bit; a skipped level gives the start of the next one again, which is dropped. The starts are the
        parameters nearest to the identity, because the region starts there (``ParameterSpace.check_region``, in a space
        that starts at its identity).
        """
        if self.space.dimension != 1 or self.space.lower != self.space.identity:
            raise ValueError(
                f"the space of {type(self).__name__} must have one parameter and start at the identity, not "
                f"{self.space.identity} in {self.space.lower} to {self.space.upper}; derive it from "
                "DiscreteTransformation and write representatives"
            )

        def level(parameters: Tensor) -> Tensor:
            levels: object = self.level(parameters[:, None], height, width)
            if not isinstance(levels, Tensor) or levels.dtype != torch.int64 or levels.shape != parameters.shape:
                raise ValueError(
                    f"{type(self).__name__}.level must return int64 (batch,) for parameters (batch, 1); use .view(-1) "
                    "and .long()"
                )
            return levels

        start, end = torch.tensor([[region.lower[0]], [region.upper[0]]], dtype=torch.float64)
        first, last = int(level(start)), int(level(end))
        if last < first:
            raise ValueError(f"{type(self).__name__}.level falls from {first} to {last}; it may only rise")
        if last - first >= MOST_OUTPUTS:
            raise ValueError(
                f"{type(self).__name__} has {last - first + 1:,} levels in this region, too many to try them all; "
                "choose a smaller radius"
            )
        wanted = torch.arange(first + 1, last + 1)
        low, high = start.expand(len(wanted)), end.expand(len(wanted))
        while bool(((low < (middle := (low + high) / 2)) & (middle < high)).any()):
            reached = level(middle) >= wanted
            low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
        return torch.cat([start, high.unique()])[:, None]
