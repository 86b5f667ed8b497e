"""Plugins: loaded one at a time, by name, and checked.

The core's own noise distributions and certifiers are found in the same way, by the entry points of gsmooth-core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from gsmooth_core.plugins.installed import (
    CERTIFIERS,
    CORRUPTIONS,
    HOOKS,
    NOISES,
    NOUNS,
    OWN,
    PluginError,
    PluginInfo,
    check_installed,
    installed,
    one_provider,
)

if TYPE_CHECKING:
    from gsmooth_core.certifier import Certifier
    from gsmooth_core.corruption import Corruption
    from gsmooth_core.smoothing.base import Smoothing
    from gsmooth_core.smoothing.distribution import NoiseDistribution
    from gsmooth_core.smoothing.parameter import ParameterNoise


def get_corruption(name: str) -> Corruption:
    """The corruption called ``name`` or ``name:variant``; imports the plugin of that name alone.

    ``PluginError`` where no plugin has the name, two have it, it fails on import, or it breaks a convention.
    """
    entry = name.partition(":")[0]
    check_installed(name)
    offered = {str(corruption.name): corruption for corruption in corruptions_of(entry)}
    if name not in offered:
        raise PluginError(
            f"the plugin {entry!r} offers no {name!r}, but: {', '.join(sorted(offered))}; use one of them"
        )
    return offered[name]


def recipe_of(
    corruption: str | Corruption,
    *,
    smoothing: Smoothing | ParameterNoise | None = None,
    certifier: str | Certifier | None = None,
) -> Corruption:
    """The corruption of that name, or the recipe itself, with another smoothing or certifier where one is given.

    ``ValueError`` for what is neither a recipe nor a name.
    """
    from gsmooth_core.corruption import Corruption

    recipe = get_corruption(corruption) if isinstance(corruption, str) else corruption
    if not isinstance(recipe, Corruption):
        raise ValueError(
            f"corruption must be a Corruption or a name, not of the type {type(corruption).__name__}; wrap a "
            "transformation as Corruption(name, transformation, smoothing, certifier)"
        )
    if smoothing is not None:
        recipe = attrs.evolve(recipe, smoothing=smoothing)
    if certifier is not None:
        recipe = attrs.evolve(recipe, certifier=get_certifier(certifier) if isinstance(certifier, str) else certifier)
    return recipe


def check_offered(corruption: str, plugin: str | None) -> None:
    """Raise ``PluginError`` unless a plugin has what was certified, from ``plugin`` (``None``: as an object)."""
    try:
        check_installed(corruption)
    except PluginError as error:
        if plugin is not None:
            raise
        raise PluginError(
            f"{corruption!r} was certified as an object and not from an installed plugin; pass it again in Python: "
            "verify(report, model, corruption=your_recipe), or save_page(path, reports, recipes=your_recipe)"
        ) from error


def provider_of(corruption: str | Corruption) -> str | None:
    """Distribution and version of the plugin that provides a corruption; ``None`` for a recipe passed as an object."""
    if not isinstance(corruption, str):
        return None
    info = one_provider(CORRUPTIONS, corruption.partition(":")[0])
    return f"{info.distribution} {info.version}"


def corruptions_of(plugin: str) -> list[Corruption]:
    """All variants that the plugin of that name offers; errors as for :func:`get_corruption`."""
    return list(_offers(CORRUPTIONS, plugin).values())


def get_noise(name: str) -> type[NoiseDistribution]:
    """The noise distribution called ``name``, the core's own or a plugin's; errors as for :func:`get_corruption`."""
    law: type[NoiseDistribution] = _offers(NOISES, name)[name]
    return law


def own_noises() -> list[type[NoiseDistribution]]:
    """The noise distributions that the core itself offers, by name."""
    return [get_noise(info.name) for info in installed(NOISES) if info.distribution == OWN]


def get_certifier(name: str) -> Certifier:
    """The certifier called ``name``, the core's own or a plugin's; errors as for :func:`get_corruption`."""
    certifier: Certifier = _offers(CERTIFIERS, name)[name]
    return certifier


def _offers(group: str, plugin: str) -> dict[str, Any]:
    """What the entry point offers; the number of its providers is checked each time, loading is done once."""
    one_provider(group, plugin)
    return _load(group, plugin)


@cache
def _load(group: str, plugin: str) -> dict[str, Any]:
    """What the module of one entry point offers under that name through the group's hook, by name."""
    from gsmooth_core.plugins import hookspecs

    manager = pluggy.PluginManager("gsmooth")
    manager.add_hookspecs(hookspecs)
    hook: Callable[[], list[Iterable[Any]]] = getattr(manager.hook, HOOKS[group])
    info = one_provider(group, plugin)
    source = f"the plugin {plugin!r} ({info.distribution} {info.version})"
    try:
        manager.load_setuptools_entrypoints(group, name=plugin)
        manager.check_pending()
    except (Exception, SystemExit) as error:
        named = f" (the hook of this group is {HOOKS[group]})" * isinstance(error, pluggy.PluginValidationError)
        raise PluginError(
            f"{source} fails on import: {type(error).__name__}: {error}{named}; correct it (and its entry point in "
            f"pyproject.toml), or uninstall it with pip uninstall {info.distribution}"
        ) from error
    try:
        offered = [offer for offers in hook() for offer in offers]
    except (Exception, SystemExit) as error:
        advice = "it must return a list" if isinstance(error, TypeError) else "correct it"
        raise PluginError(
            f"the hook {HOOKS[group]} of {source} fails: {type(error).__name__}: {error}; {advice}"
        ) from error
    if not offered:
        raise PluginError(
            f"{source} offers nothing; mark its function {HOOKS[group]} with @hookimpl, and return at least one"
        )
    return _checked(group, info, source, offered)


def _checked(group: str, info: PluginInfo, source: str, offered: list[Any]) -> dict[str, Any]:
    """The offers of the entry point's own name; a module may serve several entry points of its distribution."""
    from gsmooth_core.certifier import Certifier
    from gsmooth_core.corruption import Corruption
    from gsmooth_core.smoothing.distribution import NoiseDistribution

    kinds: dict[str, type] = {CORRUPTIONS: Corruption, CERTIFIERS: Certifier}
    for offer in offered:
        if group == NOISES:
            fits = isinstance(offer, type) and issubclass(offer, NoiseDistribution)
        else:
            fits = isinstance(offer, kinds[group])
        if not fits:
            raise PluginError(f"{source} offers {offer!r}, which is no {NOUNS[group]}; correct its {HOOKS[group]} hook")
    names = [offer.name for offer in offered]
    own = {offer.name: offer for offer in offered if offer.name.partition(":")[0] == info.name}
    served = {other.name for other in installed(group) if other.distribution == info.distribution}
    if not own or len(set(names)) < len(names) or any(name.partition(":")[0] not in served for name in names):
        raise PluginError(
            f"{source} offers {names}, but must offer {info.name!r} or variants '{info.name}:…' of it, each once: the "
            "entry point and the name must be one word; rename one, or give each name an entry point of its own"
        )
    return own
