"""What commands print. Importing this file imports no torch."""

from __future__ import annotations

from pathlib import Path

from gsmooth_core.common.console import new_console


def say(sentence: str) -> None:
    """Print a sentence on one line of standard output, without wrapping or markup."""
    new_console().print(sentence, soft_wrap=True, markup=False, highlight=False)


def say_where(what: str, path: Path | None) -> None:
    """Print the path at which something was written; nothing if it was not."""
    if path is not None:
        new_console().print(f"{what}: {path}", soft_wrap=True, markup=False)


def warn(sentence: str) -> None:
    """Print a sentence on one line of standard error."""
    new_console(stderr=True, soft_wrap=True).print(f"gsmooth: {sentence}", markup=False)
