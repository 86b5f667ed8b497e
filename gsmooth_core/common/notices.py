"""Warnings at the line of the user's program that called the library."""

from __future__ import annotations

import sys
import warnings

INSIDE = ("gsmooth_core", "contextlib")
"""Packages whose frames are not the user's."""


def notify(sentence: str) -> None:
    """Issue a ``UserWarning`` at the nearest caller outside this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(sentence, stacklevel=level)
