"""One trial: build the adversary, certify it, and let the deployed classifier vote in the whole proved region."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from gsmooth_core.certification import certify
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.corruption import Corruption
from gsmooth_core.statistics.bounds import lower_bound
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.testing.adversaries.adversary import Adversary
from gsmooth_core.testing.law import could_certify
from gsmooth_core.transformations.base import Transformation
from gsmooth_core.transformations.regions import Region

DOUBT = 1e-6
"""The probability that votes call a sound certificate false, at each parameter and in each of two counts."""
BUDGET = Budget(samples=1_000, alpha=1e-6, anchors=64, cells=512)
"""Chosen so that one of a million sound certificates may be called false by chance."""
SHARES = (1.0, 0.1, 0.01)
"""Shares of the default radius that are tried, until one is certified."""
PLACES = (0.44, 0.31, 0.37, 0.23)
"""Where in a region the attacked image lies, one share per parameter; not at the centre of a cell."""


@attrs.frozen
class Trial:
    """The result for one adversary, recipe and image.

    ``region`` is the one that was proved, ``None`` if none was; ``false`` are the parameters in it, of ``tried``
    ones, at which the deployed classifier answers another class.
    """

    region: Region | None
    tried: int
    false: tuple[tuple[float, ...], ...]


def attempt(
    adversary: Adversary,
    recipe: Corruption,
    image: Tensor,
    *,
    radius: float | None = None,
    shares: tuple[float, ...] = SHARES,
    budget: Budget = BUDGET,
    parameters: int = 200,
    draws: int = 1_000,
    seed: int = 0,
) -> Trial:
    """Try to make ``certify`` prove a false claim about ``image`` (channel, height, width), float32.

    For each share of ``radius`` (default: the recipe's) the adversary is built against the image and one attacked
    image of that region, until a certificate comes out. Then the deployed classifier votes, by ``draws`` each, at
    ``parameters`` points of the proved region, both ends and the attacked image among them. A certificate is false
    if another class has more than half of the votes with confidence ``1 − DOUBT``, in two counts with separate draws.
    """
    channels, height, width = image.shape
    largest = recipe.default_radius((channels, height, width)) if radius is None else radius
    for share in shares:
        region = recipe.transformation.region(share * largest)
        if not could_certify(recipe, image, region, budget):
            continue
        target = target_of(recipe.transformation, region)
        model = adversary.against(image, recipe.transformation.apply(image[None], target)[0], recipe.smoothing)
        report = certify(model, recipe, image[None], radius=region, budget=budget, seed=seed, progress=False)
        [certificate] = report.certificates
        if certificate.certified and certificate.predicted is not None:
            points = torch.cat([target, points_of(recipe.transformation, region, parameters - len(target), seed)])
            classifier = SmoothedClassifier(model, recipe.smoothing)
            false = false_at(classifier, recipe.transformation, image, points, certificate.predicted, draws, seed)
            return Trial(region, len(points), tuple(tuple(row) for row in false.tolist()))
    return Trial(None, 0, ())


def false_at(
    classifier: SmoothedClassifier,
    transformation: Transformation,
    image: Tensor,
    points: Tensor,
    predicted: int,
    draws: int,
    seed: int,
) -> Tensor:
    """The points (count, dimension) at which both counts of votes are for another class than ``predicted``."""
    generator = torch.Generator(image.device).manual_seed(seed + 1)
    for _ in range(2):
        if len(points):
            images = transformation.apply(image.expand(len(points), *image.shape), points)
            votes = classifier.votes(images, draws, generator)
            votes[:, predicted] = 0
            most = votes.amax(dim=1).tolist()
            points = points[torch.tensor([lower_bound(count, draws, DOUBT) > 0.5 for count in most])]
    return points


def target_of(transformation: Transformation, region: Region) -> Tensor:
    """The parameter of the attacked image: float64 (1, dimension)."""
    identity = torch.tensor([transformation.space.identity], dtype=torch.float64)
    upper = torch.tensor([region.upper], dtype=torch.float64)
    return transformation.space.snap(
        identity + torch.tensor(PLACES[: len(upper[0])], dtype=torch.float64) * (upper - identity)
    )


def points_of(transformation: Transformation, region: Region, count: int, seed: int) -> Tensor:
    """Parameters of a region, its ends first, the others at random: float64 (count, dimension)."""
    space, generator = transformation.space, torch.Generator().manual_seed(seed)
    points = torch.cat([space.walk(region, 2), region.sample(count - 2, generator).double()])
    snapped = space.snap(points)
    return snapped[region.contains(snapped)]
