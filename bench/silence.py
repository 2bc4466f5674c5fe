"""Look for speech where there is none: stretches found in noise, telephone tones and music on hold.

Example: python -m bench.silence --seconds 600 --level -60 -40 -20 -3 --seed 1 2
Every number should be 0. A second table asks whether the gate is deaf: how much of the speech on the bundled
calls (and on recordings given with --speech) is found, clean and under other sounds. Prints both tables and
writes them to bench/results/silence.txt.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from qa_audit.domain.acoustics import merge, overlaps
from qa_audit.media.vad import SpeechDetector
from tools import sounds
from tools.speech_channel import decode

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "qa_audit" / "demo"
RATIO = 10.0
"""Decibels between speech and what is laid under it."""

QUIET_DB = 30.0
UNDER = (
    "pink",
    "street",
    "music-chords",
    "music-strings",
    "music-band",
    "music-reed",
    "music-band-telephone",
)

Spans = list[tuple[float, float]]


def false_speech(
    detector: SpeechDetector, kinds: Iterable[str], seconds: float, levels: list[float], seeds: list[int]
) -> Iterator[str]:
    """Yield the lines of a table: stretches of speech per kind and level, summed over the seeds."""
    yield f"{'kind':<26}" + "".join(f"{level:>8g} dB" for level in levels) + f"{'before the gate':>18}"
    total = before = 0
    for kind in kinds:
        counts = np.zeros(len(levels), int)
        ungated = 0
        for seed in seeds:
            made = sounds.make(kind, seconds, min(levels), seed)
            for place, level in enumerate(levels):
                gain = np.float32(10 ** ((level - min(levels)) / 20))
                heard = detector.listen([np.clip(made * gain, -1, 1)])
                counts[place] += len(heard.speech)
                ungated += len(heard.ungated)
        total, before = total + int(counts.sum()), before + ungated
        yield f"{kind:<26}" + "".join(f"{count:>11}" for count in counts) + f"{ungated:>18}"
    yield f"{'all':<26}" + " " * 11 * (len(levels) - 1) + f"{total:>11}{before:>18}"


def true_speech(detector: SpeechDetector, channels: list[np.ndarray], seed: int) -> Iterator[str]:
    """Yield the lines of a table: how much of the speech found in clean channels is found in them changed."""
    clean = [list(detector.listen([channel]).ungated) for channel in channels]
    kinds = ["clean", "telephone, mu-law", f"{QUIET_DB:g} dB quieter", *(f"over {kind}" for kind in UNDER)]
    yield f"{'speech':<34}{'without the gate':>18}{'with the gate':>15}{'lost by it':>12}{'found beside':>14}"
    for kind in kinds:
        figures = np.zeros(4)
        for number, (channel, truth) in enumerate(zip(channels, clean, strict=True)):
            heard = detector.listen([_changed(channel, kind, seed + number)])
            raw, kept = list(heard.ungated), list(heard.speech)
            figures += [_length(truth), _shared(raw, truth), _shared(kept, truth), _length(kept)]
        whole, raw_kept, kept_kept, found = figures
        yield (
            f"{kind:<34}{raw_kept / whole:>18.1%}{kept_kept / whole:>15.1%}"
            f"{1 - kept_kept / raw_kept:>12.2%}{(found - kept_kept) / whole:>14.1%}"
        )


def _changed(channel: np.ndarray, kind: str, seed: int) -> np.ndarray:
    if kind == "clean":
        return channel
    if kind.startswith("telephone"):
        return sounds.telephone(channel)
    if kind.endswith("quieter"):
        return (channel * 10 ** (-QUIET_DB / 20)).astype(np.float32)
    other = sounds.make(kind.removeprefix("over "), len(channel) / sounds.RATE, -20, seed)
    return sounds.mixed(channel, other, RATIO)


def _length(spans: Spans) -> float:
    return sum(end - start for start, end in spans)


def _shared(one: Spans, other: Spans) -> float:
    return _length(overlaps(merge(one), merge(other)))


def speech_channels(extra: list[Path]) -> list[np.ndarray]:
    """Read the channels of the bundled calls and of other recordings."""
    calls = json.loads((DEMO / "manifest.json").read_text(encoding="utf8"))["calls"]
    files = [*(DEMO / call["file"] for call in calls), *extra]
    return [channel for file in files for channel in decode(str(file)) if np.abs(channel).max() > 0.01]


def machine() -> str:
    """Describe the machine in one line."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        if line.startswith("model name")
    ]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores, Python {platform.python_version()}"


def main() -> int:
    """Measure and report; exit status 1 when speech was found where there is none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0, help="length of each sound")
    parser.add_argument("--level", type=float, nargs="+", default=[-60, -40, -20, -3], help="dBFS")
    parser.add_argument("--seed", type=int, nargs="+", default=[1])
    parser.add_argument("--kind", nargs="+", choices=list(sounds.KINDS), default=list(sounds.KINDS))
    parser.add_argument("--speech", type=Path, nargs="*", default=[], help="recordings of speech besides")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "silence.txt")
    options = parser.parse_args()
    began = time.monotonic()
    detector = SpeechDetector()
    lines = [f"Machine: {machine()}", f"Seconds {options.seconds:g}, seeds {options.seed}", ""]
    print("\n".join(lines))
    for table in (
        false_speech(detector, options.kind, options.seconds, options.level, options.seed),
        true_speech(detector, speech_channels(options.speech), options.seed[0]),
    ):
        for line in table:
            print(line, flush=True)
            lines.append(line)
        print()
        lines.append("")
    lines.append(f"Took {time.monotonic() - began:.0f} s.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(lines) + "\n", encoding="utf8")
    found = next(line for line in lines if line.startswith("all "))
    return 0 if int(found.split()[1]) == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
