"""The hooks that a plugin may implement. Each returns values; none has side effects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from gsmooth_core.certifier import Certifier
    from gsmooth_core.corruption import Corruption
    from gsmooth_core.smoothing.distribution import NoiseDistribution

hookspec = pluggy.HookspecMarker("gsmooth")
hookimpl = pluggy.HookimplMarker("gsmooth")
"""Marks a plugin's hook functions."""


@hookspec
def gsmooth_corruptions() -> Iterable[Corruption]:  # type: ignore[empty-body]
    """Corruptions named after the entry point in group ``gsmooth``: ``name`` itself and ``name:variant``."""


@hookspec
def gsmooth_noises() -> Iterable[type[NoiseDistribution]]:  # type: ignore[empty-body]
    """Noise distributions, each named (``name``) like an entry point in group ``gsmooth.noises``."""


@hookspec
def gsmooth_certifiers() -> Iterable[Certifier]:  # type: ignore[empty-body]
    """Certifiers, each named (``name``) like an entry point in group ``gsmooth.certifiers``."""
