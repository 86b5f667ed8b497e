import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gsmooth_core.statistics.bounds import anchor_share, interval, is_majority, lower_bound, upper_bound

COUNTS = st.integers(1, 3_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.floats(1e-6, 0.3))
def test_bounds_equal_scipys_exact_test(counts, alpha):
    successes, trials = counts
    oracle = binomtest(successes, trials, alternative="greater").proportion_ci(1 - alpha, "exact")
    assert lower_bound(successes, trials, alpha) == pytest.approx(oracle.low, abs=1e-9)
    oracle = binomtest(successes, trials, alternative="less").proportion_ci(1 - alpha, "exact")
    assert upper_bound(successes, trials, alpha) == pytest.approx(oracle.high, abs=1e-9)
    oracle = binomtest(successes, trials).proportion_ci(1 - alpha, "exact")
    assert interval(successes, trials, alpha) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


@pytest.mark.parametrize("p", [0.5, 0.7, 0.93, 0.99])
def test_lower_bound_covers(p, bound=lower_bound):
    """Over every possible count, weighted by its probability: the bound exceeds p with probability at most alpha."""
    from scipy.stats import binom

    trials, alpha = 1_000, 0.001
    counts = np.arange(trials + 1)
    exceeds = np.array([bound(int(count), trials, alpha) > p for count in counts])
    assert binom.pmf(counts, trials, p)[exceeds].sum() <= alpha


def test_a_plain_frequency_would_not_cover():
    with pytest.raises(AssertionError):
        test_lower_bound_covers(0.7, bound=lambda successes, trials, alpha: successes / trials)


def test_majority_needs_a_clear_lead():
    assert is_majority(90, 10, 0.001)
    assert not is_majority(51, 49, 0.001)
    assert not is_majority(50, 50, 0.5)


def test_shares_of_alpha_sum_to_at_most_one():
    shares = [anchor_share(anchor) for anchor in range(1, 100_001)]
    assert 0.9999 < sum(shares) < 1


def test_absurdly_small_alpha_proves_nothing():
    assert lower_bound(3, 5, 1e-150) == 0.0


@pytest.mark.parametrize("counts", [(-1, 10), (11, 10), (0, 0)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="is not a count"):
        lower_bound(*counts, 0.001)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, float("nan")])
def test_impossible_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must lie strictly between"):
        lower_bound(1, 2, alpha)
