"""Classifiers of other libraries, by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from torch import nn
from torchvision import models as torchvision_models

from gsmooth_core.common.validators import check_whole
from gsmooth_core.models.networks import ConvNet, SmallConvNet

KNOWN = "'smallconvnet', 'convnet', 'resnet20_cifar10' (pytorchcv), 'torchvision:resnet18' and 'timm:resnet18'"
"""Examples of the names that ``make_classifier`` knows."""


def make_classifier(name: str, *, classes: int = 10, channels: int = 3) -> nn.Module:
    """A network of random weights, from images (batch, channels, height, width) in [0, 1] to logits (batch, classes).

    ``name`` is ``"smallconvnet"`` (grey 28 × 28 images), ``"convnet"`` (any), one of pytorchcv's, such as
    ``"resnet110_cifar10"`` (32 × 32 images, 10 or 100 classes), one of torchvision's classifiers, such as
    ``"torchvision:resnet18"`` (colour), or one of timm's, such as ``"timm:resnet18"``. Nothing is downloaded, and
    nothing normalises the images. ``ValueError`` for an unknown name, and for classes or channels that do not fit.
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
