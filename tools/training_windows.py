"""Lay spoken sentences into windows, as the recogniser will meet them, and make batches of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.speech_corpus import FLOOR, Clip, tokenizer, used_text_tokens

FRAME = 0.02
TIMESTAMPS = 1501
IGNORE = -100


@dataclass(frozen=True)
class Vocabulary:
    """Map whisper's token ids to the few that are used, and back; timestamps come last."""

    ids: tuple[int, ...]
    index: dict[int, int]
    sot: int
    eot: int
    prev: int
    no_timestamps: int
    no_speech: int
    first_time: int
    text: tuple[int, ...]


def vocabulary() -> Vocabulary:
    """Collect the used tokens: text of the grammar, the special ones, timestamps from 0 to 30 s."""
    tok = tokenizer()
    text = used_text_tokens()
    special = [tok.eot, tok.sot, tok.sot_prev, tok.no_speech, tok.no_timestamps]
    times = list(range(tok.timestamp_begin, tok.timestamp_begin + TIMESTAMPS))
    ids = sorted([*text, *special, *times])
    index = {token: place for place, token in enumerate(ids)}
    return Vocabulary(
        tuple(ids), index, index[tok.sot], index[tok.eot], index[tok.sot_prev], index[tok.no_timestamps],
        index[tok.no_speech], index[tok.timestamp_begin], tuple(index[i] for i in text),
    )  # fmt: skip


@dataclass
class Window:
    """Hold one training example; spans are encoder frames of 20 ms within the window, (-1, -1) for none."""

    mel: np.ndarray
    noise: int
    inputs: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    phonemes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    words: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    offset: int = 0


@dataclass(frozen=True)
class Shape:
    """Say how a window is filled: encoder frames, seconds of speech, pauses, kinds of trouble."""

    frames: int
    batch: int
    fill: tuple[float, float]
    pause: tuple[float, float] = (0.15, 0.9)
    long_pauses: float = 0.0
    silent: float = 0.01
    cut: float = 0.0
    timestamps: float = 0.0
    prompt: float = 0.0
    shift: bool = True


class Store:
    """Keep clips by voice and length, so that windows can be filled quickly and mostly by one speaker."""

    def __init__(self, clips: list[Clip], phoneme_index: dict[str, int]) -> None:
        self.clips = clips
        self.phoneme_index = phoneme_index
        self.seconds = np.array([len(c.mel) / 100 for c in clips])
        voices = np.array([c.voice for c in clips])
        self.by_voice = [np.flatnonzero(voices == v) for v in range(int(voices.max()) + 1)]

    def pick(self, rng: np.random.Generator, voice: int, longest: float) -> Clip | None:
        """Draw a clip no longer than `longest` seconds, nine times in ten of the given voice."""
        pool = self.by_voice[voice]
        for _ in range(6):
            index = (
                int(pool[rng.integers(len(pool))])
                if rng.random() < 0.9
                else int(rng.integers(len(self.clips)))
            )
            if self.seconds[index] <= longest:
                return self.clips[index]
        return None


def phoneme_table(clips: list[Clip]) -> dict[str, int]:
    """Number the phonemes; 0 is silence."""
    names = sorted({name for clip in clips for name, _, _ in clip.phonemes if name.strip("_: ;|")})
    return {name: place + 1 for place, name in enumerate(names)}


def place_clips(store: Store, shape: Shape, rng: np.random.Generator) -> list[tuple[int, Clip]]:
    """Choose sentences and the encoder frame at which each starts."""
    if rng.random() < shape.silent:
        return []
    limit = min(float(rng.uniform(*shape.fill)), shape.frames * FRAME)
    voice = int(rng.integers(len(store.by_voice)))
    at = float(rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0, 1.2)]))
    placed: list[tuple[int, Clip]] = []
    while (clip := store.pick(rng, voice, limit - at)) is not None:
        frame = int(at / FRAME)
        if frame * 2 + len(clip.mel) > shape.frames * 2:
            break
        placed.append((frame, clip))
        pause = rng.uniform(2, 9) if rng.random() < shape.long_pauses else rng.uniform(*shape.pause)
        at = (frame * 2 + len(clip.mel)) / 100 + float(pause)
    return placed


def fill(store: Store, shape: Shape, vocab: Vocabulary, noises: int, rng: np.random.Generator) -> Window:
    """Make one window with all its targets."""
    placed = place_clips(store, shape, rng)
    window = Window(np.full((shape.frames * 2, 80), FLOOR, np.float32), int(rng.integers(noises)))
    window.phonemes = np.zeros(shape.frames, np.int64)
    window.words = np.zeros(shape.frames, np.int64)
    room = 1500 - shape.frames
    window.offset = int(rng.integers(room + 1)) if shape.shift and room and rng.random() < 0.6 else 0
    loudness = rng.uniform(-1.6, 0.3)
    tilt = np.linspace(-1, 1, 80, dtype=np.float32) * (rng.uniform(-0.4, 0.4) if rng.random() < 0.5 else 0)
    cut = int(rng.uniform(0.1, 0.6) / FRAME) if placed and rng.random() < shape.cut else 0
    segments = []
    for frame, clip in placed:
        gain = np.float32(loudness + rng.uniform(-0.25, 0.25))
        segments.append(_lay(window, store, vocab, frame - (cut if frame < cut else 0), clip, gain + tilt))
    _targets(window, vocab, [s for s in segments if s], shape, rng)
    return window


def _lay(
    window: Window, store: Store, vocab: Vocabulary, frame: int, clip: Clip, gain: np.ndarray
) -> list[tuple[int, int, int]]:
    """Write sound and frame labels of one clip; return its tokens as (token, first frame, last frame)."""
    lost = max(-frame, 0)
    mel = clip.mel[lost * 2 :]
    start = max(frame, 0) * 2
    length = min(len(mel), len(window.mel) - start)
    window.mel[start : start + length] = np.maximum(mel[:length].astype(np.float32) + gain, FLOOR)
    last = len(window.phonemes)
    for name, a, b in clip.phonemes:
        label = store.phoneme_index.get(name, 0)
        window.phonemes[max(frame + round(a / FRAME), 0) : max(frame + round(b / FRAME), 0)] = label
    tokens = []
    for token in clip.tokens:
        a, b = frame + round(token.start / FRAME), frame + round(token.end / FRAME)
        if a < -3 or a >= last:
            continue
        a, b = max(a, 0), min(max(b, a + 1), last)
        place = vocab.index[token.id]
        tokens.append((place, a, b))
        if tokenizer_is_word(token.id):
            window.words[a:b] = place + 1
    return tokens


def tokenizer_is_word(token: int) -> bool:
    """Tell words from punctuation: only words can be heard in a frame."""
    return token not in (11, 13, 30)


def _targets(
    window: Window, vocab: Vocabulary, segments: list[list[tuple[int, int, int]]], shape: Shape,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    timed = rng.random() < shape.timestamps
    body: list[tuple[int, int, int]] = []
    if not segments:
        window.inputs = [vocab.sot, vocab.no_timestamps]
        window.targets = [vocab.no_speech, vocab.eot]
        window.spans = [(-1, -1)] * 2
        return
    if not timed:
        body.append((vocab.no_timestamps, -1, -1))
        body += [token for segment in segments for token in segment]
    else:
        for number, segment in enumerate(segments):
            begin, end = segment[0][1], segment[-1][2]
            shown = begin if number else min(begin, 50)
            body.append((vocab.first_time + window.offset + shown, max(begin - 4, 0), begin + 4))
            body += segment
            body.append((vocab.first_time + window.offset + end, max(end - 8, 0), end + 4))
    finish = segments[-1][-1][2]
    body.append((vocab.eot, finish - 2, finish + 15))
    prompt: list[int] = []
    if rng.random() < shape.prompt:
        prompt = [vocab.prev, *rng.choice(vocab.text, int(rng.integers(1, 60)))]
    tokens = [vocab.sot, *[token for token, _, _ in body]]
    window.inputs = [*prompt, *tokens[:-1]]
    window.targets = [IGNORE] * len(prompt) + tokens[1:]
    window.spans = [(-1, -1)] * len(prompt) + [(a, b) for _, a, b in body]


def corrupt(inputs: list[int], vocab: Vocabulary, share: float, rng: np.random.Generator) -> list[int]:
    """Swap some text tokens of the decoder's input for others, so that it listens instead of guessing."""
    text = set(vocab.text)
    return [
        int(vocab.text[rng.integers(len(vocab.text))]) if token in text and rng.random() < share else token
        for token in inputs
    ]


def batch(
    store: Store, shape: Shape, vocab: Vocabulary, noises: int, share: float, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Make `shape.batch` windows and stack them; rows are padded with end-of-text and ignored targets."""
    windows = [fill(store, shape, vocab, noises, rng) for _ in range(shape.batch)]
    longest = max(len(w.inputs) for w in windows)
    inputs = np.full((len(windows), longest), vocab.eot, np.int64)
    targets = np.full((len(windows), longest), IGNORE, np.int64)
    spans = np.full((len(windows), longest, 2), -1, np.int64)
    for row, window in enumerate(windows):
        size = len(window.inputs)
        inputs[row, :size] = corrupt(window.inputs, vocab, share, rng)
        targets[row, :size] = window.targets
        spans[row, :size] = window.spans
    return {
        "mel": np.stack([w.mel for w in windows]),
        "noise": np.array([w.noise for w in windows]),
        "inputs": inputs,
        "targets": targets,
        "spans": spans,
        "phonemes": np.stack([w.phonemes for w in windows]),
        "words": np.stack([w.words for w in windows]),
        "offset": np.array([w.offset for w in windows]),
    }
