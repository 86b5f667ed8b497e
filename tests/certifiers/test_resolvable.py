"""Theorem 1 against a classifier whose true radius has a closed form."""

import math

import attrs
import numpy as np
import pytest
import torch
from scipy.stats import norm

from gsmooth_core import (
    AdditiveTransformation,
    Answer,
    Budget,
    Exponential,
    Gaussian,
    Guarantee,
    IdentitySurrogate,
    Laplace,
    LatentSmoothing,
    NoiseDistribution,
    OneSidedUniform,
    ParameterSmoothing,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    Task,
    Uniform,
    get_corruption,
)
from gsmooth_core.certifier import Problem
from gsmooth_core.certifiers.resolvable import withstands

IMAGE = torch.full((1, 2, 2), 0.5)
BOTH = get_corruption("brightnesscontrast").transformation


@attrs.frozen
class Brightness(AdditiveTransformation):
    """x + b, over the whole line."""

    space = ParameterSpace(-math.inf, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(-radius, radius)

    def apply(self, images, parameters):
        return images + parameters.view(-1, 1, 1, 1)


@attrs.frozen
class Darkening(Brightness):
    """The same, upwards from 0 alone."""

    space = ParameterSpace(0, math.inf, 0, "brightness", "intensity")

    def region(self, radius):
        return Region(0, radius)


def threshold_oracle(noise, true_radius):
    """A classifier that says 0 below a threshold, placed so that its smoothed version flips at ``true_radius``."""
    tail = {
        Gaussian: lambda law: norm.cdf(true_radius / law.std),
        Exponential: lambda law: 1 - 0.5 * math.exp(-true_radius / law.scale),
        Laplace: lambda law: 1 - 0.5 * math.exp(-true_radius / law.scale),
        Uniform: lambda law: 0.5 + true_radius / law.width,
        OneSidedUniform: lambda law: 0.5 + true_radius / law.width,
    }
    p = float(tail[type(noise)](noise))
    return lambda ask, number: Answer(0, round(1_000 * p), 1_000, lower=p)


CASES = [
    (Brightness(), Gaussian(0.4), 0.7),
    (Brightness(), Laplace(0.3), 0.9),
    (Brightness(), Uniform(2.0), 0.6),
    (Darkening(), Exponential(0.5), 1.1),
    (Darkening(), OneSidedUniform(2.0), 0.6),
    (get_corruption("gaussianblur").transformation, Exponential(20.0), 31.0),
]


@pytest.mark.parametrize(("transformation", "noise", "true_radius"), CASES, ids=lambda case: type(case).__name__)
def test_a_threshold_classifier_gets_its_exact_radius(drive, transformation, noise, true_radius):
    smoothing = ParameterSmoothing(transformation, noise)
    oracle = threshold_oracle(noise, true_radius)

    def find(radius, maximize):
        task = Task(IMAGE, Problem(transformation, smoothing, transformation.region(radius)), Budget(), maximize)
        return drive(ResolvableCertifier().steps(task), oracle)

    assert find(0.999 * true_radius, maximize=False).proved == transformation.region(0.999 * true_radius)
    assert find(1.001 * true_radius, maximize=False).proved is None
    assert find(2 * true_radius, maximize=True).proved.upper[0] == pytest.approx(true_radius, rel=1e-6)


def test_no_majority_means_abstention(drive):
    task = Task(IMAGE, Problem(Brightness(), ParameterSmoothing(Brightness(), Gaussian(1)), Region(0, 1)), Budget())
    finding = drive(ResolvableCertifier().steps(task), lambda ask, number: Answer(3, 480, 1_000, lower=0.44))
    assert finding.predicted is None
    assert finding.proved is None
    assert "class 3 got 480 of 1,000 votes" in finding.reason


class OwnLaw(NoiseDistribution):
    """A normal law whose author gave no shift."""

    name = "own"

    def quantile(self, probabilities):
        return torch.special.ndtri(probabilities)

    def log_density(self, x):
        return -x.square() / 2 - math.log(math.sqrt(2 * math.pi))


def test_a_shift_without_proof_makes_an_estimate(drive):
    smoothing = ParameterSmoothing(Brightness(), OwnLaw())
    task = Task(IMAGE, Problem(Brightness(), smoothing, Region(-1, 1)), Budget())
    finding = drive(ResolvableCertifier().steps(task), lambda ask, number: Answer(3, 950, 1_000, lower=0.93))
    assert finding.proved == Region(-1, 1)
    assert finding.guarantee is Guarantee.ESTIMATE
    assert "by quadrature" in ResolvableCertifier().basis(Problem(Brightness(), smoothing, Brightness().region(0.0)))


@attrs.frozen
class Gain(Brightness):
    """An additive parameter counted from 1, which cannot be."""

    space = ParameterSpace(-math.inf, math.inf, 1, "gain", "1")


@pytest.mark.parametrize(
    ("transformation", "smoothing", "region", "message"),
    [
        (get_corruption("defocus").transformation, None, Region(0, 1), "certifier='latent'"),
        (Brightness(), LatentSmoothing(IdentitySurrogate(), 0, 1), Region(0, 1), "smoothing=ParameterNoise"),
        (Brightness(), ParameterSmoothing(Darkening(), Exponential(1)), Region(0, 1), "smoothing=ParameterNoise"),
        (Brightness(), ParameterSmoothing(Brightness(), Exponential(1)), Region(-1, 1), "from the identity upwards"),
        (Gain(), ParameterSmoothing(Gain(), Gaussian(1)), Region(0, 2), "have the identity 0, not 1"),
        (Darkening(), ParameterSmoothing(Darkening(), Gaussian(1)), Region(0, 1), "use a OneSidedNoise"),
    ],
)
def test_what_does_not_fit_is_refused(transformation, smoothing, region, message):
    with pytest.raises(ValueError, match=message):
        ResolvableCertifier().check(Problem(transformation, smoothing, region))


@attrs.frozen
class Plane(AdditiveTransformation):
    """``x + a v + b w`` with two directions: two additive parameters."""

    space = ParameterSpace((-math.inf,) * 2, (math.inf,) * 2, (0, 0), ("a", "b"), ("1", "1"))

    def region(self, radius):
        return Region((-radius, -radius), (radius, radius), norm="l2")

    def apply(self, images, parameters):
        return images + torch.einsum("bi,ihw->bhw", parameters.to(images), torch.eye(4).view(4, 2, 2)[:2])[:, None]


def half_space(normal, distance, stds):
    """The oracle of the half-space ``⟨normal, θ⟩ ≤ distance`` in the parameters, under noise of these stds."""
    spread = math.hypot(*(n * std for n, std in zip(normal, stds, strict=True)))
    p = float(norm.cdf(distance / spread))
    return lambda ask, number: Answer(0, round(1_000 * p), 1_000, lower=p)


def test_a_half_space_in_two_parameters_gets_its_exact_radius(drive):
    """Under equal noise the half-space ⟨n, θ⟩ ≤ d keeps its answer up to the distance d/‖n‖, and no farther."""
    smoothing, oracle = ParameterSmoothing(Plane(), Gaussian(0.8)), half_space((3, 4), 6.0, (0.8, 0.8))
    for radius, held in ((1.199, True), (1.201, False)):
        finding = drive(
            ResolvableCertifier().steps(Task(IMAGE, Problem(Plane(), smoothing, Plane().region(radius)), Budget())),
            oracle,
        )
        assert (finding.proved is not None) is held
    task = Task(IMAGE, Problem(Plane(), smoothing, Plane().region(9.0)), Budget(), maximize=True)
    assert drive(ResolvableCertifier().steps(task), oracle).proved.upper[0] == pytest.approx(1.2, rel=1e-6)


def test_boxes_and_ellipsoids_of_unequal_noise(drive):
    """With n along the first parameter alone, the corner of a box counts in the norm of the noise."""
    smoothing = ParameterSmoothing(Plane(), (Gaussian(0.5), Gaussian(2.0)))
    p = float(norm.cdf(2.0))
    oracle = lambda ask, number: Answer(0, 977, 1_000, lower=p)  # noqa: E731
    for region, held in (
        (Region((-0.99, 0), (0.99, 0)), True),
        (Region((-1.01, 0), (1.01, 0)), False),
        (Region((-0.7, -2.8), (0.7, 2.8)), True),
        (Region((-0.72, -2.8), (0.72, 2.9)), False),
        (Region((-0.99, -3.99), (0.99, 3.99), norm="l2"), True),
        (Region((-0.99, -4.01), (0.99, 4.01), norm="l2"), False),
    ):
        finding = drive(ResolvableCertifier().steps(Task(IMAGE, Problem(Plane(), smoothing, region), Budget())), oracle)
        assert (finding.proved is not None) is held, region


def test_a_half_space_of_images_with_a_known_margin_gets_its_exact_radius(drive):
    """``⟨w, x⟩ > t`` changes when x + b crosses the plane: at b = −(⟨w, x⟩ − t)/⟨w, 1⟩ exactly."""
    recipe, generator = get_corruption("brightness"), torch.Generator().manual_seed(0)
    std = recipe.smoothing.noise.std
    for _ in range(5):
        image, w = torch.rand(1, 8, 8, generator=generator), torch.rand(1, 8, 8, generator=generator)
        threshold = float((w * image).sum()) - (0.1 + float(torch.rand(1, generator=generator))) * float(w.sum())
        margin = (float((w * image).sum()) - threshold) / float(w.sum())
        brightened = image + std * torch.randn(100_000, 1, 1, 1, generator=generator)
        p = float(norm.cdf(margin / std))
        assert float(((w * brightened).sum(dim=(1, 2, 3)) > threshold).float().mean()) == pytest.approx(p, abs=6e-3)
        task = Task(
            image, Problem(recipe.transformation, recipe.smoothing, recipe.transformation.region(9.0)), Budget(), True
        )
        finding = drive(ResolvableCertifier().steps(task), lambda ask, number, p=p: Answer(0, 900, 1_000, lower=p))
        assert finding.proved.upper[0] == pytest.approx(margin, rel=1e-2)
        assert finding.proved.upper[0] < margin  # rounding and its noise have their price


@pytest.mark.parametrize("scale", [0.3, 0.8, 1.0, 1.4, 3.0])
@pytest.mark.parametrize("p", [0.55, 0.9, 0.999])
def test_stretching_takes_what_quadrature_takes(scale, p):
    t = np.linspace(-40, 40, 800_001)
    before, after = norm.pdf(t), norm.pdf(t / scale) / scale
    order = np.argsort(after / np.maximum(before, 1e-300), kind="stable")
    had, has = (np.cumsum(density[order]) * (t[1] - t[0]) for density in (before, after))
    assert Gaussian.stretched(p, scale) == pytest.approx(float(np.interp(p, had, has)), abs=2e-3)


def exact_worst(p, shift, stds, scales):
    """The least probability after the attack of anything that has probability p before it, by quadrature."""
    axes = [
        np.linspace(-9, 9, 701) * max(1, scale) + move / std
        for move, std, scale in zip(shift, stds, scales, strict=True)
    ]
    moved = [(axis - move / std) / scale for axis, move, std, scale in zip(axes, shift, stds, scales, strict=True)]
    cell = math.prod(axis[1] - axis[0] for axis in axes)
    before = norm.pdf(axes[0])[:, None] * norm.pdf(axes[1]) * cell
    after = norm.pdf(moved[0])[:, None] / scales[0] * norm.pdf(moved[1]) / scales[1] * cell
    order = np.argsort((after / np.maximum(before, 1e-300)).ravel(), kind="stable")
    return float(np.interp(p, np.cumsum(before.ravel()[order]), np.cumsum(after.ravel()[order])))


def points_beyond(holds):
    """Of 60 random attacks and probabilities: certified and exactly robust; certified wrongly."""
    generator, both, wrong = np.random.default_rng(7), 0, 0
    for _ in range(60):
        k, b = generator.uniform(-0.7, 0.7), generator.uniform(-0.5, 0.5)
        stds, p = generator.uniform(0.3, 1.5, 2), generator.uniform(0.8, 0.9999)
        smoothing = ParameterSmoothing(BOTH, tuple(Gaussian(std) for std in stds))
        region = Region((min(k, 0), min(b, 0)), (max(k, 0), max(b, 0)))
        robust = exact_worst(p, (k, b), stds, (1.0, math.exp(-k))) > 0.5
        certified = holds(region, p, smoothing)
        both, wrong = both + (certified and robust), wrong + (certified and not robust)
    return both, wrong


def test_brightness_and_contrast_are_certified_only_where_the_exact_problem_is_robust():
    both, wrong = points_beyond(withstands)
    assert wrong == 0
    assert both >= 10


def test_leaving_out_the_stretching_is_caught(monkeypatch):
    monkeypatch.setattr(Gaussian, "stretched", staticmethod(lambda p, scale: p))
    assert points_beyond(withstands)[1] > 0


def test_a_certified_box_holds_at_each_of_its_points():
    smoothing, region = ParameterSmoothing(BOTH, Gaussian(1.2)), BOTH.region(0.5)
    p = next(p for p in np.linspace(0.6, 0.9999, 400) if withstands(region, p, smoothing))
    for k, b in region.sample(40, torch.Generator().manual_seed(0)).tolist():
        assert withstands(Region((min(k, 0), min(b, 0)), (max(k, 0), max(b, 0))), p, smoothing)
        assert exact_worst(p, (k, b), (1.2, 1.2), (1.0, math.exp(-k))) > 0.5


@pytest.mark.parametrize(
    ("transformation", "noise", "message"),
    [
        (Plane(), Laplace(1.0), "Plane needs Gaussian noise on each parameter, not Laplace"),
        (BOTH, (Gaussian(1.0), Uniform(1.0)), "BrightnessContrast needs Gaussian noise"),
    ],
)
def test_several_parameters_want_normal_noise(transformation, noise, message):
    with pytest.raises(ValueError, match=message):
        ResolvableCertifier().check(
            Problem(transformation, ParameterSmoothing(transformation, noise), transformation.region(0.1))
        )


def test_one_law_for_each_parameter_or_one_for_all():
    assert ParameterSmoothing(BOTH, Gaussian(1.0)).laws == (Gaussian(1.0), Gaussian(1.0))
    with pytest.raises(ValueError, match="there are 1 noise distributions for 2 parameters"):
        ParameterSmoothing(BOTH, (Gaussian(1.0),))
