"""Models as the command line names them. No pickle is ever opened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from gsmooth_core.common.weights import has_card, load_foreign_weights, read_card
from gsmooth_core.models.adapters import from_exported, from_onnx
from gsmooth_core.models.makers import import_name, make, takes_nothing
from gsmooth_core.models.pretrained import LIBRARIES, load_pretrained
from gsmooth_core.models.saved import load_classifier

WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of files with weights; only files with the first ending are ever opened."""
KINDS = "'example', a .safetensors, .onnx or .pt2 file, 'timm:', 'torchvision:' or 'hf:' with a name"
"""What ``--model`` may be, beside ``package.module:name``."""


def load_named_model(
    name: str, weights: str | Path | None = None, classes: int | None = None
) -> Callable[[Tensor], Tensor]:
    """The model that a file or a name stands for; with ``weights``, those of a ``.safetensors`` file.

    The name may be a file of :func:`save_classifier`, an ONNX file or one of ``torch.export``;
    ``library:network`` (:func:`load_pretrained`), where ``classes`` is for weights of one's own; or
    ``package.module:name``, found from the current folder too: a module or a function from images to logits, or a class
    or function that makes one. That is called with the arguments on the weights' card, or with none. ``ValueError`` if
    the name does not exist, and for a pickle.
    """
    library, _, rest = name.partition(":")
    if library in LIBRARIES and rest:
        return load_pretrained(name, weights=weights, classes=classes)
    if classes is not None:
        raise ValueError(
            f"--classes is for a network of a library, such as timm:resnet18, not for {name!r}; leave it out"
        )
    suffix = Path(name).suffix
    if suffix in (*WEIGHT_FILES, ".onnx", ".pt2"):
        if weights is not None:
            raise ValueError(
                f"the file {name!r} has weights of its own; leave out --weights, or name what makes the model"
            )
        return (
            from_onnx(name) if suffix == ".onnx" else from_exported(name) if suffix == ".pt2" else load_classifier(name)
        )
    if not (name.partition(":")[0] and rest):
        raise ValueError(f"a model is {KINDS}, or 'package.module:name', not {name!r}; add the part after the colon")
    return _imported(name, weights)


def _imported(name: str, weights: str | Path | None) -> Callable[[Tensor], Tensor]:
    """What ``package.module:name`` stands for; ``ValueError`` if it is no model, and makes none."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = import_name(name)
    except ValueError as error:
        raise ValueError(f"the model {error}") from error
    makes = callable(found) and not isinstance(found, nn.Module)
    if weights is not None and makes:
        return _with_weights(found, weights)
    try:
        model: Callable[[Tensor], Tensor] = found() if makes and takes_nothing(found) else found
    except (Exception, SystemExit) as error:
        raise ValueError(f"the model {name!r} cannot be made: {type(error).__name__}: {error}; correct it") from error
    if not callable(model):
        raise ValueError(f"{name!r} is a {type(model).__name__}, which cannot be called; name a model or its maker")
    if weights is not None and isinstance(model, nn.Module):
        load_foreign_weights(model, weights)
    return model


def _with_weights(maker: Callable[..., nn.Module], weights: str | Path) -> nn.Module:
    """What a maker makes, with the arguments on the card of the weights if there are any, and with these weights."""
    if has_card(weights) and "arguments" in read_card(weights):
        return load_classifier(weights, maker=maker)
    network = make(maker)
    load_foreign_weights(network, weights)
    return network.eval()
