"""Two channels with the same people are told from two with one person each, through the whole measurement."""

from __future__ import annotations

import numpy as np
import pytest

RATE = 16_000


@pytest.fixture
def talk(speech):
    """Return two people on a channel each: one speaks while the other listens, with a little overlap."""
    other = np.interp(np.arange(0, len(speech), 1.12), np.arange(len(speech)), speech).astype(np.float32)
    turn, gap = len(speech), np.zeros(RATE // 2, np.float32)
    one = np.concatenate([speech, np.zeros(len(other), np.float32), gap, speech, gap])
    two = np.concatenate([np.zeros(turn - RATE // 4, np.float32), other])
    two = np.pad(two, (0, len(one) - len(two)))
    noise = np.random.default_rng(1).normal(0, 1e-4, (2, len(one))).astype(np.float32)
    return one + noise[0], two + noise[1]


def seen(recordings, path):
    measured = recordings.measure(path)
    return measured.layout_hint, measured.warnings


@pytest.mark.parametrize("delay", [0, 1, 40, 320, 800])
@pytest.mark.parametrize("gain", [1.0, -1.0, 0.5, -0.4])
def test_the_same_sound_late_or_inverted_is_dual_mono(recordings, write_wav, speech, delay, gain):
    late = gain * np.concatenate([np.zeros(delay, np.float32), speech])[: len(speech)]

    assert seen(recordings, write_wav(speech, late)) == ("dual-mono", ("dual_mono",))


def test_two_people_on_a_channel_each_are_apart(recordings, write_wav, talk):
    assert seen(recordings, write_wav(*talk)) == ("stereo", ())


def test_crosstalk_does_not_join_them(recordings, write_wav, talk):
    one, two = talk

    assert seen(recordings, write_wav(one + 0.05 * two, two + 0.05 * one)) == ("stereo", ())


@pytest.mark.parametrize("share", [0.4, 0.5, 0.7])
def test_two_people_panned_over_both_channels_have_no_roles(recordings, write_wav, talk, share):
    one, two = talk

    hint, warnings = seen(recordings, write_wav(0.8 * (one + share * two), 0.8 * (two + share * one)))

    assert hint == "dual-mono"
    assert warnings == ("mixed_channels",)


def test_both_speak_all_the_time_but_not_the_same(recordings, write_wav, speech):
    other = np.roll(speech[::-1], 12_345)

    assert seen(recordings, write_wav(speech, np.ascontiguousarray(other)))[0] == "stereo"


def test_a_dead_channel_is_no_twin(recordings, write_wav, speech):
    hint, warnings = seen(recordings, write_wav(np.zeros_like(speech), speech))

    assert (hint, warnings) == ("stereo", ("silent_channel",))


def test_real_calls_stay_apart(recordings, shared):
    for path in sorted((shared / "calls").glob("*stereo*.wav")):
        assert recordings.measure(path).layout_hint == "stereo"
