"""Printing that never fails: characters that a console does not have become ones that it has."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from typing import Any, TextIO, cast

from rich.console import Console

READABLE = "gsmooth-readable"
"""The name of the error handler for encoding that writes :func:`readable` text."""
STAND_INS = {"−": "-", "–": "-", "×": "x", "·": "*", "≤": "<=", "≥": ">=", "±": "+-", "√": "sqrt", "∞": "inf"}
"""ASCII for characters that Unicode does not decompose into it."""


def new_console(stderr: bool = False, **settings: Any) -> Console:
    """A console on standard output, or on standard error, that prints any text in whatever encoding it has."""
    stream = sys.stderr if stderr else sys.stdout
    file = None if stream is None else cast(TextIO, _Tolerant(stream))
    return Console(file=file, stderr=stderr, **settings)


def make_tolerant(stream: TextIO | None) -> None:
    """Whatever is printed on this stream from now on, by anybody, is printed as :func:`readable` says."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=READABLE)


def readable(text: str, encoding: str) -> str:
    r"""The text as an encoding can show it.

    >>> readable("2⁻¹⁴ ≤ ℓ₂ − σ²", "ascii")
    '2^-14 <= l2 - sigma^2'
    >>> readable("日", "cp437")
    '\\u65e5'
    """
    return text.encode(encoding, READABLE).decode(encoding)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """What stands for the characters that cannot be encoded, and where encoding goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    parts, raised = list[str](), False
    for character in error.object[error.start : error.end]:
        raises = unicodedata.decomposition(character).startswith("<super>")
        parts.append("^" * (raises and not raised) + _ascii(character))
        raised = raises
    return "".join(parts), error.end


def _ascii(character: str) -> str:
    name = unicodedata.name(character, "")
    greek = name.rpartition(" ")[2].lower() * name.startswith("GREEK SMALL LETTER")
    plain = unicodedata.normalize("NFKD", character).translate({0x2044: "/", 0x2212: "-"})
    return (
        STAND_INS.get(character)
        or greek
        or plain.encode("ascii", "ignore").decode()
        or character.encode("ascii", "backslashreplace").decode()
    )


codecs.register_error(READABLE, _stand_in)


class _Tolerant:
    """A stream that writes readable text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(readable(text, getattr(self._stream, "encoding", None) or "utf-8"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
