"""What sounds without being speech gets its right name and time."""

from __future__ import annotations

import numpy as np
import pytest

from qa_audit.media.events import events_of
from qa_audit.media.vad import RATE, SpeechDetector
from tools import sounds


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def found(detector, *channels):
    seconds = len(channels[0]) / RATE
    return events_of([detector.listen([channel]) for channel in channels], seconds)


def nothing(seconds):
    return np.zeros(round(seconds * RATE), np.float32)


def around(speech, sound):
    """Put a sound between two stretches of speech; returns it with the times where the sound is."""
    start = len(speech) / RATE
    return np.concatenate([speech, sound, speech]), start, start + len(sound) / RATE


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "hold_music") for kind in sounds.MUSIC),
        ("ringing-us", "ringing"),
        ("ringing-uk", "ringing"),
        ("ringing-eu", "ringing"),
        ("busy-us", "tone"),
        ("busy-eu", "tone"),
    ],
)
def test_a_sound_between_speech_is_named_with_its_time(detector, speech, kind, name):
    whole, start, end = around(speech, sounds.make(kind, 30, -25, 4))

    (event,) = (event for event in found(detector, whole) if event.kind != "dead_air")

    assert (event.kind, event.channel) == (name, None)
    assert event.start == pytest.approx(start, abs=5)
    assert event.end == pytest.approx(end, abs=5)


def test_keys_are_named_and_not_told(detector, speech):
    whole, start, end = around(speech, sounds.make("dtmf", 10, -20, 4))

    events = [event for event in found(detector, whole) if event.kind == "dtmf"]

    assert events
    assert all(start - 0.5 <= event.start < event.end <= end + 0.5 for event in events)
    assert set(events[0].model_dump()) == {"kind", "start", "end", "channel"}


@pytest.mark.parametrize("kind", ["silence", "white", "pink", "street", "beeps"])
def test_noise_and_single_beeps_are_no_event(detector, kind):
    assert found(detector, sounds.make(kind, 40, -25, 4)) == ()


def test_speech_alone_has_no_event(detector, speech):
    assert found(detector, np.tile(speech, 3)) == ()


def test_dead_air_is_where_nobody_speaks_and_nothing_else_sounds(detector, speech):
    agent = np.concatenate([speech, nothing(30), speech])
    quiet = nothing(len(agent) / RATE)
    music = quiet.copy()
    start = len(speech) + 2 * RATE
    music[start : start + 15 * RATE] = sounds.make("music-band", 15, -25, 1)

    (silence,) = found(detector, agent, quiet)
    held, rest = found(detector, agent, music)

    assert (silence.kind, silence.channel) == ("dead_air", None)
    assert silence.end - silence.start == pytest.approx(30, abs=1.5)
    assert (held.kind, held.channel, rest.kind) == ("hold_music", 1, "dead_air")
    assert rest.start == pytest.approx(held.end, abs=0.1)
    assert 10 < rest.end - rest.start < 15


def test_the_same_sound_on_both_channels_is_one_event(detector, speech):
    whole, *_ = around(speech, sounds.make("music-chords", 20, -25, 1))

    (event,) = found(detector, whole, 0.5 * whole)

    assert (event.kind, event.channel) == ("hold_music", None)


def test_music_under_the_own_channels_speech_is_no_event(detector, speech):
    talk = np.tile(speech, 4)
    over = sounds.mixed(talk, sounds.make("music-strings", len(talk) / RATE, -20, 1), 10)

    assert sum(event.end - event.start for event in found(detector, over)) < 0.35 * len(talk) / RATE


def test_mains_hum_is_no_music(detector):
    time = np.arange(60 * RATE) / RATE
    hum = sum(size * np.sin(2 * np.pi * hertz * time) for hertz, size in ((50, 1), (150, 0.5), (250, 0.3)))

    assert found(detector, (0.002 * hum).astype(np.float32)) == ()


def test_a_silent_channel_has_none(detector, speech):
    heard = detector.listen([np.tile(speech, 2)])

    assert events_of([heard, None], 2 * len(speech) / RATE) == ()
