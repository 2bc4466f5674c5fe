"""How stretches of speech become windows, and how words are put back into them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.speech.protocol import SAMPLE_RATE
from qa_audit.speech.windows import LONGEST, Packing, Window, fit, merged, windows_of

APART = Packing(joins_far_speech=False, kept_pause=0.8)


def bounds(windows: list[Window]) -> list[list[tuple[float, float]]]:
    return [[(p.first / SAMPLE_RATE, p.last / SAMPLE_RATE) for p in window.pieces] for window in windows]


def test_short_pauses_stay_and_long_ones_part() -> None:
    found = windows_of(0, [(0.0, 1.0), (1.5, 2.0), (4.0, 5.0)], packing=APART)
    assert bounds(found) == [[(0.0, 2.0)], [(4.0, 5.0)]]
    assert found[0].pieces[0].spans == ((0.0, 1.0), (1.5, 2.0))


def test_far_speech_is_packed_into_one_window_with_a_short_pause() -> None:
    (window,) = windows_of(0, [(0.0, 1.0), (50.0, 52.0), (100.0, 110.0)])
    assert bounds([window]) == [[(0.0, 1.0), (50.0, 52.0), (100.0, 110.0)]]
    assert [piece.offset / SAMPLE_RATE for piece in window.pieces] == [0.0, 1.1, 3.2]
    assert window.seconds == 13.2


def test_a_window_is_filled_up_to_a_pause() -> None:
    found = windows_of(0, [(0.0, 20.0), (30.0, 35.0), (35.3, 45.0), (45.3, 50.0)])
    assert bounds(found) == [[(0.0, 20.0), (30.0, 35.0)], [(35.3, 50.0)]]


def test_what_is_said_in_a_breath_is_not_torn_apart_for_a_scrap() -> None:
    found = windows_of(0, [(0.0, 25.0), (30.0, 31.0), (31.3, 45.0)])
    assert bounds(found) == [[(0.0, 25.0)], [(30.0, 45.0)]]


def test_a_long_group_is_cut_at_its_longest_pause() -> None:
    found = windows_of(0, [(0.0, 10.0), (10.3, 19.0), (19.7, 30.0), (30.2, 40.0)], packing=APART)
    assert bounds(found) == [[(0.0, 19.0)], [(19.7, 40.0)]]


def test_unbroken_speech_is_cut_where_it_is_quietest() -> None:
    asked = []

    def quietest(low: float, high: float) -> float:
        asked.append((low, high))
        return low + 1

    found = windows_of(0, [(0.0, 40.0)], quietest=quietest)
    assert asked
    assert all(w.seconds <= LONGEST for w in found)
    assert bounds(found)[0][0][1] == bounds(found)[1][0][0]
    assert bounds(found)[0][0][1] == pytest.approx(asked[0][0] + 1, abs=1e-4)


def test_what_is_said_later_fills_a_window_that_was_left_with_room() -> None:
    found = windows_of(0, [(0.0, 20.0), (30.0, 50.0), (60.0, 69.0), (80.0, 89.0)])
    assert bounds(found) == [[(0.0, 20.0), (60.0, 69.0)], [(30.0, 50.0), (80.0, 89.0)]]


def test_the_sound_of_a_window_is_its_pieces_with_stillness_between() -> None:
    samples = np.arange(20 * SAMPLE_RATE, dtype=np.float32)
    (window,) = windows_of(0, [(1.0, 2.0), (10.0, 10.5)])
    sound = window.sound(samples)
    assert len(sound) == round(1.6 * SAMPLE_RATE)
    assert sound[0] == SAMPLE_RATE
    assert sound[SAMPLE_RATE - 1] == 2 * SAMPLE_RATE - 1
    assert not sound[SAMPLE_RATE : round(1.1 * SAMPLE_RATE)].any()
    assert sound[round(1.1 * SAMPLE_RATE)] == 10 * SAMPLE_RATE


def test_a_word_in_the_stillness_goes_to_the_nearest_piece() -> None:
    (window,) = windows_of(0, [(1.0, 2.0), (10.0, 10.5)])
    assert window.place(1.0, 1.04) == (1.98, 2.0)
    assert window.place(1.06, 1.09) == (10.0, 10.02)
    assert window.place(1.2, 1.4) == pytest.approx((10.1, 10.3))


def test_overlapping_empty_and_unsorted_spans_are_cleaned() -> None:
    assert merged([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (4.0, 4.0)]) == [(0.0, 3.0), (5.0, 6.0)]


spans = st.lists(
    st.tuples(st.floats(0, 300), st.floats(0.05, 70)).map(lambda p: (p[0], p[0] + p[1])), max_size=25
)


packings = st.builds(Packing, st.sampled_from([6.0, LONGEST]), st.booleans())


@given(spans, packings)
def test_windows_hold_all_speech_once_and_are_never_too_long(
    given_spans: list[tuple[float, float]], packing: Packing
) -> None:
    found = windows_of(3, given_spans, packing=packing)
    assert all(w.seconds <= packing.longest + 1e-3 and w.channel == 3 for w in found)
    assert all(a.last <= b.first and a.end < b.offset for w in found for a, b in pairwise(w.pieces))
    pieces = sorted((piece for window in found for piece in window.pieces), key=lambda piece: piece.first)
    assert all(a.last <= b.first for a, b in pairwise(pieces))
    speech = sum(b - a for piece in pieces for a, b in piece.spans)
    assert abs(speech - sum(b - a for a, b in merged(given_spans))) < 1e-6


@given(spans.filter(bool), packings, st.floats(0, 29), st.floats(0, 2))
def test_every_moment_of_a_window_comes_from_speech(
    given_spans: list[tuple[float, float]], packing: Packing, start: float, length: float
) -> None:
    for window in windows_of(0, given_spans, packing=packing):
        a, b = window.place(start, start + length)
        assert any(
            low - 1e-6 <= a <= b <= high + 1e-6 for piece in window.pieces for low, high in piece.spans
        )


@given(spans.filter(bool), packings)
def test_a_moment_of_the_call_is_found_again(
    given_spans: list[tuple[float, float]], packing: Packing
) -> None:
    for window in windows_of(0, given_spans, packing=packing):
        for piece in window.pieces:
            low, high = piece.spans[0]
            middle = (low + high) / 2
            inside = (round(middle * SAMPLE_RATE) - piece.first + piece.offset) / SAMPLE_RATE
            assert window.place(inside, inside)[0] == pytest.approx(middle, abs=0.021)


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
