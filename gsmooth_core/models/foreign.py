"""Models that are no torch modules of one's own: numpy, scikit-learn, ONNX Runtime and exported programs.

Their digests see what decides their answers: the code of a function, the parameters of an estimator, the bytes of an
ONNX file with its weights, the graph and the weights of a program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from gsmooth_core.common.anatomy import Parts, take_apart
from gsmooth_core.models.kinds import check_kind
from gsmooth_core.models.pt2_files import read_without_pickles
from gsmooth_core.models.wrapping import in_parts

Method = Literal["decision_function", "predict_proba", "predict"]
METHODS: tuple[Method, ...] = ("decision_function", "predict_proba", "predict")
"""The methods of scikit-learn's classifiers that decide the class, the first that an estimator has."""
FLOOR = 1e-30
"""Probabilities below this count as this, so that their logarithms are finite."""
FLOATS = {"tensor(float16)": np.float16, "tensor(float)": np.float32, "tensor(double)": np.float64}
"""The types of images that an ONNX model may take."""
LOCATION = re.compile(rb"\x0a\x08location\x12([\x01-\x7f])")
"""In an ONNX file, in front of the name of a file that holds weights: the name's length."""


class NumpyModel(nn.Module):
    """A function of numpy arrays; see :func:`from_numpy`."""

    def __init__(self, function: Callable[[np.ndarray], Any], channels_last: bool) -> None:
        """Call ``function`` with arrays."""
        super().__init__()
        self.function, self.channels_last = function, channels_last

    def forward(self, images: Tensor) -> Tensor:
        """What the function returns, as a tensor on the images' device."""
        if self.channels_last:
            images = images.movedim(1, -1)
        array = np.ascontiguousarray(images.detach().cpu().float().numpy())
        return torch.from_numpy(np.array(self.function(array))).to(images.device)


def from_numpy(function: Callable[[np.ndarray], Any], *, channels_last: bool = False) -> NumpyModel:
    """``function``, from a float32 array (batch, channel, height, width) to an array of logits, as a module.

    With ``channels_last`` it takes (batch, height, width, channel). Nothing has gradients.

    >>> from gsmooth_core import adapters
    >>> adapters.from_numpy(lambda images: images.reshape(len(images), -1)[:, :3])(torch.rand(2, 1, 8, 8)).shape
    torch.Size([2, 3])
    """
    check_kind(function)
    return NumpyModel(function, channels_last)


class SklearnModel(nn.Module):
    """A classifier of scikit-learn; see :func:`from_sklearn`."""

    def __init__(self, estimator: Any, method: Method) -> None:
        """Ask ``estimator`` by its ``method``."""
        super().__init__()
        self.estimator, self.method = estimator, method
        self.labels = list(np.asarray(estimator.classes_).tolist())

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes), float64."""
        rows = images.detach().flatten(1).cpu().numpy()
        answer = np.asarray(getattr(self.estimator, self.method)(rows))
        if self.method == "predict":
            answer = (answer[:, None] == np.asarray(self.estimator.classes_)).astype(np.float64)
        if self.method == "predict_proba":
            answer = np.log(np.maximum(answer.astype(np.float64), FLOOR))
        if answer.ndim == 1:
            answer = np.stack([np.zeros_like(answer), answer], axis=1)
        if answer.shape[1] != len(self.labels):
            raise ValueError(
                f"{self.method} of {type(self.estimator).__name__} returns {answer.shape[1]} numbers for "
                f"{len(self.labels)} classes; name another of {', '.join(METHODS)} as method="
            )
        return torch.from_numpy(answer.astype(np.float64)).to(images.device)

    def extra_repr(self) -> str:
        """The estimator, the method, and the estimator's labels of the classes 0, 1, …"""
        return f"{type(self.estimator).__name__}.{self.method}, classes={self.labels}"


def from_sklearn(estimator: Any, *, method: Method | None = None) -> SklearnModel:
    """A fitted classifier of scikit-learn, or of a library with the same methods, as a module.

    It gets rows (batch, channel · height · width) of pixels. The logits are the margins of ``decision_function``, the
    logarithms of ``predict_proba``, or 1 for the class that ``predict`` names; default: the first of these that the
    estimator has. Class i is ``estimator.classes_[i]``: count labels of images so. Nothing has gradients.
    """
    known = [name for name in METHODS if hasattr(estimator, name)]
    if not hasattr(estimator, "classes_") or not known:
        raise ValueError(
            f"a {type(estimator).__name__} is no fitted classifier of scikit-learn: it needs classes_ and one of "
            f"{', '.join(METHODS)}; fit it first, or wrap a function with adapters.from_numpy"
        )
    if method is not None and method not in known:
        raise ValueError(f"{type(estimator).__name__} has no method {method!r}, but {', '.join(known)}; name one")
    return SklearnModel(estimator, known[0] if method is None else method)


@take_apart.register
def _of_sklearn(value: SklearnModel) -> Parts:
    joblib = _library("joblib", "the digest of an estimator", "joblib")
    return "sklearn", [("estimator", joblib.hash(value.estimator, hash_name="sha1")), ("method", value.method)]


class OnnxModel(nn.Module):
    """A session of ONNX Runtime; see :func:`from_onnx`."""

    def __init__(self, session: Any, digest: str, part: str, channels_last: bool) -> None:
        """Ask ``session``, whose file has that digest, for its output ``part``."""
        super().__init__()
        self._session, self.digest, self.part, self.channels_last = session, digest, part, channels_last
        [taken] = session.get_inputs()
        self.input, self._dtype = taken.name, FLOATS[taken.type]
        first = taken.shape[0] if taken.shape else None
        self.batch = first if isinstance(first, int) else None

    def forward(self, images: Tensor) -> Tensor:
        """The output (batch, classes), on the images' device."""
        return self._ask(images) if self.batch is None else in_parts(self._ask, images, self.batch)

    def _ask(self, images: Tensor) -> Tensor:
        if self.channels_last:
            images = images.movedim(1, -1)
        array = np.ascontiguousarray(images.detach().cpu().numpy().astype(self._dtype))
        [logits] = self._session.run([self.part], {self.input: array})
        return torch.from_numpy(np.asarray(logits)).to(images.device)

    def extra_repr(self) -> str:
        """The digest, the output, and the batch if it is fixed."""
        return f"{self.digest[:16]}, part={self.part!r}, batch={self.batch}"


def from_onnx(
    model: str | Path | Any,
    *,
    part: str | None = None,
    channels_last: bool = False,
    providers: Sequence[str] = ("CPUExecutionProvider",),
) -> OnnxModel:
    """An ONNX file, or a session of ONNX Runtime, as a module. It needs onnxruntime, as in the extra ``onnx``.

    It has one input: images (batch, channel, height, width), float, or with ``channels_last`` (batch, height, width,
    channel). ``part`` is the name of the output that holds the logits; default: the first. A model of a fixed batch is
    called as often as needed, with its last batch filled up. ``providers`` are those of a session that is made here;
    with CUDA's, name the CPU's too. Nothing has gradients.
    """
    session: Any = model
    if isinstance(model, str | Path):
        if not Path(model).is_file():
            raise ValueError(f"there is no file {str(model)!r}; name an ONNX file")
        runtime = _library("onnxruntime", f"the model {str(model)!r}", "gsmooth-core[onnx]")
        try:
            session = runtime.InferenceSession(str(model), providers=list(providers))
        except Exception as error:
            raise ValueError(
                f"ONNX Runtime cannot open {str(model)!r}: {error}; check the file, or export it again"
            ) from error
    taken = [(one.name, one.type) for one in session.get_inputs()]
    if len(taken) != 1 or taken[0][1] not in FLOATS:
        raise ValueError(
            f"an ONNX model takes one input of float images, not {taken}; export it so, without a step in front that "
            "takes bytes"
        )
    names = [output.name for output in session.get_outputs()]
    if part is not None and part not in names:
        raise ValueError(f"the ONNX model has no output {part!r}, but {', '.join(names)}; name one of these")
    return OnnxModel(session, _digest_of(session), names[0] if part is None else part, channels_last)


def _digest_of(session: Any) -> str:
    """SHA-256 of the bytes that a session was made from, and of the files of weights that they name."""
    path, content = getattr(session, "_model_path", None), getattr(session, "_model_bytes", None)
    if path is not None:
        content = Path(path).read_bytes()
    if content is None:
        raise ValueError("the ONNX session does not say which model it holds; pass the file's path to from_onnx")
    digest = sha256(content)
    places = {content[one.end() : one.end() + one.group(1)[0]] for one in LOCATION.finditer(content)}
    for place in sorted(places):
        beside = Path(path or ".").parent / place.decode()
        digest.update(beside.read_bytes() if path is not None and beside.is_file() else place)
    return digest.hexdigest()


class ExportedModel(nn.Module):
    """A program of ``torch.export``; see :func:`from_exported`."""

    def __init__(self, program: Any) -> None:
        """Run ``program``."""
        super().__init__()
        self.program = program.module()
        places = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
        if len(places) != 1:
            raise ValueError(f"an exported program takes one batch of images, not {len(places)} inputs; export it so")
        first = places[0].meta["val"].shape[0]
        self.batch = first if isinstance(first, int) else None

    def forward(self, images: Tensor) -> Tensor:
        """The program's answer."""
        answer: Tensor = self.program(images) if self.batch is None else in_parts(self.program, images, self.batch)
        return answer

    def train(self, mode: bool = True) -> Self:
        """Only a flag changes: a program is in the mode in which it was exported."""
        self.training = mode
        return self


def from_exported(program: str | Path | Any) -> ExportedModel:
    """A program of ``torch.export``, or the ``.pt2`` file that ``torch.export.save`` wrote, as a module.

    It takes one batch of images; if its batch is fixed, it is called as often as needed. Export it in evaluation mode.
    A ``.pt2`` file is a program, which may call any function of torch: open only one that you trust. ``ValueError`` for
    a file that holds pickles, as older versions of torch write it; load that yourself, and pass the program.
    """
    if isinstance(program, str | Path):
        content = read_without_pickles(program)
        try:
            program = torch.export.load(content)
        except Exception as error:
            raise ValueError(
                f"torch.export cannot open {str(program)!r}: {type(error).__name__}: {error}; export it again with "
                "this version of torch"
            ) from error
    if not isinstance(program, torch.export.ExportedProgram):
        raise ValueError(
            f"a program of torch.export is needed, not a {type(program).__name__}; make it with torch.export.export"
        )
    return ExportedModel(program)


def _library(module: str, what: str, package: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(f"{what} needs {module}, which is not installed; pip install '{package}'") from error
