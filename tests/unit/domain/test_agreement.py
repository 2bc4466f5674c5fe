"""Agreement has the published values; precision and recall count what they say."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.agreement import agreement, answer_figures, cohen_kappa, gwet_ac1, gwet_ac1_of
from qa_audit.domain.statistics import Rate, wilson

PAIRS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=40)


def table(*rows: tuple[int, ...]) -> list[tuple[str, str]]:
    """Turn a square table of counts into pairs."""
    return [
        (str(one), str(other))
        for one, row in enumerate(rows)
        for other, count in enumerate(row)
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("rows", "kappa"),
    [
        (((20, 5), (10, 15)), 0.400),
        (((45, 15), (25, 15)), 0.130435),
        (((25, 35), (5, 35)), 0.259259),
        (((118, 5), (2, 0)), -0.023392),
        (((44, 5, 1), (7, 20, 3), (9, 5, 6)), 0.491525),
    ],
)
def test_kappa_has_the_published_value(rows: tuple[tuple[int, ...], ...], kappa: float) -> None:
    assert cohen_kappa(table(*rows)) == pytest.approx(kappa, abs=1e-6)


def test_ac1_does_not_fall_for_the_paradox_of_kappa() -> None:
    found = agreement(table((118, 5), (2, 0)))
    assert found.ac1 == pytest.approx(0.940776, abs=1e-6)
    assert found.observed == Rate(118, 125)
    assert found.kappa is not None
    assert found.kappa < 0


# K. Krippendorff's worked data of four raters and twelve units, "." for no rating.
FOUR = ["123321412...", "1233224125..", ".33323422513", "12332441251."]


def test_ac1_of_several_raters_has_the_published_value() -> None:
    units = [Counter(rater[unit] for rater in FOUR if rater[unit] != ".") for unit in range(12)]
    assert gwet_ac1_of(units) == pytest.approx(0.775444, abs=1e-6)


@pytest.mark.parametrize(
    ("count", "base", "low", "high"),
    [(81, 263, 0.255289, 0.366210), (15, 148, 0.062386, 0.160487), (0, 20, 0.0, 0.161125)],
)
def test_the_intervals_are_wilsons(count: int, base: int, low: float, high: float) -> None:
    assert wilson(count, base) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize("pairs", [[], [("yes", "yes")] * 5])
def test_without_variation_agreement_is_not_corrected(pairs: list[tuple[str, str]]) -> None:
    assert cohen_kappa(pairs) is None
    assert gwet_ac1(pairs) is None


@given(PAIRS)
def test_agreement_is_symmetric_and_at_most_one(pairs: list[tuple[str, str]]) -> None:
    turned = [(other, one) for one, other in pairs]
    for figure in (cohen_kappa, gwet_ac1):
        value = figure(pairs)
        assert value == pytest.approx(figure(turned))
        assert value is None or value <= 1 + 1e-9
    if pairs and all(one == other for one, other in pairs) and len(set(pairs)) > 1:
        assert cohen_kappa(pairs) == gwet_ac1(pairs) == 1


def test_precision_and_recall_count_one_answer() -> None:
    pairs = [("no", "no"), ("no", "yes"), ("yes", "no"), ("no", "no"), ("yes", "yes"), ("na", "yes")]
    found = answer_figures(pairs, "no")
    assert (found.precision, found.recall) == (Rate(2, 3), Rate(2, 3))
    found = answer_figures(pairs, "yes")
    assert (found.precision, found.recall) == (Rate(1, 3), Rate(1, 2))
    assert answer_figures(pairs, "na").precision == Rate(0, 0)
