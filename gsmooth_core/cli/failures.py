"""What a command says when it fails. Importing this file imports no torch."""

from __future__ import annotations

import os
import traceback

from cyclopts import CycloptsError, ValidationError

from gsmooth_core.cli.exit_codes import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_UNEXPECTED
from gsmooth_core.plugins.installed import PluginError, plugin_in

TRACEBACK = "GSMOOTH_TRACEBACK"
"""The environment variable that shows the traceback of every error."""
NEXT = f"With --out, the results so far are kept. {TRACEBACK}=1 in the environment shows where it happened"


def explained(error: BaseException) -> tuple[str, int]:
    """The sentence for an error that ends a command, and the exit code."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; with --out, the same command continues where this one stopped", EXIT_INTERRUPTED
    if isinstance(error, ValidationError) and isinstance(error.__cause__, ValueError):
        return str(error.__cause__), EXIT_BAD_INPUT  # its sentence needs no "Invalid value" before it
    plugin, name = plugin_in(error), type(error).__name__
    if isinstance(error, CycloptsError | ValueError | OSError):
        by_whom = f" (raised by {plugin})" if plugin is not None and not isinstance(error, PluginError) else ""
        return f"{error}{by_whom}", EXIT_BAD_INPUT
    if plugin is not None:
        return f"{plugin} failed: {name}: {error}; correct it, or tell its authors. {NEXT}", EXIT_BAD_INPUT
    return f"unexpected {name}: {error}; if neither model nor data explain it, report it. {NEXT}", EXIT_UNEXPECTED
