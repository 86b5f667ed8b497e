"""Pretrained classifiers of other libraries, by name, behind the normalisation that they were trained with.

The libraries download the weights. Code that comes with weights is never run, and no file is unpickled by gsmooth.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn
from torchvision import models as torchvision_models

from gsmooth_core.common.weights import load_foreign_weights
from gsmooth_core.models.adapters import logits_of, normalized
from gsmooth_core.models.zoo import make_classifier

LIBRARIES = ("timm", "torchvision", "hf")
"""The first words of such names."""
CLASSES = 1_000
"""Of ImageNet, on which timm's and torchvision's networks are trained."""


def load_pretrained(name: str, *, weights: str | Path | None = None, classes: int | None = None) -> nn.Module:
    """The network ``"timm:…"``, ``"torchvision:…"`` or ``"hf:owner/name"``, for images in [0, 1], in evaluation mode.

    With ``weights``, a ``.safetensors`` file, nothing is downloaded for timm and torchvision; ``classes`` is then the
    number of classes in it (default: 1,000). For Hugging Face ``hf:folder`` opens a folder with the model's files.
    ``ValueError`` if the library is missing, if the name is unknown, or if the weights cannot be downloaded.
    """
    library, _, rest = name.partition(":")
    if classes is not None and weights is None:
        raise ValueError(f"the pretrained {name!r} has its own classes; leave out --classes, or give --weights too")
    if library == "hf":
        if weights is not None:
            raise ValueError(f"--weights is for timm and torchvision; for {name!r} name a folder: --model hf:folder")
        return _from_hub(name, rest).eval()
    network, means = (_from_timm if library == "timm" else _from_torchvision)(name, rest, classes, weights is None)
    if weights is not None:
        load_foreign_weights(network, weights)
    return normalized(network, *means).eval()


Means = tuple[Any, Any]
"""Mean and standard deviation."""


def _from_timm(name: str, rest: str, classes: int | None, download: bool) -> tuple[nn.Module, Means]:
    network = make_classifier(name, classes=classes or CLASSES)  # which refuses an unknown name
    if download:
        timm = import_module("timm")
        network = _downloaded(name, lambda: timm.create_model(rest, pretrained=True), "--weights file.safetensors")
    settings: Any = network.pretrained_cfg
    return network, (settings["mean"], settings["std"])


def _from_torchvision(name: str, rest: str, classes: int | None, download: bool) -> tuple[nn.Module, Means]:
    network = make_classifier(name, classes=classes or CLASSES)
    weights = torchvision_models.get_model_weights(rest).DEFAULT
    if download:
        get = torchvision_models.get_model
        network = _downloaded(name, lambda: get(rest, weights=weights), "--weights file.safetensors")
    preparation = weights.transforms()
    return network, (preparation.mean, preparation.std)


def _from_hub(name: str, rest: str) -> nn.Module:
    try:
        transformers: Any = import_module("transformers")
    except ImportError as error:
        raise ValueError(f"the model {name!r} needs transformers: pip install 'gsmooth-core[hf]'") from error
    network, preparation = _downloaded(
        name,
        lambda: (
            transformers.AutoModelForImageClassification.from_pretrained(rest, use_safetensors=True),
            transformers.AutoImageProcessor.from_pretrained(rest).to_dict(),
        ),
        "--model hf:folder, with config.json, preprocessor_config.json and model.safetensors in it",
    )
    adapted = logits_of(network, "logits")
    if not preparation.get("do_normalize", False):
        return adapted
    scale = 255 * preparation.get("rescale_factor", 1 / 255)
    return normalized(adapted, *([value / scale for value in preparation[key]] for key in ("image_mean", "image_std")))


def _downloaded(name: str, load: Callable[[], Any], locally: str) -> Any:
    try:
        return load()
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise ValueError(
            f"the weights of {name!r} could not be loaded: {type(error).__name__}: {reason}; check the name, and where "
            f"there is no internet, copy them from another computer and give {locally}"
        ) from error
