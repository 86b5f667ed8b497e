"""The calls that train a classifier for what was certified."""

from __future__ import annotations

import shlex

import attrs

from gsmooth_core.results.identity import identified
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.smoothing.parameter import ParameterNoise, ParameterSmoothing
from gsmooth_core.smoothing.surrogate import IdentitySurrogate
from gsmooth_core.smoothing.unet import UNetSurrogate
from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region

RECIPE = "your_recipe"
"""What a call says for a recipe that no plugin offers."""


def training_calls(
    name: str | None,
    offered: Smoothing,
    smoothing: Smoothing,
    transformation: Transformation,
    radius: float | Region | None,
) -> tuple[str, ...]:
    """How to train a classifier for a corruption under ``smoothing``: a call of Python, and a command if there is one.

    ``name``: of the corruption; ``None`` if no plugin offers its ``transformation``. ``offered``: the smoothing of the
    recipe of that name, or of the one that was passed. ``radius``: the region; ``None`` for the recipe's. The call uses
    names of ``gsmooth_core``, and ``your_…`` for objects that have no name there.

    >>> from gsmooth_core import Gaussian, get_corruption, ParameterSmoothing
    >>> blur = get_corruption("brightness")
    >>> training_calls("brightness", blur.smoothing, blur.smoothing, blur.transformation, 0.25)[0]
    "fit_classifier(model, 'brightness', images, labels, radius=0.25)"
    >>> noise = ParameterSmoothing(blur.transformation, Gaussian(0.3))
    >>> training_calls("brightness", blur.smoothing, noise, blur.transformation, None)[0].partition("smoothing=")[2]
    'ParameterNoise(noise=Gaussian(std=0.3), pixel_std=0.0)), images, labels)'
    """
    recipe = RECIPE if name is None else repr(name)
    changes = _changes(offered, smoothing)
    if identified(smoothing) != identified(offered):
        if isinstance(smoothing, LatentSmoothing) and isinstance(smoothing.surrogate, UNetSurrogate):
            file = smoothing.surrogate.file
            surrogate = "your_surrogate" if file is None else f"UNetSurrogate.load({file!r})"
            stds = {**smoothing.surrogate.card, **attrs.asdict(smoothing, recurse=False)}
            noise = "".join(f", {std}={stds[std]!r}" for std in ("parameter_std", "latent_std"))
            recipe = f"use_surrogate({recipe}, {surrogate}{noise})"
        else:
            whole = RECIPE if name is None else f"get_corruption({name!r})"
            recipe = f"attrs.evolve({whole}, smoothing={_words(smoothing, transformation)})"
    asked = "" if radius is None else f", radius={radius!r}"
    call = f"fit_classifier(model, {recipe}, images, labels{asked})"
    if name is None or changes is None or isinstance(radius, Region):
        return (call,)
    options = changes if radius is None else {**changes, "radius": radius}
    given = [str(part) for option, value in options.items() for part in (f"--{option}", value)]
    return call, shlex.join(["gsmooth", "fit", "classifier", name, *given, "--out", "classifier.safetensors"])


def _changes(offered: Smoothing, smoothing: Smoothing) -> dict[str, object] | None:
    """The options of the command that lead from one smoothing to another; ``None`` if there are none."""
    if identified(smoothing) == identified(offered):
        return {}
    if not isinstance(smoothing, LatentSmoothing):
        return None
    stds: dict[str, object] = {"parameter-std": smoothing.parameter_std, "latent-std": smoothing.latent_std}
    if isinstance(smoothing.surrogate, UNetSurrogate):
        return None if smoothing.surrogate.file is None else {"surrogate": smoothing.surrogate.file, **stds}
    return (
        stds if isinstance(offered, LatentSmoothing) and repr(offered.surrogate) == repr(smoothing.surrogate) else None
    )


def _words(smoothing: Smoothing, transformation: Transformation) -> str:
    """A smoothing as Python makes it."""
    if isinstance(smoothing, LatentSmoothing) and isinstance(smoothing.surrogate, IdentitySurrogate):
        return repr(smoothing)
    if isinstance(smoothing, NoSmoothing):
        return "NoSmoothing()"
    if not isinstance(smoothing, ParameterSmoothing) or not smoothing.is_on(transformation):
        return "your_smoothing"
    ours = all(type(law).__module__.startswith("gsmooth_core.") for law in smoothing.laws)
    return repr(ParameterNoise(smoothing.noise, smoothing.pixel_std)) if ours else "your_smoothing"
