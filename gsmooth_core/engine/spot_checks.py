"""Spot checks of transformations and smoothings before any work: they find mistakes, and prove nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gsmooth_core.models.logits import blamed
from gsmooth_core.smoothing.base import Smoothing
from gsmooth_core.smoothing.latent import LatentSmoothing
from gsmooth_core.transformations import laws
from gsmooth_core.transformations.base import (
    EnclosedTransformation,
    ResolvableTransformation,
    SampledTransformation,
    Transformation,
)
from gsmooth_core.transformations.discrete import DiscreteTransformation
from gsmooth_core.transformations.regions import Region

LAW_ROUNDING = 1e-5
"""The largest deviation from a law of transformations that is accepted, in intensity, in float64."""

SMOOTHING_ROUNDING = 1e-4
"""The largest deviation from a law of surrogates that is accepted in float32, as a share of its values."""

STEPS, POWER_ITERATIONS = (0.3, 10.0), 12
"""To try a surrogate's Lipschitz bound: the ℓ2 lengths by which images are moved, and the direction's improvements."""

ENCLOSURE_ROUNDING = 1e-8
"""How far an image may leave its enclosure, in intensity, in float64: less than it moves in the tiniest box."""

BOX_WIDTHS = (1e-2, 1e-4, 1e-6)
"""The widths of the small boxes on which enclosures are tried, as shares of the region."""

MOST_PAIRS = ((2**15, 16), (2**18, 8))
"""Pairs of parameters that are tried, for images of up to so many values; for larger ones, as fit ``AT_ONCE``."""

AT_ONCE = 2**21
"""Values of images that laws are tried on together, so that memory does not grow with the size of images."""

LARGEST_LIST = 2**24
"""Lists of outputs with more values than that are not spot-checked: it would take longer than a certificate."""


@torch.no_grad()
def check_transformation(transformation: Transformation, image: Tensor, region: Region) -> None:
    """Raise ``ValueError`` if a transformation breaks a law that certificates rest on, at a few random parameters.

    A spot check against mistakes in plugins, on one float32 image (channel, height, width); it proves nothing.
    Enclosures are tried on the boxes of ``telling_boxes`` and on random ones.
    """
    name, generator = type(transformation).__name__, torch.Generator(image.device).manual_seed(0)
    noise = torch.rand(image.shape, generator=generator, dtype=torch.float32, device=image.device)
    together = max(1, AT_ONCE // image.numel())
    pairs, points = next(((most, 8) for values, most in MOST_PAIRS if image.numel() <= values), (together, 4))
    pair = torch.stack([image, noise]).double()  # a plain image alone may hide a fault
    watched, space = _Watched(transformation), transformation.space
    identity = torch.tensor([space.identity], dtype=torch.float64, device=image.device)
    draws = [region.sample(2 * pairs, generator).double() for _ in range(2)]
    parameters, others = (space.snap(identity + (draw - identity) / 2) for draw in draws)  # so that sums stay inside

    def require(law: bool, sentence: str) -> None:
        if not law:
            raise ValueError(f"{name} {sentence}; correct it, or no certificate would hold")

    def worst(law: Callable[[Tensor, Tensor], float]) -> float:
        """The largest gap of a law, which gets images and the places of their parameters, a few at a time."""
        places = torch.arange(2 * pairs, device=image.device)
        return max(law(pair[some % 2], some) for some in places.split(together))

    if space.unchanged_at_identity:
        require(
            laws.change_at_identity(watched, pair) <= LAW_ROUNDING,
            "changes the image at its identity (if it changes every image, as JPEG does, say "
            "unchanged_at_identity=False in its ParameterSpace)",
        )
    few = torch.arange(min(4, 2 * pairs), device=image.device)
    alone = laws.influence_of_others(watched, pair[few % 2], parameters[few])
    require(alone <= LAW_ROUNDING, "does not use each image's own parameters")
    if isinstance(transformation, ResolvableTransformation):
        gap = worst(lambda images, at: laws.composition_gap(watched, images, others[at], parameters[at]))
        require(gap <= LAW_ROUNDING, "does not compose")
    if isinstance(transformation, EnclosedTransformation) and not isinstance(transformation, SampledTransformation):
        telling = torch.stack(telling_boxes(region, space.identity)).to(image.device)
        rest = torch.stack([torch.minimum(*draws), torch.maximum(*draws)])
        boxes = torch.cat([telling, rest[:, :6], telling.flip(1), rest[:, 6:]], dim=1)  # of the image, and of noise
        lower, upper = space.snap(boxes[:, : 2 * pairs])
        shares = torch.rand(
            points, *lower.shape, generator=generator, dtype=torch.float32, device=image.device
        ).double()
        shares[0], shares[1] = 0, 1
        outside = worst(lambda images, at: laws.enclosure_gap(watched, images, lower[at], upper[at], shares[:, at]))
        require(outside <= ENCLOSURE_ROUNDING, "leaves its own enclosure")
    if isinstance(transformation, DiscreteTransformation):
        listed = transformation.representatives(region, *image.shape[-2:]).to(image.device)
        if 0 < listed.shape[0] * image.numel() <= LARGEST_LIST:
            apart = laws.distance_to_listed(watched, pair[0], parameters[:8], listed)
            require(bool((apart <= LAW_ROUNDING).all()), "has outputs that none of its representatives gives")


class _Watched:
    """A transformation for the laws: an error inside a method becomes a sentence that names the method."""

    def __init__(self, transformation: Transformation) -> None:
        self.transformation, self.name, self.space = transformation, type(transformation).__name__, transformation.space

    def transform(self, images: Tensor, parameters: Tensor) -> Tensor:
        return self._of_one_kind("transform", images, parameters)

    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        applied = self._of_one_kind("apply", images, parameters)
        if not bool(applied.isfinite().all()):
            raise ValueError(f"{self.name}.apply makes NaN or infinity of images in this region; choose a smaller one")
        return applied

    def compose(self, outer: Tensor, inner: Tensor) -> Tensor:
        return torch.as_tensor(self._attempt("compose", outer, inner))

    def enclose(self, images: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        enclosure: Any = self._attempt("enclose", images, lower, upper)
        if len(enclosure) != 2 or not all(_alike(end, images) for end in enclosure):
            raise ValueError(f"{self.name} does not enclose images by two of their shape and type; correct it")
        low, high = enclosure
        return low, high

    def _of_one_kind(self, method: str, images: Tensor, parameters: Tensor) -> Tensor:
        result: Any = self._attempt(method, images, parameters)
        if not _alike(result, images):
            raise ValueError(f"{self.name}.{method} must keep the images' shape and type; correct it")
        return torch.as_tensor(result)

    def _attempt(self, method: str, *given: Tensor) -> object:
        copies = [part.clone() for part in given]
        try:
            result: object = getattr(self.transformation, method)(*copies)
        except Exception as error:
            raise ValueError(
                f"{self.name}.{method} failed on a {given[0].dtype} batch of shape {tuple(given[0].shape)}: "
                f"{type(error).__name__}: {error}; correct it, or give images of a kind that it takes"
            ) from error
        if not torch.equal(copies[0], given[0]):
            raise ValueError(f"{self.name}.{method} must leave the images that it is given untouched; work on a copy")
        return result


def _alike(result: object, images: Tensor) -> bool:
    """Whether a result has the shape and the type of images."""
    return isinstance(result, Tensor) and result.shape == images.shape and result.dtype == images.dtype


def telling_boxes(region: Region, identity: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """The boxes in which a wrong enclosure shows first, lower and upper ends: float64 (10, dimension) each.

    They are the region's own box, and small boxes of all ``BOX_WIDTHS`` at its two ends and around ``identity``.
    """
    low, high, centre = torch.tensor([region.lower, region.upper, identity], dtype=torch.float64).split(1)
    lower, upper = [low], [high]
    for width in (share * (high - low) for share in BOX_WIDTHS):
        lower += [low, high - width, torch.maximum(low, centre - width / 2)]
        upper += [low + width, high, torch.minimum(high, centre + width / 2)]
    return torch.cat(lower), torch.cat(upper)


def check_smoothing(smoothing: Smoothing, image: Tensor) -> None:
    """Raise ``ValueError`` if a surrogate breaks an assumption of the latent certificate: its bound, its affine F₁.

    A spot check on one float32 image (channel, height, width), in milliseconds; it proves nothing. F₂ is tried with
    steps in random directions and in its steepest direction, which a few power iterations find if it has gradients.
    """
    if not isinstance(smoothing, LatentSmoothing):
        return
    surrogate = smoothing.surrogate
    name, generator = type(surrogate).__name__, torch.Generator(image.device).manual_seed(0)

    def require(law: bool, sentence: str) -> None:
        if not law:
            raise ValueError(f"{name}{sentence}; correct it, or no certificate would hold")

    def encoded(images: Tensor) -> Tensor:
        given = images.detach().clone()
        codes: object = surrogate.encode_image(images)
        require(
            isinstance(codes, Tensor) and codes.is_floating_point() and codes.shape[:1] == images.shape[:1],
            ".encode_image must give a float latent for each image",
        )
        assert isinstance(codes, Tensor)
        require(bool(codes.isfinite().all()), ".encode_image gives NaN or infinity")
        require(torch.equal(images, given), ".encode_image must leave the images that it is given untouched")
        return codes

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float32, device=image.device)

    with blamed(f"{name}, on an image of shape {tuple(image.shape)},"), torch.no_grad():
        images = torch.stack([image, *uniform(1, *image.shape)])
        codes, bound = encoded(images), surrogate.lipschitz
        require(isinstance(bound, float | int) and 0 <= bound < math.inf, f".lipschitz must be finite, not {bound!r}")
        close = SMOOTHING_ROUNDING * (1 + codes.abs().max())
        require(bool((encoded(images) - codes).abs().max() <= close), ".encode_image varies from call to call")
        alone = torch.cat([encoded(one[None]) for one in images])
        require(bool((alone - codes).abs().max() <= close), ".encode_image depends on the other images of the batch")
        for size in STEPS:
            step = uniform(*images.shape) - 0.5
            for _ in range(POWER_ITERATIONS):
                step = step * size / step.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
                moved = (encoded(images + step) - codes).flatten(1).norm(dim=1)
                allowed = bound * size * (1 + SMOOTHING_ROUNDING) + close
                require(bool((moved <= allowed).all()), f".lipschitz is {bound}, but F₂ moves farther than that")
                step = _steeper(encoded, images, step)
        spread = smoothing.parameter_std or 1.0
        ends = spread * 6 * (uniform(2, 4, surrogate.dimension) - 0.5)
        share = 4 * uniform(4, 1) - 1
        places = (ends[0], ends[1], ends[0] + share * (ends[1] - ends[0]))
        first, second, between = map(surrogate.encode_parameters, places)
        alone = torch.cat([surrogate.encode_parameters(place[None]) for place in ends[0]])
        close = SMOOTHING_ROUNDING * (1 + first.abs().max() + second.abs().max())
        apart = bool((alone - first).abs().max() <= close)
        require(apart, ".encode_parameters does not use each row by itself, or varies from call to call")
        weights = share.view(-1, *[1] * (first.ndim - 1))
        straight = bool((between - first - weights * (second - first)).abs().max() <= 10 * close)
        require(straight, ".encode_parameters is not affine")


@torch.enable_grad()
def _steeper(encoded: Callable[[Tensor], Tensor], images: Tensor, step: Tensor) -> Tensor:
    """A direction in which the codes move faster than along ``step``: JᵀJ step, or ``step`` itself if J is unknown."""
    at = (images + step).detach().requires_grad_()
    codes = encoded(at)
    if not codes.requires_grad:
        return step
    [slope] = torch.autograd.grad(codes, at, (codes - encoded(images)).detach(), allow_unused=True)
    return step if slope is None or not bool(slope.flatten(1).any(dim=1).all()) else slope
