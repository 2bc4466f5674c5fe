"""Transcribe with OpenAI's whisper package: each channel on its own, only its stretches of speech.

Nothing heard earlier is given to the model as context: a mistake then stays where it was made.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_audit.domain.transcript import EngineInfo, Note, Segment, Speaker, Word
from qa_audit.speech import models
from qa_audit.speech.protocol import SAMPLE_RATE, Heard, Span, SpeechChannel
from qa_audit.speech.repeats import loops
from qa_audit.speech.windows import LONGEST, Window, fit, windows_of

if TYPE_CHECKING:
    import numpy
    from whisper.decoding import DecodingResult
    from whisper.model import Whisper

ENGINE = "openai-whisper"
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TOKENS_PER_SECOND = 10
"""Nobody speaks faster (fast English is about 6): text that outruns the sound is cut off while it is made."""

MOST_COMPRESSED = 2.4
LEAST_LOGPROB = -1.0
NO_SPEECH = 0.6
"""Whisper's own thresholds (whisper/transcribe.py): when to try again, when to hold a window for silent."""

OPENING, CLOSING = "\"'\u201c\u00bf([{-", "\"'.\u3002,\uff0c!\uff01?\uff1f:\uff1a\u201d)]}\u3001"
"""Punctuation that belongs to the next and to the previous word, as in whisper/transcribe.py."""

LONGEST_TEXT = 224
"""Tokens: half of the text context, whisper's own limit for one window."""

LONGEST_SEGMENT = 15.0
"""Seconds: a longer window is shown as several segments, cut after a sentence."""

DEMO_LONGEST = 6.0
"""Seconds: the demo model learned mostly from short windows, and hears single sentences best."""

DEMO_NOTE = Note(
    kind="demo_model",
    text="Made with the demo model, which only understands the bundled calls. For other recordings set "
    "QA_AUDIT_WHISPER_MODEL to a real model, for example base.en.",
)


@dataclass(frozen=True)
class _Piece:
    """A recognised window of one channel: words with call times, and the model's own doubts."""

    speaker: Speaker
    words: tuple[Word, ...]
    avg_logprob: float
    no_speech_prob: float


class OpenAIWhisper:
    """The whisper engine; finds (and for a named model fetches) its model on first use and keeps it warm."""

    def __init__(
        self,
        model: str,
        cache_dir: Path,
        *,
        device: str = "cpu",
        fetching: Callable[[float], None] = lambda fraction: None,
    ) -> None:
        self._name = model
        self._cache_dir = cache_dir
        self._device = device
        self._fetching = fetching
        self._lock = threading.Lock()
        self._found: models.Found | None = None
        self._model: Whisper | None = None

    @property
    def engine(self) -> EngineInfo:
        """Say which engine and model this is; looks for the model, and fetches it if it has to."""
        found = self._find()
        return EngineInfo(name=ENGINE, model=found.label, model_sha256=found.sha256)

    def transcribe(
        self,
        channels: Sequence[SpeechChannel],
        *,
        language: str | None = None,
        progress: Callable[[float], None] = lambda fraction: None,
        check: Callable[[], None] = lambda: None,
    ) -> Heard:
        """Transcribe each channel on its own and merge the segments by time (see `protocol.Transcriber`)."""
        check()
        model = self._load()
        longest = DEMO_LONGEST if self._find().is_demo else LONGEST
        work = [(channel, window) for channel in channels for window in _windows(channel, longest)]
        spoken = _language(model, work, language)
        total = sum(window.seconds for _, window in work) or 1.0
        done, pieces, notes = 0.0, [], []
        for channel, window in work:
            check()
            piece, dropped = _hear(model, channel, window, spoken)
            pieces += [piece] if piece and piece.words else []
            notes += dropped
            done += window.seconds
            progress(min(done / total, 1.0))
        if self._find().is_demo:
            notes.insert(0, DEMO_NOTE)
        return Heard(spoken, self.engine, _segments(pieces), tuple(notes))

    def _find(self) -> models.Found:
        with self._lock:
            if self._found is None:
                self._found = models.find(self._name, self._cache_dir, progress=self._fetching)
            return self._found

    def _load(self) -> Whisper:
        found = self._find()
        with self._lock:
            if self._model is None:
                self._model = models.load(found, self._device)
            return self._model


def _windows(channel: SpeechChannel, longest: float) -> list[Window]:
    """Cut one channel into windows, no further than its sound goes."""
    length = len(channel.samples) / SAMPLE_RATE
    spans = [(max(a, 0.0), min(b, length)) for a, b in channel.spans]
    return windows_of(
        spans, longest=longest, quietest=lambda low, high: _quietest(channel.samples, low, high)
    )


def _quietest(samples: numpy.ndarray, low: float, high: float) -> float:
    """Return the middle of the quietest tenth of a second between two times."""
    import numpy as np

    step = SAMPLE_RATE // 10
    part = np.asarray(samples[int(low * SAMPLE_RATE) : int(high * SAMPLE_RATE)], np.float64)
    count = len(part) // step
    if not count:
        return (low + high) / 2
    power = (part[: count * step].reshape(count, step) ** 2).mean(axis=1)
    return low + (int(power.argmin()) + 0.5) / 10


def _language(model: Whisper, work: Sequence[tuple[SpeechChannel, Window]], wanted: str | None) -> str:
    """Return the language to decode: the one asked for, English for an English model, or the one heard.

    It is listened for in the longest window of the call.
    """
    if not model.is_multilingual:
        return "en"
    if wanted:
        return wanted
    if not work:
        return "en"
    channel, window = max(work, key=lambda item: item[1].seconds)
    _, chances = model.detect_language(_features(model, channel, window))
    return str(max(chances, key=chances.get))


def _features(model: Whisper, channel: SpeechChannel, window: Window) -> Any:
    """Compute the log mel spectrogram of a window, padded to 30 s."""
    import numpy as np
    from whisper.audio import log_mel_spectrogram, pad_or_trim

    first, last = round(window.start * SAMPLE_RATE), round(window.end * SAMPLE_RATE)
    sound = np.ascontiguousarray(channel.samples[first:last], dtype=np.float32)
    return log_mel_spectrogram(pad_or_trim(sound), model.dims.n_mels).to(model.device)


def _hear(
    model: Whisper, channel: SpeechChannel, window: Window, language: str
) -> tuple[_Piece | None, list[Note]]:
    """Recognise one window: nothing where the model hears no speech, and notes on what was dropped."""
    encoded = _Encoded(model, _encode(model, _features(model, channel, window)))
    result = _decode(model, encoded.sound, language, window.seconds)
    if result.no_speech_prob > NO_SPEECH and result.avg_logprob < LEAST_LOGPROB:
        return None, []
    words = _timed_words(encoded, result, window, language)
    kept, notes = _without_loops(words)
    return _Piece(channel.speaker, kept, result.avg_logprob, result.no_speech_prob), notes


def _encode(model: Whisper, mel: Any) -> Any:
    """Run the encoder, by far the dearest part, once for decoding and alignment alike."""
    import torch

    with torch.no_grad():
        return model.embed_audio(mel[None])[0]


@dataclass(frozen=True)
class _Encoded:
    """Stand in for a model in whisper's alignment, which would encode the sound a second time."""

    model: Whisper
    sound: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, mel: Any, tokens: Any) -> Any:
        return self.model.decoder(tokens, self.sound[None])


def _decode(model: Whisper, sound: Any, language: str, seconds: float = 30.0) -> DecodingResult:
    """Decode greedily; if the outcome looks wrong, try with rising temperature and keep the best try."""
    import torch
    from whisper.decoding import DecodingOptions, decode

    tries: list[DecodingResult] = []
    for temperature in TEMPERATURES:
        options = DecodingOptions(
            language=language,
            temperature=temperature,
            sample_len=min(LONGEST_TEXT, 16 + round(TOKENS_PER_SECOND * seconds)),
            without_timestamps=True,
            fp16=model.device.type == "cuda",
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            result = decode(model, sound, options)
        if result.compression_ratio <= MOST_COMPRESSED and result.avg_logprob >= LEAST_LOGPROB:
            return result
        if result.no_speech_prob > NO_SPEECH and result.avg_logprob < LEAST_LOGPROB:
            return result
        tries.append(result)
    sane = [r for r in tries if r.compression_ratio <= MOST_COMPRESSED]
    return max(sane or tries, key=lambda r: r.avg_logprob)


def _timed_words(
    encoded: _Encoded, result: DecodingResult, window: Window, language: str
) -> tuple[Word, ...]:
    """Align the decoded tokens with the sound; word times are moved into the stretches of speech."""
    from whisper.timing import find_alignment, merge_punctuations
    from whisper.tokenizer import get_tokenizer

    model = encoded.model
    tokenizer = get_tokenizer(
        model.is_multilingual, num_languages=model.num_languages, language=language, task="transcribe"
    )
    text = [token for token in result.tokens if token < tokenizer.eot]
    frames = max(round(window.seconds * 100), 2)
    alignment = find_alignment(encoded, tokenizer, text, encoded.sound, frames)
    merge_punctuations(alignment, OPENING, CLOSING)
    words = []
    for item in alignment:
        if shown := item.word.strip():
            start, end = fit(window.start + float(item.start), window.start + float(item.end), window.spans)
            chance = min(max(float(item.probability), 0.0), 1.0)
            words.append(
                Word(start=round(start, 3), end=round(end, 3), text=shown, probability=round(chance, 4))
            )
    return tuple(words)


def _without_loops(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], list[Note]]:
    """Drop what the model only repeated, and say so."""
    kept = list(words)
    notes = []
    for first, last in reversed(loops([word.text for word in words])):
        text = "The recogniser repeated itself here; the repeats were dropped."
        notes.append(Note(kind="repetition", text=text, start=words[first].start, end=words[last - 1].end))
        del kept[first:last]
    return tuple(kept), notes[::-1]


def _segments(pieces: Sequence[_Piece]) -> tuple[Segment, ...]:
    """Make segments of all pieces and number them in time order."""
    found = []
    for piece in pieces:
        for words in _sentences(piece.words):
            found.append((piece, words))
    found.sort(key=lambda item: (item[1][0].start, item[1][-1].end))
    return tuple(
        Segment(
            id=number,
            speaker=piece.speaker,
            start=words[0].start,
            end=words[-1].end,
            text=" ".join(word.text for word in words),
            avg_logprob=round(piece.avg_logprob, 4),
            no_speech_prob=round(piece.no_speech_prob, 4),
            words=words,
        )
        for number, (piece, words) in enumerate(found)
    )


def _sentences(words: tuple[Word, ...]) -> Iterator[tuple[Word, ...]]:
    """Yield the words as one stretch, or cut after sentences where it lasts longer than a segment should."""
    first = 0
    for place, word in enumerate(words):
        ends = word.text[-1:] in ".?!" and word.end - words[first].start >= LONGEST_SEGMENT / 3
        if ends and words[-1].end - words[first].start > LONGEST_SEGMENT:
            yield words[first : place + 1]
            first = place + 1
    if first < len(words):
        yield words[first:]


__all__ = ["ENGINE", "OpenAIWhisper", "Span"]
