"""Accuracy on the corruption benchmark of Hendrycks & Dietterich (2019), generated or from its published files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from gsmooth_core.benchmark.cifar10c import TEST_IMAGES, block_of, floats_of, labels_of
from gsmooth_core.benchmark.common_corruptions import apply_severity, check_pictures, check_severity
from gsmooth_core.benchmark.severities import CONSTANTS, LEVELS, check_names
from gsmooth_core.benchmark.table import CorruptionRun, CorruptionScore, CorruptionTable
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.classifiers.target import Target, target_of
from gsmooth_core.common.fingerprints import data_hash
from gsmooth_core.common.resuming import AnotherRun
from gsmooth_core.common.validators import check_whole
from gsmooth_core.common.work import Work, carry_out
from gsmooth_core.datasets.checks import check_classes
from gsmooth_core.datasets.inputs import gather
from gsmooth_core.engine.probe import Probe
from gsmooth_core.results.identity import identified, used_versions

CHUNK = 256
"""Images that are corrupted and classified at once; the noise of a smoothed classifier depends on this number."""


def measure_corruption_accuracy(
    classifier: Callable[[Tensor], Tensor] | SmoothedClassifier,
    images: Tensor | str | None = None,
    labels: Tensor | Sequence[int] | None = None,
    *,
    dataset: Dataset[Any] | None = None,
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
    batch: int | None = None,
) -> CorruptionTable:
    """How accurate a classifier is under common corruptions of fixed strengths, in the benchmark's own definition.

    It says nothing about strengths in between; that is what certificates are for.

    Args:
        classifier: a model from images (batch, channel, height, width) to logits, or what :func:`smooth` returns.
        images: unchanged, float in [0, 1], (batch, channel, height, width); or ``"fashion-mnist"``, the bundled test
            images with their labels, the first 50 unless ``limit`` says otherwise.
        labels: one class per image, needed with a tensor.
        dataset: in place of images and labels, any torch dataset of (image, label).
        limit: how many images to use, from the first on.
        constants: ``cifar10c`` (for 32 px) or ``imagenetc`` (for 224 px).
        corruptions: by name, as in :func:`apply_severity`; default: all seven.
        severities: from 1 to 5.
        samples: votes for each answer of a smoothed classifier, which abstains if they do not decide between the two
            leading classes (with error probability 0.001).
        folder: in place of corrupting the images, take the published files of CIFAR-10-C there, as
            :func:`load_cifar10c` does, also of other corruptions. The images are then the first ones of CIFAR-10's test
            split.
        seed: of the angles of motion blur and of the noise; the same seed gives the same table.
        device: where to run; default: where the model is.
        progress: show a bar; default: on a terminal.
        out: a JSON file that keeps the finished corruptions; if it exists and is of the same run, those are not
            measured again.
        batch: images per call of the model, which changes speed and memory but no result; default: by the model's
            activations. A model that takes one image at a time needs 1.

    Raises:
        ValueError: an argument does not fit; the sentence names the next step.
    """
    names = list(CONSTANTS["cifar10c"] if corruptions is None else corruptions)
    levels = [check_severity(severity) for severity in severities]
    for what, asked in (("corruption", names), ("severity", levels)):
        if not asked or len(set(asked)) < len(asked):
            raise ValueError(f"name at least one {what}, and none twice, not {asked}")
    samples, seed = check_whole("samples", samples, least=1), check_whole("seed", seed, least=0)
    inputs = gather(images, labels, dataset, limit, None)
    if inputs.labels is None:
        raise ValueError("an accuracy needs labels; pass labels=, one class per image, or a dataset of (image, label)")
    images, truth = check_pictures(inputs.images).cpu().float(), inputs.labels
    published: dict[tuple[str, int], np.ndarray] = {}
    if folder is None:
        check_names(names, constants)
        source = f"corrupted with the constants of {constants}"
    else:
        _check_published(folder, names, levels, images, truth, constants)
        published = {cell: block_of(folder, *cell)[: len(images)] for cell in itertools.product(names, levels)}
        source = "corrupted images from the files of CIFAR-10-C"

    def corrupted(name: str, severity: int) -> Iterator[Tensor]:
        if published:
            block = published[name, severity]
            return (floats_of(block[start : start + CHUNK]) for start in range(0, len(images), CHUNK))
        angles = np.random.default_rng(seed)
        return (apply_severity(part, name, severity, constants=constants, seed=angles) for part in images.split(CHUNK))

    target = target_of(classifier, device, draws=1, confirm=samples, batch=batch)
    votes = samples if isinstance(classifier, SmoothedClassifier) else None
    blocks = (torch.from_numpy(block.copy()) for block in published.values())
    digest = data_hash(itertools.chain(images, blocks), truth)
    begun = _begun(target, images, truth, corrupted, names, levels, digest, source, constants, votes, seed)
    return carry_out(begun, load=CorruptionTable.load, out=out, what="table", title="corruptions", progress=progress)


@contextmanager
def _begun(
    target: Target,
    images: Tensor,
    truth: list[int],
    corrupted: Callable[[str, int], Iterator[Tensor]],
    names: list[str],
    levels: list[int],
    digest: str,
    source: str,
    constants: str,
    votes: int | None,
    seed: int,
) -> Iterator[_Measurement]:
    """The measurement of a target that passed the checks; the target stays ready until the context ends."""
    with target.ready():
        probe = target.tried(images)
        check_classes(truth, probe.classes)
        run = CorruptionRun(
            classifier=target.name,
            model_hash=probe.model_hash,
            smoothing=identified(target.smoothing),
            data_hash=digest,
            source=source,
            constants=constants,
            severities=tuple(levels),
            samples=votes,
            seed=seed,
            device=target.device.type,
            versions=used_versions(),
        )
        clean = _score(target, images.split(CHUNK), truth, seed)
        yield _Measurement(run, target, probe, names, clean, truth, corrupted)


@attrs.frozen
class _Measurement(Work[CorruptionTable, tuple[str, int], CorruptionScore]):
    """The work of one call for each corruption and severity."""

    run: CorruptionRun
    target: Target
    probe: Probe
    names: list[str]
    clean: CorruptionScore
    truth: list[int]
    corrupted: Callable[[str, int], Iterator[Tensor]]

    @property
    def keys(self) -> list[tuple[str, int]]:
        """Corruptions with severities."""
        return list(itertools.product(self.names, self.run.severities))

    def found_in(self, earlier: CorruptionTable) -> dict[tuple[str, int], CorruptionScore]:
        """The earlier scores; the classifier must have the same score as before on the unchanged images."""
        if other := [name for name in earlier.scores if name not in self.names]:
            raise AnotherRun(f"its corruptions {', '.join(other)} are not among those asked for")
        if earlier.clean != self.clean:
            raise AnotherRun("the model now answers differently on the unchanged images")
        return {
            (name, severity): score
            for name, scores in earlier.scores.items()
            for severity, score in zip(self.run.severities, scores, strict=True)
        }

    def results(self, left: Sequence[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], CorruptionScore]]:
        """Measure the accuracy under these corruptions."""
        for name, severity in left:
            yield (name, severity), _score(self.target, self.corrupted(name, severity), self.truth, self.run.seed)

    def record(self, found: dict[tuple[str, int], CorruptionScore]) -> CorruptionTable:
        """The table of the corruptions of which all severities were measured."""
        rows = {
            name: tuple(found[name, severity] for severity in self.run.severities)
            for name in self.names
            if all((name, severity) in found for severity in self.run.severities)
        }
        return CorruptionTable(self.run, self.clean, rows)

    def completes(self, key: tuple[str, int]) -> bool:
        """A row of the table has all severities."""
        return key[1] == self.run.severities[-1]


def _score(target: Target, parts: Iterable[Tensor], truth: list[int], seed: int) -> CorruptionScore:
    """The classifier's score on the images, which come in parts (batch, channel, height, width)."""
    generator = torch.Generator(target.device).manual_seed(seed)
    answers: list[int | None] = []
    for part in parts:
        answers += target.answers(part.to(target.device), generator)
    correct = sum(answer == label for answer, label in zip(answers, truth, strict=True))
    return CorruptionScore(correct, answers.count(None), len(truth))


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
        block_of(folder, name, levels[0])
    if truth != labels_of(folder, levels[0])[: len(truth)].tolist():
        raise ValueError(
            f"the labels are not the first ones of {str(Path(folder) / 'labels.npy')!r}; pass CIFAR-10's test images "
            "and labels in their own order"
        )
