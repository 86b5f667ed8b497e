"""Laws of the recipe: names, regions, and parts that fit together."""

from __future__ import annotations

import pickle
import re
from importlib.metadata import entry_points

import torch

from gsmooth_core.corruption import Corruption
from gsmooth_core.plugins.installed import CORRUPTIONS, list_corruptions
from gsmooth_core.testing.law import everyone, make, radius_of, require
from gsmooth_core.transformations.regions import Box, Region


def bears_its_name_in_its_distribution(corruption: Corruption) -> None:
    """The entry point of the corruption's word is in ``gsmooth-plugin-<family>``, and leads into its own module.

    That is the module or package ``gsmooth_plugin_<family>``, or a module inside the package, and the transformation's
    class is defined there too. ``<family>`` is a corruption's own word, or a name for several together.
    """
    word = corruption.name.word
    [info] = [info for info in list_corruptions() if info.name == word]
    [point] = entry_points(group=CORRUPTIONS, name=word)
    named = re.fullmatch("gsmooth-plugin-([a-z0-9]+(?:-[a-z0-9]+)*)", info.distribution)
    if named is None:
        raise AssertionError(
            f"the distribution of {word!r} is called {info.distribution!r}; call it 'gsmooth-plugin-{word}', or, where "
            "it holds several corruptions, 'gsmooth-plugin-' and the name of their family"
        )
    package = "gsmooth_plugin_" + named[1].replace("-", "_")
    for place, found in (
        (f"entry point {word!r} leads to", point.module),
        ("transformation's class is defined in", type(corruption.transformation).__module__),
    ):
        inside = found == package or found.startswith(f"{package}.")
        require(inside, f"the {place} {found!r}; have it in {package!r}, as its distribution is {info.distribution!r}")


def nests_its_regions(corruption: Corruption) -> None:
    """``region(r)`` holds the identity and every region of a smaller radius, and large regions exceed ``region(0)``."""
    transformation = corruption.transformation
    identity = torch.tensor([transformation.space.identity], dtype=torch.float64)
    radii = [share * radius_of(corruption) for share in (0.0, 0.001, 0.1, 0.4, 0.7, 1.0)]
    regions = [transformation.region(radius) for radius in radii]
    for radius, region in zip(radii, regions, strict=True):
        require(bool(region.contains(identity).all()), f"region({radius:.4g}) does not hold the identity")
    for index in range(1, len(radii)):
        nested = regions[index - 1].inside(regions[index])
        require(nested, f"region({radii[index]:.4g}) does not hold region({radii[index - 1]:.4g})")
    require(not regions[-1].inside(regions[0]), f"region({radii[-1]:.4g}) does not exceed region(0)")


def refuses_parameters_outside_its_space(corruption: Corruption) -> None:
    """A radius is refused or gives a region inside the space; negative radii, and regions off the identity, are
    refused.
    """
    space, radius = corruption.transformation.space, radius_of(corruption)
    for _ in range(60):
        radius *= 2
        if not _accepts(corruption, radius):
            break
    else:
        region = corruption.transformation.region
        grows = not region(radius).inside(region(radius / 2))
        require(grows, f"a radius of {radius:.2g} is accepted, but its region is no larger than that of its half")
    away = Box(
        tuple(end + 1e3 for end in space.identity),
        tuple(end + 2e3 for end in space.identity),
    )
    for wrong in (-1.0, float("nan"), float("inf"), away):
        require(not _accepts(corruption, wrong), f"{wrong} is accepted as a region")


def _accepts(corruption: Corruption, radius: float | Region) -> bool:
    try:
        corruption.region(radius, (1, 28, 28))
    except ValueError:
        return False
    return True


def fits_its_certifier(corruption: Corruption) -> None:
    """The certifier accepts the transformation, the smoothing and each default region."""
    require(bool(corruption.radius), "the recipe has no default radius")
    for shape in corruption.radius:
        try:
            corruption.certifier.check(corruption.problem(None, shape))
        except ValueError as error:
            raise AssertionError(f"the recipe's parts do not fit for images of shape {shape}: {error}") from error


def equals_its_copy(corruption: Corruption) -> None:
    """A pickled transformation comes back equal, so that reports can be compared and work sent to other processes."""
    transformation = corruption.transformation
    try:
        copy = pickle.loads(pickle.dumps(transformation))
    except Exception as error:
        raise AssertionError(f"the transformation cannot be pickled: {error}") from error
    require(copy == transformation, f"{transformation} does not equal its copy; make its class @attrs.frozen")


def _installed(corruption: Corruption) -> bool:
    return any(info.name == corruption.name.word for info in list_corruptions())


LAWS = (
    *make(_installed, bears_its_name_in_its_distribution),
    *make(everyone, fits_its_certifier, nests_its_regions, refuses_parameters_outside_its_space, equals_its_copy),
)
"""The laws of this file."""
