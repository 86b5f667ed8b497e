"""What is taken for a model and is none: each error is a sentence that says what it is and what to pass instead."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

from torch import nn
from torch.export import ExportedProgram
from torch.nn.parameter import is_lazy


def check_callable(model: object) -> None:
    """Raise ``ValueError`` unless a model can be called, as far as that can be seen without calling it.

    Refused are what :func:`check_kind` refuses, and a module some of whose weights have no values yet.
    """
    check_kind(model)
    if isinstance(model, nn.Module):
        _check_weights(model)


def check_kind(model: object) -> None:
    """Raise ``ValueError`` unless a model is a module or a function, which may be wrapped in a module.

    Refused are weights without their network, the name of a file, a class, and an exported program that was not made
    into a module.
    """
    if isinstance(model, nn.Module):
        return
    if isinstance(model, Mapping):
        raise _no_model(
            "a dictionary, as of weights",
            "make the network, load them with network.load_state_dict(weights), and pass the network",
        )
    if isinstance(model, str | Path):
        raise _no_model(
            f"the text {str(model)[:80]!r}",
            "load the model first, for example with gsmooth_core.load_classifier(path), and pass what it returns",
        )
    if isinstance(model, type):
        raise _no_model(f"the class {model.__name__}", f"make one, for example with {model.__name__}(), and pass that")
    if isinstance(model, ExportedProgram):
        raise _no_model("an ExportedProgram", "pass its module: program.module()")
    if not callable(model):
        raise _no_model(
            f"of the type {type(model).__name__}, which cannot be called",
            "pass a module, or a function that calls it and returns logits; gsmooth_core.adapters has some",
        )


def _check_weights(model: nn.Module) -> None:
    """Raise ``ValueError`` if some weights of a module have no values."""
    for name, tensor in itertools.chain(model.named_parameters(), model.named_buffers()):
        if is_lazy(tensor):
            raise ValueError(
                f"the model's {name} has no shape yet, as in LazyLinear; call the model once on an image of yours, "
                "then load its weights or train it"
            )
        if tensor.is_meta:
            raise ValueError(
                f"the model's {name} has no values: it lies on the device 'meta'; make it with "
                "model.to_empty(device='cpu') and load its weights"
            )


def _no_model(what: str, instead: str) -> ValueError:
    return ValueError(f"the model must be a module or a function of images, not {what}; {instead}")
