"""``gsmooth new``. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path

from gsmooth_core.cli.printing import say


def new(name: str, /, *, into: Path = Path(".")) -> int:
    """Make the folder of a new corruption plugin, which works without changes.

    Args:
        name: One word, such as fog.
        into: The folder to make it in, such as plugins in a clone of gsmooth.
    """
    from gsmooth_core.plugins.scaffold import new_plugin

    folder = new_plugin(name, into)
    say(f"made {folder}; next: pip install --editable {folder}, python -m pytest {folder}, gsmooth certify {name}")
    return 0
