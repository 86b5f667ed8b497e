"""Where a model runs, and the state that it must have while it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gsmooth_core.smoothing.base import Smoothing


def check_device(device: str | torch.device) -> torch.device:
    """The device, if tensors can be made there; otherwise ``ValueError``."""
    try:
        place = torch.device(device)
        torch.empty(1, dtype=torch.float64, device=place)  # bounds are computed in float64
    except (RuntimeError, AssertionError, TypeError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise ValueError(f"the device {str(device)!r} cannot be used: {reason}; try 'cpu'") from error
    if place.type == "meta":
        raise ValueError("the device 'meta' holds no values; use 'cpu' or 'cuda'")
    return place


def devices_of(model: Callable[[Tensor], Tensor]) -> list[torch.device]:
    """The devices of a model's parameters and buffers, the first one's first; the CPU for a model without any."""
    tensors = (*model.parameters(), *model.buffers()) if isinstance(model, nn.Module) else ()
    return list(dict.fromkeys(tensor.device for tensor in tensors)) or [torch.device("cpu")]


def device_of(model: Callable[[Tensor], Tensor]) -> torch.device:
    """The device of a model's first parameter or buffer, on which it gets its images."""
    return devices_of(model)[0]


def choose_device(model: Callable[[Tensor], Tensor], device: str | torch.device | None) -> torch.device:
    """The device, or that of the model's first parameter if none is named; ``ValueError`` if it cannot be used.

    A model that lies on several devices is not moved, because it could not be given back as it was.
    """
    own, *others = devices_of(model)
    if device is not None and others:
        raise ValueError(
            f"the model's parameters lie on {own} and {' and '.join(map(str, others))}, so it cannot be moved to "
            f"{device} and back; leave device out if its forward moves the images, or move it with model.to({device!r})"
        )
    return check_device(own if device is None else device)


@contextmanager
def evaluating(
    model: Callable[[Tensor], Tensor], smoothing: Smoothing, device: torch.device | None = None
) -> Iterator[None]:
    """Evaluation mode without gradients for the model and the smoothing's networks, on ``device`` if one is named.

    Afterwards each module has its earlier mode, and each network is on its earlier device.
    """
    networks = [*([model] if isinstance(model, nn.Module) else []), *smoothing.networks]
    with (
        lent(networks, device),
        torch.no_grad(),
    ):  # inference mode would spoil tensors that a model keeps, for training
        yield


@contextmanager
def lent(networks: Sequence[nn.Module], device: torch.device | None = None) -> Iterator[None]:
    """Networks in evaluation mode, on ``device`` if one is named; afterwards each has its earlier mode and device."""
    modes = [(module, module.training) for network in networks for module in network.modules()]
    homes = [(network, device_of(network)) for network in networks]
    try:
        for network in networks:
            _evaluate(network)
            if device is not None and device_of(network) != device:
                network.to(device)
        yield
    finally:
        for network, home in homes:
            if device_of(network) != home:
                network.to(home)
        for module, training in modes:
            module.training = training


def _evaluate(network: nn.Module) -> None:
    """Evaluation mode for a network; what torch.export made has the mode in which it was exported, and keeps it."""
    try:
        network.eval()
    except NotImplementedError:
        for module in network.modules():
            module.training = False
