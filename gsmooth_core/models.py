"""Classifiers that come with the package, and those of other libraries by name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model
from torch import Tensor, nn
from torchvision import models as torchvision_models

from gsmooth_core.checks import check_whole
from gsmooth_core.weights import load_weights, read_card, save_weights

KNOWN = "'smallconvnet', 'convnet', 'resnet20_cifar10' (pytorchcv), 'torchvision:resnet18' and 'timm:resnet18'"
"""Examples of the names that ``make_classifier`` knows."""
WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of files with weights, of which only the first is ever opened."""


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


class ConvNet(nn.Module):
    """A small classifier of images of any number of channels and any size from 16 × 16: six convolutions, then a mean.

    279,882 parameters and 29 million multiplications for a colour image of 32 × 32 px and 10 classes. The convolutions
    have group normalisation, so an image's logits depend on that image alone.
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        """A network with random weights."""
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((channels, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.GroupNorm(8, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(128, classes, kernel_size=1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        logits: Tensor = self.layers(images)
        return logits.mean(dim=(2, 3))


def make_classifier(name: str, *, classes: int = 10, channels: int = 3) -> nn.Module:
    """A network of random weights, from images (batch, channels, height, width) in [0, 1] to logits (batch, classes).

    ``name`` is ``"smallconvnet"`` (grey 28 × 28 images), ``"convnet"`` (any), one of pytorchcv's, such as
    ``"resnet110_cifar10"`` (32 × 32 images, 10 or 100 classes), one of torchvision's classifiers, such as
    ``"torchvision:resnet18"`` (colour), or one of timm's, such as ``"timm:resnet18"``. Nothing is downloaded, and
    nothing normalises the images. ``ValueError`` for an unknown name or what it cannot be made for.
    """
    classes, channels = check_whole("classes", classes, least=2), check_whole("channels", channels, least=1)
    if not isinstance(name, str):
        raise ValueError(f"a classifier's name is a string, not {name!r}; known are {KNOWN}")
    library, colon, rest = name.partition(":")
    if name == "smallconvnet":
        if channels != 1:
            raise ValueError(
                f"'smallconvnet' takes grey images, not {channels} channels; give channels=1, or 'convnet'"
            )
        return SmallConvNet(classes)
    if name == "convnet":
        return ConvNet(classes, channels)
    if library == "torchvision":
        return _from_torchvision(rest, classes, channels)
    if library == "timm":
        return _from_timm(rest, classes, channels)
    if colon:
        raise ValueError(f"there is no classifier {name!r}; known are {KNOWN}")
    return _from_pytorchcv(name, classes, channels)


def _from_torchvision(name: str, classes: int, channels: int) -> nn.Module:
    # The other models of torchvision, detectors and the like, would download the weights of their backbones.
    if name not in torchvision_models.list_models(module=torchvision_models):
        raise ValueError(f"torchvision has no classifier {name!r}; known are {KNOWN}")
    if channels != 3:
        raise ValueError(
            f"torchvision's {name!r} takes colour images, not {channels} channels; give channels=3, or take timm's"
        )
    network: nn.Module = torchvision_models.get_model(name, weights=None, num_classes=classes)
    return network


def _from_timm(name: str, classes: int, channels: int) -> nn.Module:
    timm = _library("timm", name)
    if not timm.is_model(name):
        raise ValueError(f"timm has no classifier {name!r}; known are {KNOWN}")
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels)
    return network


def _from_pytorchcv(name: str, classes: int, channels: int) -> nn.Module:
    provider = _library("pytorchcv.model_provider", name)
    try:
        network: nn.Module = provider.get_model(name, pretrained=False, num_classes=classes, in_channels=channels)
    except Exception as error:
        raise ValueError(
            f"pytorchcv makes no {name!r} for {classes} classes and {channels} channels ({error!r}); known are {KNOWN}"
        ) from error
    return network


def _library(module: str, name: str) -> Any:
    """An optional library, which the classifier of that name is from."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(
            f"the classifier {name!r} is looked for in {module.partition('.')[0]}, which is not installed; "
            f"pip install 'gsmooth-core[zoo]', or take one that needs nothing more; known are {KNOWN}"
        ) from error


def save_classifier(
    model: nn.Module, path: str | Path, *, name: str, classes: int, channels: int, card: Mapping[str, Any] = {}
) -> None:
    """The model stands in ``path`` (``.safetensors``), with a card from which :func:`load_classifier` makes it again.

    As :func:`gsmooth_core.save_weights`, with "name", "classes" and "channels", the arguments of
    :func:`make_classifier`, in the card. ``ValueError`` where those make another network.
    """
    if _shapes(model) != _shapes(_make_aside(name, classes, channels)):
        raise ValueError(
            f"the {type(model).__name__} is not what make_classifier({name!r}, classes={classes}, "
            f"channels={channels}) makes, so it could not be loaded again; correct these, or use save_weights"
        )
    save_weights(model, path, {**card, "name": name, "classes": int(classes), "channels": int(channels)})


def load_classifier(path: str | Path) -> nn.Module:
    """The classifier that :func:`save_classifier` wrote, in evaluation mode, on the CPU; else ``ValueError``."""
    card = read_card(path)
    if not {"name", "classes", "channels"} <= card.keys():
        raise ValueError(
            f"the card of {str(path)!r} does not say which classifier it is; make the {card.get('kind')} yourself and "
            "use load_weights, or save it with save_classifier"
        )
    model = _make_aside(card["name"], card["classes"], card["channels"])
    load_weights(model, path)
    return model.eval()


def _make_aside(name: str, classes: int, channels: int) -> nn.Module:
    """A classifier whose random weights do not matter, so torch's random numbers stay where they were."""
    with torch.random.fork_rng(devices=[]):
        return make_classifier(name, classes=classes, channels=channels)


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def load_example_model() -> SmallConvNet:
    """The classifier of Fashion-MNIST that comes with the package, trained under noise and corruption.

    ``gsmooth_core/data/example_model.json`` says how it was trained and how well it does.
    """
    model = SmallConvNet()
    with as_file(files("gsmooth_core") / "data" / "example_model.safetensors") as path:
        load_model(model, path)
    return model.eval()


def load_named_model(name: str) -> Callable[[Tensor], Tensor]:
    """The model called ``package.module:name``, found from the current folder too, or saved in a ``.safetensors`` file.

    The name may be a module or a function from images to logits, or a class or function that takes no arguments and
    makes one; the file is one of :func:`save_classifier`. ``ValueError`` where there is nothing of that name, and for a
    pickle.
    """
    if Path(name).suffix in WEIGHT_FILES:
        return load_classifier(name)
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(
            f"a model is 'example', a .safetensors file or 'package.module:name', not {name!r}; add the part after the "
            "colon"
        )
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
