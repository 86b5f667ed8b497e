"""A model as it must be while it is certified, and as it was afterwards."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import torch
from torch import Tensor, nn

from gsmooth_core.acceleration import Accelerated
from gsmooth_core.checks import check_device
from gsmooth_core.fingerprint import fingerprint
from gsmooth_core.smoothing import Smoothing
from gsmooth_core.transformation import Transformation


def device_of(model: Callable[[Tensor], Tensor]) -> torch.device:
    """Where a model's first parameter or buffer lies; the CPU for one without any."""
    if isinstance(model, nn.Module):
        for tensor in (*model.parameters(), *model.buffers()):
            return tensor.device
    return torch.device("cpu")


def choose_device(model: Callable[[Tensor], Tensor], device: str | torch.device | None) -> torch.device:
    """The device, or where the model is if none is named; ``ValueError`` where it cannot be used."""
    return check_device(device_of(model) if device is None else device)


@contextmanager
def evaluating(
    model: Callable[[Tensor], Tensor], smoothing: Smoothing, device: torch.device | None = None
) -> Iterator[None]:
    """Evaluation mode without gradients for the model and the smoothing's networks, on ``device`` if one is named.

    Afterwards each module is in the mode, and each network on the device, in which it came.
    """
    networks = [*([model] if isinstance(model, nn.Module) else []), *smoothing.networks]
    with lent(networks, device), torch.no_grad():  # not inference mode: tensors that a model keeps would be spoilt
        yield


@contextmanager
def lent(networks: Sequence[nn.Module], device: torch.device | None = None) -> Iterator[None]:
    """Networks in evaluation mode, on ``device`` if one is named; afterwards each is as it came."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    homes = [(network, device_of(network)) for network in networks]
    try:
        for network in networks:
            network.eval()
            if device is not None and device_of(network) != device:
                network.to(device)
        yield
    finally:
        for network, home in homes:
            if device_of(network) != home:
                network.to(home)
        for module, training in modes:
            module.training = training


def model_name(model: Callable[[Tensor], Tensor]) -> str:
    """What to call a model in a report: its class and how it is accelerated, or the name of any other callable."""
    if not isinstance(model, nn.Module):
        return str(getattr(model, "__qualname__", type(model).__qualname__))
    if isinstance(model, Accelerated):
        return f"{model_name(model.model)} ({model.extra_repr()})"
    return type(model).__name__


def model_hash(model: Callable[[Tensor], Tensor]) -> str:
    """SHA-256 (first 16 digits) of what a model holds and computes: weights, settings, and code that is no library's.

    One that keeps tensors from its first call on is another before it; :class:`gsmooth_core.probe.Probe` looks after.
    """
    return fingerprint(model)


def identified(smoothing: Smoothing) -> str:
    """A smoothing in words, with the hashes of its networks' weights: two that read alike are alike."""
    return " ".join([str(smoothing), *(model_hash(network) for network in smoothing.networks)])


def identified_map(transformation: Transformation) -> str:
    """A transformation in words, with the hash of its class's code."""
    return f"{transformation} {code_hash(type(transformation))}"


def code_hash(kind: type) -> str:
    """SHA-256 (first 16 digits) of the file that a class is written in; its name, where there is no such file."""
    try:
        source = Path(inspect.getfile(kind)).read_bytes()
    except (OSError, TypeError):
        return f"{kind.__module__}.{kind.__qualname__}"
    return hashlib.sha256(source).hexdigest()[:16]


def image_hash(image: Tensor) -> str:
    """SHA-256 (first 16 digits) of an image's shape and float32 values."""
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    digest.update(image.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def data_hash(images: Iterable[Tensor], labels: Sequence[int]) -> str:
    """SHA-256 (first 16 digits) of images in their order and of their labels."""
    parts = [*map(image_hash, images), *map(str, labels)]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def used_versions() -> dict[str, str]:
    """The versions of what decides a result's last digits."""
    versions = {name: version(name) for name in ("gsmooth-core", "torch", "numpy", "scipy")}
    return versions | {"python": python_version()}
