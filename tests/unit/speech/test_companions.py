"""Calls heard along with another one: who comes along, what is kept of them, and that nobody's words change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_audit.errors import Permanent, Stopped
from qa_audit.speech import placing, tries
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.engines import open_engine
from qa_audit.speech.protocol import Companion, Part, SpeechChannel
from qa_audit.speech.recogniser import HeardWindow, SpeechOptions
from qa_audit.speech.tries import Decoded
from tests.unit.speech.checkpoints import make_checkpoint
from tests.unit.speech.listener import RATE, Listener, Memory


def call(windows: int = 1) -> list[SpeechChannel]:
    """Make a call of one channel that takes so many windows."""
    spans = [(40.0 * number, 40.0 * number + 20.0) for number in range(windows)]
    return [SpeechChannel("agent", np.zeros(int(spans[-1][1]) * RATE, np.float32), spans)]


class Waiting:
    """A call that waits: takes down how often its sound is opened, and keeps what is heard of it."""

    def __init__(
        self,
        channels: Sequence[SpeechChannel] = (),
        language: str | None = "en",
        hints: Sequence[str] = (),
        error: Exception | None = None,
    ) -> None:
        self.channels = channels or call()
        self.opened = 0
        self.memory = Memory()
        self.error = error
        spans = [channel.spans for channel in self.channels]
        self.companion = Companion(spans, language, hints, self._open, self.memory.keep)

    def _open(self) -> Sequence[SpeechChannel]:
        self.opened += 1
        if self.error:
            raise self.error
        return self.channels

    @property
    def parts(self) -> list[Part]:
        return [part for parts in self.memory.kept.values() for part in parts]


class Queue:
    """Names calls that wait, and takes down how much room there was."""

    def __init__(self, *waiting: Waiting) -> None:
        self.waiting = waiting
        self.rooms: list[int] = []

    def __call__(self, room: int) -> Iterator[Companion]:
        self.rooms.append(room)
        for one in self.waiting:
            yield one.companion


@pytest.fixture
def listener() -> Listener:
    return Listener(batch=6)


@pytest.fixture
def ours(tmp_path: Path, listener: Listener) -> WhisperEngine:
    model = tmp_path / "any.pt"
    model.write_bytes(b"weights")
    return WhisperEngine("openai-whisper", str(model), tmp_path, lambda found: listener)


def test_room_in_a_batch_goes_to_calls_that_wait_and_their_own_turn_hears_nothing_again(
    ours: WhisperEngine, listener: Listener
) -> None:
    first, second = Waiting(call(2)), Waiting(call(3))
    alone = [ours.transcribe(call(windows), language="en") for windows in (1, 2, 3)]
    listener.calls.clear()
    found = [ours.transcribe(call(1), language="en", companions=Queue(first, second))]
    assert listener.calls == [(1, 2, 3)]
    for waiting in (first, second):
        found.append(ours.transcribe(waiting.channels, language="en", parts=waiting.memory))
    assert found == alone
    assert listener.batches == 1


def test_only_the_last_batch_of_a_call_takes_others_in(ours: WhisperEngine, listener: Listener) -> None:
    queue = Queue(Waiting(call(6)), Waiting(call(5)), Waiting())
    ours.transcribe(call(7), language="en", companions=queue)
    assert listener.calls == [(6,), (1, 5)]
    assert queue.rooms == [5]
    assert [len(one.parts) for one in queue.waiting] == [0, 1, 0]


def test_without_room_nobody_is_asked_for(ours: WhisperEngine) -> None:
    queue = Queue(Waiting())
    ours.transcribe(call(6), language="en", companions=queue)
    ours.transcribe([SpeechChannel("agent", np.zeros(RATE, np.float32), [])], companions=queue)
    memory = Memory()
    ours.transcribe(call(2), language="en", parts=memory)
    ours.transcribe(call(2), language="en", parts=memory, companions=queue)
    assert queue.rooms == []


@pytest.mark.parametrize(
    "other",
    [
        {"language": "de"},
        {"language": None},
        {"language": "xx"},
        {"hints": ["Acme"]},
        {"channels": call(6)},
        {"channels": [SpeechChannel("agent", np.zeros(RATE, np.float32), [])]},
    ],
    ids=["other language", "unknown language", "no language", "hints", "too long", "silent"],
)
def test_the_sound_of_a_call_that_does_not_fit_is_not_opened(
    ours: WhisperEngine, listener: Listener, other: dict[str, Any]
) -> None:
    waiting = Waiting(**other)
    ours.transcribe(call(1), language="en", companions=Queue(waiting))
    assert (waiting.opened, waiting.parts, listener.calls) == (0, [], [(1,)])


def test_same_hints_and_the_only_language_of_a_model_fit(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Listener, "languages", frozenset({"en"}))
    waiting = Waiting(language=None, hints=["Acme"])
    ours.transcribe(call(1), hints=["Acme"], companions=Queue(waiting))
    assert listener.asked == [("en", "Acme")]
    assert len(waiting.parts) == 1


def test_a_call_whose_sound_turns_out_otherwise_is_left_out(ours: WhisperEngine, listener: Listener) -> None:
    shorter = Waiting(call(2))
    shorter.channels = [SpeechChannel("agent", np.zeros(0, np.float32), shorter.channels[0].spans)]
    broken, sound = Waiting(error=Permanent("undecodable", "Broken.")), Waiting()
    ours.transcribe(call(1), language="en", companions=Queue(shorter, broken, sound))
    assert listener.calls == [(1, 1)]
    assert [len(one.parts) for one in (shorter, broken, sound)] == [0, 0, 1]


def test_a_companion_cannot_fail_a_call(
    ours: WhisperEngine, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Listener.hear

    def hear(self: Listener, sounds: Any, **named: Any) -> list[HeardWindow]:
        found = real(self, sounds, **named)
        if len(sounds) > 1:
            raise RuntimeError("not enough memory")
        return found

    monkeypatch.setattr(Listener, "hear", hear)
    waiting, progress = Waiting(), list[float]()
    heard = ours.transcribe(call(1), language="en", companions=Queue(waiting), progress=progress.append)
    assert listener.calls == [(1, 1), (1,)]
    assert heard == ours.transcribe(call(1), language="en")
    assert (waiting.parts, progress) == ([], [1.0])


def test_a_stop_ends_a_batch_with_companions_too(ours: WhisperEngine, listener: Listener) -> None:
    waiting, memory = Waiting(), Memory()

    def check() -> None:
        if waiting.opened:
            raise Stopped

    with pytest.raises(Stopped):
        ours.transcribe(call(1), language="en", companions=Queue(waiting), check=check, parts=memory)
    assert (listener.calls, memory.kept, waiting.parts) == ([], {}, [])


@pytest.mark.parametrize(
    ("beams", "first"), [(1, [([0, 1, 2, 3], 0.0)]), (3, [([0, 1], 0.0), ([2, 3], 0.0)])]
)
def test_calls_share_greedy_decoding_alone(
    beams: int, first: list[tuple[list[int], float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0, 0.4))
    asked: list[tuple[list[int], float]] = []

    def decode(windows: list[int], temperature: float) -> list[Decoded]:
        asked.append((windows, temperature))
        return [
            Decoded((), "text", -0.1 if window == 1 else -2.0, 0.0, temperature, False) for window in windows
        ]

    found = tries.best_tries(4, decode, (2, 2), beams=beams)
    assert asked == [*first, ([0], 0.4), ([2, 3], 0.4)]
    assert [one.temperature for one in found] == [0.0, 0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model") / "random.pt", width=64, layers=(1, 1))


def noise(seconds: float, seed: int) -> SpeechChannel:
    sound = np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    return SpeechChannel("unknown", sound, [(0.0, seconds)])


@pytest.mark.parametrize(
    ("engine", "beams"),
    [("openai-whisper", 1), ("openai-whisper", 3), ("faster-whisper", 1), ("faster-whisper", 3)],
)
def test_words_do_not_depend_on_companions(
    checkpoint: Path, engine: str, beams: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights pass no test, so every window is drawn with a temperature too."""
    monkeypatch.setattr(tries, "TEMPERATURES", (0.0, 0.4))
    monkeypatch.setattr(tries, "is_good", lambda text, avg_logprob: False)
    monkeypatch.setattr(placing, "is_silent", lambda *_: False)
    monkeypatch.setattr(placing, "honest", lambda words, language: (words, ()))
    options = SpeechOptions(beam=beams, batch=4, precision="float32", device="cpu", threads=1)
    ours = open_engine(engine, str(checkpoint), checkpoint.parent, options)
    host, guest = [noise(2.0, 1), noise(0.5, 2)], Waiting([noise(3.0, 3)])
    alone = [ours.transcribe(channels, language="en") for channels in (host, guest.channels)]
    batches: list[int] = []
    hear = ours.recogniser.hear

    def counted(sounds: Any, **named: Any) -> list[HeardWindow]:
        batches.append(len(sounds))
        return hear(sounds, **named)

    ours.recogniser.hear = counted  # type: ignore[method-assign]
    together = ours.transcribe(host, language="en", companions=Queue(guest))
    joined = ours.transcribe(guest.channels, language="en", parts=guest.memory)
    assert batches == [3]
    assert [one.segments for one in alone] == [together.segments, joined.segments]
    assert all(one.segments for one in alone)
