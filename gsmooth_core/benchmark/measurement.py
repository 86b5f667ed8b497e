"""Accuracy on the corruption benchmark of Hendrycks & Dietterich (2019), generated or from its published files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gsmooth_core.benchmark.common_corruptions import (
    CONSTANTS,
    LEVELS,
    apply_severity,
    check_names,
    check_pictures,
    check_severity,
)
from gsmooth_core.benchmark.table import CorruptionRun, CorruptionScore, CorruptionTable
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import Target, target_of
from gsmooth_core.common.fingerprints import data_hash
from gsmooth_core.common.progress import track
from gsmooth_core.common.resuming import AnotherRun, continued, kept
from gsmooth_core.common.validators import check_whole
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import gather
from gsmooth_core.results.identity import identified, used_versions

CHUNK = 256
"""Images that are corrupted and judged at once; the noise of a smoothed classifier depends on it."""
TEST_IMAGES = 10_000
"""In each severity's block of the files of CIFAR-10-C."""


def measure_corruption_accuracy(
    classifier: Callable[[Tensor], Tensor] | SmoothedClassifier,
    images: Tensor | str,
    labels: Tensor | Sequence[int] | None = None,
    *,
    limit: int | None = None,
    constants: str = "cifar10c",
    corruptions: Iterable[str] | None = None,
    severities: Iterable[int] = range(1, LEVELS + 1),
    samples: int = 100,
    folder: str | Path | None = None,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool | None = None,
    out: str | Path | None = None,
) -> CorruptionTable:
    """How accurate a classifier is under common corruptions of fixed strengths, in the benchmark's own definition.

    It says nothing about strengths in between; that is what certificates are for.

    Args:
        classifier: a model from images (batch, channel, height, width) to logits, or what :func:`smooth` returns.
        images: unchanged, float in [0, 1], (batch, channel, height, width); or ``"fashion-mnist"``, the bundled test
            images with their labels, the first 50 unless ``limit`` says otherwise.
        labels: one class an image, needed with a tensor.
        limit: use the first so many images.
        constants: ``cifar10c`` (for 32 px) or ``imagenetc`` (for 224 px).
        corruptions: by name, as in :func:`apply_severity`; default: all seven.
        severities: from 1 to 5.
        samples: votes for each answer of a smoothed classifier, which abstains where they cannot tell two classes apart
            (with error probability 0.001).
        folder: in place of corrupting the images, take the published files of CIFAR-10-C there, as
            :func:`load_cifar10c` does, also of other corruptions. The images are then the first ones of CIFAR-10's test
            split.
        seed: of the angles of motion blur and of the noise; the same seed gives the same table.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps the corruptions that are done; if it exists and is of the same run, those are not
            judged again.

    Raises:
        ValueError: something given does not fit; the sentence names the next step.
    """
    names = list(CONSTANTS["cifar10c"] if corruptions is None else corruptions)
    levels = [check_severity(severity) for severity in severities]
    for what, asked in (("corruption", names), ("severity", levels)):
        if not asked or len(set(asked)) < len(asked):
            raise ValueError(f"name at least one {what}, and none twice, not {asked}")
    samples, seed = check_whole("samples", samples, least=1), check_whole("seed", seed, least=0)
    inputs = gather(images, labels, None, limit, None)
    if inputs.labels is None:
        raise ValueError("an accuracy needs labels; pass labels=, one class an image")
    images, truth = check_pictures(inputs.images).cpu().float(), inputs.labels
    published: dict[tuple[str, int], np.ndarray] = {}
    if folder is None:
        check_names(names, constants)
        source = f"corrupted with the constants of {constants}"
    else:
        _check_published(folder, names, levels, images, truth, constants)
        published = {cell: _block(folder, *cell)[: len(images)] for cell in itertools.product(names, levels)}
        source = "corrupted images from the files of CIFAR-10-C"

    def corrupted(name: str, severity: int) -> Iterator[Tensor]:
        if published:
            block = published[name, severity]
            return (_floats(block[start : start + CHUNK]) for start in range(0, len(images), CHUNK))
        angles = np.random.default_rng(seed)
        return (apply_severity(part, name, severity, constants=constants, seed=angles) for part in images.split(CHUNK))

    target = target_of(classifier, device, draws=1, confirm=samples)
    blocks = (torch.from_numpy(block.copy()) for block in published.values())
    with target.ready(), kept(out, "table") as keep:
        probe = target.tried(images)
        check_classes(truth, probe.classes)
        run = CorruptionRun(
            classifier=target.name,
            model_hash=probe.model_hash,
            smoothing=identified(target.smoothing),
            data_hash=data_hash(itertools.chain(images, blocks), truth),
            source=source,
            constants=constants,
            severities=tuple(levels),
            samples=samples if isinstance(classifier, SmoothedClassifier) else None,
            seed=seed,
            device=target.device.type,
            versions=used_versions(),
        )
        with continued(out, CorruptionTable.load, run) as earlier:
            scores = {} if earlier is None else dict(earlier.scores)
            if other := [name for name in scores if name not in names]:
                raise AnotherRun(f"its corruptions {', '.join(other)} are not among those asked for")
            clean = _score(target, images.split(CHUNK), truth, seed)
            if earlier is not None and earlier.clean != clean:
                raise AnotherRun("the model now answers otherwise on the unchanged images")
            left = [(name, severity) for name in names if name not in scores for severity in levels]
            done, row = len(scores) * len(levels), []
            for name, severity in track(left, done + len(left), "corruptions", progress, done):
                row.append(_score(target, corrupted(name, severity), truth, seed))
                if len(row) == len(levels):
                    scores[name], row = tuple(row), []
                    keep(partial(_table, run, clean, names, scores))
        if left:
            probe.again()
    return _table(run, clean, names, scores)


def _table(
    run: CorruptionRun, clean: CorruptionScore, names: list[str], scores: dict[str, tuple[CorruptionScore, ...]]
) -> CorruptionTable:
    return CorruptionTable(run, clean, {name: scores[name] for name in names if name in scores})


def _score(target: Target, parts: Iterable[Tensor], truth: list[int], seed: int) -> CorruptionScore:
    """What the classifier makes of the images, which come in parts (batch, channel, height, width)."""
    generator = torch.Generator(target.device).manual_seed(seed)
    answers: list[int | None] = []
    for part in parts:
        answers += target.answers(part.to(target.device), generator)
    correct = sum(answer == label for answer, label in zip(answers, truth, strict=True))
    return CorruptionScore(correct, answers.count(None), len(truth))


def load_cifar10c(folder: str | Path, name: str, severity: int) -> tuple[Tensor, Tensor]:
    """The published images of CIFAR-10-C under one corruption at one severity, and their labels.

    ``folder`` holds ``{name}.npy``, 50,000 × 32 × 32 × 3 bytes of which each severity has 10,000 in the order of
    CIFAR-10's test split, and ``labels.npy``. Returns float32 images (10000, 3, 32, 32) in [0, 1] and int64 labels
    (10000,). ``ValueError`` where a file is missing, or is another.
    """
    severity = check_severity(severity)
    images = _floats(_block(folder, name, severity))
    return images, torch.from_numpy(_labels(folder, severity).astype(np.int64))


def _block(folder: str | Path, name: str, severity: int) -> np.ndarray:
    """The images of one severity, uint8 (10000, 32, 32, 3), which are read only when they are used."""
    path = Path(folder) / f"{name}.npy"
    images = _opened(path)
    if images.shape != (LEVELS * TEST_IMAGES, 32, 32, 3) or images.dtype != np.uint8:
        raise ValueError(
            f"{str(path)!r} holds {images.dtype} of shape {images.shape}, not uint8 of shape "
            f"{(LEVELS * TEST_IMAGES, 32, 32, 3)}; take the file of CIFAR-10-C"
        )
    return images[(severity - 1) * TEST_IMAGES : severity * TEST_IMAGES]


def _labels(folder: str | Path, severity: int) -> np.ndarray:
    """The labels of one severity's images, whole numbers (10000,)."""
    path = Path(folder) / "labels.npy"
    labels = _opened(path)
    if labels.shape != (LEVELS * TEST_IMAGES,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{str(path)!r} holds {labels.dtype} of shape {labels.shape}, not {LEVELS * TEST_IMAGES:,} whole numbers; "
            "take the file of CIFAR-10-C"
        )
    return labels[(severity - 1) * TEST_IMAGES : severity * TEST_IMAGES]


def _opened(path: Path) -> np.ndarray:
    """The array of a .npy file, left on the disk; pickles are refused."""
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise ValueError(
            f"there is no {str(path)!r}; unpack CIFAR-10-C.tar (https://zenodo.org/records/2535967) and name the "
            "folder with its .npy files"
        ) from error
    except (ValueError, EOFError) as error:
        raise ValueError(f"{str(path)!r} is no file of numbers: {error}; take the file of CIFAR-10-C") from error
    return array


def _floats(block: np.ndarray) -> Tensor:
    """uint8 images (batch, height, width, channel) as float32 in [0, 1], (batch, channel, height, width)."""
    return torch.from_numpy(block.transpose(0, 3, 1, 2).copy()).float() / 255


def _check_published(
    folder: str | Path, names: list[str], levels: list[int], images: Tensor, truth: list[int], constants: str
) -> None:
    """Raise ``ValueError`` unless all files are there and the images given can be those that they were made from."""
    if constants != "cifar10c":
        raise ValueError(f"the files of CIFAR-10-C have constants of their own, not {constants!r}; leave out constants")
    if images.shape[1:] != (3, 32, 32) or len(images) > TEST_IMAGES:
        raise ValueError(
            f"with folder= the images are CIFAR-10's test images (3, 32, 32), at most {TEST_IMAGES:,} of them, not "
            f"of shape {tuple(images.shape)}; load them with gsmooth_core.load_cifar(folder, 'test')"
        )
    for name in names:
        _block(folder, name, levels[0])
    if truth != _labels(folder, levels[0])[: len(truth)].tolist():
        raise ValueError(
            f"the labels are not the first ones of {str(Path(folder) / 'labels.npy')!r}; pass CIFAR-10's test images "
            "and labels in their own order"
        )
