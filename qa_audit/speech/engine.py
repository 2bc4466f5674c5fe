"""Transcribe a call with any recogniser: pack its speech into windows, hear them in batches, place the words.

Nothing heard earlier is given to the model as context: a mistake then stays where it was made.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.domain.transcript import EngineInfo, Note, Segment, Word
from qa_audit.errors import UnknownLanguage
from qa_audit.speech import models
from qa_audit.speech.honesty import honest
from qa_audit.speech.protocol import NO_PARTS, SAMPLE_RATE, Heard, Part, Parts, SpeechChannel
from qa_audit.speech.punctuation import with_punctuation
from qa_audit.speech.recogniser import HeardWindow, Recogniser, is_silent
from qa_audit.speech.windows import Packing, Window, windows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURN_PAUSE = 0.8
"""Seconds: a pause that parts two segments."""

CUT_OFF = (
    "The recogniser wrote more here than can be said in this time; it was stopped, and words may be wrong."
)

LONGEST_SEGMENT = 15.0
"""Seconds: longer speech is shown as several segments, cut after a sentence."""

LONGEST_HINTS = 200
"""Characters of hints: more would push the model into writing the hints themselves."""

DEMO_PACKING = Packing(longest=6.0, joins_far_speech=False, kept_pause=0.8)
"""The demo model learned mostly from short windows, and hears single sentences best."""

DEMO_NOTE = Note(
    kind="demo_model",
    text="Made with the demo model, which only understands the bundled calls. For other recordings set "
    "QA_AUDIT_WHISPER_MODEL to a real model, for example base.en.",
)

Open = Callable[[models.Found], Recogniser]


@dataclass(frozen=True)
class _Plan:
    """What is to be heard, in which order, and the name under which finished parts are kept."""

    language: str
    hints: str
    batches: tuple[tuple[Window, ...], ...]
    name: str

    @property
    def seconds(self) -> float:
        """Return the length of all windows together."""
        return sum(window.seconds for batch in self.batches for window in batch)


class WhisperEngine:
    """A Transcriber on a model that is found (for a named one: fetched) and loaded on first use, then kept."""

    def __init__(
        self,
        name: str,
        model: str,
        cache_dir: Path,
        open_recogniser: Open,
        *,
        fetching: Callable[[float], None] = lambda fraction: None,
    ) -> None:
        self._engine = name
        self._name = model
        self._cache_dir = cache_dir
        self._open = open_recogniser
        self._fetching = fetching
        self._lock = threading.Lock()
        self._found: models.Found | None = None
        self._recogniser: Recogniser | None = None

    @property
    def engine(self) -> EngineInfo:
        """Say which engine and model this is; looks for the model, and fetches it if it has to."""
        found = self._find()
        return EngineInfo(name=self._engine, model=found.label, model_sha256=found.sha256)

    @property
    def recogniser(self) -> Recogniser:
        """The loaded model; loads it first where that was not done yet."""
        found = self._find()
        with self._lock:
            if self._recogniser is None:
                self._recogniser = self._open(found)
            return self._recogniser

    def transcribe(
        self,
        channels: Sequence[SpeechChannel],
        *,
        language: str | None = None,
        hints: Sequence[str] = (),
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
        parts: Parts = NO_PARTS,
    ) -> Heard:
        """Transcribe each channel on its own and merge the segments by time (see `protocol.Transcriber`)."""
        check()
        recogniser = self.recogniser
        plan = self._plan(recogniser, channels, language, hints)
        done = [*islice(parts.load(plan.name), len(plan.batches))]
        seconds = sum(window.seconds for batch in plan.batches[: len(done)] for window in batch)
        if done:
            progress(seconds / plan.seconds)
        for number in range(len(done), len(plan.batches)):
            check()
            batch = plan.batches[number]
            done.append(_hear(recogniser, channels, batch, plan, check))
            parts.keep(plan.name, number, done[-1])
            seconds += sum(window.seconds for window in batch)
            progress(min(seconds / plan.seconds, 1.0))
        segments, notes = _joined(channels, done)
        return Heard(plan.language, self.engine, segments, (*self._notes(plan), *notes))

    def _find(self) -> models.Found:
        with self._lock:
            if self._found is None:
                self._found = models.find(self._name, self._cache_dir, progress=self._fetching)
            return self._found

    def _plan(
        self,
        recogniser: Recogniser,
        channels: Sequence[SpeechChannel],
        language: str | None,
        hints: Sequence[str],
    ) -> _Plan:
        packing = DEMO_PACKING if self._find().is_demo else Packing()
        windows = [
            window for number, channel in enumerate(channels) for window in _windows(number, channel, packing)
        ]
        windows.sort(key=lambda window: (window.start, window.channel))
        spoken = _language(recogniser, channels, windows, language)
        prompt = ", ".join(hints)[:LONGEST_HINTS]
        size = recogniser.batch
        batches = tuple(tuple(windows[at : at + size]) for at in range(0, len(windows), size))
        facts = [
            self.engine.model_dump(), recogniser.about, spoken, prompt, [[asdict(w) for w in b] for b in batches]
        ]  # fmt: skip
        name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return _Plan(spoken, prompt, batches, name)

    def _notes(self, plan: _Plan) -> Iterator[Note]:
        if self._find().is_demo:
            yield DEMO_NOTE
        if plan.hints:
            yield Note(kind="hints", text=f"The recogniser was told to expect these names: {plan.hints}.")


def _windows(number: int, channel: SpeechChannel, packing: Packing) -> list[Window]:
    """Pack one channel's speech, no further than its sound goes."""
    length = len(channel.samples) / SAMPLE_RATE
    spans = [(max(a, 0.0), min(b, length)) for a, b in channel.spans]
    return windows_of(
        number, spans, packing=packing, quietest=lambda low, high: _quietest(channel, low, high)
    )


def _quietest(channel: SpeechChannel, low: float, high: float) -> float:
    """Return the middle of the quietest tenth of a second between two times."""
    import numpy as np

    step = SAMPLE_RATE // 10
    part = np.asarray(channel.samples[int(low * SAMPLE_RATE) : int(high * SAMPLE_RATE)], np.float64)
    count = len(part) // step
    if not count:
        return (low + high) / 2
    power = (part[: count * step].reshape(count, step) ** 2).mean(axis=1)
    return low + (int(power.argmin()) + 0.5) / 10


def _language(
    recogniser: Recogniser, channels: Sequence[SpeechChannel], windows: Sequence[Window], wanted: str | None
) -> str:
    """Return the language to decode: the one asked for, the model's only one, or the one heard.

    It is listened for where most is said at once. Raises UnknownLanguage.
    """
    known = recogniser.languages
    if wanted and wanted not in known:
        raise UnknownLanguage(
            f"This call is in the language '{wanted}', and the speech model knows only "
            f"{'English' if known == {'en'} else f'{len(known)} others'}. Set QA_AUDIT_WHISPER_MODEL to a model "
            "that knows it, for example base (without .en), and start QA Audit again."
        )
    if wanted:
        return wanted
    if len(known) == 1 or not windows:
        return "en" if "en" in known else min(known)
    longest = max(windows, key=lambda window: sum(b - a for piece in window.pieces for a, b in piece.spans))
    return recogniser.language_of(longest.sound(channels[longest.channel].samples))


def _hear(
    recogniser: Recogniser,
    channels: Sequence[SpeechChannel],
    batch: Sequence[Window],
    plan: _Plan,
    check: Callable[[], None],
) -> Part:
    """Hear a batch of windows and place what was heard in the call, as plain data."""
    sounds: list[NDArray[Any]] = [window.sound(channels[window.channel].samples) for window in batch]
    found = recogniser.hear(sounds, language=plan.language, hints=plan.hints, check=check)
    stretches: list[dict[str, object]] = []
    notes: list[dict[str, object]] = []
    for window, heard in zip(batch, found, strict=True):
        if is_silent(heard.no_speech_prob, heard.avg_logprob):
            continue
        words, dropped = honest(_placed(window, heard))
        if heard.is_cut:
            dropped = (*dropped, Note(kind="cut_off", text=CUT_OFF, start=window.start, end=window.end))
        notes += [note.model_dump() for note in dropped]
        stretches += [
            {
                "channel": window.channel,
                "words": [word.model_dump() for word in sentence],
                "avg_logprob": round(heard.avg_logprob, 4),
                "no_speech_prob": round(heard.no_speech_prob, 4),
            }
            for sentence in _sentences(words)
        ]
    return {"stretches": stretches, "notes": notes}


def _placed(window: Window, heard: HeardWindow) -> list[Word]:
    """Return a window's words with call times, their punctuation joined to them."""
    words = []
    for item in with_punctuation(heard.words):
        start, end = window.place(item.start, item.end)
        chance = round(min(max(item.probability, 0.0), 1.0), 4)
        words.append(
            Word(start=round(start, 3), end=round(end, 3), text=item.text.strip(), probability=chance)
        )
    return words


def _sentences(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield words in stretches: a pause parts them, and the end of a sentence where they last too long."""
    first = 0
    for place, word in enumerate(words[:-1]):
        pauses = words[place + 1].start - word.end >= TURN_PAUSE
        ends = word.text[-1:] in ".?!" and word.end - words[first].start >= LONGEST_SEGMENT / 3
        if pauses or (ends and words[-1].end - words[first].start > LONGEST_SEGMENT):
            yield words[first : place + 1]
            first = place + 1
    if words:
        yield words[first:]


def _joined(
    channels: Sequence[SpeechChannel], parts: Sequence[Part]
) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """Make segments of all parts, numbered in time order, and collect the notes."""
    found: list[Mapping[str, Any]] = [stretch for part in parts for stretch in part["stretches"]]
    found.sort(key=lambda stretch: (stretch["words"][0]["start"], stretch["words"][-1]["end"]))
    segments = tuple(
        Segment(
            id=number,
            speaker=channels[stretch["channel"]].speaker,
            start=stretch["words"][0]["start"],
            end=stretch["words"][-1]["end"],
            text=" ".join(word["text"] for word in stretch["words"]),
            avg_logprob=stretch["avg_logprob"],
            no_speech_prob=stretch["no_speech_prob"],
            words=tuple(Word.model_validate(word) for word in stretch["words"]),
        )
        for number, stretch in enumerate(found)
    )
    notes = [Note.model_validate(note) for part in parts for note in part["notes"]]
    return segments, tuple(sorted(notes, key=lambda note: note.start or 0.0))
