"""Which format a saved file has. Importing this file imports no torch."""

from __future__ import annotations

import json
from pathlib import Path


def format_of(path: Path) -> int | str | None:
    """The format that a JSON file names; ``None`` if it names none, is not such a file, or does not exist."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    format_ = content.get("format") if isinstance(content, dict) else None
    return format_ if isinstance(format_, int | str) else None
