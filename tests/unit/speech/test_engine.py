"""What every engine does around its recogniser: packing, batches, resuming, languages, placing words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_audit.domain.transcript import Word
from qa_audit.errors import Invalid, Stopped, UnknownLanguage
from qa_audit.speech import models, placing
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.engines import open_engine
from qa_audit.speech.protocol import SpeechChannel
from qa_audit.speech.recogniser import HeardWindow, HeardWord
from tests.unit.speech.listener import RATE, Listener, Memory


def sound(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * RATE), dtype=np.float32) / (seconds * RATE)


def agent(seconds: float, *spans: tuple[float, float]) -> SpeechChannel:
    return SpeechChannel("agent", sound(seconds), spans)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def ours(tmp_path: Path, listener: Listener) -> WhisperEngine:
    model = tmp_path / "any.pt"
    model.write_bytes(b"weights")
    return WhisperEngine("openai-whisper", str(model), tmp_path, lambda found: listener)


def test_an_engine_that_is_none_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"'kaldi'.*openai-whisper and faster-whisper"):
        open_engine("kaldi", "demo", tmp_path)


def test_channels_stay_apart_and_come_merged_by_time(ours: WhisperEngine) -> None:
    heard = ours.transcribe(
        [
            agent(20.0, (0.0, 1.0), (6.0, 7.0)),
            SpeechChannel("customer", sound(20.0), [(2.0, 3.0), (6.1, 7.1)]),
        ]
    )
    assert [(s.id, s.speaker, s.start) for s in heard.segments] == [
        (0, "agent", 0.2), (1, "customer", 2.2), (2, "agent", 6.1), (3, "customer", 6.2),
    ]  # fmt: skip


def test_speech_far_apart_shares_a_window_and_keeps_its_times(
    ours: WhisperEngine, listener: Listener
) -> None:
    heard = ours.transcribe([agent(300.0, (1.0, 4.0), (100.0, 103.0), (290.0, 293.0))])
    assert len(listener.sounds) == 1
    assert len(listener.sounds[0]) / RATE == pytest.approx(9.0 + 2 * 0.1)
    starts = [word.start for segment in heard.segments for word in segment.timed_words()]
    assert {int(start // 10) for start in starts} == {0, 10, 29}
    spans = ((1.0, 4.0), (100.0, 103.0), (290.0, 293.0))
    assert all(any(a <= start <= b for a, b in spans) for start in starts)
    assert len(heard.segments) == 3


def test_nothing_but_speech_is_sent(ours: WhisperEngine, listener: Listener) -> None:
    heard = ours.transcribe([agent(60.0, (1.0, 2.0), (50.0, 90.0)), agent(60.0)])
    sent = np.concatenate(listener.sounds)
    heard_at = sent[sent > 0] * 60.0
    assert all((1.0 <= t <= 2.0) or (50.0 <= t <= 60.0) for t in heard_at[:: RATE // 10])
    assert heard.segments[-1].end <= 60.0


def test_a_call_without_speech_is_not_sent_at_all(ours: WhisperEngine, listener: Listener) -> None:
    heard = ours.transcribe([agent(60.0), SpeechChannel("customer", sound(60.0), [])])
    assert listener.asked == []
    assert (heard.segments, heard.language) == ((), "en")


def test_the_demo_model_gets_short_windows(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.Found, "is_demo", True)
    heard = ours.transcribe([agent(20.0, (0.0, 3.0), (3.2, 6.0), (6.5, 9.0), (15.0, 16.0))])
    assert [len(sent) / RATE for sent in listener.sounds] == [6.0, 2.5, 1.0]
    assert [note.kind for note in heard.notes] == ["demo_model"]


LONG = [(float(start), start + 20.0) for start in range(0, 200, 40)]


def test_a_stop_is_heeded_between_batches(ours: WhisperEngine, listener: Listener) -> None:
    def check() -> None:
        if len(listener.sounds) == 4:
            raise Stopped

    with pytest.raises(Stopped):
        ours.transcribe([agent(200.0, *LONG)], check=check)
    assert len(listener.sounds) == 4


def test_progress_rises_to_one(ours: WhisperEngine) -> None:
    seen: list[float] = []
    ours.transcribe([agent(200.0, *LONG)], progress=seen.append)
    assert seen == pytest.approx([0.4, 0.8, 1.0])


def test_finished_parts_are_not_heard_again(ours: WhisperEngine, listener: Listener) -> None:
    memory = Memory()
    whole = ours.transcribe([agent(200.0, *LONG)], parts=memory)
    kept = next(iter(memory.kept.values()))
    assert len(kept) == listener.batches == 3
    del kept[1:]
    listener.calls.clear()
    seen: list[float] = []
    again = ours.transcribe([agent(200.0, *LONG)], parts=memory, progress=seen.append)
    assert listener.batches == 2
    assert seen == pytest.approx([0.4, 0.8, 1.0])
    assert again == whole


@pytest.mark.parametrize("change", [{"language": "en"}, {"hints": ["Acme"]}])
def test_parts_of_another_plan_are_not_used(
    ours: WhisperEngine, listener: Listener, change: dict[str, Any]
) -> None:
    memory = Memory()
    ours.transcribe([agent(200.0, *LONG)], parts=memory)
    listener.calls.clear()
    ours.transcribe([agent(200.0, *LONG)], parts=memory, **change)
    assert listener.batches == 3
    assert len(memory.kept) == 2


def test_the_language_is_heard_where_most_is_said(ours: WhisperEngine, listener: Listener) -> None:
    heard = ours.transcribe([agent(100.0, (0.0, 2.0), (40.0, 69.0)), agent(100.0, (3.0, 10.0))])
    assert heard.language == "de"
    assert listener.asked[0] == ("language", "29")
    assert listener.asked[1] == ("de", "")


def test_a_given_language_is_not_listened_for(ours: WhisperEngine, listener: Listener) -> None:
    assert ours.transcribe([agent(9.0, (0.0, 2.0))], language="en").language == "en"
    assert listener.asked == [("en", "")]


def test_a_language_the_model_does_not_know_is_refused_clearly(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownLanguage, match=r"language 'fr'.*2 others"):
        ours.transcribe([agent(9.0, (0.0, 2.0))], language="fr")
    monkeypatch.setattr(Listener, "languages", frozenset({"en"}))
    with pytest.raises(UnknownLanguage, match="only English"):
        ours.transcribe([agent(9.0, (0.0, 2.0))], language="de")
    assert ours.transcribe([agent(9.0, (0.0, 2.0))]).language == "en"


def test_hints_reach_the_model_and_are_told(ours: WhisperEngine, listener: Listener) -> None:
    heard = ours.transcribe([agent(9.0, (0.0, 2.0))], language="en", hints=["Acme", "SuperBox"])
    assert listener.asked == [("en", "Acme, SuperBox")]
    assert [(note.kind, "Acme, SuperBox" in note.text) for note in heard.notes] == [("hints", True)]


@pytest.mark.parametrize("last", ["end.", "है।", "好？"])
def test_long_speech_is_cut_into_segments_after_sentences(last: str) -> None:
    words = tuple(
        Word(start=i * 0.5, end=i * 0.5 + 0.4, text=last if i % 7 == 6 else "word", probability=0.9)
        for i in range(56)
    )
    parts = list(placing.sentences(words))
    assert len(parts) > 1
    assert tuple(word for part in parts for word in part) == words
    assert all(part[-1].text == last for part in parts)


def test_a_window_that_the_model_holds_for_silent_gives_nothing(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = HeardWindow((HeardWord(" you", 0.0, 1.0, 0.9),), -1.5, 0.9)
    monkeypatch.setattr(listener, "window", lambda sound: silent)
    assert ours.transcribe([agent(9.0, (0.0, 2.0))]).segments == ()


def test_a_text_that_had_to_be_stopped_is_told(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = HeardWindow((HeardWord(" hello", 0.0, 1.0, 0.9),), -0.3, 0.0, is_cut=True)
    monkeypatch.setattr(listener, "window", lambda sound: stopped)
    heard = ours.transcribe([agent(9.0, (1.0, 3.0))])
    assert [(note.kind, note.start, note.end) for note in heard.notes] == [("cut_off", 1.0, 3.0)]


def test_what_was_made_up_is_dropped_with_a_note(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = tuple(HeardWord(" again", 0.1 * n, 0.1 * n + 0.1, 0.9) for n in range(12))
    monkeypatch.setattr(listener, "window", lambda sound: HeardWindow(loop, -0.3, 0.0))
    heard = ours.transcribe([agent(9.0, (0.0, 2.0))])
    assert [segment.text for segment in heard.segments] == ["again"]
    assert [(note.kind, note.start) for note in heard.notes] == [("repetition", 0.1)]


class Crowded(Listener):
    """A recogniser whose text has room for 16 seconds only."""

    def window(self, sound: np.ndarray) -> HeardWindow:
        seconds = len(sound) / RATE
        return replace(super().window(sound), is_cut=seconds > 16, is_full=seconds > 16)


def test_a_window_whose_text_was_full_is_heard_again_in_halves(ours: WhisperEngine) -> None:
    crowded = Crowded()
    ours._recogniser = crowded
    spoken = ((0.0, 6.0), (7.0, 13.0), (14.0, 20.0), (21.0, 27.0))
    heard = ours.transcribe([agent(30.0, *spoken)])
    assert [round(len(sound) / RATE) for sound in crowded.sounds] == [24, 12, 12]
    starts = [word.start for segment in heard.segments for word in segment.timed_words()]
    assert len(starts) == 24
    assert starts == sorted(starts)
    assert all(any(a <= start <= b for a, b in spoken) for start in starts)
    assert heard.notes == ()


def test_unbroken_speech_that_fills_the_text_is_cut_in_two(ours: WhisperEngine) -> None:
    crowded = Crowded()
    ours._recogniser = crowded
    ours.transcribe([agent(30.0, (0.0, 28.0))])
    whole, *parts = crowded.sounds
    assert len(np.concatenate(parts)) == pytest.approx(len(whole), abs=0.1 * RATE + 2), "a little stillness"
    assert max(len(part) for part in parts) / RATE <= 0.6 * 28.0


@pytest.mark.parametrize("told", ["hi", None])
def test_a_language_with_long_texts_gets_short_windows(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    monkeypatch.setattr(listener, "languages", frozenset({"en", "hi"}))
    monkeypatch.setattr(listener, "language_of", lambda sound: "hi")
    ours.transcribe([agent(60.0, *((float(at), at + 3.0) for at in range(0, 60, 4)))], language=told)
    assert len(listener.sounds) == 8
    assert max(len(sound) for sound in listener.sounds) / RATE <= 224 / 27
