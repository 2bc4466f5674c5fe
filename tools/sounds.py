"""Sounds that are no speech, made by arithmetic: noises, telephone tones and music on hold.

Tests and benchmarks share them. Every kind is a function of (seconds, level, seed): mono float32 at 16 kHz,
`level` the root mean square in dBFS of the parts that sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Make = Callable[[int, np.random.Generator], NDArray[np.float64]]

RATE = 16_000
DTMF_ROWS = (697, 770, 852, 941)
DTMF_COLUMNS = (1209, 1336, 1477, 1633)
MAJOR = (0, 2, 4, 5, 7, 9, 11)
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 0, 4), (0, 2, 3, 4))


def make(kind: str, seconds: float, level: float = -20.0, seed: int = 0) -> Sound:
    """Return `seconds` of a kind of KINDS, with the part that sounds at `level` dBFS (clipped at full scale)."""
    rng = np.random.default_rng([seed, sorted(KINDS).index(kind)])
    return at_level(KINDS[kind](round(seconds * RATE), rng), level)


def at_level(sound: NDArray[np.float64], level: float) -> Sound:
    """Scale so that what sounds (above a hundredth of the peak) has `level` dBFS."""
    peak = float(np.abs(sound).max(initial=0.0))
    if not peak:
        return sound.astype(np.float32)
    pieces = sound[: len(sound) // 160 * 160].reshape(-1, 160)
    power = np.mean(pieces**2, axis=1)
    loud = power[power > (peak / 100) ** 2]
    gain = 10 ** (level / 20) / np.sqrt(loud.mean() if len(loud) else peak**2)
    return np.clip(sound * gain, -1, 1).astype(np.float32)


def mixed(speech: Sound, other: Sound, ratio: float) -> Sound:
    """Lay another sound under speech, `ratio` dB below the level of the speech where it sounds."""
    other = np.resize(other, len(speech))
    power = np.mean(speech[: len(speech) // 160 * 160].reshape(-1, 160) ** 2, axis=1)
    loud = float(power[power > power.max(initial=0.0) / 1_000].mean())
    gain = np.sqrt(loud / max(1e-12, float(np.mean(other**2)))) * 10 ** (-ratio / 20)
    return np.clip(speech + gain * other, -1, 1).astype(np.float32)


def telephone(sound: Sound) -> Sound:
    """Limit to the telephone's band and pass through 8-bit mu-law at 8 kHz, as trunks do."""
    spectrum = np.fft.rfft(sound)
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    gain = np.clip((hertz - 200) / 100, 0, 1) * np.clip((3_600 - hertz) / 200, 0, 1)
    narrow = np.fft.irfft(spectrum * gain, len(sound))[::2]
    coded = np.sign(narrow) * np.log1p(255 * np.minimum(np.abs(narrow), 1)) / np.log(256)
    steps = np.round(coded * 127) / 127
    decoded = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    wide = np.zeros(len(sound))
    wide[::2] = 2 * decoded
    return np.fft.irfft(np.fft.rfft(wide) * (hertz < 3_800), len(sound)).astype(np.float32)


def _shaped(samples: int, rng: np.random.Generator, power: float, low: float = 20.0) -> NDArray[np.float64]:
    """Return noise whose power falls with frequency to the given power."""
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    size = np.maximum(hertz, low) ** (-power / 2)
    return np.fft.irfft(np.fft.rfft(rng.normal(size=samples)) * size, samples)


def _silence(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.zeros(samples)


def _white(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.normal(size=samples)


def _pink(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return _shaped(samples, rng, 1.0)


def _street(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rumble, cars that come and go, horns and clatter."""
    out = _unit(_shaped(samples, rng, 2.0, 40))
    hiss = _unit(_shaped(samples, rng, 1.2, 200))
    for start in _moments(samples, 5, rng):
        length = int(rng.uniform(2, 7) * RATE)
        piece = hiss[start : start + length]
        out[start : start + length] += rng.uniform(0.8, 3) * np.hanning(length)[: len(piece)] * piece
    for start in _moments(samples, 20, rng):
        length, low = int(rng.uniform(0.2, 0.9) * RATE), rng.uniform(320, 430)
        for hertz in (low, low * 1.25):
            _add(out, start, 0.7 * _harmonics(hertz, length, (1, 0.8, 0.6, 0.4, 0.3)))
    for start in _moments(samples, 3, rng):
        length = int(rng.uniform(0.02, 0.15) * RATE)
        _add(out, start, 2 * rng.normal(size=length) * np.exp(-np.arange(length) / (0.2 * length)))
    return out


def _cadence(*steps: tuple[float, float], hertz: Sequence[float]) -> Make:
    """Return a maker of tones that sound together, on and off for the seconds of each step, for ever."""

    def make_tones(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        once = np.concatenate(
            [np.repeat([1.0, 0.0], [round(on * RATE), round(off * RATE)]) for on, off in steps]
        )
        gate = np.resize(np.roll(once, int(rng.integers(len(once)))), samples)
        return gate * _chord(hertz, samples)

    return make_tones


def _dtmf(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    out = np.zeros(samples)
    at = 0
    while at < samples:
        length = int(rng.uniform(0.06, 0.4) * RATE)
        pair = (float(rng.choice(DTMF_ROWS)), float(rng.choice(DTMF_COLUMNS)))
        _add(out, at, _chord(pair, length))
        at += length + int(rng.choice([rng.uniform(0.05, 0.5), rng.uniform(1, 4)]) * RATE)
    return out


def _beeps(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Short tones of one or two frequencies, a few seconds apart: recording and queue signals."""
    out = np.zeros(samples)
    for start in _moments(samples, 3, rng):
        length = int(rng.uniform(0.05, 1.0) * RATE)
        hertz = rng.uniform(300, 2_800)
        _add(out, start, _harmonics(hertz, length, (1, rng.uniform(0, 0.3), rng.uniform(0, 0.2))))
    return out


def _music(style: Callable[[NDArray[np.float64], Bar], None]) -> Make:
    """Return a maker of music: bars of four beats in a style, in one key and tempo per seed."""

    def make_music(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        out = np.zeros(samples)
        beat = 60 / rng.uniform(66, 132)
        root, progression = int(rng.integers(45, 57)), PROGRESSIONS[int(rng.integers(len(PROGRESSIONS)))]
        for number in range(int(samples / (4 * beat * RATE)) + 1):
            style(out, Bar(number * 4 * beat, beat, root, progression[number % 4], rng))
        return out

    return make_music


@dataclass(frozen=True)
class Bar:
    """Four beats of music from `start`: `root` is the key's note (MIDI), `degree` the chord's in its scale."""

    start: float
    beat: float
    root: int
    degree: int
    rng: np.random.Generator

    def hertz(self, step: int) -> float:
        """Return the frequency of a step of the scale, counted from the chord's lowest note."""
        place = self.degree + step
        return float(440 * 2 ** ((self.root + 12 * (place // 7) + MAJOR[place % 7] - 69) / 12))

    def at(self, beats: float) -> int:
        """Return the sample at which a beat of the bar begins."""
        return round((self.start + beats * self.beat) * RATE)

    def samples(self, beats: float) -> int:
        """Return how many samples so many beats last."""
        return round(beats * self.beat * RATE)


def _pad(out: NDArray[np.float64], bar: Bar, size: float = 1.0) -> None:
    """Hold one chord for the bar, like a choir of organ pipes."""
    length = bar.samples(4.05)
    swell = np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.08 * RATE))
    for step in (0, 2, 4, 7):
        for detune in (0.998, 1.002):
            note = _harmonics(bar.hertz(step) * detune, length, 1 / np.arange(1, 9) ** 1.5)
            _add(out, bar.at(0), size * swell * note)


def _arpeggio(out: NDArray[np.float64], bar: Bar, size: float = 1.0) -> None:
    """Pluck the chord's notes one by one, eight or sixteen to the bar."""
    parts = int(bar.rng.choice([8, 16]))
    for number in range(parts):
        step = (0, 2, 4, 7, 9, 7, 4, 2)[number % 8]
        _add(out, bar.at(4 * number / parts), size * _plucked(bar.hertz(step), bar.samples(1.5), bar.rng))


def _piano(out: NDArray[np.float64], bar: Bar, size: float = 1.0) -> None:
    """Strike chords in a rhythm, with some notes of a melody above."""
    for beats in (0, 1, 2, 2.5, 3):
        for step in (0, 2, 4):
            _add(out, bar.at(beats), size * _plucked(bar.hertz(step), bar.samples(1.5), bar.rng))
    for beats in bar.rng.choice(8, 4, replace=False) / 2:
        step = int(bar.rng.choice([7, 8, 9, 11, 12]))
        _add(out, bar.at(beats), 1.5 * size * _plucked(bar.hertz(step), bar.samples(2), bar.rng))


def _melody(out: NDArray[np.float64], bar: Bar, size: float = 1.0) -> None:
    """Sing a line of notes with vibrato, each begun with a slight glide."""
    at = 0.0
    while at < 4:
        beats = float(bar.rng.choice([0.5, 1, 1, 2]))
        if bar.rng.random() < 0.9:
            length, hertz = bar.samples(beats * 0.95), bar.hertz(int(bar.rng.choice([4, 5, 6, 7, 8, 9, 11])))
            time = np.arange(length) / RATE
            depth = 0.006 * np.minimum(1, time / 0.3) * np.sin(2 * np.pi * 5.5 * time)
            glide = -0.02 * np.exp(-time / 0.03)
            swell = np.minimum(1, np.minimum(time / 0.05, time[::-1] / 0.08))
            parts = 1 / np.arange(1, 11) ** bar.rng.uniform(0.8, 1.6)
            _add(out, bar.at(at), 2.5 * size * swell * _harmonics(hertz * (1 + depth + glide), length, parts))
        at += beats


def _drums(out: NDArray[np.float64], bar: Bar, size: float = 1.0) -> None:
    """Beat kick, snare and hi-hat."""
    for eighth in range(8):
        hat = bar.rng.normal(size=800) * np.exp(-np.arange(800) / 200)
        _add(out, bar.at(eighth / 2), 0.5 * size * np.diff(hat, prepend=0))
    for beats in (0, 2):
        time = np.arange(3_200) / RATE
        phase = 2 * np.pi * (50 * time + 2 * (1 - np.exp(-time / 0.03)))
        _add(out, bar.at(beats), 4 * size * np.sin(phase) * np.exp(-time / 0.07))
    for beats in (1, 3):
        snare = bar.rng.normal(size=2_400) * np.exp(-np.arange(2_400) / 700)
        _add(out, bar.at(beats), 1.2 * size * snare)


def _band(out: NDArray[np.float64], bar: Bar) -> None:
    """Melody, chords, bass and drums together."""
    _pad(out, bar, 0.4)
    _melody(out, bar)
    _drums(out, bar)
    for beats in range(4):
        _add(out, bar.at(beats), 2 * _plucked(bar.hertz(-7), bar.samples(0.9), bar.rng))


def _beat(out: NDArray[np.float64], bar: Bar) -> None:
    """Plucked chords over drums."""
    _piano(out, bar, 0.7)
    _drums(out, bar)


def _strings(out: NDArray[np.float64], bar: Bar) -> None:
    """Let three voices swell and fall, each with a vibrato of its own."""
    length = bar.samples(4.1)
    time = np.arange(length) / RATE
    for step in (0, 2, 4, 9):
        rate, phase = bar.rng.uniform(4.5, 6.5), bar.rng.uniform(0, 6.28)
        swell = np.sin(np.pi * np.arange(length) / length) ** bar.rng.uniform(0.4, 1)
        hertz = bar.hertz(step) * (1 + 0.005 * np.sin(2 * np.pi * rate * time + phase))
        _add(out, bar.at(0), swell * _harmonics(hertz, length, 1 / np.arange(1, 13)))


def _reed(out: NDArray[np.float64], bar: Bar) -> None:
    """Play a line through a filter that opens and closes, as a muted trumpet or a synthesiser does."""
    at = 0.0
    while at < 4:
        beats = float(bar.rng.choice([0.5, 0.5, 1, 2]))
        length, hertz = bar.samples(beats * 0.9), bar.hertz(int(bar.rng.choice([0, 2, 4, 7, 8, 9])))
        time = np.arange(length) / RATE
        centre = bar.rng.uniform(300, 800) + bar.rng.uniform(400, 1_800) * np.sin(np.pi * time / time[-1])
        note = np.zeros(length)
        phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.005 * np.sin(2 * np.pi * 5 * time))) / RATE
        for number in range(1, 20):
            if number * hertz < 6_000:
                note += np.sin(number * phase) / number / (1 + ((number * hertz - centre) / 350) ** 2)
        swell = np.minimum(1, np.minimum(time / 0.02, time[::-1] / 0.05))
        _add(out, bar.at(at), 4 * swell * note)
        at += beats
    _pad(out, bar, 0.1)


def _over_telephone(inner: Make) -> Make:
    def make_narrow(samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
        return telephone(at_level(inner(samples, rng), -16)).astype(np.float64)

    return make_narrow


def _unit(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    return sound / max(1e-12, float(np.sqrt(np.mean(sound**2))))


def _moments(samples: int, every: float, rng: np.random.Generator) -> list[int]:
    """Return sample positions at random, one in `every` seconds on average."""
    return [int(at) for at in np.sort(rng.uniform(0, samples, max(1, round(samples / (every * RATE)))))]


def _add(out: NDArray[np.float64], start: int, piece: NDArray[np.float64]) -> None:
    if 0 <= start < len(out):
        end = min(len(out), start + len(piece))
        out[start:end] += piece[: end - start]


def _chord(hertz: Sequence[float], samples: int) -> NDArray[np.float64]:
    time = 2 * np.pi * np.arange(samples) / RATE
    return np.asarray(sum(np.sin(one * time) for one in hertz), np.float64)


def _harmonics(
    hertz: float | NDArray[np.float64], samples: int, sizes: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a note with overtones of the given sizes; overtones above 7 kHz are left out."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, samples)) / RATE
    top = float(np.max(hertz))
    out = np.zeros(samples)
    for number, size in enumerate(sizes, 1):
        if number * top < 7_000:
            out += size * np.sin(number * phase)
    return out


def _plucked(hertz: float, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a plucked or struck note: higher overtones die sooner."""
    time = np.arange(samples) / RATE
    out = np.zeros(samples)
    bright = rng.uniform(0.6, 1.2)
    for number in range(1, 10):
        if number * hertz < 7_000:
            fade = np.exp(-time * (1.5 + 1.2 * number))
            out += number**-bright * fade * np.sin(2 * np.pi * number * hertz * time)
    return out * np.minimum(1, time / 0.003)


MUSIC: dict[str, Make] = {
    "music-chords": _music(_pad),
    "music-arpeggio": _music(_arpeggio),
    "music-piano": _music(_piano),
    "music-melody": _music(_melody),
    "music-strings": _music(_strings),
    "music-reed": _music(_reed),
    "music-band": _music(_band),
    "music-beat": _music(_beat),
    "music-chords-telephone": _over_telephone(_music(_pad)),
    "music-melody-telephone": _over_telephone(_music(_melody)),
    "music-band-telephone": _over_telephone(_music(_band)),
}

TONES: dict[str, Make] = {
    "ringing-us": _cadence((2, 4), hertz=(440, 480)),
    "ringing-uk": _cadence((0.4, 0.2), (0.4, 2.0), hertz=(400, 450)),
    "ringing-eu": _cadence((1, 4), hertz=(425,)),
    "busy-us": _cadence((0.5, 0.5), hertz=(480, 620)),
    "busy-eu": _cadence((0.48, 0.48), hertz=(425,)),
    "dtmf": _dtmf,
    "beeps": _beeps,
}

KINDS: dict[str, Make] = {
    "silence": _silence,
    "white": _white,
    "pink": _pink,
    "street": _street,
    **TONES,
    **MUSIC,
}
"""All sounds, by name."""
