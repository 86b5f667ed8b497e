"""Sequential stopping: how often it accepts what it should not, counted, and the rule that it replaces."""

import numpy as np
import pytest
from scipy.stats import binomtest

from gsmooth_core import Answer, Budget
from gsmooth_core.certifier import AskBound
from gsmooth_core.engine.tally import Tally
from gsmooth_core.statistics.bounds import FUTILITY, is_settled, looks, lower_bound, upper_bound
from gsmooth_core.testing import binomial_answer

LIMIT = 100_000


def fewest(look, level, threshold):
    """The fewest successes in ``look`` draws whose bound at that level exceeds the threshold."""
    low, high = -1, look + 1  # at low it does not, at high it would
    while high - low > 1:
        middle = (low + high) // 2
        if lower_bound(middle, look, level) > threshold:
            high = middle
        else:
            low = middle
    return high


def accepted(p, threshold, level, runs=100_000, seed=0):
    """In how many simulated runs the bound at that level exceeds the threshold at any look."""
    draws, successes, drawn = np.random.default_rng(seed), np.zeros(runs, dtype=np.int64), 0
    ever = np.zeros(runs, dtype=bool)
    for look in looks(LIMIT):
        successes += draws.binomial(look - drawn, p, size=runs)
        drawn = look
        ever |= successes >= fewest(look, level, threshold)
    return int(ever.sum())


def keeps_its_word(wrong, alpha, runs=100_000):
    return binomtest(wrong, runs, alpha, alternative="greater").pvalue >= 0.01


@pytest.mark.parametrize("threshold", [0.5, 0.84, 0.99])
@pytest.mark.parametrize("alpha", [0.01, 0.001])
def test_100_000_runs_at_the_boundary_accept_falsely_as_rarely_as_they_say(alpha, threshold):
    wrong = accepted(threshold, threshold, alpha / len(looks(LIMIT)))
    print(f"alpha {alpha}, threshold {threshold}: {wrong} of 100,000 accepted, at most {alpha * 100_000:.0f} allowed")
    assert keeps_its_word(wrong, alpha)
    assert wrong > 0  # and it is not vacuous


@pytest.mark.parametrize("alpha", [0.01, 0.001])
def test_looking_again_and_again_at_the_full_alpha_is_caught(alpha):
    wrong = accepted(0.84, 0.84, alpha)
    print(f"the old rule, alpha {alpha}: {wrong} of 100,000 accepted, {wrong / (alpha * 100_000):.1f} times as many")
    assert not keeps_its_word(wrong, alpha)


def answer_of(p, ask, budget, seed):
    """What a tally answers to binomial votes, after how many draws."""
    return binomial_answer(ask, p, budget, np.random.default_rng(seed))


@pytest.mark.parametrize("refine", [False, True])
def test_2_000_tallies_answer_bounds_above_the_truth_as_rarely_as_they_say(refine):
    """The engine's own stopping, with a threshold that the truth just misses and so stops at lucky looks."""
    budget, p, alpha = Budget(samples=10_000), 0.9, 0.05
    ask = AskBound(None, class_=0, alpha=alpha, thresholds=(0.5, p), refine=refine)
    wrong = sum(answer_of(p, ask, budget, seed).lower > p for seed in range(2_000))
    print(f"{wrong} of 2,000 bounds above the truth at alpha {alpha}")
    assert binomtest(wrong, 2_000, alpha, alternative="greater").pvalue >= 0.01


def test_easy_questions_take_few_draws_and_close_ones_many():
    budget = Budget(samples=LIMIT)
    ask = AskBound(None, class_=0, alpha=0.001, thresholds=(0.84,))
    mean = {
        p: np.mean([answer_of(p, ask, budget, seed).samples for seed in range(100)])
        for p in (0.5, 0.8, 0.87, 0.94, 0.99)
    }
    print(mean)
    assert mean[0.99] < 150
    assert mean[0.94] < 400
    assert mean[0.87] < 6_000
    assert mean[0.8] < 2_500
    assert mean[0.5] == 100


def test_looks_double_and_end_with_the_budget():
    assert Budget(samples=1_000).looks == (100, 200, 400, 800, 1_000)
    assert Budget(samples=800).looks == (100, 200, 400, 800)
    assert Budget(samples=1_000, stopping="fixed").looks == (1_000,)
    assert Budget(samples=30).looks == (30,)


def test_a_fixed_number_of_draws_spends_alpha_once():
    tally = Tally(AskBound(None, class_=1, alpha=0.01, thresholds=(0.5,)), Budget(samples=500, stopping="fixed").looks)
    assert tally.wanted == 500
    assert tally.add(np.array([20, 480]), 500) == Answer(1, 480, 500, lower_bound(480, 500, 0.01))


def test_a_threshold_out_of_reach_is_given_up_at_once():
    """Not even 900 more successes lift the bound to 0.9999."""
    assert is_settled(100, 100, 900, 0.9, 0.001, (0.9999,), refine=False)
    assert not is_settled(100, 100, 99_900, 0.9, 0.001, (0.9999,), refine=False)


def test_refining_goes_on_between_the_thresholds():
    lower, upper = lower_bound(800, 1_000, 0.001), upper_bound(800, 1_000, FUTILITY)
    assert 0.7 < lower < upper < 0.9
    assert is_settled(800, 1_000, 9_000, lower, 0.001, (0.7, 0.9), refine=False)
    assert not is_settled(800, 1_000, 9_000, lower, 0.001, (0.7, 0.9), refine=True)
    assert is_settled(800, 1_000, 9_000, lower, 0.001, (0.6, 0.7), refine=True)
    assert is_settled(800, 1_000, 9_000, lower, 0.001, (0.9, 0.95), refine=True)
    assert not is_settled(800, 1_000, 9_000, lower, 0.001, (0.8,), refine=False)
    assert not is_settled(800, 1_000, 9_000, lower, 0.001, (), refine=False)


def test_giving_up_is_rarely_a_mistake():
    """At the threshold itself, draws are given up at one of 11 looks with at most 11 times FUTILITY."""
    draws, runs = np.random.default_rng(3), 20_000
    given_up = 0
    for look in (100, 800, 6_400):
        counts = np.arange(look + 1)
        below = np.array([upper_bound(int(count), look, FUTILITY) < 0.84 for count in counts])
        given_up += int(below[draws.binomial(look, 0.84, size=runs)].sum())
    assert binomtest(given_up, 3 * runs, FUTILITY, alternative="greater").pvalue >= 0.01


def test_an_unknown_way_of_stopping_is_refused():
    with pytest.raises(ValueError, match="'sequential' or 'fixed'"):
        Budget(stopping="early")
