"""Smoothed classifiers in folders: the model, and what smooths it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from gsmooth_core.classifiers.records import MODEL, SmoothedRecord
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.models.saved import load_classifier, save_classifier

RECORD = "smoothed.json"
"""What smooths a saved classifier, in its folder."""


def save_smoothed(classifier: SmoothedClassifier, folder: str | Path, **maker: Any) -> None:
    """The smoothed classifier stands in ``folder``, which is made, for :func:`load_smoothed`.

    ``model.safetensors`` and its card are those of :func:`save_classifier`, which gets ``maker`` (``name``, ``classes``
    and ``channels``, or ``maker`` and ``arguments``). ``smoothed.json`` names the corruption and all settings of the
    noise; a surrogate's weights lie beside it. ``ValueError`` if the model or the smoothing could not be loaded again.
    """
    folder, model = Path(folder), classifier.model
    if classifier.corruption is None:
        raise ValueError(
            "the recipe has no name to be saved under; smooth the model with the name of an installed corruption: "
            "smooth(model, 'gaussianblur'), or SmoothedClassifier(model, smoothing, 'gaussianblur')"
        )
    if not isinstance(model, nn.Module):
        raise ValueError(f"only a torch module can be saved, not a {type(model).__name__}; wrap the function in one")
    folder.mkdir(parents=True, exist_ok=True)
    save_classifier(model, folder / MODEL, **maker)
    SmoothedRecord.of(classifier.smoothing, classifier.corruption, folder).save(folder / RECORD)


def load_smoothed(
    folder: str | Path,
    *,
    maker: Callable[..., nn.Module] | str | None = None,
    trust: bool = False,
) -> SmoothedClassifier:
    """The smoothed classifier that :func:`save_smoothed` wrote; its votes for a seed are the same.

    ``maker`` and ``trust`` are those of :func:`load_classifier`. ``ValueError`` if a file is missing or belongs to
    another classifier, or if the installed plugin computes the corruption by other code.
    """
    folder = Path(folder)
    if not (folder / RECORD).is_file():
        raise ValueError(f"there is no {RECORD} in {str(folder)!r}; name a folder that save_smoothed wrote")
    record = SmoothedRecord.load(folder / RECORD)
    model = load_classifier(folder / MODEL, maker=maker, trust=trust)
    return SmoothedClassifier(model, record.make(folder), record.corruption)
