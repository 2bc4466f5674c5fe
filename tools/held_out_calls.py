"""Make calls of sentences that were never trained on, in voices of the demo or in foreign ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools import speech_channel as channel
from tools import speech_grammar as grammar
from tools import speech_voices as voices
from tools.demo_scripts import Line
from tools.make_demo_calls import RATE, Turn, hiss, lay_out
from tools.speech_corpus import excluded

STORY: list[tuple[str, list[str], float]] = [
    ("agent", ["greet"], 0.0),
    ("customer", ["reason", "reason"], 0.0),
    ("agent", ["empathy", "restate"], 0.0),
    ("agent", ["verify"], 0.0),
    ("customer", ["digits"], 0.0),
    ("agent", ["digits", "hold"], 0.0),
    ("agent", ["hold", "refund", "refund"], 6.0),
    ("customer", ["promise"], 0.0),
    ("agent", ["they", "promise"], 0.0),
    ("customer", ["back"], 0.0),
    ("agent", ["card"], 0.0),
    ("customer", ["digits"], 0.0),
    ("agent", ["refund", "more"], 0.0),
    ("customer", ["back"], 0.0),
    ("agent", ["close", "close"], 0.0),
]
"""Who speaks, which kinds of sentence, and the seconds of silence before."""


@dataclass(frozen=True)
class HeldOutCall:
    """Hold one made-up call: both channels at 16 kHz (agent first) after the codec, and its timed turns."""

    sound: np.ndarray
    turns: list[Turn]


def make_call(seed: int, foreign: bool = False) -> HeldOutCall:
    """Make one call; `foreign` takes voices that were never trained on."""
    rng = np.random.default_rng([seed, int(foreign)])
    lines = []
    for speaker, kinds, silence in STORY:
        text = " ".join(_whole(grammar.draw_allowed(rng, excluded(), True, kind)) for kind in kinds)
        lines.append(Line(speaker, text, silence))
    pool = voices.UNTRAINED if foreign else list(voices.PEOPLE.values())
    agent, customer = rng.choice(len(pool), 2, replace=False)
    sound, turns = lay_out(tuple(lines), {"agent": pool[int(agent)], "customer": pool[int(customer)]}, rng)
    sound += hiss(sound.shape, rng)
    heard = channel.decode(channel.encode_opus(sound, 28_000))
    return HeldOutCall(heard[:, : int((turns[-1].end + 0.8) * RATE)], turns)


def _whole(sentence: str) -> str:
    """End a sentence that was left open (a card number cut off) with a full stop."""
    return sentence if sentence[-1] in ".?" else sentence + "."
