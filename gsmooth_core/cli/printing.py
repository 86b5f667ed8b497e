"""What commands print. Importing this file imports no torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gsmooth_core.common.console import new_console


def say(sentence: str) -> None:
    """Print a sentence on one line of standard output, without wrapping or markup."""
    new_console().print(sentence, soft_wrap=True, markup=False, highlight=False)


def say_where(what: str, path: Path | None) -> None:
    """Print the path at which something was written; nothing if it was not."""
    if path is not None:
        new_console().print(f"{what}: {path}", soft_wrap=True, markup=False)


@contextmanager
def warnings_in_sentences() -> Iterator[None]:
    """Inside, each ``UserWarning`` is printed at once as :func:`warn` prints, without the line of code it is from."""

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if category is UserWarning:
            warn(str(message))
        else:
            usual(message, category, *rest, **more)

    usual = warnings.showwarning
    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def warn(sentence: str) -> None:
    """Print a sentence on one line of standard error."""
    new_console(stderr=True, soft_wrap=True).print(f"gsmooth: {sentence}", markup=False)
