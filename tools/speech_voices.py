"""Speak sentences with espeak-ng and say when each word and phoneme was spoken.

The shared library is called through ctypes, because only the library reports the times of words;
the times are what makes a small recogniser learn in an hour instead of a day.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from dataclasses import dataclass, field, replace

import numpy as np

SAMPLE_RATE = 16_000
_RETRIEVAL, _PHONEME_EVENTS = 1, 1
_RATE, _PITCH, _RANGE, _WORDGAP = 1, 3, 4, 7
_EVENT_WORD, _EVENT_PHONEME = 1, 7
_UTF8 = 1


class EspeakMissing(RuntimeError):
    """Say that the espeak-ng library is not installed (Debian package: espeak-ng)."""


@dataclass(frozen=True)
class Voice:
    """Name one way of speaking: espeak voice and variant, words per minute, pitch and its range (0 to 99)."""

    name: str
    speed: int = 155
    pitch: int = 50
    range: int = 50


@dataclass(frozen=True)
class Spoken:
    """Hold one spoken sentence: mono samples at 16 kHz, words and phonemes with times in seconds."""

    samples: np.ndarray
    words: list[tuple[str, float, float]] = field(default_factory=list)
    phonemes: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Tell the length of the sound in seconds."""
        return len(self.samples) / SAMPLE_RATE


PEOPLE: dict[str, Voice] = {
    "Dana": Voice("gmw/en-US+f2", 158, 52, 50),
    "Marcus": Voice("gmw/en-US+m3", 156, 36, 45),
    "Priya": Voice("gmw/en+f4", 160, 55, 55),
    "Tom": Voice("gmw/en-US+m1", 162, 44, 50),
    "Nina": Voice("gmw/en-US+f5", 158, 60, 45),
    "Aisha": Voice("gmw/en+f3", 160, 48, 50),
    "Sara": Voice("gmw/en-US+f1", 156, 50, 55),
    "Leo": Voice("gmw/en-US+m7", 160, 50, 60),
    "customer-a": Voice("gmw/en-US+f3", 152, 42, 50),
    "customer-b": Voice("gmw/en-US+m2", 158, 40, 55),
    "customer-c": Voice("gmw/en+m4", 154, 46, 50),
    "customer-d": Voice("gmw/en-US", 150, 34, 45),
    "customer-e": Voice("gmw/en+f1", 156, 58, 50),
    "customer-f": Voice("gmw/en-US+m5", 152, 54, 45),
}
"""The voices of the bundled calls: eight agents by first name, six customers shared between calls."""

EXTRA: list[Voice] = [
    Voice("gmw/en-US+adam", 155, 45, 50),
    Voice("gmw/en-US+linda", 158, 52, 50),
    Voice("gmw/en+m6", 156, 48, 50),
    Voice("gmw/en-US+steph", 156, 50, 50),
]
"""Voices trained on besides, so that the model is not bound to fourteen throats."""

UNTRAINED: list[Voice] = [
    Voice("gmw/en-US+m8", 156, 46, 50),
    Voice("gmw/en-GB-x-rp+f2", 158, 50, 50),
    Voice("gmw/en-US+belinda", 156, 50, 50),
    Voice("gmw/en+edward", 154, 45, 50),
    Voice("gmw/en-US+max", 158, 48, 50),
    Voice("gmw/en-US+zac", 154, 52, 45),
]
"""Voices never trained on: they show how far the model hears beyond its own."""


def jitter(voice: Voice, rng: np.random.Generator) -> Voice:
    """Vary speed (16 % slower to 8 % faster) and pitch (6 steps), as one person varies from day to day."""
    return replace(
        voice,
        speed=round(voice.speed * rng.uniform(0.84, 1.08)),
        pitch=int(np.clip(voice.pitch + rng.integers(-6, 7), 0, 99)),
    )


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Engine:
    """Keep the one espeak instance a process may have, and collect what its callback brings."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        try:
            self._lib = ctypes.CDLL(name)
        except OSError as error:
            raise EspeakMissing("espeak-ng is not installed: install the package espeak-ng") from error
        self._rate = self._lib.espeak_Initialize(_RETRIEVAL, 0, None, _PHONEME_EVENTS)
        if self._rate <= 0:
            raise EspeakMissing("espeak-ng found, but its voice data is not")
        self._audio: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, int, str]] = []
        self._callback = _Callback(self._collect)
        self._lib.espeak_SetSynthCallback(self._callback)

    def _collect(self, wav: object, count: int, events: object) -> int:
        if wav and count > 0:
            samples = np.ctypeslib.as_array(wav, shape=(count,))  # type: ignore[call-overload]
            self._audio.append(samples.copy())
        index = 0
        while events and events[index].type:  # type: ignore[index]
            event = events[index]  # type: ignore[index]
            label = event.id.string.decode("utf8", "replace") if event.type == _EVENT_PHONEME else ""
            self._events.append((event.type, event.audio_position, event.text_position, event.length, label))
            index += 1
        return 0

    def speak(self, text: str, voice: Voice) -> tuple[np.ndarray, list[tuple[int, int, int, int, str]], int]:
        """Return samples, events and the sample rate of one utterance."""
        self._audio, self._events = [], []
        if self._lib.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ValueError(f"espeak-ng knows no voice {voice.name!r}")
        for key, value in ((_RATE, voice.speed), (_PITCH, voice.pitch), (_RANGE, voice.range), (_WORDGAP, 0)):
            self._lib.espeak_SetParameter(key, value, 0)
        data = text.encode()
        self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        self._lib.espeak_Synchronize()
        audio = np.concatenate(self._audio) if self._audio else np.zeros(0, np.int16)
        return audio.astype(np.float32) / 32768.0, self._events, self._rate


@functools.cache
def _engine() -> _Engine:
    return _Engine()


def available() -> bool:
    """Tell whether espeak-ng can be used on this machine."""
    try:
        _engine()
    except EspeakMissing:
        return False
    return True


def resample(samples: np.ndarray, source: int, target: int) -> np.ndarray:
    """Change the sample rate by cutting or padding the spectrum of the whole clip (exact for short clips)."""
    if source == target or not len(samples):
        return samples
    length = round(len(samples) * target / source)
    spectrum = np.fft.rfft(samples)
    keep = length // 2 + 1
    spectrum = np.pad(spectrum[:keep], (0, max(keep - len(spectrum), 0)))
    return (np.fft.irfft(spectrum, length) * (length / len(samples))).astype(np.float32)


def say(text: str, voice: Voice) -> Spoken:
    """Speak `text` once; leading and trailing silence is cut to 30 ms, times follow the cut.

    Raises EspeakMissing where the library is absent, ValueError for an unknown voice.
    """
    raw, events, rate = _engine().speak(text, voice)
    samples = resample(raw, rate, SAMPLE_RATE)
    first, last = _loud_span(samples)
    lead = first / SAMPLE_RATE
    samples = samples[first:last]
    total = len(samples) / SAMPLE_RATE
    return Spoken(samples, _words(text, events, lead, total), _phonemes(events, lead, total))


def _loud_span(samples: np.ndarray) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(samples) > 0.004)
    margin = int(0.03 * SAMPLE_RATE)
    if not len(loud):
        return 0, len(samples)
    return max(int(loud[0]) - margin, 0), min(int(loud[-1]) + margin, len(samples))


def _phonemes(
    events: list[tuple[int, int, int, int, str]], lead: float, total: float
) -> list[tuple[str, float, float]]:
    marks = [(label, at / 1000 - lead) for kind, at, _, _, label in events if kind == _EVENT_PHONEME]
    ends = [at for _, at in marks[1:]] + [total]
    pairs = zip(marks, ends, strict=True)
    return [(label, max(at, 0.0), min(end, total)) for (label, at), end in pairs if end > at]


def _words(
    text: str, events: list[tuple[int, int, int, int, str]], lead: float, total: float
) -> list[tuple[str, float, float]]:
    """Give each written word its time: from its first sounding phoneme to the end of its last one."""
    written = text.split()
    starts, position = [], 0
    for word in written:
        position = text.index(word, position)
        starts.append(position)
        position += len(word)
    onset: dict[int, float] = {}
    for kind, at, where, _, _ in events:
        if kind == _EVENT_WORD:
            index = max(i for i, begin in enumerate(starts) if begin <= max(where - 1, 0))
            onset.setdefault(index, at / 1000 - lead)
    sounding = [(a, b) for label, a, b in _phonemes(events, lead, total) if label.strip("_: ;|") != ""]
    spans = []
    for index, word in enumerate(written):
        begin = onset.get(index)
        if begin is None:
            begin = spans[-1][2] if spans else 0.0
        later = [onset[i] for i in onset if i > index]
        limit = min(later) if later else total
        inside = [(a, b) for a, b in sounding if a >= begin - 0.02 and a < limit - 0.02]
        end = max((b for _, b in inside), default=limit)
        begin = min((a for a, _ in inside), default=begin)
        spans.append((word, max(begin, 0.0), min(max(end, begin + 0.02), total)))
    return _share_fused(spans)


def _share_fused(spans: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Share time by letters where espeak spoke two words as one ('so much') and timed only the first."""
    out = list(spans)
    for index in range(1, len(out)):
        (first, a, b), (second, c, d) = out[index - 1], out[index]
        if d - c < 0.06 and abs(c - b) < 0.04 and b - a > 0.12:
            middle = a + (d - a) * len(first) / (len(first) + len(second))
            out[index - 1], out[index] = (first, a, middle), (second, middle, d)
    return out
