"""Notes and tones hold still, voices do not: what the gate behind the voice detector makes of that."""

from __future__ import annotations

import numpy as np
import pytest

from qa_audit.media.tones import ToneMeter, Tones, without_music
from qa_audit.media.vad import RATE, SpeechDetector
from tools import sounds


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def tones_of(sound, pieces=1):
    meter = ToneMeter()
    for piece in np.array_split(sound, pieces):
        meter.add(piece)
    return meter.result()


def test_there_is_one_value_for_each_frame_however_short_the_sound():
    for samples, frames in ((0, 0), (1, 1), (512, 1), (513, 2), (70_000, 137)):
        found = tones_of(np.zeros(samples, np.float32))
        assert len(found.power) == len(found.steady) == len(found.first) == frames


def test_the_pieces_do_not_matter(speech):
    one, many = tones_of(speech), tones_of(speech, 61)

    for name in ("power", "steady", "pair", "first", "second"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_two_tones_are_found_where_they_are_and_hold_all_power():
    found = tones_of(sounds.make("busy-us", 4, -10, 1))
    middle = found.steady > 0.5

    assert middle.mean() > 0.2
    assert np.median(found.pair[middle]) > 0.9
    both = np.sort(np.stack([found.first[middle], found.second[middle]]), axis=0)
    assert np.median(both, axis=1) == pytest.approx([480, 620], abs=8)


def test_a_tone_has_its_level(tone):
    found = tones_of(tone(2, 1_000, level=0.5))

    assert 10 * np.log10(found.power[20]) == pytest.approx(10 * np.log10(0.5**2 / 2), abs=0.5)


@pytest.mark.parametrize("kind", list(sounds.MUSIC))
def test_music_holds_still_and_speech_does_not(kind, speech):
    music = tones_of(sounds.make(kind, 20, -20, 3))

    assert music.is_musical(1.0, 19.0)
    assert not tones_of(speech).is_musical(0.0, len(speech) / RATE)


def test_silence_is_no_music():
    assert not tones_of(np.zeros(RATE, np.float32)).is_musical(0.0, 1.0)


def made_of(*parts):
    """Return tones of (seconds, steadiness) parts."""
    steady = np.concatenate([np.full(round(seconds * 31.25), value, np.float32) for seconds, value in parts])
    same = np.full(len(steady), 0.01, np.float32)
    return Tones(same, steady, same, same, same)


def test_a_short_stretch_of_music_goes_and_one_of_speech_stays():
    tones = made_of((2, 0.9), (2, 0.1))

    assert without_music(((0.1, 1.9), (2.1, 3.9)), tones, 0.2) == ((2.1, 3.9),)


def test_music_that_runs_into_speech_is_cut_off_it():
    ((start, end),) = without_music(((0.0, 10.0),), made_of((6, 0.9), (4, 0.1)), 0.2)

    assert end == 10.0
    assert 4.5 <= start <= 6.5


def test_music_in_the_middle_leaves_speech_on_both_sides():
    first, last = without_music(((0.0, 12.0),), made_of((4, 0.1), (4, 0.9), (4, 0.1)), 0.2)

    assert first[0] == 0.0
    assert 3.0 <= first[1] <= 5.0
    assert 7.0 <= last[0] <= 9.0
    assert last[1] == 12.0


def test_what_is_hardly_music_goes_only_between_music():
    spans = ((0.1, 1.9), (2.1, 3.9), (4.1, 5.9))

    assert without_music(spans, made_of((2, 0.9), (2, 0.45), (2, 0.9)), 0.2) == ()
    assert without_music(spans, made_of((2, 0.1), (2, 0.45), (2, 0.9)), 0.2) == spans[:2]
    far = ((0.1, 1.9), (10.1, 11.9), (12.1, 13.9))
    assert without_music(far, made_of((2, 0.9), (8, 0.1), (2, 0.45), (2, 0.9)), 0.2) == far[1:2]


NOTHING = ["silence", "white", "pink", "street", "ringing-us", "dtmf", "beeps", "music-band", "music-reed"]


@pytest.mark.parametrize("level", [-60, -45, -20, -3])
@pytest.mark.parametrize("kind", NOTHING)
def test_no_speech_is_found_where_there_is_none(detector, kind, level):
    assert detector.listen([sounds.make(kind, 40, level, 2)]).speech == ()


def test_the_gate_takes_out_what_the_voice_detector_alone_takes_for_speech(detector):
    heard = detector.listen([sounds.make("music-reed", 120, -3, 2)])

    assert heard.ungated
    assert heard.speech == ()


CHANGES = {
    "clean": lambda sound: sound,
    "telephone": sounds.telephone,
    "quiet": lambda sound: sound * np.float32(0.03),
    "noisy": lambda sound: sounds.mixed(sound, sounds.make("pink", 10, -20, 1), 15),
    "over music": lambda sound: sounds.mixed(sound, sounds.make("music-strings", 20, -20, 1), 10),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_the_gate_is_not_deaf_to_speech(detector, speech, change):
    heard = detector.listen([CHANGES[change](np.tile(speech, 2))])

    assert sum(end - start for start, end in heard.ungated) > 8
    assert heard.speech == heard.ungated


def test_every_stretch_of_real_speech_is_kept(detector, shared):
    from tools.speech_channel import decode

    for path in sorted((shared / "calls").glob("*.wav")):
        for channel in decode(str(path)):
            heard = detector.listen([channel])
            assert heard.speech == heard.ungated
