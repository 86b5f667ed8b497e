"""Classifiers that come with the package."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path

from safetensors.torch import load_model
from torch import Tensor, nn


class SmallConvNet(nn.Module):
    """A small classifier of grey 28 × 28 images: three convolutions with group normalisation, two linear layers.

    221,114 parameters and 1.8 million multiplications an image, so that a laptop counts thousands of votes a
    second. It has no batch statistics, so an image's logits depend on that image alone.
    """

    def __init__(self, classes: int = 10, width: int = 24) -> None:
        """A network with ``width`` channels in its first layer, with random weights."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, kernel_size=5, stride=2, padding=2),
            nn.GroupNorm(4, width),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, kernel_size=3, padding=1),
            nn.GroupNorm(4, 2 * width),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, 80),
            nn.ReLU(),
            nn.Linear(80, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, 1, 28, 28)."""
        logits: Tensor = self.layers(images)
        return logits


def load_example_model() -> SmallConvNet:
    """The classifier of Fashion-MNIST that comes with the package, trained under noise and corruption.

    ``gsmooth_core/data/example_model.json`` says how it was trained and how well it does.
    """
    model = SmallConvNet()
    with as_file(files("gsmooth_core") / "data" / "example_model.safetensors") as path:
        load_model(model, path)
    return model.eval()


def load_named_model(name: str) -> Callable[[Tensor], Tensor]:
    """The model called ``package.module:name``, found from the current folder too.

    The name may be a module or a function from images to logits, or a class or function that takes no arguments and
    makes one. ``ValueError`` where there is nothing of that name.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(f"a model is 'example' or 'package.module:name', not {name!r}; add the part after the colon")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(import_module(module_name), attribute)
        makes = callable(found) and not isinstance(found, nn.Module) and _takes_nothing(found)
        model: Callable[[Tensor], Tensor] = found() if makes else found
    except Exception as error:
        raise ValueError(
            f"the model {name!r} cannot be loaded: {type(error).__name__}: {error}; check the name, and run from the "
            "folder that holds it or install it"
        ) from error
    if not callable(model):
        raise ValueError(f"{name!r} is a {type(model).__name__}, which cannot be called; name a model or its maker")
    return model


def _takes_nothing(maker: Callable[..., object]) -> bool:
    return not any(
        parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in inspect.signature(maker).parameters.values()
    )
