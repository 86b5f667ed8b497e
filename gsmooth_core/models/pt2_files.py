"""The bytes of a ``.pt2`` file, once it is known to hold no pickles, which ``torch.export.load`` opens unrestricted."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

ADVICE = "load it yourself with torch.export.load, if you trust it, and pass the program to adapters.from_exported"
SAMPLES = "data/sample_inputs/model.pt"
TABLE = re.compile(r"data/(weights|constants)/model_(weights|constants)_config\.json")
"""The name of a table of weights or constants."""
PARTS = re.compile(
    rf"models/model\.json|{re.escape(SAMPLES)}|{TABLE.pattern}|data/weights/weight_\d+|data/constants/tensor_\d+"
    r"|archive_format|archive_version|byteorder|(\.data/)?version|\.data/serialization_id"
)
"""The names of the parts of an archive with one program, of raw tensors and tables: there may be no others."""
RAW = re.compile(r"(weight|tensor)_\d+")
"""The names of raw tensors in a table."""


def read_without_pickles(path: str | Path) -> BytesIO:
    """The content of a file of ``torch.export.save`` that holds no pickled objects, for ``torch.export.load``.

    The parts are read as torch reads them, from the very bytes that are given back, so that neither another reading of
    the archive nor a file that changes makes a difference. Each part must be one that is known to be harmless: the
    program's graph, raw tensors, tables that name such, and sample inputs that ``torch.load(weights_only=True)`` takes.
    ``ValueError`` for any other file.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no file {str(path)!r}; name one that torch.export.save wrote")
    content = Path(path).read_bytes()
    try:
        archive: Any = torch._C.PyTorchFileReader(BytesIO(content))
        names: list[str] = archive.get_all_records()
        refused = [name for name in names if _is_refused(name, archive)]
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{str(path)!r} is no file of torch.export.save ({reason}); save it again") from error
    if refused or len({name.casefold() for name in names}) < len(names):
        what = ", ".join(refused[:3]) or "two parts of one name"
        raise ValueError(
            f"{str(path)!r} holds pickled objects or other parts that can run code when opened ({what}); {ADVICE}"
        )
    return BytesIO(content)


def _is_refused(name: str, archive: Any) -> bool:
    """Whether a part of the archive may run code when torch opens it."""
    if not PARTS.fullmatch(name):
        return True
    if name == SAMPLES:
        try:
            torch.load(BytesIO(archive.get_record(name)), weights_only=True)
        except Exception:
            return True
    elif TABLE.fullmatch(name):
        payloads = json.loads(archive.get_record(name))["config"].values()
        return any(one["use_pickle"] or not RAW.fullmatch(one["path_name"]) for one in payloads)
    return False
