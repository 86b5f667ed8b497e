"""The contents of a page: reports by corruption, with their names, their outcomes and the attacks on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs

from gsmooth_core.attacks.report import AttackReport
from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.results.certificate import Certificate
from gsmooth_core.results.drawing import Style, marked
from gsmooth_core.results.rates import Rate
from gsmooth_core.results.report import Report
from gsmooth_core.results.wording import counted
from gsmooth_core.smoothing.base import NoSmoothing

WRONG, ABSTAINED, UNCERTIFIED, CERTIFIED = "wrong", "abstained", "not certified", "certified"
OUTCOMES = (WRONG, ABSTAINED, UNCERTIFIED, CERTIFIED)
"""The possible outcomes for an image, the worst first."""
SHARED = ("corruption", "transformation", "model_hash", "region")
"""What an attack must have in common with a report's run."""
MEANINGS = {
    Guarantee.EXACT: "Certain. Every distinct picture that the corruption can make was given to the plain model.",
    Guarantee.PROBABILISTIC: "Proved for the real corruption. It holds for all strengths at once, except with an error "
    "probability over the noise that was drawn, which is stated for each image's whole certificate.",
    Guarantee.ESTIMATE: "Not proved. It rests on an assumption that each claim names, and is here for comparison.",
}


@attrs.frozen
class Entry:
    """One report on the page: its ``label`` within its corruption, its model's name, and ``attacks`` on it."""

    label: str
    model: str
    report: Report
    style: Style
    attacks: tuple[AttackReport, ...]

    @property
    def outcomes(self) -> Counter[str]:
        """The number of images with each outcome."""
        return Counter(outcome(certificate) for certificate in self.report.certificates)

    @property
    def labelled(self) -> bool:
        """Whether there are labels, so that accuracies are known."""
        return all(certificate.label is not None for certificate in self.report.certificates)

    @property
    def exact(self) -> bool:
        """Whether the plain model was certified, without noise."""
        return self.report.guarantee is Guarantee.EXACT

    @property
    def attacked(self) -> Rate | None:
        """The share of images for which the strongest attack on the certified classifier found no wrong answer."""
        return _least(attack for attack in self.attacks if attack.run.smoothing == self.report.run.smoothing)

    @property
    def plain_attacked(self) -> Rate | None:
        """The same for the plain model, if a smoothed one was certified."""
        return None if self.exact else _least(a for a in self.attacks if a.run.smoothing == str(NoSmoothing()))


@attrs.frozen
class Section:
    """A corruption and the reports about it."""

    corruption: str
    entries: tuple[Entry, ...]

    @property
    def slug(self) -> str:
        """The corruption as a name in the page's addresses; no other name there is equal."""
        return f"corruption-{self.corruption.replace(':', '-')}"

    @property
    def charted(self) -> list[Entry]:
        """The reports with a curve: those with labels, and with a radius above 0."""
        return [entry for entry in self.entries if entry.labelled and entry.report.run.radius]

    @property
    def mixed(self) -> bool:
        """Whether the reports are about different images."""
        return len({tuple(one.image_hash for one in entry.report.certificates) for entry in self.entries}) > 1


def outcome(certificate: Certificate) -> str:
    """The outcome for an image; without a label, no answer counts as wrong."""
    if certificate.predicted is None:
        return ABSTAINED
    if certificate.correct is False:
        return WRONG
    return CERTIFIED if certificate.certified else UNCERTIFIED


def arrange(reports: Mapping[str, Sequence[Report]], attacks: Iterable[AttackReport]) -> list[Section]:
    """The sections of a page, in the reports' order; ``reports`` are by the models' names.

    ``ValueError`` if there is no report, or an attack is about none of them.
    """
    attacks = list(attacks)
    named = [(model, report) for model, several in reports.items() for report in several]
    if not named:
        raise ValueError("there is no report to show; pass at least one")
    for attack in attacks:
        if not any(_about(attack, report) for _, report in named):
            others = ", ".join(str(len(report.certificates)) for _, report in named)
            counts = f"{counted(len(attack.images), 'image')} against {others}"
            raise ValueError(
                f"the attack on {attack.run.classifier} under {attack.run.corruption} fits no report ({counts}): its "
                "model, noise, region, code of the corruption, images or labels are others; attack what was certified, "
                "or leave it out"
            )
    sections = []
    for corruption in dict.fromkeys(report.run.corruption for _, report in named):
        here = [(model, report) for model, report in named if report.run.corruption == corruption]
        entries = tuple(
            Entry(marked(label, report.guarantee), model, report, style, tuple(a for a in attacks if _about(a, report)))
            for label, style, (model, report) in zip(_labels(here), map(Style.of, range(len(here))), here, strict=True)
        )
        sections.append(Section(corruption, entries))
    return sections


def _labels(named: Sequence[tuple[str, Report]]) -> list[str]:
    """Names that distinguish reports about one corruption: the model's; also the method's, if that is not enough."""
    labels = [model for model, _ in named]
    counts = Counter(labels)
    labels = [
        f"{label}, {report.run.theorem}" if counts[label] > 1 else label
        for label, (_, report) in zip(labels, named, strict=True)
    ]
    counts, seen = Counter(labels), Counter[str]()
    for place, label in enumerate(labels):
        if counts[label] > 1:
            seen[label] += 1
            labels[place] = f"{label} ({seen[label]})"
    return labels


def _about(attack: AttackReport, report: Report) -> bool:
    """Whether an attack is on a report's model, region and images, with its labels if it has any."""
    images = [(certificate.index, certificate.image_hash) for certificate in report.certificates]
    labels = [certificate.label for certificate in report.certificates]
    return (
        all(getattr(attack.run, name) == getattr(report.run, name) for name in SHARED)
        and [(one.index, one.image_hash) for one in attack.images] == images
        and all(label in (None, one.label) for label, one in zip(labels, attack.images, strict=True))
        and attack.run.smoothing in (report.run.smoothing, str(NoSmoothing()))
    )


def _least(attacks: Iterable[AttackReport]) -> Rate | None:
    return min((attack.bound for attack in attacks), key=lambda rate: rate.value, default=None)
