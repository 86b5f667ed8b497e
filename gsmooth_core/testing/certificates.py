"""Laws of the final result: certificates are repeatable, and no attack breaks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from gsmooth_core.certification import certify
from gsmooth_core.certifier import Answer, AskBound, AskClass, Finding, Selection, Steps
from gsmooth_core.classifiers.smoothed import SmoothedClassifier
from gsmooth_core.corruption import Corruption
from gsmooth_core.datasets.bundled import load_fashion_mnist
from gsmooth_core.engine.tally import Tally
from gsmooth_core.models.example import load_example_model
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.report import Report
from gsmooth_core.statistics.budget import Budget
from gsmooth_core.testing.law import (
    channels_of,
    could_certify,
    ends_of,
    everyone,
    generator,
    make,
    parameters_of,
    region_of,
    require,
)

BUDGET = Budget(select=50, samples=400, cells=512, anchors=16)
PARAMETERS = 48
"""Parameters that are tried on each certified image."""


def repeats_its_certificates(corruption: Corruption) -> None:
    """The same seed gives the same noise and the same certificates, for any batch size."""
    images = _images(corruption, 2)
    smoothing, code = corruption.smoothing, corruption.smoothing.encode(images[:1])[0]
    first, second = (smoothing.draw(9, tuple(code.shape), generator(2), code.device) for _ in range(2))
    require(torch.equal(first, second), "the smoothing draws differently from an equal generator")
    model = _of_grey(load_example_model())

    def results(batch: int | None) -> list[Certificate]:
        budget = attrs.evolve(BUDGET, batch=batch)
        region = region_of(corruption, share=0.1)
        report = certify(model, corruption, images, radius=region, budget=budget, seed=3, progress=False)
        return [attrs.evolve(certificate, seconds=0.0) for certificate in report.certificates]

    require(results(None) == results(None), "two runs with one seed differ")
    require(results(None) == results(33), "certificates depend on the batch size")


def survives_an_attack(corruption: Corruption) -> None:
    """No parameter of a certified region, tried on the smoothed classifier, gives another class.

    Certifies a few classifiers of bundled images on shares of the default region; at least one certificate is needed.
    """
    images, attacked_any = _images(corruption, 3), False
    for probe in PROBES:
        model, certified = _of_grey(probe), 0
        classifier = SmoothedClassifier(model, corruption.smoothing)
        shares = [s for s in (1.0, 0.3, 0.1) if could_certify(corruption, images[0], region_of(corruption, s), BUDGET)]
        for share in shares:
            report = _certify(model, corruption, images, share)
            for certificate in report.certificates:
                if not certificate.certified:
                    continue
                certified += 1
                image, parameters = images[certificate.index], parameters_of(corruption, PARAMETERS, share=share)
                parameters = torch.cat([parameters, ends_of(corruption, report.run.region)])
                parameters = parameters[report.run.region.contains(parameters)]
                attacked = corruption.transformation.apply(image.expand(len(parameters), -1, -1, -1), parameters)
                answers = classifier.predict(attacked, samples=200, generator=generator(9))
                for answer, parameter in zip(answers, parameters.tolist(), strict=True):
                    held = answer in (None, certificate.predicted)
                    require(held, f"at {parameter} the answer is {answer}, certified was {certificate.predicted}")
            attacked_any = attacked_any or certified > 0
            if certified:
                break
    require(attacked_any, "nothing could be certified, so nothing was attacked: the noise may be too strong")


def _images(corruption: Corruption, count: int) -> Tensor:
    """Bundled images, grey or as colours."""
    return load_fashion_mnist("test")[0][:count].repeat(1, channels_of(corruption)[0], 1, 1)


def _of_grey(model: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A classifier of grey images for images of any number of channels: it sees their mean."""

    def of_any(images: Tensor) -> Tensor:
        return model(images.mean(dim=1, keepdim=True))

    return of_any


def _certify(model: Callable[[Tensor], Tensor], corruption: Corruption, images: Tensor, share: float) -> Report:
    region = region_of(corruption, share)
    return certify(model, corruption, images, radius=region, budget=BUDGET, seed=4, progress=False)


def brightness_probe(images: Tensor) -> Tensor:
    """Whether the mean of an image is above grey: logits (batch, 2)."""
    excess = images.mean(dim=(1, 2, 3)) - 0.35
    return torch.stack([excess, -excess], dim=1)


def contrast_probe(images: Tensor) -> Tensor:
    """Whether an image is brighter in the middle than at its border: logits (batch, 2)."""
    height, width = images.shape[-2:]
    middle = images[..., height // 4 : -(height // 4), width // 4 : -(width // 4)].mean(dim=(1, 2, 3))
    excess = middle - images.mean(dim=(1, 2, 3))
    return torch.stack([excess, -excess], dim=1)


PROBES: tuple[Callable[[Tensor], Tensor], ...] = (load_example_model(), brightness_probe, contrast_probe)
"""Classifiers to certify: the example model, and two whose answer hardly any corruption changes."""

LAWS = make(everyone, repeats_its_certificates, survives_an_attack)
"""The laws of this file."""


def binomial_answer(
    ask: AskClass | AskBound, p: float, budget: Budget, draws: np.random.Generator
) -> Selection | Answer:
    """The engine's answer, with its stopping rule, if each vote is for the class in question with probability ``p``.

    The selected class is 0.
    """
    if isinstance(ask, AskClass):
        return Selection(0, budget.select, budget.select)
    tally, answer = Tally.of(ask, budget), None
    while answer is None:
        counts = np.zeros(ask.class_ + 1, dtype=np.int64)
        counts[ask.class_] = draws.binomial(tally.wanted, p)
        answer = tally.add(counts, tally.wanted)
    return answer


def drive(steps: Steps, answer: Callable[[Any, int], Selection | Answer | Tensor]) -> Finding:
    """Run a certifier's steps to the end with an oracle: ``answer`` gets each question and its number (0, 1, …)."""
    number = 0
    try:
        ask = next(steps)
        while True:
            ask, number = steps.send(answer(ask, number)), number + 1
    except StopIteration as stop:
        finding: Finding = stop.value
        return finding
