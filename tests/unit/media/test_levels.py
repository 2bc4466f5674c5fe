"""Levels, clipping, likeness of channels; and the judgement made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qa_audit.errors import Permanent
from qa_audit.media.judge import Facts, check_sound, judge, union_seconds, warnings_of
from qa_audit.media.levels import FLOOR_DB, LevelMeter

GOOD = Facts(
    channels=2,
    sample_rate=8_000,
    seconds=100.0,
    good_seconds=100.0,
    bad_seconds=0.0,
    claimed_seconds=None,
    cut=False,
    ends_badly=False,
    rms=(-25.0, -26.0),
    loudest=(-12.0, -14.0),
    clipped=(0.0, 0.0),
    correlation=0.01,
    difference=1.0,
)

SPEECH = [[(0.0, 30.0)], [(31.0, 60.0)]]


def measured(*channels, pieces=1):
    meter = LevelMeter(len(channels), 8_000)
    for piece in np.array_split(np.stack(channels).astype(np.float32), pieces, axis=1):
        meter.add(piece)
    return meter.result()


def test_levels_are_decibels_of_full_scale(tone):
    levels = measured(tone(2, rate=8_000, level=1.0), tone(2, 100, rate=8_000, level=0.1))

    assert levels.rms == (pytest.approx(-3.01, abs=0.05), pytest.approx(-23.01, abs=0.05))
    assert levels.loudest == (pytest.approx(-3.01, abs=0.05), pytest.approx(-23.01, abs=0.05))
    assert levels.difference == pytest.approx(20, abs=0.1)


def test_digital_silence_has_the_floor_and_no_likeness():
    levels = measured(np.zeros(8_000), np.zeros(8_000))

    assert levels.rms == levels.loudest == (FLOOR_DB, FLOOR_DB)
    assert levels.correlation is None


def test_the_pieces_do_not_matter(tone):
    channels = tone(2.345, rate=8_000), tone(2.345, 77, rate=8_000)

    one, many = measured(*channels), measured(*channels, pieces=37)

    assert one.rms == pytest.approx(many.rms)
    assert one.loudest == pytest.approx(many.loudest, abs=0.01)
    assert one.correlation == pytest.approx(many.correlation, abs=1e-6)


def test_a_peak_is_no_clipping_and_a_flat_top_is(tone):
    peak = np.zeros(8_000)
    peak[::100] = 1.0
    flat = np.clip(4 * tone(1, 100, rate=8_000, level=0.9), -1, 1)

    assert measured(peak).clipped == (0.0,)
    assert measured(flat).clipped[0] > 0.5


def test_a_good_recording_has_no_warnings():
    assert warnings_of(GOOD) == ()
    assert judge(GOOD, SPEECH).speech == (((0.0, 30.0),), ((31.0, 60.0),))


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"cut": True}, "truncated"),
        ({"ends_badly": True}, "truncated"),
        ({"claimed_seconds": 110.0}, "truncated"),
        ({"bad_seconds": 0.5}, "damaged"),
        ({"clipped": (0.0, 0.01)}, "clipped"),
        ({"correlation": 0.999}, "dual_mono"),
        ({"loudest": (-12.0, -80.0)}, "silent_channel"),
        ({"loudest": (-40.0, -44.0)}, "low_level"),
    ],
)
def test_each_trouble_has_its_warning(change, warning):
    assert warnings_of(replace(GOOD, **change)) == (warning,)


@pytest.mark.parametrize(
    "change",
    [
        {"claimed_seconds": 102.9},
        {"bad_seconds": 0.05},
        {"clipped": (0.0005, 0.0)},
        {"correlation": 0.98},
        {"correlation": 1.0, "difference": 12.0},
    ],
)
def test_small_troubles_have_none(change):
    assert warnings_of(replace(GOOD, **change)) == ()


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"good_seconds": 0.0}, "undecodable"),
        ({"good_seconds": 70.0, "bad_seconds": 30.0}, "undecodable"),
        ({"seconds": 0.9, "good_seconds": 0.9}, "too_short"),
        ({"loudest": (-61.0, -90.0)}, "silent"),
    ],
)
def test_each_hopeless_recording_has_its_failure(change, failure):
    with pytest.raises(Permanent) as caught:
        check_sound(replace(GOOD, **change))
    assert caught.value.failure == failure


@pytest.mark.parametrize(
    ("speech", "failure"), [([[], []], "silent"), ([[(0.0, 0.6)], [(0.2, 0.9)]], "too_short")]
)
def test_too_little_speech_has_its_failure(speech, failure):
    with pytest.raises(Permanent) as caught:
        judge(GOOD, speech)
    assert caught.value.failure == failure


def test_overlapping_speech_counts_once():
    assert union_seconds([(5.0, 6.0), (0.0, 2.0), (1.0, 3.0), (1.5, 2.0)]) == pytest.approx(4.0)
