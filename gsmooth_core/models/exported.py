"""A classifier as a file that needs none of its code: a program of ``torch.export``, or ONNX. Votes stay outside."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from gsmooth_core.common.files import check_writable
from gsmooth_core.common.validators import check_whole
from gsmooth_core.models.adapters import from_exported, from_onnx
from gsmooth_core.models.devices import lent
from gsmooth_core.models.logits import logits_of

TOLERANCE = 1e-3
"""How far the exported logits may lie from the model's, as a share of the largest."""


def export_classifier(model: nn.Module, path: str | Path, images: Tensor, *, batch: int | None = None) -> None:
    """The model stands in ``path``: a program of ``torch.export`` (``.pt2``), or ONNX (``.onnx``).

    ``images`` (count ≥ 2, channel, height, width) are an example. The file takes any number of images of their size, or
    ``batch`` at a time. :func:`adapters.from_exported` and :func:`adapters.from_onnx` open it again: the votes of
    ``smooth`` are drawn around it. It rounds otherwise than the model, so certify what you deploy: the file. The model
    runs in evaluation mode, on its device. ONNX needs the extra ``onnx``. ``ValueError`` if the model cannot be
    exported, or if the file answers otherwise for these images.
    """
    path = Path(path)
    if path.suffix not in (".pt2", ".onnx"):
        raise ValueError(f"a classifier is exported as .pt2 or .onnx, not as {path.name!r}; name one of these")
    if not isinstance(model, nn.Module):
        raise ValueError(f"only a torch module can be exported, not a {type(model).__name__}; wrap the function in one")
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"an example is at least 2 images (count, channel, height, width), not {tuple(images.shape)}")
    check_writable(path, "model")
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if path.suffix == ".onnx" and missing:
        raise ValueError(f"ONNX needs {', '.join(missing)}: pip install 'gsmooth-core[onnx]'; or export a .pt2 file")
    size = None if batch is None else check_whole("batch", batch, least=1)
    example = images if size is None else images[:1].expand(size, *images.shape[1:]).contiguous()
    with lent([model]), torch.no_grad():
        wanted = logits_of(model, images.clone())
        try:
            _write(model, path, example, dynamic=size is None)
        except Exception as error:
            raise ValueError(
                f"{type(model).__name__} cannot be exported: {type(error).__name__}: {error}; torch.export needs a "
                "forward without branches that depend on values"
            ) from error
        file = from_onnx(path) if path.suffix == ".onnx" else from_exported(torch.export.load(path))
        given = file(images.clone())
    off = float((given.to(wanted) - wanted).abs().max())
    if given.shape != wanted.shape or not off <= TOLERANCE * max(1.0, float(wanted.abs().max())):
        path.unlink()
        raise ValueError(
            f"what {type(model).__name__} is exported to answers otherwise, by up to {off:g} in a logit, so it was not "
            "kept; look for parts of the model that depend on more than the images"
        )


def _write(model: nn.Module, path: Path, example: Tensor, dynamic: bool) -> None:
    any_number = {0: torch.export.Dim("batch")} if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(model, (example,), dynamic_shapes=(any_number,))
        if path.suffix == ".pt2":
            torch.export.save(program, path)
        else:
            torch.onnx.export(program, (), str(path), dynamo=True, external_data=False, verbose=False)
