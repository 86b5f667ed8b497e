"""Shared by all figures: checks before the work, files to write, and the notes below."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import torch
from torch import Tensor, nn

from gsmooth_core.certifier import Model
from gsmooth_core.common.files import check_writable, write_bytes
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.datasets.inputs import gather
from gsmooth_core.results.drawing import new_axes, picture_of
from gsmooth_core.results.identity import model_hash
from gsmooth_core.results.report import Report
from gsmooth_core.results.wording import number, rounded_up
from gsmooth_core.smoothing.latent import LatentSmoothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
"""The endings that a figure's file may have."""


def check_figure(path: str | Path) -> None:
    """Raise ``ValueError`` if no figure could be written to the path, also if matplotlib is missing."""
    if Path(path).suffix.lower() not in FORMATS:
        raise ValueError(f"a figure's file ends in {', '.join(FORMATS)}, not as {str(path)!r} does; name one that does")
    check_writable(path, "figure")
    new_axes()


def save_figure(axes: Axes, path: str | Path) -> None:
    """Write the figure of these axes, as the path's ending says: the same bytes for the same figure.

    A kill leaves the old file or the new one.
    """
    check_figure(path)
    write_bytes(path, picture_of(axes, Path(path).suffix[1:].lower(), dpi=200))


def takes_parameters(smoothing: LatentSmoothing) -> bool:
    """Whether noise on the parameters reaches the latent layer."""
    device = next((tensor.device for tensor in smoothing.surrogate.parameters()), torch.device("cpu"))
    with torch.no_grad():
        return bool(smoothing.surrogate.affine_parameters(device)[0].any())


def useless(name: str, instead: str) -> ValueError:
    """The error for σ₁ behind a surrogate that takes no parameters, such as the identity."""
    return ValueError(
        f"noise on the parameter (σ₁) has no effect under {name!r}: its surrogate takes no parameters; {instead}; "
        f"leave σ₁ out, or train a surrogate that imitates (gsmooth fit surrogate {name}) and name it"
    )


def shape_of(
    images: Tensor | str | None, labels: Tensor | Sequence[int] | None, options: Mapping[str, Any]
) -> tuple[int, int, int]:
    """The (channel, height, width) of the images that ``certify`` will get; they must have labels."""
    first = gather(images, labels, options.get("dataset"), 1, None)
    if first.labels is None:
        raise ValueError("certified accuracy needs labels; pass labels=, one class per image")
    channels, height, width = first.images.shape[1:]
    return channels, height, width


def models_for(model: Model | Mapping[Any, Model], keys: list[Any]) -> Mapping[Any, Model]:
    """A model for each key; ``ValueError`` if a mapping leaves one out."""
    if not isinstance(model, Mapping):
        return dict.fromkeys(keys, model)
    missing = [key for key in keys if key not in model]
    if missing:
        raise ValueError(f"there is no model for {missing}; pass one for each of {keys}, or one for all")
    return model


def are_one(models: Collection[Model]) -> bool:
    """Whether all are the same object, or modules of the same structure and weights."""
    first = next(iter(models))
    if all(model is first for model in models):
        return True
    return all(isinstance(model, nn.Module) for model in models) and len({model_hash(model) for model in models}) == 1


def make_folder(work: str | Path | None) -> Path | None:
    """The folder, made if it is missing; ``ValueError`` if it cannot be used."""
    if work is None:
        return None
    folder = Path(work)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{str(work)!r} is a file, but reports are kept in a folder; name another path")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def words_of(**stds: float | None) -> list[str]:
    """The words of a file's name: the name of each given standard deviation, followed by its value in full."""
    return [f"{name}{number(std)}" for name, std in stds.items() if std is not None]


def file_in(folder: Path | None, *words: str) -> Path | None:
    """The report's file in the folder, another one for other words; ``None`` without a folder."""
    named = "-".join(quote(word, safe="").replace("-", "%2D") for word in words)
    return None if folder is None else folder / f"{named}.json"


def weakest_of(reports: Sequence[Report]) -> Guarantee:
    """The weakest guarantee of the reports."""
    return Guarantee.weakest(*(report.guarantee for report in reports))


def notes_on(reports: Sequence[Report], noun: str, one_model: bool) -> list[str]:
    """Notes that hold for all reports of a figure, which has one report for each ``noun``."""
    run, guarantee = reports[0].run, weakest_of(reports)
    one = f"The same classifier, {run.model}, for every {noun}" if one_model else f"A classifier for each {noun}"
    failing = sum(2 * report.accuracy.value < report.base_accuracy.value for report in reports)
    lived = f"; under {failing} of {len(reports)} it is right less than half as often as without noise" * (failing > 0)
    error = f", error probability at most {rounded_up(run.budget.alpha)} per image"
    error += " if the estimate holds" * (guarantee is Guarantee.ESTIMATE)
    return [
        f"{one}{lived}. A classifier that was never trained under the noise may fail by the noise alone.",
        f"Images: {len(reports[0].certificates):,}, the same for every {noun}, of: {reports[0].data}.",
        f"{run.certifier}, guarantee {guarantee.value}{error}.",
    ]
