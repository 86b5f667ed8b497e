"""What the summary of a report says: its rows, its notes, and what to do next."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from decimal import ROUND_FLOOR
from typing import TYPE_CHECKING

from gsmooth_core.common.guarantee import Guarantee
from gsmooth_core.results.guessing import guessing
from gsmooth_core.results.wording import counted, error_probability_words, seconds_words, shortened

if TYPE_CHECKING:
    from gsmooth_core.results.report import Report

NAMED = 20
"""Classes that a note names."""


def rows_of(report: Report) -> list[tuple[str, str]]:
    """Pairs of what was measured and its value, the certified accuracy first."""
    run, certificates, rows = report.run, report.certificates, []
    exact = report.guarantee is Guarantee.EXACT  # deterministic: nothing is drawn, nothing abstains
    if all(c.label is not None for c in certificates):
        rows.append(("certified accuracy", str(report.certified_accuracy())))
        if not exact:
            rows.append(("smoothed accuracy, no corruption", str(report.accuracy)))
        rows.append(("plain model's accuracy, no corruption", str(report.base_accuracy)))
    rows.append(("certified, right or wrong", str(report.certified)))
    if exact:
        rows.append(("guarantee", report.guarantee.value))
        rows.append(_spread(f"{run.tries} tried per image", [c.tried for c in certificates]))
    else:
        rows.append(("abstained", str(report.abstained)))
        words = error_probability_words(report.guarantee, run.budget.alpha)
        rows.append(("guarantee", f"{report.guarantee.value}, {words}"))
        rows.append(_spread(f"{run.tries} per image", [c.tried for c in certificates]))
        rows.append(_spread("draws per image", [c.samples for c in certificates]))
    rows.append(("seconds per image", seconds_words(report.seconds / len(certificates))))
    wall = "not known" if report.wall_seconds is None else seconds_words(report.wall_seconds)
    rows.append(("seconds in all: certificates; calls", f"{seconds_words(report.seconds)}; {wall}"))
    if run.maximize and run.radius:  # not for a region that has only the radius 0, as one on one side
        radii = [c.radius or 0.0 for c in certificates if c.radius is not None or c.region is None]
        if radii:
            middle, most = (shortened(value, 3, ROUND_FLOOR) for value in (statistics.median(radii), max(radii)))
            several = len(radii) > 1
            rows.append(("certified radius" + " (median, most)" * several, f"{middle}, {most}" if several else most))
    return rows


def notes_of(report: Report) -> list[str]:
    """What a reader must know: which images and classes these are, how they were certified, and what to do next."""
    notes = [f"Images: {report.images}."]
    if report.class_names:
        notes.append(f"Classes: {classes_words(report.class_names, occurring(report))}.")
    notes.append(f"{report.run.certifier}, {report.run.smoothing}, of {report.run.model}.")
    advice = failure_advice(report) or shortfall_advice(report) or flat_advice(report)
    return notes + [words for words in (guessing_words(report), advice) if words]


def guessing_words(report: Report) -> str | None:
    """The sentence about a plain model that seems to guess, if it does."""
    labels = [c.label for c in report.certificates if c.label is not None]
    complete = len(labels) == len(report.certificates)
    answers = [c.base_predicted for c in report.certificates]
    return guessing(answers, labels if complete else None, report.run.classes)


def occurring(report: Report) -> list[int]:
    """The classes that are the label or an answer of some image, in order."""
    seen = {number for c in report.certificates for number in (c.label, c.predicted, c.base_predicted)}
    return sorted(number for number in seen if number is not None and number < len(report.class_names))


def classes_words(names: Sequence[str], wanted: Sequence[int]) -> str:
    """The names of classes with their numbers: all if they are few, otherwise the first of those that are wanted.

    >>> classes_words(("cat", "dog"), ())
    '0 cat, 1 dog'
    """
    shown = range(len(names)) if len(names) <= NAMED else wanted[:NAMED]
    more = f" and {len(names) - len(shown):,} more" * (len(names) > len(shown))
    return ", ".join(f"{number} {names[number]}" for number in shown) + more


def flat_advice(report: Report) -> str | None:
    """What to do for a curve over radii; ``None`` if there is one, or all images reach the radius asked for."""
    if not report.flat:
        return None
    return (
        "Each image was decided for the whole region alone. For the largest radius of each image, and a curve over "
        "radii, certify with maximize=True (on the command line: --maximize)."
    )


def shortfall_advice(report: Report) -> str | None:
    """What to do if the answer survives the noise on most images, and few of these are certified on the region."""
    kept = [c for c in report.certificates if c.predicted == c.base_predicted]
    short = [c for c in kept if not c.certified]
    if report.guarantee is Guarantee.EXACT or len(short) <= len(kept) / 2:
        return None
    how = "" if report.run.maximize else " (maximize=True, or --maximize, finds the largest)"
    return (
        f"{len(short):,} of {counted(len(kept), 'image')} whose answer survives the noise could not be certified on "
        "the whole region; the claim of each says where the votes fell short. Next step: a smaller radius"
        f"{how}, more samples, or training under the noise with gsmooth_core.fit_classifier."
    )


def failure_advice(report: Report) -> str | None:
    """What to do if the model fails under the noise; ``None`` if it does not."""
    total = len(report.certificates)
    agree = sum(c.predicted == c.base_predicted for c in report.certificates)
    if agree >= total / 2:
        return None
    fails = (
        f"The model fails under the noise of this smoothing: on {total - agree:,} of "
        f"{counted(total, 'unchanged image')} the smoothed classifier abstains or disagrees with it. Next step: "
    )
    if not report.training:
        return (
            f"{fails}pass a smoothing with less noise, or certify behind a surrogate that removes it, which "
            f"gsmooth_core.fit_surrogate({report.run.corruption!r}, images, aim='restore') trains. Only a torch module "
            "can be trained under the noise itself."
        )
    few = any(c.predicted is None for c in report.certificates)
    call, *command = report.training
    shell = "".join(f", or on the command line {words}," for words in command)
    return (
        f"{fails}train it under that noise with gsmooth_core.{call}{shell}{',' * (not shell)} or pass a smoothing with "
        "less noise." + " Where it abstains, more samples may also decide." * few
    )


def _spread(name: str, values: Sequence[int]) -> tuple[str, str]:
    """The middle and the largest of some counts; of one, the count itself."""
    if len(values) == 1:
        return name, f"{values[0]:,}"
    return f"{name} (median, most)", f"{statistics.median(values):,.12g}, {max(values):,}"
