"""Make the bundled calls and their manifest from demo_script.txt.

Example: python -m tools.make_demo_calls
Running it again gives the same sound; it needs espeak-ng and PyAV. Start it as a fresh process, because
espeak-ng keeps a little state between utterances.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import wave
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tools import demo_facts as facts
from tools import speech_channel as channel
from tools import speech_grammar as grammar
from tools import speech_voices as voices
from tools.demo_scripts import Line, Script, read_lines, read_scripts
from tools.ogg import fix_serial

RATE = voices.SAMPLE_RATE
BIT_RATE = 28_000
LEAD = 0.6
HISS_DECIBELS = -74.0


@dataclass
class Turn:
    """Hold one spoken turn with times in seconds from the start of the call."""

    speaker: str
    text: str
    start: float
    end: float
    words: list[tuple[str, float, float]] = field(default_factory=list)


def speak_turn(
    text: str, voice: voices.Voice, rng: np.random.Generator, hesitant: bool = False
) -> voices.Spoken:
    """Speak a turn sentence by sentence, with short pauses; `hesitant` pauses after the first word."""
    pieces: list[np.ndarray] = []
    words: list[tuple[str, float, float]] = []
    at = 0.0
    parts = text.split(" ", 1) if hesitant else grammar.sentences(text)
    for number, sentence in enumerate(parts):
        if number:
            pause = np.zeros(int((0.2 if hesitant else rng.uniform(0.35, 0.6)) * RATE), np.float32)
            pieces.append(pause)
            at += len(pause) / RATE
        spoken = voices.say(sentence, voice)
        pieces.append(channel.level(channel.telephone(spoken.samples), -20.0))
        words += [(w, at + a, at + b) for w, a, b in spoken.words]
        at += spoken.seconds
    return voices.Spoken(np.concatenate(pieces), words)


def lay_out(
    lines: tuple[Line, ...],
    cast: dict[str, voices.Voice],
    rng: np.random.Generator,
    slow: tuple[int, ...] = (),
    hesitant: tuple[int, ...] = (),
) -> tuple[np.ndarray, list[Turn]]:
    """Place all turns in time; returns both channels (agent first) without noise, and the timed turns."""
    placed: list[tuple[int, int, np.ndarray]] = []
    turns: list[Turn] = []
    end = LEAD
    for number, line in enumerate(lines):
        voice = cast[line.speaker]
        voice = replace(voice, speed=int(voice.speed * (0.84 if number in slow else 0.92)))
        spoken = speak_turn(line.text, voice, rng, number in hesitant)
        gap = line.silence or float(rng.uniform(0.5, 0.9))
        start = end - line.over if line.over else (end + gap if turns else end)
        if line.over:
            start = max(start, turns[-1].start + 1.1)
        first = round(start * RATE)
        placed.append((0 if line.speaker == "agent" else 1, first, spoken.samples))
        at = first / RATE
        turns.append(
            Turn(
                line.speaker,
                line.text,
                at,
                at + spoken.seconds,
                [(w, at + a, at + b) for w, a, b in spoken.words],
            )
        )
        end = max(end, turns[-1].end)
    sound = np.zeros((2, int((end + 0.8) * RATE)), np.float32)
    for side, first, samples in placed:
        sound[side, first : first + len(samples)] += samples
    return sound, turns


def hiss(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Make the faint noise of an open line, far below what counts as silence."""
    noise = rng.standard_normal(shape).astype(np.float32)
    filtered = np.stack([channel.telephone(row) for row in noise])
    return filtered * np.float32(10 ** (HISS_DECIBELS / 20) / np.sqrt(np.mean(filtered**2)))


def find_words(turn: Turn, phrase: str) -> tuple[float, float]:
    """Find a phrase in a turn; returns its start and end. Raises ValueError where it is not said."""
    wanted = grammar.normal(phrase).split()
    spoken = [grammar.normal(word) for word, _, _ in turn.words]
    for at in range(len(spoken) - len(wanted) + 1):
        if spoken[at : at + len(wanted)] == wanted:
            return turn.words[at][1], turn.words[at + len(wanted) - 1][2]
    raise ValueError(f"{phrase!r} is not said in {turn.text!r}")


def fault_entry(fault: facts.Fault, turns: list[Turn]) -> dict[str, Any]:
    """Describe one planted fault with its times."""
    turn = turns[fault.turn]
    entry: dict[str, Any] = {"criterion": fault.criterion, "kind": fault.kind, "speaker": turn.speaker}
    if fault.kind == "words":
        start, end = find_words(turn, fault.words)
        entry["text"] = fault.words
    elif fault.kind == "silence":
        start, end = turn.end, turns[fault.turn + 1].start
    elif fault.kind == "overlap":
        start, end = turn.start, turns[fault.turn - 1].end
        entry["text"] = turn.text
    else:
        start, end = turn.start, turns[fault.last if fault.last is not None else fault.turn].end
    return {**entry, "start": round(start, 3), "end": round(end, 3)}


def expected(call: facts.Facts) -> dict[str, Any]:
    """Give the answers an audit of the call should find."""
    answers = {}
    for criterion in [*facts.BRAND_IDS, *facts.SERVICE_IDS]:
        answers[criterion] = "no" if criterion in call.no else "na" if criterion in call.na else "yes"
    answers["B10"] = "manual"
    shown = call.service if call.without_fatal is None else call.without_fatal
    return {
        "answers": answers,
        "fatal": list(call.fatal),
        "critical": list(call.critical),
        "brand_percent": call.brand,
        "service_percent": call.service,
        "service_percent_without_fatal": shown,
    }


def call_entry(script: Script, turns: list[Turn], duration: float) -> dict[str, Any]:
    """Describe one stereo call for the manifest."""
    vendor = facts.VENDORS[script.vendor]
    call = facts.CALLS[script.number]
    return {
        "id": f"call-{script.number:02d}",
        "file": f"calls/call-{script.number:02d}.opus",
        "vendor": script.vendor,
        "vendor_name": vendor["name"],
        "team": "Refunds",
        "agent": script.agent,
        "started_at": script.started.strftime("%Y-%m-%dT%H:%M:%S") + vendor["offset"],
        "external_id": f"{vendor['prefix']}-{script.started:%m%d}-{script.number:03d}",
        "queue": "refunds",
        "direction": "inbound",
        "language": "en",
        "channels": "agent-left",
        "title": script.title,
        "custom": {"csat": script.survey},
        "duration": round(duration, 3),
        "turns": turn_entries(turns),
        "expected": expected(call),
        "faults": [fault_entry(fault, turns) for fault in call.faults],
    }


def turn_entries(turns: list[Turn]) -> list[dict[str, Any]]:
    """Describe turns with the times of their words."""
    return [
        {
            "speaker": turn.speaker,
            "start": round(turn.start, 3),
            "end": round(turn.end, 3),
            "text": turn.text,
            "words": [[word, round(a, 3), round(b, 3)] for word, a, b in turn.words],
        }
        for turn in turns
    ]


def make_stereo(script: Script, folder: Path) -> dict[str, Any]:
    """Write one call and return its manifest entry."""
    rng = np.random.default_rng(1000 + script.number)
    call = facts.CALLS[script.number]
    cast = {"agent": voices.PEOPLE[script.agent], "customer": voices.PEOPLE[call.customer]}
    sound, turns = lay_out(script.lines, cast, rng, call.slow, call.hesitant)
    sound += hiss(sound.shape, rng)
    entry = call_entry(script, turns, sound.shape[1] / RATE)
    return _write(folder, entry, channel.encode_opus(sound, BIT_RATE))


def make_mono(folder: Path) -> dict[str, Any]:
    """Write the call whose two speakers share one channel."""
    rng = np.random.default_rng(1013)
    cast = {"agent": voices.PEOPLE["Nina"], "customer": voices.PEOPLE["customer-b"]}
    sound, turns = lay_out(read_lines(facts.MONO_SCRIPT), cast, rng)
    mixed = sound.sum(axis=0, keepdims=True)
    mixed += hiss(mixed.shape, rng)
    entry = {
        **_extra("mono-13", "calls/mono-13.opus", "Nina", "2026-11-09T16:05:00", "booking question", 4),
        "channels": "mono",
        "duration": round(mixed.shape[1] / RATE, 3),
        "turns": turn_entries(turns),
        "expect": {"status": "prescored", "note": "speakers unknown"},
    }
    return _write(folder, entry, channel.encode_opus(mixed, 24_000))


def make_broken(folder: Path) -> dict[str, Any]:
    """Write a recording of an open line on which nobody speaks: it decodes, and then fails as silent."""
    rng = np.random.default_rng(1014)
    seconds = 12
    sound = hiss((2, seconds * RATE // 2), rng)[:, : seconds * 8000]
    pcm = np.clip(sound.T * 32767, -32768, 32767).astype("<i2")
    target = folder / "calls" / "broken-14.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(target), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(pcm.tobytes())
    return {
        **_extra(
            "broken-14", "calls/broken-14.wav", "Aisha", "2026-11-10T08:30:00", "nobody on the line", None
        ),
        "channels": "agent-left",
        "duration": float(seconds),
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "turns": [],
        "expect": {"status": "failed", "failure": "silent"},
    }


def _extra(name: str, file: str, agent: str, started: str, title: str, survey: int | None) -> dict[str, Any]:
    vendor = facts.VENDORS["sollent"]
    return {
        "id": name,
        "file": file,
        "vendor": "sollent",
        "vendor_name": vendor["name"],
        "team": "Refunds",
        "agent": agent,
        "started_at": started + vendor["offset"],
        "external_id": f"{vendor['prefix']}-{started[5:7]}{started[8:10]}-{name[-2:]:0>3}",
        "queue": "refunds",
        "direction": "inbound",
        "language": "en",
        "title": title,
        "custom": {} if survey is None else {"csat": survey},
    }


def _write(folder: Path, entry: dict[str, Any], data: bytes) -> dict[str, Any]:
    target = folder / entry["file"]
    target.parent.mkdir(parents=True, exist_ok=True)
    fixed = fix_serial(data, int(entry["id"][-2:]))
    target.write_bytes(fixed)
    return {**entry, "sha256": hashlib.sha256(fixed).hexdigest()}


def main() -> int:
    """Write all recordings and the manifest."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("qa_audit/demo"), help="folder for manifest.json and calls/"
    )
    options = parser.parse_args()
    calls = [make_stereo(script, options.out) for script in read_scripts()]
    extras = [make_mono(options.out), make_broken(options.out)]
    manifest = {
        "schema": "qa-audit/demo@1",
        "brand": "Northwind",
        "wrong_brand": "Star Air",
        "vendors": [
            {"slug": slug, "name": v["name"], "channels": "agent-left"} for slug, v in facts.VENDORS.items()
        ],
        "calls": calls,
        "extras": extras,
    }
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+(\"[^\"]*\"),\s+([\d.]+),\s+([\d.]+)\s+\]", r"[\1, \2, \3]", text)
    (options.out / "manifest.json").write_text(text + "\n", encoding="utf8")
    for call in [*calls, *extras]:
        size = (options.out / call["file"]).stat().st_size
        print(f"{call['id']}  {call['duration']:6.1f} s  {size / 1000:6.0f} kB  {call['title']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
