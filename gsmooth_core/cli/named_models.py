"""The model that options name."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from gsmooth_core.cli.shared_options import ModelOptions
from gsmooth_core.models.adapters import IMAGENET, Normalized, normalized
from gsmooth_core.models.example import load_example_model
from gsmooth_core.models.named import load_named_model


def choose_model(options: ModelOptions) -> Callable[[Tensor], Tensor]:
    """The model that ``--model`` and the options beside it name."""
    statistics = statistics_of(options)
    if options.model == "example":
        if statistics is not None or options.weights is not None or options.classes is not None:
            raise ValueError(
                "the example model is complete; leave out --weights, --classes, --mean and --std, or name your --model"
            )
        return load_example_model()
    network = load_named_model(options.model, options.weights, options.classes)
    if statistics is None:
        return network
    return normalized(network.model if isinstance(network, Normalized) else network, *statistics)


def statistics_of(options: ModelOptions) -> tuple[list[float], list[float]] | None:
    """The numbers of ``--mean`` and ``--std``; ``None`` if neither is given."""
    mean, std = options.mean, options.std
    if mean is None and std is None:
        return None
    if mean is None or std is None:
        raise ValueError("--mean and --std go together; give both, such as --mean imagenet --std imagenet")
    named = dict(zip(("mean", "std"), IMAGENET, strict=True))
    numbers = []
    for name, given in (("mean", mean), ("std", std)):
        try:
            numbers.append([*named[name]] if [*given] == ["imagenet"] else [float(one) for one in given])
        except ValueError as error:
            raise ValueError(f"--{name} is a number, one per channel, or imagenet, not {' '.join(given)}") from error
    return numbers[0], numbers[1]
