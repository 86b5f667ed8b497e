"""What strangers write cannot claim more than it proves."""

import math

import attrs
import pytest
import torch

from gsmooth_core import (
    AdditiveTransformation,
    Box,
    Budget,
    Certifier,
    Corruption,
    Ellipsoid,
    Finding,
    Gaussian,
    Guarantee,
    NoiseDistribution,
    NoSmoothing,
    ParameterNoise,
    ParameterSpace,
    ResolvableCertifier,
    ask_class,
    certify,
    smooth,
)


@attrs.frozen
class Glow(AdditiveTransformation):
    strength: float = attrs.field(default=1.0, eq=False)  # which its equality forgets
    space = ParameterSpace(-math.inf, math.inf, 0, "light", "intensity")

    def region(self, radius):
        return Box(-radius, radius)

    def transform(self, images, parameters):
        return images + self.strength * parameters.view(-1, 1, 1, 1)


NOISE = ParameterNoise(Gaussian(std=0.5))


def test_a_default_shift_cannot_be_called_proved():
    with pytest.raises(TypeError, match="Comb calls its shift probabilistic, but has the default"):

        class Comb(NoiseDistribution):
            shift_guarantee = Guarantee.PROBABILISTIC

            def quantile(self, probabilities):
                return probabilities

            def log_density(self, x):
                return x

            def least_probability(self, p, shift):
                return p


def test_apply_stays_that_of_the_core():
    with pytest.raises(TypeError, match="Both must leave apply to Transformation; write transform in its place"):

        class Both(Glow):
            def apply(self, images, parameters):
                return images

            def transform(self, images, parameters):
                return images

    class Mixin:
        def apply(self, images, parameters):
            return images

    with pytest.raises(TypeError, match="Mixed must leave apply to Transformation"):

        class Mixed(Mixin, Glow):
            pass


class Claims(Certifier):
    """Asks for votes, declares one guarantee and finds another."""

    name = "claims"

    def __init__(self, declared, found):
        self.declared, self.found = declared, found

    def guarantee(self, problem):
        return self.declared

    def basis(self, problem):
        return "nothing"

    def check(self, problem):
        pass

    def steps(self, task):
        class_ = yield from ask_class(task.image)
        return Finding(class_, task.region, self.found, tried=1)


@pytest.mark.parametrize(
    ("declared", "found", "left"),
    [
        (Guarantee.EXACT, Guarantee.EXACT, Guarantee.PROBABILISTIC),  # for it drew
        (Guarantee.EXACT, Guarantee.ESTIMATE, Guarantee.ESTIMATE),
        (Guarantee.PROBABILISTIC, Guarantee.ESTIMATE, Guarantee.ESTIMATE),
    ],
)
def test_a_report_promises_what_its_certificates_do(example_model, test_images, declared, found, left):
    recipe = Corruption("glow", Glow(), NOISE, Claims(declared, found))
    report = certify(example_model, recipe, test_images[:1], radius=0.1, budget=Budget(select=20))
    [certificate] = report.certificates
    assert (certificate.guarantee, certificate.alpha, report.guarantee) == (left, 0.001, left)
    [shown] = [value for name, value in report.rows() if name == "guarantee"]
    assert shown.startswith(f"{left.value}, error probability at most 0.001")
    with pytest.raises(ValueError, match="is called exact, but rests on 20 random draws"):
        attrs.evolve(certificate, guarantee=Guarantee.EXACT, alpha=0.0)


def test_noise_on_another_map_is_refused(example_model, test_images):
    recipe = Corruption("glow", Glow(100.0), NOISE.on(Glow(1.0)), ResolvableCertifier())
    with pytest.raises(ValueError, match="needs noise on the parameter of Glow itself"):
        certify(example_model, recipe, test_images[:1], radius=0.1)


def test_noise_alone_may_be_deployed(example_model, test_images):
    recipe = Corruption("glow", Glow(), NoSmoothing(), ResolvableCertifier())
    assert smooth(example_model, recipe, smoothing=NOISE).smoothing == NOISE.on(Glow())
    votes = smooth(example_model, recipe, smoothing=NOISE)(test_images[:1], samples=20)
    assert torch.equal(votes.sum(dim=1), torch.ones(1))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        # Their centres are one in float64 alone
        (
            Ellipsoid((-3.0, 999999.9999999997), (-3.0, 1e6)),
            Ellipsoid((-3.0000000000000004, 999999.9999999997), (-3.0, 1e6)),
        ),
        (Ellipsoid((0, -1), (0, 1)), Ellipsoid((0, -1), (5e-324, 1))),
        (Box((-1.6e308, -1.6e308), (1.6e308, 1.6e308)), Ellipsoid((-1.7e308, -1.7e308), (1.7e308, 1.7e308))),
        (Box((1, -0.99), (1, 0.99)), Ellipsoid((1, -1), (1 + 2**-52, 1))),
    ],
)
def test_in_doubt_a_region_is_not_inside(inner, outer):
    assert not inner.inside(outer)
    assert inner.inside(inner)
    assert outer.inside(outer)
