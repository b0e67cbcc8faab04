"""Estimates: whether intervals hold what they promise, and what they say of few."""

import numpy as np
import pytest

from animegan_tf.errors import InputError
from animegan_tf.evaluation import intervals, metrics


def rng(seed=0):
    return np.random.default_rng(seed)


def two_sets(seed, count=40, dimensions=8):
    draw = rng(seed)
    a = draw.standard_t(6, (count, dimensions))
    return a, draw.normal(0.4, 1.3, (count, dimensions))


def calibration(estimate, draws=120):
    """Half width of intervals in deviations of the values, and share that holds."""
    found = [estimate(seed) for seed in range(draws)]
    values = np.array([x.value for x in found])
    widths = np.array([x.high - x.low for x in found]) / 2
    inside = [x.low <= values.mean() <= x.high for x in found]
    return widths.mean() / values.std(), np.mean(inside)


def test_intervals_of_means_hold_the_mean():
    reach, held = calibration(
        lambda seed: intervals.mean(rng(seed).exponential(size=40), rng(seed), 300)
    )
    assert reach == pytest.approx(1.96, rel=0.15)
    assert 0.88 <= held <= 0.99


def test_a_median_has_an_interval_of_medians():
    values = np.array([1.0, 2, 3, 4, 100])
    found = intervals.mean(values, rng(0), 300, np.median)
    assert found.value == 3 and found.low >= 1 and found.high in values


@pytest.mark.parametrize("figure", ["frechet", "kernel", "precision", "recall"])
def test_intervals_of_sets_hold_what_is_expected_of_sets_of_that_size(figure):
    def estimate(seed):
        a, b = two_sets(seed, count=100)
        if figure == "frechet":
            return intervals.frechet(a, b, rng(seed), halves=20)
        if figure == "kernel":
            return intervals.kernel(a, b, rng(seed), 1, 100, halves=20)
        both = intervals.precision_recall(a, b, rng(seed), halves=20)
        return both[("precision", "recall").index(figure)]

    reach, held = calibration(estimate)
    assert 1.96 * 0.7 < reach < 1.96 * 1.5
    assert held >= 0.85


def test_resampling_with_repetition_would_lift_the_frechet_distance():
    a, b = two_sets(1)
    draw, repeated = rng(), []
    for _ in range(100):
        drawn = (x[draw.integers(0, len(x), len(x))] for x in (a, b))
        repeated.append(metrics.frechet_distance(*drawn))
    assert np.mean(repeated) > metrics.frechet_distance(a, b) + 0.4 * np.std(repeated)


def test_intervals_of_inception_scores_hold_what_is_expected():
    def estimate(seed):
        p = rng(seed).dirichlet(np.full(6, 0.3), 60)
        return intervals.inception_score(p, rng(seed), splits=2, halves=20)

    reach, held = calibration(estimate)
    assert 1.96 * 0.7 < reach < 1.96 * 1.6
    assert held >= 0.85


def test_shares_have_wilsons_interval():
    # As statsmodels' proportion_confint(4, 10, method="wilson") has it.
    four = intervals.share([True] * 4 + [False] * 6)
    assert four[:4] == pytest.approx((0.4, 0.168180, 0.687326, 10), abs=1e-5)
    none, every = intervals.share([False] * 8), intervals.share([True] * 8)
    assert none.low == 0 and none.high == pytest.approx(0.324409, abs=1e-5)
    assert every.high == 1 and every.low == pytest.approx(1 - 0.324409, abs=1e-5)


def test_values_are_those_of_the_metrics():
    a, b = two_sets(3)
    p = rng().dirichlet(np.ones(5), 40)
    found = intervals.kernel(a, b, rng(), 7, 20)
    expected = metrics.kernel_distance(a, b, rng(), 7, 20)
    assert (found.value, found.deviation) == expected[:2]
    assert intervals.frechet(a, b, rng()).value == metrics.frechet_distance(a, b)
    score = intervals.inception_score(p, rng(), 4)
    assert (score.value, score.deviation) == metrics.inception_score(p, rng(), 4)[:2]
    both = intervals.precision_recall(a, b[:30], rng())
    assert tuple(x.value for x in both) == metrics.precision_recall(a, b[:30])
    assert {x.count for x in both} == {30}
    assert np.isnan(intervals.frechet(a, b, rng()).deviation)


def test_the_order_of_pictures_changes_no_interval():
    a, b = two_sets(4)
    mixed = rng(5).permutation(len(a))

    def estimates(a, b):
        return [
            *intervals.mean(a[:, 0], rng()),
            *intervals.frechet(a, b, rng()),
            *intervals.kernel(a, b, rng(), 3, 20),
            *(x for y in intervals.precision_recall(a, b, rng()) for x in y),
        ]

    again = estimates(a[mixed], b[mixed[::-1]])
    assert estimates(a, b) == pytest.approx(again, rel=1e-9, nan_ok=True)


def test_infinite_values_keep_the_interval_a_number_where_it_is_one():
    found = intervals.mean([30.0] * 200 + [np.inf], rng())
    assert found.value == np.inf and found.low == 30 and found.high == np.inf
    assert intervals.mean([np.inf, np.inf], rng())[:3] == (np.inf,) * 3


def test_sets_too_small_for_halves_have_no_interval():
    a, b = two_sets(0, count=7)
    for found in (
        *intervals.precision_recall(a, b, rng()),
        intervals.inception_score(rng().dirichlet(np.ones(5), 7), rng(), splits=4),
        intervals.frechet(a[:3], b, rng()),
    ):
        assert np.isfinite(found.value)
        assert np.isnan(found.low) and np.isnan(found.high)


def test_warnings_end_where_samples_suffice():
    assert "2,047 pictures is too high" in intervals.frechet_warning(2047)
    assert intervals.frechet_warning(2048) is None
    assert "54 pictures is too low" in intervals.inception_score_warning(54)
    assert intervals.inception_score_warning(5000) is None
    assert "8 pictures" in intervals.interval_warning(8)
    assert intervals.interval_warning(20) is None


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: intervals.mean([], rng()), "received 0 numbers"),
        (lambda: intervals.mean([1, np.nan], rng()), "2 numbers, 1 of them NaN"),
        (lambda: intervals.share([]), "received none"),
    ],
)
def test_what_has_no_estimate_is_refused(call, said):
    with pytest.raises(InputError, match=said):
        call()
