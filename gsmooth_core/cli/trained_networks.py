"""The network that ``gsmooth fit classifier`` trains: one of the zoo, or one of the user's own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import torch
from torch import nn

from gsmooth_core.cli.named_models import choose_model, statistics_of
from gsmooth_core.cli.shared_options import ModelOptions
from gsmooth_core.common.weights import has_card, read_card
from gsmooth_core.models.adapters import normalized
from gsmooth_core.models.saved import save_classifier
from gsmooth_core.models.zoo import make_classifier


@attrs.frozen(eq=False)
class TrainedNetwork:
    """A network with the weights that training starts from.

    ``origin`` says what makes it, as ``save_classifier`` takes it.
    """

    network: nn.Module
    origin: dict[str, Any]

    @staticmethod
    def of(options: ModelOptions, classes: int, channels: int, seed: int) -> TrainedNetwork:
        """The network that the options name, which could be saved; ``ValueError`` for any other.

        One of the zoo has random weights; one of the user's own those that its maker, or ``--weights``, gives it.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if is_of_the_zoo(options):
                network, name = make_classifier(options.model, classes=classes, channels=channels), options.model
                statistics = statistics_of(options)
                network = network if statistics is None else normalized(network, *statistics)
                return TrainedNetwork(network, {"name": name, "classes": classes, "channels": channels})
            chosen = choose_model(options)
        if not isinstance(chosen, nn.Module):
            raise ValueError(f"only a torch module can be trained, not the function {options.model!r}; wrap it in one")
        origin = origin_of(options)
        with TemporaryDirectory() as folder:
            save_classifier(chosen, Path(folder) / "start.safetensors", **origin)  # refuses now what it would later
        return TrainedNetwork(chosen, origin)

    def save(self, path: Path, card: dict[str, Any]) -> None:
        """Write the trained network and its card."""
        save_classifier(self.network, path, **self.origin, card=card)


def is_of_the_zoo(options: ModelOptions) -> bool:
    """Whether the options name a network of :func:`make_classifier` with random weights."""
    library, colon, _ = options.model.partition(":")
    plain = not colon and Path(options.model).suffix not in (".safetensors", ".onnx", ".pt2")
    return options.weights is None and (plain or library in ("torchvision", "timm"))


def origin_of(options: ModelOptions) -> dict[str, Any]:
    """What makes a network of the user's own, as :func:`save_classifier` takes it: from its card, or its name."""
    file = Path(options.model) if options.model.endswith(".safetensors") else options.weights
    card = read_card(file) if file is not None and has_card(file) else {}
    if file != options.weights and "name" in card:
        return {name: card[name] for name in ("name", "classes", "channels")}
    maker = options.model if file == options.weights else card["maker"]
    return {"maker": maker, "arguments": card.get("arguments", {})}


def maker_named(options: ModelOptions) -> str | None:
    """The maker that must be named to load the trained network again; ``None`` if its card is enough."""
    return None if is_of_the_zoo(options) else origin_of(options).get("maker")
