"""The classifier that comes with the package; only for it are images taken without a warning if none are given."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from importlib.resources import as_file, files
from typing import Any

from safetensors.torch import load_model
from torch import Tensor, nn
from torch.utils.data import Dataset

from gsmooth_core.datasets.inputs import BUNDLED_NAME, NO_IMAGES
from gsmooth_core.models.networks import SmallConvNet


def load_example_model() -> SmallConvNet:
    """The classifier of Fashion-MNIST that comes with the package, trained under noise and corruption.

    ``gsmooth_core/data/example_model.json`` says how it was trained and how well it does.
    """
    model = SmallConvNet().float()  # whatever the default type
    with as_file(files("gsmooth_core") / "data" / "example_model.safetensors") as path:
        load_model(model, path)
    return model.eval()


def is_example_model(model: Callable[[Tensor], Tensor]) -> bool:
    """Whether a model is that of :func:`load_example_model`, by its weights, or a module around it.

    The modules around it are those of ``accelerate`` and ``smooth``, and any other that holds it as a part.
    """
    parts = model.modules() if isinstance(model, nn.Module) else ()
    return any(isinstance(part, SmallConvNet) and _has_the_weights(part) for part in parts)


def images_or_bundled(
    images: Tensor | str | None,
    labels: Tensor | Sequence[int] | None,
    dataset: Dataset[Any] | None,
    models: Collection[Callable[[Tensor], Tensor]],
) -> Tensor | str | None:
    """The images of a call; the name of the bundled ones if it has neither images nor a dataset.

    In that case a ``UserWarning``, at the line that called the caller, says so, unless every model is the example
    model, which belongs to these images.
    """
    if not (images is None and labels is None and dataset is None):
        return images
    if not all(is_example_model(model) for model in models):
        warnings.warn(f"{NO_IMAGES}; name them with images={BUNDLED_NAME!r}, or pass images= or dataset=", stacklevel=3)
    return BUNDLED_NAME


def _has_the_weights(model: SmallConvNet) -> bool:
    here, wanted = model.state_dict(), _weights()
    return all(here[name].shape == wanted[name].shape and here[name].cpu().equal(wanted[name]) for name in wanted)


@lru_cache(maxsize=1)
def _weights() -> dict[str, Tensor]:
    return load_example_model().state_dict()
