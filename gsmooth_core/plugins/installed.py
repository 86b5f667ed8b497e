"""Plugins as their metadata names them: nothing is imported, not even torch."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.metadata import Distribution, distributions
from traceback import walk_tb

import attrs

from gsmooth_core.plugins.names import ALIKE, advice_on

CORRUPTIONS, NOISES, CERTIFIERS = "gsmooth", "gsmooth.noises", "gsmooth.certifiers"
"""The entry-point groups."""
OWN = "gsmooth-core"
"""The distribution of the core, which offers noises and certifiers by entry points too."""
HOOKS = {CORRUPTIONS: "gsmooth_corruptions", NOISES: "gsmooth_noises", CERTIFIERS: "gsmooth_certifiers"}
NOUNS = {CORRUPTIONS: "corruption", NOISES: "noise", CERTIFIERS: "certifier"}


class PluginError(ValueError):
    """A plugin is missing, broken, or in conflict with another."""


@attrs.frozen(order=True)
class PluginInfo:
    """What a plugin's metadata says: the entry point's name, the distribution, and its version."""

    name: str
    distribution: str
    version: str


def list_corruptions() -> list[PluginInfo]:
    """The installed corruption plugins by name; imports none of them."""
    return installed(CORRUPTIONS)


def check_installed(name: str) -> None:
    """Raise ``PluginError`` unless exactly one plugin provides the corruption of that name; imports none of them.

    Whether the plugin has the variant, is found only by :func:`get_corruption`.
    """
    one_provider(CORRUPTIONS, name)


def plugin_in(error: BaseException) -> str | None:
    """The plugin whose code raised an error, or called what raised it, in words; ``None`` if no plugin did.

    ``None`` also for a ``ValueError`` that the core raised, whose sentence needs no author.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    packages = {
        point.module.partition(".")[0]: f"the plugin {point.name!r} of {distribution.name} {distribution.version}"
        for distribution in distributions()
        for point in distribution.entry_points
        if point.group in HOOKS and _normalised(distribution) != OWN
    }
    frames = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    if isinstance(error, ValueError) and frames[-1:] == ["gsmooth_core"]:
        return None
    return next((packages[package] for package in reversed(frames) if package in packages), None)


def installed(group: str) -> list[PluginInfo]:
    """The plugins with an entry point in a group, by name."""
    found = {
        PluginInfo(point.name, _normalised(distribution), distribution.version)
        for distribution in distributions()
        for point in distribution.entry_points
        if point.group == group
    }
    return sorted(found)


def _normalised(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.name).lower()


def one_provider(group: str, name: str) -> PluginInfo:
    """The plugin that provides a name; a corruption may be named with its variant.

    ``PluginError`` unless exactly one does.
    """
    noun, there = NOUNS[group], installed(group)
    wanted = f"{name!r}" if group == CORRUPTIONS else f"the {noun} {name!r}"
    providers = [info for info in there if info.name == name.partition(":")[0]]
    if not providers:
        known = sorted({info.name for info in there})
        family = [info.name for info in there if info.distribution in (name.lower(), f"gsmooth-plugin-{name.lower()}")]
        if group == CORRUPTIONS:
            advice = f"{name!r} provides {', '.join(family)}; name one" if len(family) > 1 else advice_on(name, known)
        else:
            alike = get_close_matches(name.lower(), known, n=1, cutoff=ALIKE)
            advice = f"Did you mean {alike[0]!r}?" if alike else "Use one of them, or install the plugin that has it"
        raise PluginError(f"no installed plugin provides {wanted} (installed: {', '.join(known) or 'none'}). {advice}")
    sources = [f"{info.distribution} {info.version}" for info in providers]
    if len(sources) > 1:
        raise PluginError(f"the {noun} {name!r} is provided by {' and by '.join(sources)}; uninstall all but one")
    return providers[0]
