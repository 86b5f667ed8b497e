"""Writing files so that nothing is lost: everything that gsmooth writes goes through :func:`write_bytes`."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

HANDOVER = 0.2
"""Seconds to wait for a lock that its holder may be about to release."""


def resolved(path: str | Path) -> Path:
    """The absolute path of the file that links lead to; ``ValueError`` if they lead to none."""
    try:
        place = Path(path).resolve()
        place.is_file()
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: a circle, before Python 3.13
        raise ValueError(f"the path {str(path)!r} leads nowhere: {error}; name another file") from error
    return place


def check_writable(path: str | Path, what: str) -> None:
    """Raise ``ValueError`` if the file could not be written; ``what`` names its content, such as "report".

    What exists and is no regular file is refused too: a folder, a pipe or a device.
    """
    place = resolved(path)
    if not place.parent.is_dir():
        raise ValueError(f"there is no folder {str(place.parent)!r} for the {what}; make it, or name another path")
    other = place.exists() and not place.is_file()
    if other or not os.access(place.parent, os.W_OK) or (place.exists() and not os.access(place, os.W_OK)):
        kind = f", which is {'a folder' if place.is_dir() else 'a pipe, a socket or a device'}" * other
        raise ValueError(f"the {what} cannot be written to {str(path)!r}{kind}; name a file in a folder of yours")


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Allow one writer of a file: ``ValueError`` if another call, of this process or another one, has locked it.

    The lock is that of the operating system on an empty hidden file beside the one that ``path`` leads to, so it ends
    with the process, also after a kill. The hidden file is removed at the end; if a kill leaves it, it locks nothing. A
    forked child does not hold its parent's lock, and leaves it alone.
    """
    place = resolved(path)
    beside = place.with_name(f".{place.name}.lock")
    lock, holder = FileLock(beside, timeout=HANDOVER), os.getpid()
    try:
        lock.acquire()
    except OSError as error:
        if isinstance(error, Timeout) and beside.exists():
            reason = "is being written by another process or thread; wait for it, or name another file"
        else:
            reason = (
                f"cannot be kept from other processes: {str(beside)!r} cannot be locked ({error.strerror or error})"
                "; remove that file if nobody uses it, or name a file in another folder"
            )
        raise ValueError(f"{str(path)!r} {reason}") from error
    try:
        yield
    finally:
        if os.getpid() == holder:
            with suppress(OSError):  # Windows does not remove open files
                beside.unlink()
            lock.release()


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a file in one step: a kill leaves the old file or the new one, never half.

    A link stays a link, and a file keeps its permissions; a new file has those that the process gives (its umask).
    ``ValueError`` as from :func:`check_writable`.
    """
    check_writable(path, "file")
    path = resolved(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            if path.exists():
                shutil.copystat(path, temporary)  # before the content, which others may not be allowed to read
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, in one step as :func:`write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))
