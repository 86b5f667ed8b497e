"""The import path of :mod:`gsmooth_core.plugins.hookspecs` that plugins were shown first; it stays."""

from gsmooth_core.plugins.hookspecs import gsmooth_certifiers, gsmooth_corruptions, gsmooth_noises, hookimpl, hookspec

__all__ = ["gsmooth_certifiers", "gsmooth_corruptions", "gsmooth_noises", "hookimpl", "hookspec"]
