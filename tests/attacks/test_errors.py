"""How often votes mislead an attack: simulated, with counts drawn at known probabilities in place of a network."""

import attrs
import pytest
import torch

from gsmooth_core import AttackBudget, Budget, attack, certify, get_corruption, smooth, verify
from gsmooth_core.attacks import campaign, verification
from gsmooth_core.classifiers.smoothed import SmoothedClassifier

BRIGHTNESS = get_corruption("brightness")
IMAGES = torch.rand(300, 1, 1, 2, generator=torch.Generator().manual_seed(0))
BUDGET = AttackBudget(calls=6, draws=1, finalists=5, confirm=200)
DOUBT = 0.05
"""In place of the attacks' own, so that a few hundred images tell."""


def always_first(images):
    return torch.tensor([1.0, 0.0]).expand(len(images), 2)


@pytest.fixture
def a_classifier_that_is_barely_right(monkeypatch):
    """Under noise it answers class 0 with probability just above one half, whatever the image."""

    def votes(self, images, samples, generator=None, *, classes=None, batch=None):
        first = torch.binomial(torch.full((len(images),), float(samples)), torch.tensor(0.5 + 1e-6), generator)
        return torch.stack([first, samples - first], dim=1).long()

    monkeypatch.setattr(SmoothedClassifier, "votes", votes)
    monkeypatch.setattr(campaign, "DOUBT", DOUBT)
    monkeypatch.setattr(verification, "DOUBT", DOUBT)


def called_wrong(seed=0):
    """The share of images about which the attack says that a classifier fails which is right everywhere."""
    smoothed = smooth(always_first, BRIGHTNESS)
    labels = [0] * len(IMAGES)
    report = attack(smoothed, BRIGHTNESS, IMAGES, labels, radius=0.5, method="random", budget=BUDGET, seed=seed)
    return 1 - report.bound.value


def broken():
    """The share of true certificates that break."""
    report = certify(always_first, BRIGHTNESS, IMAGES, radius=0.1, budget=Budget(select=1, samples=50, alpha=0.1))
    certificates = tuple(attrs.evolve(one, predicted=0) for one in report.certificates)
    honest = attrs.evolve(report, certificates=certificates)
    found = verify(honest, always_first, IMAGES, method="random", budget=BUDGET)
    assert len(found.certificates) == len(IMAGES)
    return len(found.broken) / len(IMAGES)


@pytest.mark.filterwarnings("ignore:The plain model answers")  # one class on all images
@pytest.mark.parametrize("measured", [called_wrong, broken])
def test_all_answers_about_an_image_err_together_as_rarely_as_promised(
    measured, monkeypatch, a_classifier_that_is_barely_right
):
    allowed = DOUBT + (DOUBT / len(IMAGES)) ** 0.5  # a standard deviation more; half of DOUBT is to be expected
    assert measured() < allowed
    for module in (campaign, verification):
        monkeypatch.setattr(module, "even_share", lambda alpha, answers: alpha)  # what each answer alone may err by
    assert measured() > allowed
