"""The whisper engine with a tiny random checkpoint, and with its decoding scripted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qa_audit.domain.transcript import Word
from qa_audit.errors import Permanent, Stopped
from qa_audit.speech import models, openai_whisper
from qa_audit.speech.openai_whisper import OpenAIWhisper
from qa_audit.speech.protocol import SpeechChannel
from qa_audit.speech.windows import Window
from tests.unit.speech.checkpoints import make_checkpoint

RATE = 16_000


def tone(seconds: float) -> np.ndarray:
    return (0.1 * np.sin(np.arange(int(seconds * RATE)) * 0.2)).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model") / "other.pt", width=64, layers=(2, 1))


@pytest.fixture
def engine(checkpoint: Path, tmp_path: Path) -> OpenAIWhisper:
    return OpenAIWhisper(str(checkpoint), tmp_path)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Window]]:
    """Replace hearing: every window says where it is from; the list collects what was sent."""
    sent: list[tuple[str, Window]] = []

    def hear(model: Any, channel: SpeechChannel, window: Window, language: str) -> Any:
        sent.append((channel.speaker, window))
        words = (Word(start=window.start, end=window.end, text=f"{channel.speaker}.", probability=0.9),)
        return openai_whisper._Piece(channel.speaker, words, -0.1, 0.0), []

    monkeypatch.setattr(openai_whisper, "_hear", hear)
    return sent


def test_a_checkpoint_of_another_size_loads_by_path_and_runs(
    engine: OpenAIWhisper, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_whisper, "TEMPERATURES", (0.0,))
    steps: list[float] = []
    sound = tone(3.0)
    heard = engine.transcribe([SpeechChannel("agent", sound, [(0.5, 1.5)])], progress=steps.append)
    assert heard.engine.model == checkpoint.name
    assert heard.engine.model_sha256 is not None
    assert len(heard.engine.model_sha256) == 64
    assert steps == [1.0]
    assert heard.language == "en"
    for segment in heard.segments:
        assert segment.text == " ".join(word.text for word in segment.timed_words())
        assert all(0.5 <= word.start <= word.end <= 1.5 for word in segment.timed_words())


def test_channels_stay_apart_and_come_merged_by_time(
    engine: OpenAIWhisper, scripted: list[tuple[str, Window]]
) -> None:
    sound = tone(20.0)
    heard = engine.transcribe(
        [
            SpeechChannel("agent", sound, [(0.0, 1.0), (6.0, 7.0)]),
            SpeechChannel("customer", sound, [(2.0, 3.0), (6.5, 9.0)]),
        ]
    )
    assert [(s.id, s.speaker, s.start) for s in heard.segments] == [
        (0, "agent", 0.0), (1, "customer", 2.0), (2, "agent", 6.0), (3, "customer", 6.5),
    ]  # fmt: skip


def test_silence_is_never_sent(engine: OpenAIWhisper, scripted: list[tuple[str, Window]]) -> None:
    heard = engine.transcribe(
        [
            SpeechChannel("agent", tone(60.0), [(1.0, 2.0), (50.0, 90.0)]),
            SpeechChannel("customer", tone(60.0), []),
        ]
    )
    assert [(speaker, w.start, w.end) for speaker, w in scripted] == [
        ("agent", 1.0, 2.0),
        ("agent", 50.0, 60.0),
    ]
    assert len(heard.segments) == 2


def test_the_demo_model_gets_short_windows(
    engine: OpenAIWhisper, scripted: list[tuple[str, Window]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [(0.0, 3.0), (3.2, 6.0), (6.5, 9.0)]
    engine.transcribe([SpeechChannel("agent", tone(10.0), spans)])
    monkeypatch.setattr(models.Found, "is_demo", True)
    heard = engine.transcribe([SpeechChannel("agent", tone(10.0), spans)])
    assert [(w.start, w.end) for _, w in scripted] == [(0.0, 9.0), (0.0, 6.0), (6.5, 9.0)]
    assert [note.kind for note in heard.notes] == ["demo_model"]


def test_only_the_window_reaches_the_model(engine: OpenAIWhisper) -> None:
    sound = np.zeros(10 * RATE, np.float32)
    sound[: 4 * RATE] = tone(4.0)
    model = SimpleNamespace(dims=SimpleNamespace(n_mels=80), device="cpu")
    channel = SpeechChannel("agent", sound, [(5.0, 6.0)])
    mel = openai_whisper._features(model, channel, Window(5.0, 6.0, ((5.0, 6.0),)))  # type: ignore[arg-type]
    assert mel.shape == (80, 3000)
    assert float(mel.max()) == float(mel.min())


def test_a_stop_is_heeded_between_windows(engine: OpenAIWhisper, scripted: list[tuple[str, Window]]) -> None:
    def check() -> None:
        if len(scripted) == 2:
            raise Stopped

    spans = [(float(i * 3), float(i * 3 + 1)) for i in range(5)]
    with pytest.raises(Stopped):
        engine.transcribe([SpeechChannel("agent", tone(20.0), spans)], check=check)
    assert len(scripted) == 2


def test_progress_rises_to_one(engine: OpenAIWhisper, scripted: list[tuple[str, Window]]) -> None:
    seen: list[float] = []
    spans = [(float(i * 3), float(i * 3 + 1)) for i in range(4)]
    engine.transcribe([SpeechChannel("agent", tone(20.0), spans)], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) == 4


def test_the_best_try_is_kept_when_none_is_good(
    engine: OpenAIWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper.decoding

    asked: list[float] = []

    def decode(model: Any, mel: Any, options: Any) -> Any:
        asked.append(options.temperature)
        return SimpleNamespace(
            compression_ratio=3.0 if options.temperature < 0.4 else 1.0,
            avg_logprob=-1.5 - options.temperature,
            no_speech_prob=0.0,
        )

    monkeypatch.setattr(whisper.decoding, "decode", decode)
    model: Any = SimpleNamespace(device=SimpleNamespace(type="cpu"))
    best = openai_whisper._decode(model, None, "en")
    assert asked == list(openai_whisper.TEMPERATURES)
    assert best.avg_logprob == pytest.approx(-1.9)


def test_a_repeated_phrase_is_dropped_with_a_note() -> None:
    spoken = ["hello", *["one", "moment", "please"] * 5, "bye"]
    words = tuple(
        Word(start=float(i), end=i + 0.5, text=text, probability=0.9) for i, text in enumerate(spoken)
    )
    kept, notes = openai_whisper._without_loops(words)
    assert " ".join(word.text for word in kept) == "hello one moment please bye"
    assert [note.kind for note in notes] == ["repetition"]


def test_long_speech_is_cut_into_segments_after_sentences() -> None:
    words = tuple(
        Word(start=i * 0.5, end=i * 0.5 + 0.4, text="end." if i % 7 == 6 else "word", probability=0.9)
        for i in range(56)
    )
    parts = list(openai_whisper._sentences(words))
    assert len(parts) > 1
    assert tuple(word for part in parts for word in part) == words
    assert all(part[-1].text == "end." for part in parts)


def test_a_broken_checkpoint_says_so_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(Permanent) as caught:
        OpenAIWhisper(str(broken), tmp_path).transcribe([SpeechChannel("agent", tone(2), [(0.0, 1.0)])])
    assert caught.value.failure == "model_unavailable"
    assert "\n" not in caught.value.message
    assert "broken.pt" in caught.value.message
