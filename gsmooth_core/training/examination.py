"""How well a surrogate does what it was trained for."""

from __future__ import annotations

import statistics
from pathlib import Path as FilePath
from typing import Any

import attrs
import torch
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.certifier import Problem, Task
from gsmooth_core.certifiers.surrogate_path import Path
from gsmooth_core.common.console import new_console
from gsmooth_core.common.picture_files import check_picture, save_picture
from gsmooth_core.common.validators import check_whole
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.inputs import gather
from gsmooth_core.models.devices import evaluating
from gsmooth_core.smoothing.base import NoSmoothing
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.transformations.regions import Region


@attrs.frozen
class Imitation:
    """Measurements of a surrogate, one per image, over a grid of ``points`` per parameter; none of them is a bound.

    ``largest_errors`` and ``l2_errors`` are the largest differences between what the decoder gives and what it shall
    give, in the sup norm and in ℓ2; ``path_lengths`` are the real path's over the grid, from one end of the region to
    the other, in ``d_Σ``: a ball of radius r covers up to 2r of it; ``steepest`` is the M* of Corollary 1, empty
    without noise on the parameters.
    """

    corruption: str
    aim: str
    points: int
    largest_errors: tuple[float, ...]
    l2_errors: tuple[float, ...]
    path_lengths: tuple[float, ...]
    steepest: tuple[float, ...]

    def figures(self) -> dict[str, float]:
        """The medians and largest values over the images, by name."""
        rows = {
            "largest error in a pixel": self.largest_errors,
            "largest error in l2": self.l2_errors,
            "length of the real path in d_Sigma": self.path_lengths,
            "M* of Corollary 1": self.steepest,
        }
        return {
            f"{name}, {kind}": value
            for name, values in rows.items()
            if values
            for kind, value in (("median image", statistics.median(values)), ("worst image", max(values)))
        }

    def summary(self, console: Console | None = None) -> None:
        """Print the table, to ``console`` or to standard output."""
        (console or new_console()).print(self)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = f"{len(self.l2_errors)} images, {self.points} points per parameter"
        table = Table(title=f"surrogate of {self.corruption} ({self.aim}): {shown}")
        table.add_column("")
        table.add_column("value", justify="right")
        for name, value in self.figures().items():
            table.add_row(name, f"{value:.3g}")
        yield table


def examine_surrogate(
    recipe: Corruption,
    images: Tensor | None = None,
    radius: float | Region | None = None,
    points: int = 101,
    *,
    dataset: Dataset[Any] | None = None,
    limit: int | None = None,
) -> Imitation:
    """Measure a recipe's surrogate on images (batch, channel, height, width), on the device where they lie.

    They are tensors or a dataset, as for ``certify``; of both, ``limit`` takes the first.
    """
    smoothing = _latent(recipe)
    images, points = _images(images, dataset, limit), check_whole("points", points, least=2)
    channels, height, width = images.shape[1:]
    region = recipe.region(radius, (channels, height, width))
    aim = smoothing.surrogate.aim
    grid = region.grid(points).to(images.device)
    line = _line(region, points, images.device)
    largest, l2, lengths, steepest = [], [], [], []
    with evaluating(smoothing.surrogate, NoSmoothing(), images.device):
        for image in images:
            difference = _shown(recipe, image, grid) - _wanted(recipe, image, grid)
            largest.append(float(difference.abs().max()))
            l2.append(float(difference.flatten(1).norm(dim=1).max()))
            codes = smoothing.encode(_real(recipe, image, line))
            lengths.append(float(smoothing.distance(codes.diff(dim=0)).sum()))
            if aim == "imitate" and smoothing.parameter_std > 0:
                task = Task(image, Problem(recipe.transformation, smoothing, region), Budget())
                steepest.append(float(Path(task, points, real=False).slope.max()))
    return Imitation(recipe.name, aim, points, tuple(largest), tuple(l2), tuple(lengths), tuple(steepest))


def save_imitations(
    path: str | FilePath,
    recipe: Corruption,
    images: Tensor | None = None,
    radius: float | Region | None = None,
    columns: int = 6,
    *,
    dataset: Dataset[Any] | None = None,
    limit: int | None = None,
) -> None:
    """Write a picture: for each image a row as it shall be and below it a row as the surrogate gives it.

    From the lower end of the region at the left to the upper end at the right. Images are given as for
    :func:`examine_surrogate`; ``path`` ends in .png or .jpg.
    """
    check_picture(path)
    smoothing = _latent(recipe)
    images = _images(images, dataset, limit)
    channels, height, width = images.shape[1:]
    region = recipe.region(radius, (channels, height, width))
    parameters = _line(region, columns, images.device)
    with evaluating(smoothing.surrogate, NoSmoothing(), images.device):
        rows = [
            part for image in images for part in (_wanted(recipe, image, parameters), _shown(recipe, image, parameters))
        ]
    save_picture(path, torch.cat(rows), columns)


def _images(images: Tensor | None, dataset: Dataset[Any] | None, limit: int | None) -> Tensor:
    """The images of a call, on the device where they lie."""
    return gather(images, None, dataset, limit, None).images


def _line(region: Region, points: int, device: torch.device) -> Tensor:
    """Parameters from one end of the region to the other: float64 (points, dimension)."""
    low, high = (torch.tensor(end, device=device, dtype=torch.float64) for end in (region.lower, region.upper))
    return low + torch.linspace(0, 1, points, device=device, dtype=torch.float64)[:, None] * (high - low)


def _latent(recipe: Corruption) -> LatentSmoothing:
    if not isinstance(recipe.smoothing, LatentSmoothing):
        raise ValueError(f"{recipe.name!r} is not smoothed behind a surrogate; pass use_surrogate(name, surrogate)")
    return recipe.smoothing


def _real(recipe: Corruption, image: Tensor, parameters: Tensor) -> Tensor:
    return recipe.transformation.apply(image.expand(len(parameters), *image.shape), parameters)


def _wanted(recipe: Corruption, image: Tensor, parameters: Tensor) -> Tensor:
    """What the decoder shall give, at each of parameters (count, dimension)."""
    if _latent(recipe).surrogate.aim == "restore":
        return image.expand(len(parameters), *image.shape)
    return _real(recipe, image, parameters)


def _shown(recipe: Corruption, image: Tensor, parameters: Tensor) -> Tensor:
    """What the decoder gives without noise."""
    surrogate = _latent(recipe).surrogate
    if surrogate.aim in ("denoise", "restore"):
        return surrogate.decode(surrogate.encode_image(_real(recipe, image, parameters)))
    shown: Tensor = surrogate(image.expand(len(parameters), *image.shape), parameters.float())
    return shown
