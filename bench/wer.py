"""Measure word error rates and speed: our engine beside whisper.transcribe with its defaults and greedy.

Example: python -m bench.wer --calls 8 --seed 5
Four sets: the bundled calls; the same over music; made-up calls of sentences never trained on, in voices of the
demo; the same in voices never trained on. The made-up ones need espeak-ng. Prints a table, writes
bench/results/wer-ENGINE.json.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from qa_audit.speech.engines import ENGINES

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "qa_audit" / "demo"
DIGITS = dict(
    zip(
        "0123456789",
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        strict=True,
    )
)
MUSIC_BELOW = 10.0
"""Decibels between speech and the music under it in the set over music."""

NUMBER_WORDS = frozenset(DIGITS.values())


@dataclass
class Channel:
    """Hold one channel of a call and what was truly said on it."""

    name: str
    speaker: str
    samples: np.ndarray
    truth: str
    words: list[tuple[str, float, float]] = field(default_factory=list)


def normal(text: str) -> str:
    """Write text in lower case without punctuation, digits as words one by one."""
    spelt = re.sub(r"\d", lambda match: f" {DIGITS[match.group()]} ", text.lower())
    return " ".join(re.findall(r"[a-z']+", spelt.replace("cannot", "can not")))


def bundled() -> Iterator[Channel]:
    """Read the channels of the twelve bundled calls."""
    from tools.speech_channel import decode

    for call in json.loads((DEMO / "manifest.json").read_text(encoding="utf8"))["calls"]:
        sound = decode(str(DEMO / call["file"]))
        for side, speaker in enumerate(("agent", "customer")):
            turns = [turn for turn in call["turns"] if turn["speaker"] == speaker]
            words = [tuple(word) for turn in turns for word in turn["words"]]
            yield Channel(call["id"], speaker, sound[side], " ".join(t["text"] for t in turns), words)


def held_out(calls: int, seed: int, foreign: bool) -> Iterator[Channel]:
    """Make channels of calls from sentences that were never trained on."""
    from tools.held_out_calls import make_call

    for number in range(calls):
        call = make_call(seed * 1000 + number, foreign)
        for side, speaker in enumerate(("agent", "customer")):
            turns = [turn for turn in call.turns if turn.speaker == speaker]
            words = [word for turn in turns for word in turn.words]
            yield Channel(
                f"{seed}-{number}", speaker, call.sound[side], " ".join(t.text for t in turns), words
            )


@dataclass
class Figures:
    """Collect what one method heard on one set, and the processor seconds it took."""

    truths: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, truth: str, heard: str, seconds: float) -> None:
        """Keep one channel's outcome."""
        self.truths.append(normal(truth))
        self.heard.append(normal(heard))
        self.seconds += seconds

    def summary(self) -> dict[str, Any]:
        """Return the error rate over all words, and over number words alone."""
        import jiwer

        measures = jiwer.process_words(self.truths, self.heard)
        wrong = total = 0
        for truth, chunks in zip(measures.references, measures.alignments, strict=True):
            for chunk in chunks:
                said = sum(w in NUMBER_WORDS for w in truth[chunk.ref_start_idx : chunk.ref_end_idx])
                total += said
                wrong += said if chunk.type != "equal" else 0
        return {
            "wer": round(measures.wer, 4),
            "words": sum(len(t.split()) for t in self.truths),
            "substitutions": measures.substitutions,
            "deletions": measures.deletions,
            "insertions": measures.insertions,
            "number_words_wrong": round(wrong / total, 4) if total else None,
            "words_per_cpu_second": round(
                sum(len(t.split()) for t in self.truths) / max(self.seconds, 0.01), 2
            ),
        }


PEERS: dict[str, dict[str, Any]] = {"whisper_transcribe": {}, "whisper_greedy": {"temperature": 0.0}}
"""The whisper package with its defaults and without second tries, each channel as it is."""


def measure(
    channels: list[Channel], engine: Any, model: Any, detector: Any, peers: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Run our engine and the peers over a set; also tells how far word times are off, and how sure right words are."""
    import whisper

    from qa_audit.speech.protocol import SpeechChannel

    ours, theirs = Figures(), {name: Figures() for name in peers}
    offsets: list[float] = []
    chances: list[float] = []
    for channel in channels:
        began = time.process_time()
        spans = detector.spans([channel.samples])
        heard = engine.transcribe([SpeechChannel(channel.speaker, channel.samples, spans)])
        words = [word for segment in heard.segments for word in segment.timed_words()]
        ours.add(channel.truth, " ".join(word.text for word in words), time.process_time() - began)
        pairs = list(matched(channel.words, words))
        offsets += [abs(a - b) for a, b, _ in pairs]
        chances += [chance for _, _, chance in pairs]
        for name, options in peers.items():
            began = time.process_time()
            text = whisper.transcribe(model, channel.samples, fp16=False, **options)["text"]
            theirs[name].add(channel.truth, text, time.process_time() - began)
    return {
        "channels": len(channels),
        "audio_seconds": round(sum(len(c.samples) for c in channels) / 16_000, 1),
        "pipeline": {**ours.summary(), **_spread(offsets, chances)},
        **{name: found.summary() for name, found in theirs.items()},
    }


def over_music(channels: list[Channel], kind: str, decibels: float) -> list[Channel]:
    """Lay music under channels, so many decibels below their speech."""
    from tools import sounds

    return [
        replace(
            channel,
            samples=sounds.mixed(
                channel.samples, sounds.make(kind, len(channel.samples) / 16_000, seed=number), decibels
            ),
        )
        for number, channel in enumerate(channels)
    ]


def matched(truth: list[tuple[str, float, float]], heard: list[Any]) -> Iterator[tuple[float, float, float]]:
    """Pair rightly heard words with the spoken ones: true start, heard start, probability."""
    import jiwer

    said = [normal(word) for word, _, _ in truth]
    got = [normal(word.text) for word in heard]
    keep = [i for i, word in enumerate(got) if word and " " not in word]
    if not keep:
        return
    result = jiwer.process_words(" ".join(said), " ".join(got[i] for i in keep))
    for chunk in result.alignments[0]:
        if chunk.type == "equal":
            for step in range(chunk.ref_end_idx - chunk.ref_start_idx):
                word = heard[keep[chunk.hyp_start_idx + step]]
                yield truth[chunk.ref_start_idx + step][1], word.start, word.probability or 0.0


def _spread(offsets: list[float], chances: list[float]) -> dict[str, Any]:
    if not offsets:
        return {}
    return {
        "start_off_median": round(float(np.median(offsets)), 3),
        "start_off_95": round(float(np.percentile(offsets, 95)), 3),
        "right_words_above_06": round(float(np.mean(np.array(chances) >= 0.6)), 4),
    }


def table(results: dict[str, Any]) -> str:
    """Lay the figures out as text: error rates, words per processor second, and how far word times are off."""
    names = {"pipeline": "ours", "whisper_transcribe": "whisper", "whisper_greedy": "greedy"}
    methods = {key: name for key, name in names.items() if all(key in found for found in results.values())}
    head = "".join(f"{f'{name} wer, words/s':>24}" for name in methods.values())
    lines = [f"{'set':<24}{'words':>7}{head}{'start off, median / 95 %':>27}"]
    for name, found in results.items():
        ours = found["pipeline"]
        times = f"{ours.get('start_off_median', 0):.2f} / {ours.get('start_off_95', 0):.2f} s"
        rates = "".join(f"{_pair(found[method]):>24}" for method in methods)
        lines.append(f"{name:<24}{ours['words']:>7}{rates}{times:>27}")
    return "\n".join(lines)


def _pair(figures: dict[str, Any]) -> str:
    return f"{figures['wer']:.1%}, {figures['words_per_cpu_second']:.1f}"


def main() -> int:
    """Measure all sets and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=6, help="made-up calls per set")
    parser.add_argument("--seed", type=int, default=5, help="seed of the made-up calls")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="the speech engine to measure")
    parser.add_argument("--model", default="demo", help="demo, a model's name, or a path to a checkpoint")
    parser.add_argument("--cache", type=Path, help="model cache (default: a temporary folder)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--alone", action="store_true", help="leave the peers out: no engine of ours changes them"
    )
    parser.add_argument(
        "--record", action="store_true", help="write the figures beside the bundled model too"
    )
    parser.add_argument("--out", type=Path, help="default: bench/results/wer-ENGINE.json")
    options = parser.parse_args()
    if options.record and options.alone:
        parser.error("--record keeps the peers' figures too, so it cannot go with --alone")
    import torch

    from qa_audit.media.vad import SpeechDetector
    from qa_audit.speech import models
    from qa_audit.speech.engines import open_engine
    from qa_audit.speech.recogniser import SpeechOptions

    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder)
        engine = open_engine(options.engine, options.model, cache, SpeechOptions(threads=options.threads))
        model = models.load(models.find(options.model, cache))
        sets = {
            "bundled calls": list(bundled()),
            "bundled calls over music": over_music(list(bundled()), "music-strings", MUSIC_BELOW),
            "held out, demo voices": list(held_out(options.calls, options.seed, foreign=False)),
            "held out, new voices": list(held_out(options.calls, options.seed, foreign=True)),
        }
        peers = {} if options.alone else PEERS
        results = {
            name: measure(found, engine, model, SpeechDetector(), peers) for name, found in sets.items()
        }
        about = {"engine": options.engine, "model": options.model, "model_sha256": engine.engine.model_sha256}
    print(table(results))
    report = {**about, "calls": options.calls, "seed": options.seed, "sets": results}
    out = options.out or ROOT / "bench" / "results" / f"wer-{options.engine}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf8")
    if options.record:
        record(report)
    return 0


def record(report: dict[str, Any]) -> None:
    """Write the error rates and the unpacked checkpoint's checksum into the bundled model's JSON file."""
    import torch

    path = DEMO / "model" / "demo-model.json"
    about = json.loads(path.read_text(encoding="utf8"))
    about["unpacked_sha256"] = report["model_sha256"]
    about["unpacked_with_torch"] = torch.__version__.partition("+")[0]
    about["wer"] = {
        "made_by": f"python -m bench.wer --calls {report['calls']} --seed {report['seed']}",
        **{
            name: {
                "pipeline": found["pipeline"]["wer"],
                "whisper_transcribe": found["whisper_transcribe"]["wer"],
            }
            for name, found in report["sets"].items()
        },
    }
    path.write_text(json.dumps(about, indent=2) + "\n", encoding="utf8")


if __name__ == "__main__":
    raise SystemExit(main())
