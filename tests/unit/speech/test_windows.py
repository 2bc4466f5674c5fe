"""How stretches of speech become windows, and how words are put back into them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from qa_audit.speech.windows import Window, fit, merged, windows_of


def test_short_pauses_are_bridged_and_long_ones_are_not() -> None:
    found = windows_of([(0.0, 1.0), (1.5, 2.0), (4.0, 5.0)])
    assert found == [Window(0.0, 2.0, ((0.0, 1.0), (1.5, 2.0))), Window(4.0, 5.0, ((4.0, 5.0),))]


def test_a_long_group_is_cut_at_its_longest_pause() -> None:
    found = windows_of([(0.0, 10.0), (10.3, 19.0), (19.7, 30.0), (30.2, 40.0)])
    assert [(w.start, w.end) for w in found] == [(0.0, 19.0), (19.7, 40.0)]


def test_unbroken_speech_is_cut_where_it_is_quietest() -> None:
    asked = []

    def quietest(low: float, high: float) -> float:
        asked.append((low, high))
        return low + 1

    found = windows_of([(0.0, 40.0)], quietest=quietest)
    assert asked
    assert all(w.seconds <= 28.0 for w in found)
    assert found[0].end == found[1].start == asked[0][0] + 1


def test_overlapping_empty_and_unsorted_spans_are_cleaned() -> None:
    assert merged([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (4.0, 4.0)]) == [(0.0, 3.0), (5.0, 6.0)]


spans = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0.05, 70)).map(lambda p: (p[0], p[0] + p[1])), max_size=25
)


@given(spans)
def test_windows_hold_all_speech_once_and_are_never_too_long(given_spans: list[tuple[float, float]]) -> None:
    found = windows_of(given_spans)
    assert all(w.seconds <= 28.0 + 1e-6 for w in found)
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(found))
    speech = sum(b - a for w in found for a, b in w.spans)
    assert abs(speech - sum(b - a for a, b in merged(given_spans))) < 1e-6


def test_a_word_that_lasts_through_a_pause_ends_with_the_speech() -> None:
    assert fit(0.8, 2.9, [(0.0, 1.5), (2.8, 4.0)]) == (0.8, 1.5)


def test_a_word_in_a_pause_moves_to_the_nearest_speech() -> None:
    start, end = fit(1.6, 1.7, [(0.0, 1.5), (2.8, 4.0)])
    assert 0.0 <= start < end <= 1.5


@given(st.floats(0, 60), st.floats(0, 5), spans.filter(bool))
def test_words_never_leave_the_speech(
    start: float, length: float, given_spans: list[tuple[float, float]]
) -> None:
    clean = merged(given_spans)
    a, b = fit(start, start + length, clean)
    assert a <= b
    assert any(low <= a and b <= high + 1e-9 for low, high in clean)
