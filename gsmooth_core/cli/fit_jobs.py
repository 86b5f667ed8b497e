"""What ``gsmooth fit`` does: train from named images, and leave weights with a card."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from gsmooth_core.cli.named_inputs import choose_smoothing, describe_smoothing, parse_size
from gsmooth_core.cli.printing import say, warn
from gsmooth_core.cli.shared_options import ModelOptions, as_words
from gsmooth_core.cli.trained_networks import TrainedNetwork, is_of_the_zoo, maker_named
from gsmooth_core.cli.training_options import Training
from gsmooth_core.common.files import check_writable
from gsmooth_core.common.validators import check_whole
from gsmooth_core.common.weights import read_card
from gsmooth_core.datasets.bundled import Split
from gsmooth_core.datasets.class_names import class_names
from gsmooth_core.datasets.folders import load_image_folder
from gsmooth_core.datasets.inputs import BUNDLED_NAME
from gsmooth_core.datasets.items import collect
from gsmooth_core.datasets.readers import load_images
from gsmooth_core.models.devices import device_of, evaluating
from gsmooth_core.plugins.registry import get_corruption
from gsmooth_core.smoothing.base import NoSmoothing, Smoothing
from gsmooth_core.training.classifier import fit_classifier
from gsmooth_core.training.examination import examine_surrogate, save_imitations
from gsmooth_core.training.loop import is_first_process, last_loss
from gsmooth_core.training.surrogate import fit_surrogate, use_surrogate

EXAMINED, SHOWN = 10, 4
"""Test images on which a surrogate is measured, and those in its picture."""
SHARED = ("radius", "epochs", "batch", "learning_rate", "seed", "patience", "device", "trainer")
"""The options that are passed unchanged to both trainings."""


def surrogate_job(corruption: str, training: Training, **own: Any) -> None:
    """Train a surrogate, examine it on test images, and save weights, card and picture."""
    noise: dict[str, Any] = {"parameter_std": training.parameter_std, "latent_std": training.latent_std}
    options = _options(corruption, training, own)
    if _finished(training.out, options):
        return
    images, _ = _training_images(training)
    start = time.perf_counter()
    surrogate = fit_surrogate(corruption, images, **_shared(training), **noise, **own)
    seconds = time.perf_counter() - start
    if not is_first_process():
        return
    recipe = use_surrogate(corruption, surrogate)
    test = _images(training, "test")[0][:EXAMINED].to(device_of(surrogate))
    imitation = examine_surrogate(recipe, test, training.radius)
    picture = training.out.with_suffix(".png")
    save_imitations(picture, recipe, test[:SHOWN], training.radius)
    facts = {"data": training.data, "figures": imitation.figures(), "seconds": seconds, "options": options}
    surrogate.card = {**surrogate.card, **facts}
    surrogate.save(training.out)
    imitation.summary()
    say(f"surrogate: {training.out}, picture: {picture}")


def classifier_job(
    corruption: str, training: Training, *, model: ModelOptions, surrogate: Path | None, **own: Any
) -> None:
    """Train a classifier for a smoothing, save weights and card, and say how well it does and how to certify it."""
    recipe = get_corruption(corruption)
    smoothing = choose_smoothing(corruption, surrogate, training.parameter_std, training.latent_std)
    smoothed = describe_smoothing(smoothing)
    options = _options(corruption, training, {**_named(model), **smoothed, **own})
    if not _finished(training.out, options):
        images, labels = _training_images(training)
        if training.data == BUNDLED_NAME and not is_of_the_zoo(model):
            warn("no images were given, so the bundled Fashion-MNIST training images are used; name yours with --data")
        classes = _classes(training) if model.classes is None else model.classes
        trained = TrainedNetwork.of(model, classes, images.shape[1], training.seed)
        network = trained.network
        start = time.perf_counter()
        fit_classifier(network, attrs.evolve(recipe, smoothing=smoothing), images, labels, **_shared(training), **own)
        seconds = time.perf_counter() - start
        if not is_first_process():
            return
        test, which = _images(training, "test"), "training" if _is_plain(training) else "test"
        figures = {
            f"accuracy on the {which} images without noise": _accuracy(network, *test, NoSmoothing()),
            f"accuracy on the {which} images under one draw of the noise": _accuracy(network, *test, smoothing),
        }
        card = {
            "corruption": corruption,
            **smoothed,
            "data": training.data,
            "images": len(images),
            **{name: options[name] for name in ("epochs", "batch", "learning_rate", "seed", "consistency")},
            "seconds": seconds,
            "last mean loss": last_loss(_checkpoints(training.out)),
            "figures": figures,
            "options": options,
        }
        trained.save(training.out, card)
        say(f"classifier: {training.out}")
    for name, value in read_card(training.out)["figures"].items():
        say(f"{name}: {value:.1%}".replace("%", " %"))
    say(f"next: {_certification(corruption, training, model, surrogate)}")


def _shared(training: Training) -> dict[str, Any]:
    return {name: getattr(training, name) for name in SHARED} | {"out": _checkpoints(training.out)}


def _checkpoints(out: Path) -> Path:
    return out.with_suffix(".checkpoints")


def _options(corruption: str, training: Training, own: dict[str, Any]) -> dict[str, Any]:
    """All options that decide the weights, as JSON values."""
    elsewhere = ("out", "config", "device", "trainer")
    decisive = attrs.asdict(training, filter=lambda attribute, _: attribute.name not in elsewhere)
    if not training.grey:
        del decisive["grey"]  # as in the cards of earlier versions
    return {"corruption": corruption, **decisive, **own}


def _finished(out: Path, options: dict[str, Any]) -> bool:
    """Whether the weights are there already; ``ValueError`` if they are another training's or cannot be written."""
    if out.suffix != ".safetensors":
        raise ValueError(f"weights are saved as safetensors, not as {out.name!r}; end --out in .safetensors")
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, what in ((out, "weights"), (out.with_suffix(".json"), "card"), (out.with_suffix(".png"), "picture")):
        check_writable(path, what)
    if not out.exists():
        return False
    there = read_card(out).get("options", {})
    differing = sorted(name for name in options if there.get(name) != options[name])
    if differing:
        raise ValueError(
            f"{str(out)!r} holds another training, with other {', '.join(differing)}; name another --out, or delete it "
            f"and {str(_checkpoints(out))!r}"
        )
    say(f"{out} is trained already; to train it again, delete it and {_checkpoints(out)}")
    return True


def _training_images(training: Training) -> tuple[Tensor, Tensor]:
    limit = None if training.limit is None else check_whole("limit", training.limit, least=1)
    images, labels = _images(training, "train")
    return images[:limit], labels[:limit]


def _images(training: Training, split: Split) -> tuple[Tensor, Tensor]:
    """The images and labels of a split; of a plain folder, which has none, all."""
    if _is_plain(training):
        size = parse_size(training.size)
        folder = load_image_folder(training.data, 1 if training.grey else 3, size=size, names=training.names)
        images, labels = collect(folder, range(len(folder)))
        if labels is None:
            raise ValueError(f"{training.data!r} has no class folders, so there are no labels; make one per class")
        return images, torch.tensor(labels, dtype=torch.int64)
    if training.grey:
        raise ValueError(
            f"--grey is for a plain folder, not for {training.data!r}; leave it out, or name greyfolder:path"
        )
    return load_images(training.data, split, size=parse_size(training.size), names=training.names)


def _is_plain(training: Training) -> bool:
    """Whether the images are those of a folder without splits."""
    return training.data != BUNDLED_NAME and Path(training.data).is_dir()


def _classes(training: Training) -> int:
    """How many classes the classifier tells apart: those of ``--names``, or of all training images."""
    if training.names is not None:
        return len(class_names(training.names).shown)
    return int(_images(training, "train")[1].max()) + 1


def _accuracy(model: nn.Module, images: Tensor, labels: Tensor, smoothing: Smoothing) -> float:
    """The share of images (count, channel, height, width) that the model gets right, each under one draw of noise."""
    device, right = device_of(model), 0
    generator = torch.Generator(device).manual_seed(0)
    with evaluating(model, smoothing, device):
        for part, wanted in zip(images.split(256), labels.split(256), strict=True):
            right += int((model(smoothing.noisy(part.to(device), generator)).argmax(dim=1).cpu() == wanted).sum())
    return right / len(images)


def _named(model: ModelOptions) -> dict[str, Any]:
    """The options that name the network, as JSON values; those that are not given are left out, but for the name."""
    given = attrs.asdict(model, filter=lambda _, value: value is not None)
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def _certification(corruption: str, training: Training, model: ModelOptions, surrogate: Path | None) -> str:
    """The command that certifies the classifier on the first test images."""
    report, own = training.out.with_suffix(".report.json"), maker_named(model)
    options = {
        "model": own or training.out,
        "weights": training.out if own else None,
        "surrogate": surrogate,
        "parameter-std": training.parameter_std,
        "latent-std": training.latent_std,
        "radius": training.radius,
        "data": training.data,
        "size": training.size,
        "names": training.names,
        "grey": training.grey,
        "device": training.device,
    }
    given = as_words(options)
    return shlex.join(["gsmooth", "certify", corruption, *given, "--limit", "50", "--out", str(report)])
