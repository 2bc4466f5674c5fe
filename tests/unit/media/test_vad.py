"""Where speech is found, and where not."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

from qa_audit.errors import Waiting
from qa_audit.media import vad
from qa_audit.media.vad import FRAME, RATE, Rules, SpeechDetector, spans_of

STEP = FRAME / RATE


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def test_speech_between_silences_is_found_where_it_is(detector, speech):
    quiet = np.zeros(3 * RATE, np.float32)
    length = len(speech) / RATE

    spans = detector.spans([np.concatenate([quiet, speech, quiet])])

    assert 2.6 < spans[0][0] < 3.6
    assert length + 2.0 < spans[-1][1] < length + 3.4
    assert sum(end - start for start, end in spans) > 0.6 * length


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(5 * RATE, np.float32),
        np.sin(np.arange(5 * RATE) * 0.2).astype(np.float32) * 0.4,
        np.random.default_rng(3).normal(0, 0.1, 5 * RATE).astype(np.float32),
        np.tile([0.9, *[0.0] * 7_999], 10).astype(np.float32),
    ],
    ids=["silence", "tone", "noise", "clicks"],
)
def test_what_is_no_speech_has_no_spans(detector, sound):
    assert detector.spans([sound]) == ()


def test_nothing_at_all_has_no_spans(detector):
    assert detector.spans([]) == ()


def test_the_size_of_the_pieces_does_not_matter(detector, speech):
    sound = np.tile(speech, 3)
    pieces = np.split(sound, [7, 5_000, 123_457, 123_458, 300_000])

    assert detector.spans(pieces) == detector.spans([sound])


def test_progress_counts_samples(detector, speech):
    told = []

    detector.spans([np.tile(speech, 5)], progress=told.append)

    assert told == sorted(told)
    assert told[-1] == pytest.approx(5 * len(speech), abs=FRAME)


def test_a_real_call_has_speech_on_both_sides_that_seldom_overlaps(detector, shared):
    import wave

    with wave.open(str(shared / "calls" / "speechmatics_callcenter_stereo_10s.en.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2).T / np.float32(
            32_768
        )

    spans = [detector.spans([channel.astype(np.float32)]) for channel in both]

    assert all(spans)


def probabilities(*parts):
    """Spell out (probability, seconds) as one value per frame."""
    return [value for value, seconds in parts for _ in range(round(seconds / STEP))]


BARE = Rules(pad=0.0)


def test_short_bursts_are_dropped():
    assert spans_of(probabilities((0, 1), (0.9, 0.15), (0, 1)), BARE) == ()


def test_short_pauses_do_not_split():
    ((start, end),) = spans_of(probabilities((0, 1), (0.9, 1), (0, 0.25), (0.9, 1), (0, 1)), BARE)

    assert (start, end) == (pytest.approx(1, abs=STEP), pytest.approx(3.25, abs=2 * STEP))


def test_long_pauses_split():
    assert len(spans_of(probabilities((0.9, 1), (0, 0.5), (0.9, 1)), BARE)) == 2


def test_speech_goes_on_while_the_probability_only_sags():
    assert len(spans_of(probabilities((0.9, 1), (0.4, 1), (0.9, 1)), BARE)) == 1
    assert len(spans_of(probabilities((0.9, 1), (0.3, 1), (0.9, 1)), BARE)) == 2


def test_spans_are_padded_but_not_beyond_the_sound_and_joined_when_they_meet():
    rules = Rules(pad=0.2)

    assert spans_of(probabilities((0.9, 1), (0, 0.35), (0.9, 1)), rules) == (
        (0.0, pytest.approx(2.34, abs=0.05)),
    )


def test_a_missing_model_waits_for_the_installation(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)

    with pytest.raises(Waiting, match="silero-vad"):
        vad.model_path()
