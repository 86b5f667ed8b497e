"""Images side by side as one picture, in a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from torch import Tensor
from torchvision.utils import save_image

from gsmooth_core.common.files import check_writable, write_bytes

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""The endings that a picture's file may have, and their formats."""


def check_picture(path: str | Path) -> None:
    """Raise ``ValueError`` if no picture could be written to the path."""
    if Path(path).suffix.lower() not in FORMATS:
        raise ValueError(f"a picture ends in {', '.join(FORMATS)}, not as {str(path)!r} does; name a file that does")
    check_writable(path, "picture")


def save_picture(path: str | Path, images: Tensor, columns: int) -> None:
    """Write images (count, channel, height, width) in [0, 1] as one picture, ``columns`` in a row, in one step."""
    check_picture(path)
    content = BytesIO()
    save_image(images.cpu(), content, FORMATS[Path(path).suffix.lower()], nrow=columns, padding=1, pad_value=0.5)
    write_bytes(path, content.getvalue())
