"""Build a corpus of spoken call-centre sentences: features, tokens, and when each was spoken.

Sentences come from `speech_grammar`, voices from `speech_voices`, the sound of the line from
`speech_channel`. Clips are made in worker processes, kept on disk in parts, and read back as one store.
"""

from __future__ import annotations

import functools
import multiprocessing
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools import speech_channel as channel
from tools import speech_grammar as grammar
from tools import speech_voices as voices
from tools.demo_scripts import read_scripts

FRAMES_PER_SECOND = 100
FLOOR = -10.0
PUNCTUATION = {",": 11, ".": 13, "?": 30}


@dataclass(frozen=True)
class Token:
    """Hold one text token with the time span (seconds) in which it is heard."""

    id: int
    start: float
    end: float


@dataclass
class Clip:
    """Hold one sentence: text, log10 mel power (frames x 80, half precision), tokens, phoneme spans."""

    text: str
    voice: int
    mel: np.ndarray
    tokens: list[Token]
    phonemes: list[tuple[str, float, float]]


def demo_turns() -> list[str]:
    """Read the turns of the bundled calls."""
    return [line.text for script in read_scripts() for line in script.lines]


@functools.cache
def excluded() -> frozenset[str]:
    """List the sentences of the bundled calls, which no corpus may hold."""
    return grammar.exclusions(demo_turns())


@functools.cache
def tokenizer():
    """Give whisper's English tokenizer."""
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(multilingual=False)


def tokens_of(spoken: list[tuple[str, float, float]]) -> list[Token]:
    """Turn timed words into timed tokens; a word of several tokens is shared out by letters."""
    found: list[Token] = []
    for word, start, end in spoken:
        ids = tokenizer().encode(" " + word)
        pieces = [i for i in ids if i not in PUNCTUATION.values()]
        letters = [max(len(tokenizer().decode([i]).strip()), 1) for i in pieces]
        edges = start + np.concatenate([[0], np.cumsum(letters)]) / sum(letters) * (end - start)
        found += [Token(i, float(a), float(b)) for i, a, b in zip(pieces, edges[:-1], edges[1:], strict=True)]
        found += [Token(i, max(end - 0.06, start), end + 0.14) for i in ids if i in PUNCTUATION.values()]
    return found


@functools.cache
def used_text_tokens() -> list[int]:
    """List every text token the grammar can bring forth, in small and capital letters, in order of id."""
    found = set(PUNCTUATION.values())
    for word in grammar.WORDS:
        for form in {word, word.capitalize(), grammar.PROPER.get(word, word)}:
            found.update(tokenizer().encode(" " + form))
    return sorted(found)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Compute whisper's log10 mel power (frames x 80) without its clipping to the loudest frame."""
    import torch
    from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

    length = -(-len(samples) // (2 * HOP_LENGTH)) * 2 * HOP_LENGTH
    wave = torch.from_numpy(np.pad(samples, (0, length - len(samples))))
    stft = torch.stft(wave, N_FFT, HOP_LENGTH, window=torch.hann_window(N_FFT), return_complex=True,
                      pad_mode="constant")  # fmt: skip
    power = stft[..., :-1].abs() ** 2
    mel = mel_filters("cpu", 80) @ power
    return mel.clamp(min=1e-10).log10().T.numpy()


def make_clip(
    sentence: str, voice_index: int, rng: np.random.Generator, hardness: float
) -> tuple[Clip, np.ndarray]:
    """Speak one sentence over a random line at -20 dBFS; the second item is the sound itself."""
    cast = [*voices.PEOPLE.values(), *voices.EXTRA]
    spoken = voices.say(sentence, voices.jitter(cast[voice_index], rng))
    line = channel.random_line(rng) if rng.random() < hardness else channel.Line()
    sound = channel.level(channel.telephone(spoken.samples, line), -20.0)
    shift = int(rng.integers(0, 320))
    sound = np.concatenate([np.zeros(shift, np.float32), sound])
    lag = shift / voices.SAMPLE_RATE
    words = [(w, a + lag, b + lag) for w, a, b in spoken.words]
    phonemes = [(p, a + lag, b + lag) for p, a, b in spoken.phonemes]
    return Clip(sentence, voice_index, np.zeros((0, 80), np.float16), tokens_of(words), phonemes), sound


def _through_opus(sounds: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Send clips through one Opus file with pauses between them, and cut them out again."""
    gap = np.zeros(4800, np.float32)
    joined = np.concatenate([part for sound in sounds for part in (sound, gap)])
    back = channel.decode(channel.encode_opus(joined[None], int(rng.choice([16000, 24000, 32000]))))[0]
    back = np.pad(back, (0, max(len(joined) - len(back), 0)))
    out, at = [], 0
    for sound in sounds:
        out.append(back[at : at + len(sound)])
        at += len(sound) + len(gap)
    return out


def make_part(path: Path, count: int, seed: int) -> Path:
    """Write one part of the corpus (`count` clips) to `path`, unless it is there."""
    if path.exists():
        return path
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(seed)
    cast = len(voices.PEOPLE) + len(voices.EXTRA)
    clips, sounds = [], []
    for _ in range(count):
        sentence = grammar.draw_allowed(rng, excluded(), held_out=False)
        clip, sound = make_clip(sentence, int(rng.integers(cast)), rng, hardness=0.6)
        clips.append(clip)
        sounds.append(sound)
    coded = [i for i in range(count) if rng.random() < 0.4]
    if coded:
        for index, sound in zip(coded, _through_opus([sounds[i] for i in coded], rng), strict=True):
            sounds[index] = sound
    for clip, sound in zip(clips, sounds, strict=True):
        clip.mel = log_mel(sound).astype(np.float16)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(pickle.dumps(clips, protocol=5))
    temporary.rename(path)
    return path


def _job(arguments: tuple[Path, int, int]) -> Path:
    return make_part(*arguments)


def build(folder: Path, clips: int, seed: int, part_size: int = 500, processes: int = 2) -> list[Path]:
    """Make all parts of a corpus under `folder`; parts that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        (folder / f"part-{seed}-{index:04d}.pkl", part_size, seed * 100_003 + index)
        for index in range(-(-clips // part_size))
    ]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return list(pool.imap(_job, parts))


def load(paths: list[Path]) -> list[Clip]:
    """Read parts written by `build`. The files are this program's own: never point it at foreign ones."""
    found: list[Clip] = []
    for path in paths:
        found.extend(pickle.loads(path.read_bytes()))
    return found
