"""A smoothing as JSON, and from JSON again: what a saved smoothed classifier knows of its noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch

from gsmooth_core.common.json_records import load_record, save_record
from gsmooth_core.common.weights import read_card
from gsmooth_core.plugins.registry import get_corruption, get_noise, provider_of
from gsmooth_core.results.identity import code_hash
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing
from gsmooth_core.smoothing.distribution import NoiseDistribution
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.smoothing.parameter import ParameterNoise, ParameterSmoothing
from gsmooth_core.smoothing.surrogate import IdentitySurrogate, Surrogate
from gsmooth_core.smoothing.unet import UNetSurrogate

MODEL, SURROGATE = "model.safetensors", "surrogate.safetensors"
"""The files of the weights of the model and of a trained surrogate, in the folder of a smoothed classifier."""
FORMAT = "gsmooth smoothed classifier 1"


@attrs.frozen
class SmoothedRecord:
    """The corruption's name and plugin, the digest of its map's code, the smoothing in words and in JSON values.

    ``weights`` are the SHA-256 of the files of weights that belong to it.
    """

    corruption: str
    plugin: str
    map: str
    smoothing: str
    noise: Mapping[str, Any]
    weights: Mapping[str, str]

    @staticmethod
    def of(smoothing: Smoothing, corruption: str, folder: Path) -> SmoothedRecord:
        """The record of a smoothing for the recipe of that name; a surrogate's weights are written into the folder.

        ``ValueError`` if :meth:`make` would make another smoothing.
        """
        recipe = get_corruption(corruption)
        noise = _noise_of(smoothing, folder)
        code = code_hash(type(recipe.transformation))
        files = (MODEL, SURROGATE) if noise.get("surrogate", {}) is None else (MODEL,)
        weights = {name: read_card(folder / name)["sha256"] for name in files}
        record = SmoothedRecord(corruption, str(provider_of(corruption)), code, str(smoothing), noise, weights)
        if not _equal(again := record._made(folder), smoothing):
            raise ValueError(
                f"a smoothing is saved with the map of its recipe, and with that of {corruption!r} it is {again}, not "
                f"{smoothing}; name the corruption that it belongs to, or save the model alone with save_classifier"
            )
        return record

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        save_record(path, self, FORMAT)

    @staticmethod
    def load(path: Path) -> SmoothedRecord:
        """The record that :meth:`save` wrote; ``ValueError`` if it or a file of weights was changed."""
        record = load_record(path, SmoothedRecord, FORMAT, "smoothed classifier")
        for name, sha256 in record.weights.items():
            if read_card(path.with_name(name))["sha256"] != sha256:
                raise ValueError(f"{str(path.with_name(name))!r} belongs to another smoothed classifier; save it again")
        return record

    def make(self, folder: Path) -> Smoothing:
        """The smoothing; ``ValueError`` if the installed plugin or gsmooth makes another than the saved one."""
        recipe = get_corruption(self.corruption)
        if self.map != code_hash(type(recipe.transformation)):
            raise ValueError(
                f"the classifier was saved with {self.plugin}, and {provider_of(self.corruption)} computes "
                f"{self.corruption!r} by other code, so its certificates might not hold; install that version"
            )
        smoothing = self._made(folder)
        if str(smoothing) != self.smoothing:
            raise ValueError(f"the saved smoothing was {self.smoothing}, and is {smoothing} now; save it again")
        return smoothing

    def _made(self, folder: Path) -> Smoothing:
        noise = self.noise
        match noise["kind"]:
            case "none":
                return NoSmoothing()
            case "parameters":
                laws = tuple(get_noise(law["name"])(**law["settings"]) for law in noise["laws"])
                given = ParameterNoise(laws[0] if noise["shared"] else laws, noise["pixel_std"])
                return given.on(get_corruption(self.corruption).transformation)
            case "latent":
                settings = noise["surrogate"]
                surrogate: Surrogate = (
                    UNetSurrogate.load(folder / SURROGATE) if settings is None else IdentitySurrogate(**settings)
                )
                return LatentSmoothing(surrogate, noise["parameter_std"], noise["latent_std"])
        raise ValueError(f"there is no smoothing of the kind {noise['kind']!r}; install a newer gsmooth-core")


def _equal(one: Smoothing, other: Smoothing) -> bool:
    """Whether two smoothings have the same settings and weights."""
    weights = [[tensor.cpu() for tensor in each.networks.state_dict().values()] for each in (one, other)]
    return str(one) == str(other) and all(torch.equal(*pair) for pair in zip(*weights, strict=True))


def _noise_of(smoothing: Smoothing, folder: Path) -> dict[str, Any]:
    if type(smoothing) is NoSmoothing:
        return {"kind": "none"}
    if type(smoothing) is ParameterSmoothing:
        return {
            "kind": "parameters",
            "laws": [_law(law) for law in smoothing.laws],
            "shared": isinstance(smoothing.noise, NoiseDistribution),
            "pixel_std": smoothing.pixel_std,
        }
    if type(smoothing) is LatentSmoothing and type(smoothing.surrogate) in (IdentitySurrogate, UNetSurrogate):
        stds = {"parameter_std": smoothing.parameter_std, "latent_std": smoothing.latent_std}
        if type(smoothing.surrogate) is IdentitySurrogate:
            return {"kind": "latent", "surrogate": dict(smoothing.surrogate.settings), **stds}
        smoothing.surrogate.save(folder / SURROGATE)
        return {"kind": "latent", "surrogate": None, **stds}
    raise ValueError(
        f"{smoothing} cannot be saved, because only smoothings and surrogates of gsmooth itself are known; save the "
        "model with save_classifier, and smooth it again where it is loaded"
    )


def _law(law: NoiseDistribution) -> dict[str, Any]:
    kind = type(law)
    if not attrs.has(kind):
        raise ValueError(f"the noise {law} cannot be saved, because its class is no attrs class; make it one")
    return {"name": law.name, "settings": {name: getattr(law, name) for name in attrs.fields_dict(kind)}}
