"""The identity of a run's parts, in words and digests: model, smoothing, transformation, versions."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from torch import Tensor, nn

from gsmooth_core.common.fingerprints import fingerprint
from gsmooth_core.models.acceleration import Accelerated
from gsmooth_core.models.wrapping import Wrapper
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.transformations.base import Transformation


def model_name(model: Callable[[Tensor], Tensor]) -> str:
    """A model's name in a report: its class and the modules around it, or the name of any other callable."""
    if not isinstance(model, nn.Module):
        return str(getattr(model, "__qualname__", type(model).__qualname__))
    if isinstance(model, Accelerated):
        return f"{model_name(model.model)} ({model.extra_repr()})"
    if isinstance(model, Wrapper):
        return f"{type(model).__name__}({model_name(model.model)}, {model.extra_repr()})"
    return type(model).__name__


def model_hash(model: Callable[[Tensor], Tensor]) -> str:
    """SHA-256 (first 16 digits) of a model's weights, settings, and code except that of libraries.

    A model that keeps tensors from its first call on has another hash before that call; the engine's probe allows for
    this.
    """
    return fingerprint(model)


def identified(smoothing: Smoothing) -> str:
    """A smoothing in words, with the hashes of its networks' weights: two with the same words are equal."""
    return " ".join([str(smoothing), *(model_hash(network) for network in smoothing.networks)])


def identified_map(transformation: Transformation) -> str:
    """A transformation in words, with the hash of its class's code."""
    return f"{transformation} {code_hash(type(transformation))}"


def code_hash(kind: type) -> str:
    """SHA-256 (first 16 digits) of the file that a class is written in; its name, if there is no such file."""
    try:
        source = Path(inspect.getfile(kind)).read_bytes()
    except (OSError, TypeError):
        return f"{kind.__module__}.{kind.__qualname__}"
    return hashlib.sha256(source).hexdigest()[:16]


def used_versions() -> dict[str, str]:
    """The versions of the software that decides a result's last digits."""
    versions = {name: version(name) for name in ("gsmooth-core", "torch", "numpy", "scipy")}
    return versions | {"python": python_version()}
