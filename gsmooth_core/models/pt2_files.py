"""Whether a ``.pt2`` file holds pickles, which ``torch.export.load`` would open without restrictions."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import torch

ADVICE = "load it yourself with torch.export.load, if you trust it, and pass the program to adapters.from_exported"
RAW = ("weight_", "tensor_")
"""How the names of raw tensors begin."""


def check_no_pickle(path: str | Path) -> None:
    """Raise ``ValueError`` for a file that is no archive of ``torch.export.save``, or that holds pickled objects.

    Weights and constants may be raw tensors only, and sample inputs what ``torch.load(weights_only=True)`` takes.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no file {str(path)!r}; name one that torch.export.save wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            pickled = [name for name in names if _is_pickled(name, archive)]
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{str(path)!r} is no file of torch.export.save ({error}); save it again") from error
    if pickled or len(set(names)) < len(names):
        what = ", ".join(pickled[:3]) or "two parts of one name"
        raise ValueError(f"{str(path)!r} holds pickled objects ({what}), which can run code when opened; {ADVICE}")


def _is_pickled(name: str, archive: zipfile.ZipFile) -> bool:
    if "/sample_inputs/" in name:
        try:
            torch.load(BytesIO(archive.read(name)), weights_only=True)
        except Exception:
            return True
        return False
    if name.endswith("_config.json"):
        payloads = json.loads(archive.read(name))["config"].values()
        return any(one["use_pickle"] or not one["path_name"].startswith(RAW) for one in payloads)
    return name.endswith((".pt", ".pth", ".pkl", ".so"))
