"""The path that a surrogate's imitations take through image space: what Corollary 1 is about."""

from __future__ import annotations

import torch
from torch import Tensor

from gsmooth_core.certifier import Task
from gsmooth_core.smoothing.latent import LatentSmoothing


class Path:
    """The surrogate's path over a grid of the region's parameters, from the identity: slopes and errors."""

    def __init__(self, task: Task, points: int, real: bool) -> None:
        """Follow the path for the task's image."""
        assert isinstance(task.smoothing, LatentSmoothing)
        self.surrogate, device = task.smoothing.surrogate, task.image.device
        identity = torch.tensor([task.transformation.space.identity], dtype=torch.float64)
        self.parameters = torch.cat([identity, task.region.grid(points)]).to(device)
        self.gauge = (self.parameters - self.parameters[0]).norm(dim=1)
        self.code = self.surrogate.encode_image(task.image[None])
        shape = tuple(self.code.shape[1:])
        self.drawing_error = task.smoothing.drawing_error(shape, device)
        parts = self.parameters.split(max(1, 2**20 // task.image.numel()))
        self.slope = torch.cat([task.smoothing.slopes(self.code, part.float()) for part in parts])
        real_images = [task.transformation.apply(task.image.expand(len(part), -1, -1, -1), part) for part in parts]
        error = torch.cat(real_images) - torch.cat([self.images(part) for part in parts])
        margin = error.flatten(1).double().norm(dim=1) * self.surrogate.lipschitz / task.smoothing.latent_std
        self.margin = margin * real + task.smoothing.rounding(shape)

    def images(self, parameters: Tensor) -> Tensor:
        """``y_ξ`` at parameters (count, dimension): (count, channel, height, width)."""
        code = self.code.expand(len(parameters), *self.code.shape[1:])
        return self.surrogate.decode(self.surrogate.encode_parameters(parameters.float()) + code)

    def image(self, point: int) -> Tensor:
        """``y_ξ`` at a point of the grid: (channel, height, width)."""
        return self.images(self.parameters[point : point + 1])[0]

    def held(self, anchor: int, reach: float) -> Tensor:
        """Which points the ball around an anchor holds, if its votes reach ``reach``: bool (points,)."""
        distance = (self.parameters - self.parameters[anchor]).norm(dim=1)
        order = distance.argsort(stable=True)
        steepest = torch.empty_like(self.slope)
        steepest[order] = self.slope[order].cummax(dim=0).values
        inside: Tensor = steepest * distance + self.margin < reach
        return inside
