"""Transcribe a call with any recogniser: pack its speech into windows, hear them in batches, place the words.

Where the last batch of a call has room, it is filled with the windows of short calls that wait.

Nothing heard earlier is given to the model as context: a mistake then stays where it was made.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit import logs
from qa_audit.domain.transcript import EngineInfo, Note
from qa_audit.errors import UnknownLanguage
from qa_audit.speech import models
from qa_audit.speech.placing import joined, part_of
from qa_audit.speech.protocol import (
    NO_PARTS,
    SAMPLE_RATE,
    Companion,
    Companions,
    Heard,
    Part,
    Parts,
    Span,
    SpeechChannel,
    no_companions,
)
from qa_audit.speech.recogniser import HeardWindow, Recogniser
from qa_audit.speech.windows import Packing, Window, windows_of
from qa_audit.speech.writing import longest_window

if TYPE_CHECKING:
    from numpy.typing import NDArray

log = logs.get(__name__)

LONGEST_HINTS = 200
"""Characters of hints: more would push the model into writing the hints themselves."""

DEMO_PACKING = Packing(longest=6.0, joins_far_speech=False, kept_pause=0.8)
"""The demo model learned mostly from short windows, and hears single sentences best."""

DEMO_NOTE = Note(
    kind="demo_model",
    text="Made with the demo model, which only understands the bundled calls. For other recordings set "
    "QA_AUDIT_WHISPER_MODEL to a real model, for example base.en.",
)

HALF = 0.6
"""What a window's halves may have of its length: speech has a pause near the middle, seldom in it."""

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


@dataclass(frozen=True)
class _Share:
    """The windows that one call has in a batch, and the channels that they are cut from."""

    channels: Sequence[SpeechChannel]
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class _Guest:
    """Another call, whose only batch of windows is heard along, and where its part is kept."""

    share: _Share
    plan: str
    keep: Callable[[str, int, Part], None]


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
        companions: Companions = no_companions,
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
            share = _Share(channels, plan.batches[number])
            is_last = number + 1 == len(plan.batches)
            guests = [*self._guests(recogniser, plan, companions, check)] if is_last else []
            part, *others = _hear_with(recogniser, share, guests, plan, check)
            done.append(part)
            parts.keep(plan.name, number, part)
            for guest, found in zip(guests, others, strict=False):
                guest.keep(guest.plan, 0, found)
            seconds += sum(window.seconds for window in share.windows)
            progress(min(seconds / plan.seconds, 1.0))
        segments, notes = joined(channels, done)
        return Heard(plan.language, self.engine, segments, (*self._notes(plan), *notes))

    def _find(self) -> models.Found:
        with self._lock:
            if self._found is None:
                self._found = models.find(self._name, self._cache_dir, progress=self._fetching)
            return self._found

    def _guests(
        self, recogniser: Recogniser, plan: _Plan, companions: Companions, check: Callable[[], None]
    ) -> Iterator[_Guest]:
        """Yield the calls that fit whole into the room that the last batch of a plan has left."""
        room = recogniser.batch - len(plan.batches[-1])
        if room <= 0:
            return
        for companion in companions(room):
            check()
            guest = self._guest(recogniser, plan, companion, room)
            if guest:
                room -= len(guest.share.windows)
                yield guest
            if not room:
                return

    def _guest(self, recogniser: Recogniser, host: _Plan, companion: Companion, room: int) -> _Guest | None:
        """Plan another call as its own turn would; None where it cannot be heard along.

        Whatever is wrong with it is left for its own turn to tell. Its sound is opened only when it promises to fit.
        """
        try:
            told = _told_language(recogniser, companion.language)
            if (told, _prompt(companion.hints)) != (host.language, host.hints):
                return None
            packing = _fitted(self._packing, host.language)
            if not 0 < _count(companion.spans, packing) <= room:
                return None
            channels = companion.open()
            plan = self._plan(recogniser, channels, companion.language, companion.hints)
        except Exception as error:
            log.debug("a call that waits is not heard along", error=type(error).__name__)
            return None
        if len(plan.batches) != 1 or len(plan.batches[0]) > room:
            return None
        return _Guest(_Share(channels, plan.batches[0]), plan.name, companion.keep)

    @property
    def _packing(self) -> Packing:
        return DEMO_PACKING if self._find().is_demo else Packing()

    def _plan(
        self,
        recogniser: Recogniser,
        channels: Sequence[SpeechChannel],
        language: str | None,
        hints: Sequence[str],
    ) -> _Plan:
        packing = self._packing
        windows = _packed(channels, packing)
        spoken = _language(recogniser, channels, windows, language)
        fitted = _fitted(packing, spoken)
        if fitted != packing:
            windows = _packed(channels, fitted)
        prompt = _prompt(hints)
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


def _fitted(packing: Packing, language: str) -> Packing:
    """Shorten the windows where a language takes so many tokens that a long one's text has no room for them."""
    return replace(packing, longest=min(packing.longest, longest_window(language)))


def _packed(channels: Sequence[SpeechChannel], packing: Packing) -> list[Window]:
    """Pack the speech of all channels, in time order."""
    windows = [
        window for number, channel in enumerate(channels) for window in _windows(number, channel, packing)
    ]
    return sorted(windows, key=lambda window: (window.start, window.channel))


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
    if told := _told_language(recogniser, wanted):
        return told
    if not windows:
        return "en" if "en" in known else min(known)
    longest = max(windows, key=lambda window: sum(b - a for piece in window.pieces for a, b in piece.spans))
    return recogniser.language_of(longest.sound(channels[longest.channel].samples))


def _told_language(recogniser: Recogniser, wanted: str | None) -> str | None:
    """Return the language of a call that need not be listened for: the one asked for, or the model's only one."""
    return wanted or (min(recogniser.languages) if len(recogniser.languages) == 1 else None)


def _prompt(hints: Sequence[str]) -> str:
    return ", ".join(hints)[:LONGEST_HINTS]


def _count(spans: Sequence[Sequence[Span]], packing: Packing) -> int:
    """Return how many windows the stretches of speech of all channels take, as far as can be told unheard."""
    return sum(len(windows_of(number, of_one, packing=packing)) for number, of_one in enumerate(spans))


def _hear_with(
    recogniser: Recogniser, share: _Share, guests: Sequence[_Guest], plan: _Plan, check: Callable[[], None]
) -> list[Part]:
    """Hear a batch of windows and those of guests; when that fails, the batch alone.

    Returns a part for the batch and one for each guest, or for none of them.
    """
    if guests:
        try:
            return _hear(recogniser, [share, *(guest.share for guest in guests)], plan, check)
        except Exception as error:
            check()
            log.warning("calls that wait could not be heard along", error=type(error).__name__)
    return _hear(recogniser, [share], plan, check)


def _hear(
    recogniser: Recogniser, shares: Sequence[_Share], plan: _Plan, check: Callable[[], None]
) -> list[Part]:
    """Hear the windows of one call or several, and return of each call what was heard."""
    sounds: list[NDArray[Any]] = [
        window.sound(share.channels[window.channel].samples) for share in shares for window in share.windows
    ]
    calls = [len(share.windows) for share in shares]
    found = iter(recogniser.hear(sounds, language=plan.language, hints=plan.hints, calls=calls, check=check))
    parts = []
    for share in shares:
        heard = zip(share.windows, islice(found, len(share.windows)), strict=True)
        whole = [_whole(recogniser, share.channels, window, one, plan, check) for window, one in heard]
        parts.append(part_of([*chain.from_iterable(whole)], plan.language))
    return parts


def _whole(
    recogniser: Recogniser, channels: Sequence[SpeechChannel], window: Window, heard: HeardWindow, plan: _Plan,
    check: Callable[[], None],
) -> Iterator[tuple[Window, HeardWindow]]:  # fmt: skip
    """Yield a window with what was heard in it; one whose text was full is heard again in halves."""
    if not heard.is_full:
        yield window, heard
        return
    check()
    channel = channels[window.channel]
    said = replace(channel, spans=[span for piece in window.pieces for span in piece.spans])
    halves = _windows(window.channel, said, Packing(longest=window.seconds * HALF))
    sounds = [half.sound(channel.samples) for half in halves]
    again = recogniser.hear(sounds, language=plan.language, hints=plan.hints, check=check)
    yield from zip(halves, again, strict=True)
