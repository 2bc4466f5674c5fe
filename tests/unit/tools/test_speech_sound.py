"""Spoken sentences, their times, and what the line does to them."""

from __future__ import annotations

import numpy as np
import pytest

from tools import speech_channel as channel
from tools import speech_voices as voices

RATE = voices.SAMPLE_RATE


@pytest.fixture
def spoken() -> voices.Spoken:
    if not voices.available():
        pytest.skip("espeak-ng is missing: install the package espeak-ng")
    return voices.say("Thank you so much for calling, the fee is forty dollars.", voices.PEOPLE["Dana"])


def test_every_word_has_a_time_in_order(spoken: voices.Spoken) -> None:
    assert [word for word, _, _ in spoken.words] == (
        ["Thank", "you", "so", "much", "for", "calling,", "the", "fee", "is", "forty", "dollars."]
    )
    starts = [start for _, start, _ in spoken.words]
    assert starts == sorted(starts)
    assert all(0 <= start < end <= spoken.seconds + 1e-6 for _, start, end in spoken.words)


def test_words_are_loud_and_pauses_are_not(spoken: voices.Spoken) -> None:
    calling, the = spoken.words[5], spoken.words[6]
    pause = spoken.samples[int((calling[2] + 0.03) * RATE) : int((the[1] - 0.03) * RATE)]
    word = spoken.samples[int(calling[1] * RATE) : int(calling[2] * RATE)]
    assert len(pause) > 0
    assert np.sqrt(np.mean(word**2)) > 10 * np.sqrt(np.mean(pause**2))


def test_all_voices_speak(spoken: voices.Spoken) -> None:
    for voice in [*voices.PEOPLE.values(), *voices.EXTRA, *voices.UNTRAINED]:
        assert voices.say("Hello.", voice).seconds > 0.2
    names = [v.name for v in [*voices.PEOPLE.values(), *voices.EXTRA, *voices.UNTRAINED]]
    assert len(names) == len(set(names))


def test_an_unknown_voice_is_an_error(spoken: voices.Spoken) -> None:
    with pytest.raises(ValueError, match="no-such"):
        voices.say("Hello.", voices.Voice("no-such"))


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize(("hertz", "kept"), [(60, False), (1000, True), (3000, True), (5000, False)])
@pytest.mark.parametrize("narrow", [False, True])
def test_the_line_lets_only_its_band_through(hertz: float, kept: bool, narrow: bool) -> None:
    out = channel.telephone(tone(hertz), channel.Line(narrow=narrow))[2000:-2000]
    ratio = np.sqrt(np.mean(out**2)) / np.sqrt(np.mean(tone(hertz) ** 2))
    assert ratio > 0.9 if kept else ratio < 0.05


def test_level_sets_the_loud_part() -> None:
    quiet = channel.level(tone(500) * 0.01, -20.0)
    assert 20 * np.log10(np.sqrt(np.mean(quiet**2))) == pytest.approx(-20.0, abs=3.5)


def test_opus_keeps_time_and_channels() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32)
    left, right = channel.level(channel.telephone(noise), -20.0), np.zeros(2 * RATE, np.float32)
    back = channel.decode(channel.encode_opus(np.stack([left, right]), 64_000))
    assert back.shape == (2, 2 * RATE)
    middle = slice(RATE // 2, RATE)
    assert np.sqrt(np.mean(back[1, middle] ** 2)) < 10 ** (-50 / 20)
    assert np.corrcoef(back[0, middle], left[middle])[0, 1] > 0.9


def test_resampling_there_and_back_is_nearly_nothing() -> None:
    sound = tone(900)
    back = voices.resample(voices.resample(sound, RATE, 48_000), 48_000, RATE)
    assert np.abs(back - sound)[100:-100].max() < 1e-3
