"""Writing files so that nothing is lost."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def check_writable(path: str | Path, what: str) -> None:
    """Raise ``ValueError`` where the file could not be written; ``what`` names its content, such as "report"."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r} for the {what}; make it, or name another path")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or path.is_dir():
        raise ValueError(f"the {what} cannot be written to {str(path)!r}; name a file in a folder of yours")


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file in one step: a kill leaves the old file or the new one, never half."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, in one step as :func:`write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))
