"""Whether the plain model answers as if it guessed, which usually means that it expects other images or labels."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binom

ENOUGH = 16
"""The same answer for that many images without labels is worth a word."""

DOUBT = 0.01
"""The largest probability of a word about a model that is right on half of what guessing leaves wrong."""

LUCK = 0.05
"""A model that does better than guessing does with this probability is not taken to guess."""

USUAL = (
    "Usual reasons: its weights were not loaded; it expects images in another scale than [0, 1], such as 0 to 255 or "
    "normalised by a mean and a standard deviation (pass gsmooth_core.normalized(model, mean, std), or --mean and "
    "--std), or its classes are in another order than the labels."
)


def guessing(answers: Sequence[int], labels: Sequence[int] | None, classes: int) -> str | None:
    """A sentence about a model that seems to guess, by its answers for unchanged images; ``None`` if it does not.

    With labels, the number of right answers must be low for a model that is right on half of the images that guessing
    gets wrong (probability at most ``DOUBT``), and either no surprise for one that guesses (at least ``LUCK``), or all
    answers must be one class. Without labels only the latter can be seen, for at least ``ENOUGH`` images.

    >>> guessing([3, 1, 4, 1, 5, 9, 2, 6], [0] * 8, classes=10)[:69]
    'The plain model is right on 0 of 8 unchanged images, as if it guessed'
    >>> guessing([0, 1, 0, 1, 0, 1, 0, 1], [0, 1] * 4, classes=2) is None
    True
    """
    total, constant = len(answers), len(set(answers)) == 1
    if labels is None:
        if not constant or total < ENOUGH:
            return None
        return f"The plain model answers class {answers[0]} on all of {total} unchanged images. {USUAL}"
    right = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    if binom.cdf(right, total, (1 + 1 / classes) / 2) > DOUBT:
        return None
    if not constant and binom.sf(right - 1, total, 1 / classes) < LUCK:
        return None
    always = f"; it answers class {answers[0]} on all of them" * constant
    return f"The plain model is right on {right} of {total} unchanged images, as if it guessed{always}. {USUAL}"
