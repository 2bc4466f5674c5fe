"""Rates, means and changes: known values, and what must hold for every figure."""

from __future__ import annotations

import math
import random
from itertools import combinations
from statistics import fmean, pvariance, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.statistics import (
    LEAST,
    LEAST_PER_SIDE,
    Rate,
    Sample,
    fisher,
    is_more_often,
    noise,
    sample_of,
    shift,
    wilson,
)


@st.composite
def rates(draw: st.DrawFn) -> Rate:
    base = draw(st.integers(1, 5000))
    return Rate(draw(st.integers(0, base)), base)


scores = st.lists(st.floats(0, 100).map(lambda value: round(value, 1)), min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("count", "base", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_range_of_a_rate_is_as_published(count: int, base: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    assert wilson(count, base) == pytest.approx((low, high), abs=0.00006)


@given(rates())
def test_a_rate_lies_within_its_range_which_lies_within_what_is_possible(rate: Rate) -> None:
    low, high = rate.range
    assert rate.share is not None
    assert 0 <= low <= rate.share <= high <= 1
    assert high > low


@given(rates())
def test_ranges_mirror_each_other(rate: Rate) -> None:
    low, high = rate.range
    assert wilson(rate.base - rate.count, rate.base) == pytest.approx((1 - high, 1 - low))


@given(rates())
def test_ten_times_as_many_give_a_narrower_range(rate: Rate) -> None:
    low, high = rate.range
    lower, higher = wilson(rate.count * 10, rate.base * 10)
    assert higher - lower < high - low


def test_a_rate_counts_some_of_its_base() -> None:
    for count, base in ((3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="some of its base"):
            wilson(count, base)


def test_too_few_are_said_with_the_reason() -> None:
    assert Rate(1, 4).too_few == "4 of the 10 needed"
    assert Rate(0, LEAST).too_few is None
    assert Rate(5, 10).too_few == "10, so it may be anything from 24 to 76 %"
    assert Rate(15, 30).too_few is None
    assert Rate(0, 0).too_few == "0 of the 10 needed"
    assert Rate(0, 0).share is None
    assert Sample(9).too_few == "9 of the 10 needed"
    assert Sample(10).too_few is None


@given(scores)
def test_three_sums_are_enough_for_mean_and_deviation(values: list[float]) -> None:
    found = sample_of(values)
    assert found.mean == pytest.approx(fmean(values))
    expected = stdev(values) if len(values) > 1 else 0.0
    assert found.deviation == pytest.approx(expected, abs=1e-4)
    low, high = found.range(0, 100)
    assert 0 <= low <= fmean(values) + 1e-9
    assert fmean(values) - 1e-9 <= high <= 100


@given(scores, scores)
def test_sums_add_up(first: list[float], second: list[float]) -> None:
    together = sample_of(first) + sample_of(second)
    whole = sample_of(first + second)
    assert (together.n, together.total, together.squares) == pytest.approx(
        (whole.n, whole.total, whole.squares)
    )


def test_a_mean_without_values_is_none() -> None:
    assert Sample().mean is None
    assert Sample().range(1, 5) == (1, 5)


def every_deal(values: list[float], taken: int) -> list[float]:
    """Return the difference of means for each way to deal values out to the two times."""
    found = []
    for chosen in combinations(range(len(values)), taken):
        recent = [values[at] for at in chosen]
        before = [value for at, value in enumerate(values) if at not in chosen]
        found.append(fmean(recent) - fmean(before))
    return found


DEALT = [100.0, 100.0, 92.3, 88.0, 73.8, 100.0, 31.0, 95.5, 100.0, 64.0]


@pytest.mark.parametrize("taken", [2, 4, 5, 7])
def test_spread_and_lean_of_a_change_are_those_of_dealing_out_at_random(taken: int) -> None:
    differences = every_deal(DEALT, taken)
    spread = stdev(DEALT) * math.sqrt(1 / taken + 1 / (len(DEALT) - taken))
    assert pvariance(differences) == pytest.approx(spread**2)
    lean = fmean((difference / spread) ** 3 for difference in differences)
    low, high = noise(sample_of(DEALT[taken:]), sample_of(DEALT[:taken]))
    assert (low, high) == pytest.approx((min(-3, -3 + 8 / 6 * lean), max(3, 3 + 8 / 6 * lean)))


def test_the_line_is_moved_out_where_few_low_scores_can_fall_together() -> None:
    before = sample_of([100.0] * 180 + [40.0] * 12)
    recent = sample_of([100.0] * 20)
    low, high = noise(before, recent)
    assert low < -3.5
    assert high == 3
    assert noise(sample_of([95.0, 97.0] * 50), sample_of([95.0, 97.0] * 15)) == pytest.approx((-3, 3))


@given(st.integers(20, 60), st.integers(20, 60), st.floats(-30, 30))
def test_a_change_has_the_sign_of_its_difference(before: int, recent: int, step: float) -> None:
    old = sample_of(60 + (n % 5) for n in range(before))
    new = sample_of(60 + step + (n % 5) for n in range(recent))
    found = shift(old, new)
    if found.direction == "falls":
        assert found.sigmas <= -3
        assert step < 0.5
    elif found.direction == "rises":
        assert found.sigmas >= 3
        assert step > -0.5
    else:
        low, high = noise(old, new)
        assert found.direction == "steady"
        assert low < found.sigmas < high


def test_a_change_is_judged_only_with_enough_on_both_sides() -> None:
    many, few = sample_of([90.0] * 100), sample_of([10.0] * (LEAST_PER_SIDE - 1))
    assert shift(many, few).direction == "unknown"
    assert shift(many, few).reason == "19 recently of the 20 needed"
    assert shift(few, many).reason == "19 before of the 20 needed"
    assert shift(many, few + sample_of([10.0])).direction == "falls"
    assert shift(few + sample_of([10.0]), many).direction == "rises"
    assert shift(many, many).direction == "steady"


@pytest.mark.parametrize("perfect", [0.6, 0.9, 0.97])
def test_chance_alone_is_hardly_ever_called_a_change(perfect: float) -> None:
    """Scores that pile up at 100, as real ones do, and twenty recent ones: the hardest case for the test."""
    dice = random.Random(7)
    called = 0
    for _ in range(2000):
        drawn = [100.0 if dice.random() < perfect else dice.uniform(30, 90) for _ in range(240)]
        called += shift(sample_of(drawn[20:]), sample_of(drawn[:20])).direction != "steady"
    assert called / 2000 < 1 / 300


def test_the_lady_who_tasted_tea() -> None:
    """R. A. Fisher, The Design of Experiments (1935): all four cups right is 1 in 70, three or more 17."""
    assert fisher(Rate(4, 4), Rate(0, 4)) == pytest.approx(1 / 70)
    assert fisher(Rate(3, 4), Rate(1, 4)) == pytest.approx(17 / 70)


@given(rates(), rates())
def test_being_more_frequent_is_never_mutual_and_never_without_a_higher_rate(a: Rate, b: Rate) -> None:
    assert 0 <= fisher(a, b) <= 1
    if is_more_often(a, b):
        assert not is_more_often(b, a)
        assert (a.share or 0) > (b.share or 0)


def test_more_often_needs_enough_of_both() -> None:
    assert is_more_often(Rate(15, 300), Rate(1, 600))
    assert not is_more_often(Rate(2, 4), Rate(0, 8))
    assert not is_more_often(Rate(2, 300), Rate(2, 600))
