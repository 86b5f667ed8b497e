"""Theorem 1 against a classifier whose true radius has a closed form."""

import math

import attrs
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
    ParameterSmoothing,
    ParameterSpace,
    Region,
    ResolvableCertifier,
    Task,
    Uniform,
    get_corruption,
)

IMAGE = torch.full((1, 2, 2), 0.5)


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
    }
    p = float(tail[type(noise)](noise))
    return lambda ask, number: Answer(0, round(1_000 * p), 1_000, lower=p)


CASES = [
    (Brightness(), Gaussian(0.4), 0.7),
    (Brightness(), Laplace(0.3), 0.9),
    (Brightness(), Uniform(2.0), 0.6),
    (Darkening(), Exponential(0.5), 1.1),
    (get_corruption("gaussianblur").transformation, Exponential(20.0), 31.0),
]


@pytest.mark.parametrize(("transformation", "noise", "true_radius"), CASES, ids=lambda case: type(case).__name__)
def test_a_threshold_classifier_gets_its_exact_radius(drive, transformation, noise, true_radius):
    smoothing = ParameterSmoothing(transformation, noise)
    oracle = threshold_oracle(noise, true_radius)

    def find(radius, maximize):
        task = Task(IMAGE, transformation.region(radius), transformation, smoothing, Budget(), maximize)
        return drive(ResolvableCertifier().steps(task), oracle)

    assert find(0.999 * true_radius, maximize=False).proved == transformation.region(0.999 * true_radius)
    assert find(1.001 * true_radius, maximize=False).proved is None
    assert find(2 * true_radius, maximize=True).proved.upper[0] == pytest.approx(true_radius, rel=1e-9)


def test_no_majority_means_abstention(drive):
    task = Task(IMAGE, Region(0, 1), Brightness(), ParameterSmoothing(Brightness(), Gaussian(1)), Budget())
    finding = drive(ResolvableCertifier().steps(task), lambda ask, number: Answer(3, 480, 1_000, lower=0.44))
    assert finding.predicted is None
    assert finding.proved is None
    assert "class 3 got 480 of 1,000 votes" in finding.reason


class OwnLaw(NoiseDistribution):
    """A normal law whose author gave no shift."""

    name = "own"

    def sample(self, shape, generator, device):
        return torch.randn(shape, generator=generator, device=device)

    def log_density(self, x):
        return -x.square() / 2 - math.log(math.sqrt(2 * math.pi))


def test_a_shift_without_proof_makes_an_estimate(drive):
    smoothing = ParameterSmoothing(Brightness(), OwnLaw())
    task = Task(IMAGE, Region(-1, 1), Brightness(), smoothing, Budget())
    finding = drive(ResolvableCertifier().steps(task), lambda ask, number: Answer(3, 950, 1_000, lower=0.93))
    assert finding.proved == Region(-1, 1)
    assert finding.guarantee is Guarantee.ESTIMATE
    assert "by quadrature" in ResolvableCertifier().basis(smoothing)


@attrs.frozen
class Gain(Brightness):
    """An additive parameter counted from 1, which cannot be."""

    space = ParameterSpace(-math.inf, math.inf, 1, "gain", "1")


@pytest.mark.parametrize(
    ("transformation", "smoothing", "region", "message"),
    [
        (get_corruption("defocus").transformation, None, Region(0, 1), "certifier='latent'"),
        (Brightness(), LatentSmoothing(IdentitySurrogate(), 0, 1), Region(0, 1), "smoothing=ParameterSmoothing"),
        (Brightness(), ParameterSmoothing(Darkening(), Exponential(1)), Region(0, 1), "smoothing=ParameterSmoothing"),
        (Brightness(), ParameterSmoothing(Brightness(), Exponential(1)), Region(-1, 1), "from the identity upwards"),
        (Gain(), ParameterSmoothing(Gain(), Gaussian(1)), Region(0, 2), "have the identity 0, not 1"),
        (Darkening(), ParameterSmoothing(Darkening(), Gaussian(1)), Region(0, 1), "use a OneSidedNoise"),
    ],
)
def test_what_does_not_fit_is_refused(transformation, smoothing, region, message):
    with pytest.raises(ValueError, match=message):
        ResolvableCertifier().check(transformation, smoothing, region)
