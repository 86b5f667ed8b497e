"""How often certificates are wrong: simulated by the thousand, with binomial votes or with the program's own draws.

The classifier is a half-space, so its true radius is known. Certificates look for the largest radius, so that every
stroke of luck near the truth becomes a wrong one; the truth may be missed with probability α at most.
"""

import math

import numpy as np
import pytest
import torch
from scipy.stats import binomtest, norm

from gsmooth_core import (
    Budget,
    IdentitySurrogate,
    LatentCertifier,
    LatentSmoothing,
    ParameterSmoothing,
    ResolvableCertifier,
    Task,
    get_corruption,
)
from gsmooth_core.certifier import Problem
from gsmooth_core.certifiers import cover, latent
from gsmooth_core.engine.engine import Engine
from gsmooth_core.testing import binomial_answer, drive

ALPHA, STD = 0.01, 0.5
IMAGE = torch.full((1, 1, 2), 0.5)


def wrong_certificates(certify, task, probability, truth, runs, seed=0):
    """In how many of ``runs`` simulated certificates a parameter beyond the truth is claimed."""
    draws, wrong, anchors = np.random.default_rng(seed), 0, []

    def answer(ask, number):
        return binomial_answer(ask, probability(ask.image), task.budget, draws)

    for _ in range(runs):
        finding = drive(certify.steps(task), answer)
        wrong += finding.proved is not None and finding.proved.upper[0] > truth
        anchors.append(finding.tried)
    print(f"{type(certify).__name__}: {wrong} of {runs:,} certificates wrong, {np.mean(anchors):.1f} anchors each")
    return wrong


def wrong_by_draws(certify, task, probability, truth, runs, seed=0):
    """The same through the engine: the half-space votes on images under the noise that the sampler draws."""
    width = task.smoothing.noise.std if isinstance(task.smoothing, ParameterSmoothing) else STD / math.sqrt(2)
    border = IMAGE.double().mean() + width * float(norm.ppf(probability(IMAGE)))

    def model(images):
        margin = border - images.double().mean(dim=(1, 2, 3))
        return torch.stack([margin, -margin], dim=1)

    engine = Engine(model, task.smoothing, task.budget, seed, batch=2_000)
    findings = [outcome.finding for outcome in engine.run(certify, ((index, task) for index in range(runs)))]
    wrong = sum(finding.proved is not None and finding.proved.upper[0] > truth for finding in findings)
    nearest = max(finding.proved.upper[0] for finding in findings if finding.proved is not None)
    print(
        f"{type(certify).__name__}, drawn: {wrong} of {runs:,} certificates wrong, {nearest / truth:.3f} of the truth"
    )
    return wrong


def keeps_its_word(wrong, runs):
    """Whether a binomial test at 1 % lets a share of ALPHA pass."""
    return binomtest(wrong, runs, ALPHA, alternative="greater").pvalue >= 0.01


def resolvable_case(alpha=ALPHA, stopping="sequential"):
    """Brightness and a half-space of the true probability p: a bound above p claims a radius beyond the truth."""
    recipe = get_corruption("brightness")
    truth = 1.5 * recipe.smoothing.noise.std
    p = float(norm.cdf(truth / recipe.smoothing.noise.std))
    budget = Budget(samples=1_000, alpha=alpha, stopping=stopping)
    region = recipe.transformation.region(3 * truth)
    task = Task(IMAGE, Problem(recipe.transformation, recipe.smoothing, region), budget, maximize=True)
    return ResolvableCertifier(), task, lambda image: p, truth


def latent_case(drift, alpha=ALPHA, stopping="sequential"):
    """A straight path towards the half-space's border: anchors come closer and closer to it, each with its own luck."""
    transformation = drift(
        torch.full((1, 1, 1, 2), STD / math.sqrt(2)), lower=0.0
    )  # one unit is one in latent distance
    truth = 1.0
    smoothing = LatentSmoothing(IdentitySurrogate(), 0.0, STD)
    budget = Budget(samples=1_000, alpha=alpha, cells=256, anchors=50, stopping=stopping)
    task = Task(IMAGE, Problem(transformation, smoothing, transformation.region(1.2)), budget, maximize=True)

    def probability(image):
        moved = float((image - IMAGE).sum()) / (STD * math.sqrt(2))
        return float(norm.cdf(truth - moved))

    return LatentCertifier(), task, probability, truth


@pytest.fixture
def fine_cells(monkeypatch):
    monkeypatch.setattr(cover, "CELL_RADIUS", 0.004)
    monkeypatch.setattr(cover, "ROUNDING", 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stopping", "wrong"), [("sequential", wrong_by_draws), ("fixed", wrong_certificates)], ids=["draws", "binomial"]
)
def test_10_000_resolvable_certificates_are_wrong_as_rarely_as_they_say(stopping, wrong):
    assert keeps_its_word(wrong(*resolvable_case(stopping=stopping), runs=10_000), 10_000)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stopping", "wrong"), [("sequential", wrong_by_draws), ("fixed", wrong_certificates)], ids=["draws", "binomial"]
)
def test_10_000_latent_certificates_are_wrong_as_rarely_as_they_say(drift, fine_cells, stopping, wrong):
    assert keeps_its_word(wrong(*latent_case(drift, stopping=stopping), runs=10_000), 10_000)


def test_some_certificates_are_wrong_as_rarely_as_they_say(drift, fine_cells):
    assert keeps_its_word(wrong_certificates(*resolvable_case(), runs=500), 500)
    assert keeps_its_word(wrong_certificates(*latent_case(drift), runs=100), 100)


def test_drawn_certificates_are_wrong_as_rarely_as_they_say():
    """A truth of nine tenths, which they overstate in earnest, is noticed."""
    certifier, task, probability, truth = resolvable_case()
    assert keeps_its_word(wrong_by_draws(certifier, task, probability, truth, runs=300), 300)
    assert not keeps_its_word(wrong_by_draws(certifier, task, probability, 0.9 * truth, runs=100), 100)


def test_ten_times_the_error_probability_is_caught(drift, fine_cells):
    assert not keeps_its_word(wrong_certificates(*resolvable_case(10 * ALPHA), runs=500), 500)
    assert not keeps_its_word(wrong_certificates(*latent_case(drift, 10 * ALPHA), runs=200), 200)


def test_leaving_out_the_union_bound_is_caught(drift, fine_cells, monkeypatch):
    monkeypatch.setattr(latent, "anchor_share", lambda anchor: 1.0)
    assert not keeps_its_word(wrong_certificates(*latent_case(drift), runs=600), 600)
