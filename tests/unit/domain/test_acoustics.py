"""Silence, overlap and interruptions are measured from stretches of speech."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.acoustics import (
    interruptions,
    measure,
    merge,
    overlaps,
    silences,
    speech_from_words,
    speech_of,
    total_speech,
)
from tests.rubrics.calls import build, demo_call, scripts

SPANS = st.lists(st.tuples(st.floats(0, 50), st.floats(0, 10)), max_size=12).map(
    lambda pairs: [(start, start + length) for start, length in pairs]
)


def length(spans: list[tuple[float, float]]) -> float:
    return sum(end - start for start, end in spans)


@given(SPANS)
def test_merged_spans_are_apart_in_order_and_cover_the_same(spans: list[tuple[float, float]]) -> None:
    merged = merge(spans)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
    assert all(any(a <= start and end <= b for a, b in merged) for start, end in spans)
    assert merge(merged) == merged


@given(SPANS, SPANS)
def test_overlap_is_symmetric_and_no_longer_than_either(
    one: list[tuple[float, float]], other: list[tuple[float, float]]
) -> None:
    first, second = merge(one), merge(other)
    assert overlaps(first, second) == overlaps(second, first)
    assert length(overlaps(first, second)) <= min(length(first), length(second)) + 1e-6


def test_silence_is_counted_between_first_and_last_speech_only() -> None:
    speech = {"agent": ((20.0, 22.0), (40.0, 41.0)), "customer": ((22.5, 25.0),)}
    assert silences(speech, 8) == [(25.0, 40.0)]


def test_a_blip_does_not_end_a_silence() -> None:
    speech = {"agent": ((0.0, 2.0), (9.0, 9.1), (20.0, 21.0))}
    assert silences(speech, 8) == [(2.0, 20.0)]


@pytest.mark.parametrize(
    ("agent", "counted"),
    [
        ((4.0, 7.0), 1),
        ((0.5, 7.0), 0),
        ((4.0, 5.0), 0),
        ((4.0, 4.9), 0),
        ((6.2, 9.0), 0),
    ],
    ids=["into a turn", "too early in it", "gives way", "brief", "near its end"],
)
def test_interruptions_need_time_before_and_together(agent: tuple[float, float], counted: int) -> None:
    found = interruptions([agent], [(0.0, 7.0)])
    assert len(found) == counted
    if found:
        assert found[0].overlap == pytest.approx(min(agent[1], 7.0) - agent[0])


def test_a_breath_does_not_split_a_turn_for_interruptions() -> None:
    assert len(interruptions([(4.0, 7.0)], [(0.0, 3.5), (3.8, 7.0)])) == 1


def test_measured_speech_wins_over_words() -> None:
    call = build(["A: Hello there."], speech={"agent": ((0.0, 9.0),)})
    assert speech_of(call) == {"agent": ((0.0, 9.0),)}
    assert speech_from_words(call.transcript)["agent"][0][1] < 3


def test_a_demo_call_is_measured() -> None:
    script = scripts()[11]
    measured = measure(demo_call(script))
    assert measured.agent_interruptions == 2
    assert measured.overtalk_seconds == pytest.approx(4.0, abs=0.7)
    assert 0.3 < measured.talk_share["agent"] < 0.8
    assert 80 < measured.words_per_minute["agent"] < 260
    assert measured.dead_air == ()


def test_announced_silence_is_hold() -> None:
    held = measure(demo_call(scripts()[0]))
    left = measure(demo_call(scripts()[8]))
    assert held.hold_seconds == pytest.approx(12, abs=0.5)
    assert (left.hold_seconds, round(left.longest_silence)) == (0, 22)


def test_one_channel_cannot_tell_overlap() -> None:
    measured = measure(build(["U: Hello there.", "U: Hi."], layout="mono"))
    assert measured.overtalk_seconds is None
    assert measured.agent_interruptions is None


def test_total_speech_counts_overlap_once() -> None:
    assert total_speech({"agent": ((0, 4),), "customer": ((2, 6),)}) == 6
