"""From a plugin's name to a test for each of its variants and each law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gsmooth_core.corruption import Corruption
from gsmooth_core.plugins.registry import corruptions_of
from gsmooth_core.testing import certificates, hostile, maps, noises, recipes, rounding, smoothings
from gsmooth_core.testing.law import Law

LAWS: tuple[Law, ...] = (
    *maps.LAWS,
    *rounding.LAWS,
    *noises.LAWS,
    *smoothings.LAWS,
    *recipes.LAWS,
    *certificates.LAWS,
    *hostile.LAWS,
)
"""Every law, in the order in which the author of a new plugin needs them."""


def laws_of(corruption: Corruption) -> list[Law]:
    """The laws that concern a corruption."""
    return [law for law in LAWS if law.concerns(corruption)]


def conformance(plugin: str | Corruption, *, excuses: Mapping[str, str] | None = None) -> Callable[..., None]:
    """A pytest test that checks every law for every variant of a plugin that the law concerns, one test item each.

    Args:
        plugin: the name of an installed plugin, or a corruption as an object.
        excuses: a reason for each law that the plugin is known to break, by the law's name or by
            ``"name:variant-law"`` for one variant. The item becomes a strict xfail: it fails once the law holds.

    >>> from gsmooth_core import get_corruption
    >>> test_conformance = conformance(get_corruption("gaussianblur"))
    >>> [mark.args[0] for mark in test_conformance.pytestmark]
    [('corruption', 'law')]
    """
    try:
        import pytest
    except ImportError as error:
        raise ImportError('the conformance kit needs pytest; pip install "gsmooth-core[testing]"') from error

    corruptions = corruptions_of(plugin) if isinstance(plugin, str) else [plugin]
    excused = dict(excuses or {})
    items: list[Any] = []
    for corruption in corruptions:
        for law in laws_of(corruption):
            name = f"{corruption.name}-{law.name}"
            reason = excused.get(name, excused.get(law.name))
            marks = [] if reason is None else [pytest.mark.xfail(strict=True, reason=reason)]
            items.append(pytest.param(corruption, law, id=name, marks=marks))
    known = {law.name for law in LAWS} | {item.id for item in items}
    strangers = sorted(set(excused) - known)
    if strangers:
        raise ValueError(f"no law of {plugin!r} is called {strangers[0]!r}; the laws are: {', '.join(sorted(known))}")

    @pytest.mark.parametrize(("corruption", "law"), items)
    def test_conformance(corruption: Corruption, law: Law) -> None:
        law(corruption)

    return test_conformance
