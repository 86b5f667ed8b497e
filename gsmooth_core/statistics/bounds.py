"""From counts to bounds: the only place where counts become probabilities."""

from __future__ import annotations

import itertools
import math

from scipy.special import betaincinv
from scipy.stats import binomtest

FIRST_LOOK = 100
"""Draws before the first look at the votes."""
FUTILITY = 1e-3
"""The probability, at each look, that drawing stops although more draws would have succeeded."""


def lower_bound(successes: int, trials: int, alpha: float) -> float:
    """The one-sided Clopper–Pearson lower bound: ``P(bound > p) ≤ alpha`` for ``successes ~ Binomial(trials, p)``.

    Clopper and Pearson (1934): the p at which ``successes`` or more occur with probability ``alpha``.

    >>> lower_bound(1000, 1000, 0.001) == 0.001 ** (1 / 1000)
    True
    >>> lower_bound(0, 10, 0.001)
    0.0
    """
    _check(successes, trials, alpha)
    if successes == 0:
        return 0.0
    if successes == trials:
        return float(alpha ** (1 / trials))
    bound = float(betaincinv(successes, trials - successes + 1, alpha))
    return 0.0 if math.isnan(bound) else bound  # scipy returns NaN below alpha = 1e-100


def upper_bound(successes: int, trials: int, alpha: float) -> float:
    """The one-sided Clopper–Pearson upper bound: ``P(bound < p) ≤ alpha``."""
    _check(successes, trials, alpha)
    return 1 - lower_bound(trials - successes, trials, alpha)


def interval(successes: int, trials: int, alpha: float) -> tuple[float, float]:
    """The two-sided Clopper–Pearson interval, which misses p with probability at most ``alpha``."""
    return lower_bound(successes, trials, alpha / 2), upper_bound(successes, trials, alpha / 2)


def is_majority(first: int, second: int, alpha: float) -> bool:
    """Whether ``first`` votes against ``second`` show, with error at most ``alpha``, which of two classes is likelier.

    The two-sided binomial test at one half on the two leading counts (Hung and Fithian 2019; PREDICT of Cohen et al.
    2019, Proposition 2).
    """
    _check(first, first + second, alpha)
    return bool(binomtest(first, first + second, 0.5).pvalue <= alpha)


def after_drawing(p: float, error: float) -> float:
    """What remains of the bound ``p`` on a class's probability if draws differ from their distribution.

    Let draws be within the total variation distance ``error`` of the distribution that a theorem is about, at the
    polled image and at the attacked one. Then the theorem may start from p − error, but its result must be above
    ½ + error, not ½. This holds if it certifies ``(p − error)(1 − 2 error)``. Proof: consider the classifier that
    answers another class at random with probability 2 error. The theorem is true of it too, so its probability
    q(1 − 2 error) at the attacked image exceeds ½; hence q > ½ + error.

    >>> after_drawing(0.9, 0.0), round(after_drawing(0.9, 1e-3), 6)
    (0.9, 0.897202)
    """
    return max(0.0, p - error) * (1 - 2 * error)


def looks(samples: int) -> tuple[int, ...]:
    """The numbers of draws after which the votes are looked at: 100, 200, 400, …, and finally ``samples``.

    A sequential bound takes the largest of :func:`lower_bound` over the looks so far, each at level ``alpha`` divided
    by the number of all looks. By the union bound they all hold at once with probability 1 − ``alpha``, so sampling may
    stop at any look for any reason. (Re-testing at the full ``alpha`` at each look would not be valid.)

    >>> looks(1_000), looks(100), looks(7)
    ((100, 200, 400, 800, 1000), (100,), (7,))
    """
    doubled = (FIRST_LOOK * 2**k for k in itertools.count())
    return (*itertools.takewhile(lambda count: count < samples, doubled), samples)


def is_settled(
    successes: int, trials: int, left: int, bound: float, alpha: float, thresholds: tuple[float, ...], refine: bool
) -> bool:
    """Whether more draws would hardly change on which side of each threshold the probability is known to lie.

    The probability lies above a threshold if ``bound``, its lower bound, does. It counts as below a threshold if an
    upper bound, wrong with probability at most ``FUTILITY``, does not exceed the threshold, or if ``left`` more
    successes could not lift the bound at level ``alpha`` above it: stopping then may lose a certificate, but cannot
    make a false one. With ``refine`` only a probability above all thresholds, or below all, is settled.
    """
    if not thresholds:
        return False
    best = min(upper_bound(successes, trials, FUTILITY), lower_bound(successes + left, trials + left, alpha))
    above, below = [bound > t for t in thresholds], [best <= t for t in thresholds]
    return all(above) or all(below) or (not refine and all(a or b for a, b in zip(above, below, strict=True)))


def anchor_share(anchor: int) -> float:
    """The share of α that the ``anchor``-th anchor (1, 2, …) of a cover may spend: ``6/(π² anchor²)``.

    The shares are fixed in advance and sum to 1, so by the union bound all anchors hold at once with confidence
    1 − α, for any number of anchors at any places.

    >>> 0.999 < sum(anchor_share(j) for j in range(1, 1000)) < 1
    True
    """
    return 0.6079271018540267 / anchor**2


def _check(successes: int, trials: int, alpha: float) -> None:
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials} trials is not a count; give 0 ≤ successes ≤ trials ≥ 1")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie strictly between 0 and 1, not {alpha}; 0.001 is usual")
