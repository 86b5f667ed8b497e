"""Checks of what users pass in: each failure is a sentence and the next step, before any work starts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gsmooth_core.region import Region
from gsmooth_core.transformation import (
    DiscreteTransformation,
    EnclosedTransformation,
    ResolvableTransformation,
    SampledTransformation,
    Transformation,
)

MARGIN_VARIATION = 1e-2
"""How far the logits of the two leading classes may differ between two calls, as a share of their distance."""
LAW_ROUNDING = 1e-5
"""How far the laws of a transformation may be missed, in intensity, in float64."""
ENCLOSURE_ROUNDING = 1e-8
"""How far an image may leave its enclosure, in intensity, in float64: less than it moves in the tiniest box."""
BOX_WIDTHS = (1e-2, 1e-4, 1e-6)
"""How wide the small boxes are that enclosures are tried on, as shares of the region."""
LARGE_IMAGE = 2**15
"""Images with more values than that are tried at half as many parameters."""
LARGEST_LIST = 2**24
"""Lists of outputs with more values than that are not spot-checked: it would take longer than a certificate."""


def check_whole(name: str, value: object, least: int) -> int:
    """The value, a whole number of any library, as int; ``ValueError``, naming it, where it is none or too small."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return operator.index(value)


def check_images(images: object, margin: float = 0.0) -> Tensor:
    """The images without their gradients, if float (batch, channel, height, width), finite, in [0, 1], not empty.

    ``ValueError`` otherwise. ``margin`` allows values outside [0, 1], which corrupted images may have.
    """
    if not isinstance(images, Tensor):
        raise ValueError(f"images must be a torch Tensor, not {type(images).__name__}; use torch.from_numpy or stack")
    images = images.detach()
    if not images.is_floating_point():
        raise ValueError(f"images must be float in [0, 1], not {images.dtype}; divide by 255 with images.float() / 255")
    if images.ndim != 4:
        raise ValueError(
            f"images must be (batch, channel, height, width), not of shape {tuple(images.shape)}; "
            "add the missing dimension with images[None] or images[:, None]"
        )
    if images.numel() == 0:
        raise ValueError(f"there are no images: their shape is {tuple(images.shape)}; pass at least one")
    if not bool(images.isfinite().all()):
        raise ValueError(
            "images hold NaN or infinity; find where they come from, or replace them with torch.nan_to_num"
        )
    low, high = float(images.min()), float(images.max())
    if low < -margin or high > 1 + margin:
        raise ValueError(
            f"images must lie in [0, 1], not in [{low:.4g}, {high:.4g}]; undo any normalisation (put it into the "
            "model) or divide by 255"
        )
    return images


def check_labels(labels: object, count: int) -> list[int]:
    """The labels as ``count`` whole numbers ≥ 0; else ``ValueError``. Their width is checked with the model."""
    if isinstance(labels, Tensor | np.ndarray):
        labels = labels.tolist()
    if not isinstance(labels, Sequence) or isinstance(labels, str):
        raise ValueError(f"labels must be a tensor or a list of whole numbers, not {labels!r}")
    try:
        whole = [operator.index(label) for label in labels]
    except TypeError as error:
        raise ValueError(
            "labels must be whole numbers (one class an image); use labels.long(), or argmax of one-hot rows"
        ) from error
    if len(labels) != count:
        raise ValueError(f"there are {count} images but {len(labels)} labels; pass one label an image")
    return whole


def check_device(device: str | torch.device) -> torch.device:
    """The device, if tensors can be made there; else ``ValueError``."""
    try:
        place = torch.device(device)
        torch.empty(1, dtype=torch.float64, device=place)  # bounds are computed in float64
    except (RuntimeError, AssertionError, TypeError, NotImplementedError, ImportError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0]
        raise ValueError(f"the device {str(device)!r} cannot be used: {reason}; try 'cpu'") from error
    if place.type == "meta":
        raise ValueError("the device 'meta' holds no values; use 'cpu' or 'cuda'")
    return place


def check_classes(labels: list[int], classes: int) -> None:
    """Raise ``ValueError`` unless every label is one of the model's ``classes``."""
    outside = sorted({label for label in labels if not 0 <= label < classes})
    if outside:
        raise ValueError(
            f"the model returns {classes} logits (classes 0 to {classes - 1}), but there are labels {outside[:5]}; "
            "pass the model that belongs to these labels"
        )


def check_model(model: Callable[[Tensor], Tensor], images: Tensor) -> int:
    """The number of classes of a model that can be certified; else ``ValueError``.

    The model is called on a few of the images, and on values outside [0, 1] that noise will produce. It must return
    finite logits (batch, classes ≥ 2), and the same ones for an image whatever the call and the rest of the batch.
    """
    if not callable(model) or isinstance(model, type):
        raise ValueError(f"the model must be a module or a function of images, not {model!r}; make one and pass it")
    few = images[:3]
    probe = torch.cat([few, 3 * few - 1, torch.zeros_like(few[:1]), torch.ones_like(few[:1])])
    logits = _logits(model, probe)
    if _differ(logits, _logits(model, probe)):
        raise ValueError(
            "the model's answer for an image varies from call to call, so no certificate would hold; switch off its "
            "randomness (dropout, sampling), for example with model.eval()"
        )
    if _differ(logits, _logits(model, probe.flip(0)).flip(0)) or _differ(logits[:1], _logits(model, probe[:1])):
        raise ValueError(
            "the model's answer for an image depends on the other images of the batch, so no certificate would hold; "
            "put batch normalisation into evaluation mode, for example with model.eval()"
        )
    return logits.shape[1]


@torch.no_grad()
def check_transformation(transformation: Transformation, image: Tensor, region: Region) -> None:
    """Raise ``ValueError`` where a transformation breaks a law that certificates rest on, at a few random parameters.

    A spot check against plugins that went wrong, on one float32 image (channel, height, width); it proves nothing.
    Enclosures are tried on the boxes of ``telling_boxes`` and on random ones.
    """
    name, generator = type(transformation).__name__, torch.Generator(image.device).manual_seed(0)
    noise = torch.rand(image.shape, generator=generator, device=image.device)
    pairs = 16 if image.numel() <= LARGE_IMAGE else 8
    images = torch.stack([image, noise] * pairs).double()  # a plain image alone may hide a fault
    snap = transformation.space.snap
    identity = torch.tensor([transformation.space.identity], dtype=torch.float64, device=image.device)
    draws = [region.sample(len(images), generator).double() for _ in range(2)]
    parameters, others = (snap(identity + (draw - identity) / 2) for draw in draws)  # so that sums stay inside

    def attempt(method: str, *given: Tensor) -> object:
        copies = [part.clone() for part in given]
        try:
            result: object = getattr(transformation, method)(*copies)
        except Exception as error:
            raise ValueError(
                f"{name}.{method} failed on a {given[0].dtype} batch of shape {tuple(given[0].shape)}: "
                f"{type(error).__name__}: {error}; correct it, or give images of a kind that it takes"
            ) from error
        if not torch.equal(copies[0], given[0]):
            raise ValueError(f"{name}.{method} must leave the images that it is given untouched; work on a copy")
        return result

    def apply(parameters: Tensor, images: Tensor = images) -> Tensor:
        applied: Any = attempt("apply", images[: len(parameters)], parameters)
        if not _alike(applied, images[: len(parameters)]):
            raise ValueError(f"{name}.apply must keep the images' shape and type; correct it")
        if not bool(applied.isfinite().all()):
            raise ValueError(f"{name}.apply makes NaN or infinity of images in this region; choose a smaller one")
        return torch.as_tensor(applied)

    def require(law: bool, sentence: str) -> None:
        if not law:
            raise ValueError(f"{name} {sentence}; correct it, or no certificate would hold")

    applied = apply(parameters)
    require(bool((apply(identity) - images[:1]).abs().max() <= LAW_ROUNDING), "changes the image at its identity")
    alone = torch.cat([apply(parameters[at : at + 1], images[at : at + 1]) for at in range(4)])
    require(bool((applied[:4] - alone).abs().max() <= LAW_ROUNDING), "does not use each image's own parameters")
    if isinstance(transformation, ResolvableTransformation):
        twice, once = apply(others, applied), apply(transformation.compose(others, parameters))
        require(bool((twice - once).abs().max() <= LAW_ROUNDING * (1 + once.abs().max())), "does not compose")
    if isinstance(transformation, EnclosedTransformation) and not isinstance(transformation, SampledTransformation):
        telling = torch.stack(telling_boxes(region, transformation.space.identity)).to(image.device)
        rest = torch.stack([torch.minimum(*draws), torch.maximum(*draws)])
        boxes = torch.cat([telling, rest[:, :6], telling.flip(1), rest[:, 6:]], dim=1)  # of the image, and of noise
        lower, upper = snap(boxes[:, : len(images)])
        enclosure: Any = attempt("enclose", images, lower, upper)
        require(all(_alike(end, images) for end in enclosure), "does not enclose images by two of their shape and type")
        low, high = enclosure
        shares = torch.rand(8, *lower.shape, generator=generator, device=image.device).double()
        shares[0], shares[1] = 0, 1
        for share in shares:
            inside = apply(snap(lower + share * (upper - lower)))
            contained = (inside >= low - ENCLOSURE_ROUNDING) & (inside <= high + ENCLOSURE_ROUNDING)
            require(bool(contained.all()), "leaves its own enclosure")
    if isinstance(transformation, DiscreteTransformation):
        listed = transformation.representatives(region, *image.shape[-2:]).to(image.device)
        listed = listed if listed.shape[0] * image.numel() <= LARGEST_LIST else listed[:0]
        missing = torch.ones(len(images), dtype=torch.bool, device=image.device)
        for chunk in listed.split(max(1, 2**20 // image.numel())):
            outputs = transformation.apply(images[:1].expand(len(chunk), *image.shape), chunk)
            for index, parameter in enumerate(parameters[:8]):
                output = transformation.apply(images[:1], parameter[None])
                missing[index] &= bool(((outputs - output).abs().flatten(1).amax(dim=1) > LAW_ROUNDING).all())
        require(len(listed) == 0 or not bool(missing[:8].any()), "has outputs that none of its representatives gives")


def _alike(result: object, images: Tensor) -> bool:
    """Whether a result has the shape and the type of images."""
    return isinstance(result, Tensor) and result.shape == images.shape and result.dtype == images.dtype


def telling_boxes(region: Region, identity: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """The boxes in which an enclosure goes wrong first, lower and upper ends: float64 (10, dimension) each.

    They are the region's own, and small ones of all ``BOX_WIDTHS`` at its two ends and around ``identity``.
    """
    low, high, centre = torch.tensor([region.lower, region.upper, identity], dtype=torch.float64).split(1)
    lower, upper = [low], [high]
    for width in (share * (high - low) for share in BOX_WIDTHS):
        lower += [low, high - width, torch.maximum(low, centre - width / 2)]
        upper += [low + width, high, torch.minimum(high, centre + width / 2)]
    return torch.cat(lower), torch.cat(upper)


def _differ(logits: Tensor, again: Tensor) -> bool:
    """Whether two answers for the same images differ by more than rounding, in the classes that decide."""
    if again.shape != logits.shape:
        return True
    leading, highest = logits.double().topk(2, dim=1), again.double().amax(dim=1)
    moved = (again.double().gather(1, leading.indices) - leading.values).abs().amax(dim=1)
    moved = torch.maximum(moved, (highest - leading.values[:, 0]).abs())
    size = leading.values.abs().amax(dim=1)
    allowed = MARGIN_VARIATION * (leading.values[:, 0] - leading.values[:, 1])
    return bool((moved > allowed + _rounding_variation(logits) * size).any())


def _rounding_variation(logits: Tensor) -> float:
    """What rounding may change in logits, relative to their size: half precision, TF32 on CUDA, or float32."""
    if logits.element_size() <= 2:
        return 3e-2
    return 5e-3 if logits.is_cuda and logits.element_size() == 4 else 1e-4


def _logits(model: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    shape = tuple(images.shape)
    try:
        logits = model(images.clone())
    except Exception as error:
        raise ValueError(
            f"the model failed on a {images.dtype} batch of shape {shape} on {images.device}: "
            f"{type(error).__name__}: {error}; it must take such images, also with values outside [0, 1]"
            + "; for a model of grey images read them with one channel (--grey, or channels=1)"
            * (shape[1] == 3)
        ) from error
    if isinstance(logits, Tensor) and not logits.is_floating_point():
        raise ValueError(
            f"the model must return float logits, not {logits.dtype}; leave out the last argmax or comparison"
        )
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != len(images) or logits.shape[1] < 2:
        got = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(
            f"the model must return logits (batch, classes) with at least 2 classes, but for a batch of shape {shape} "
            f"it returned {got}; wrap it in a function that returns the logits"
        )
    if not bool(logits.isfinite().all()):
        raise ValueError(
            f"the model returned NaN or infinite logits for a batch of shape {shape}; check its weights, and that it "
            "accepts any finite float image, also outside [0, 1]"
        )
    return logits.clone()  # a compiled model may use its output's memory again
