"""Make calls from scripts: words with times, stretches of speech, and what is known about them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from qa_audit.domain.acoustics import merge
from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.transcript import EngineInfo, Segment, Speaker, Transcript, Word
from qa_audit.services.rubric_files import load_rubric_file

HERE = Path(__file__).parent
RUBRICS = HERE.parent.parent / "rubrics"
SPEAKERS: dict[str, Speaker] = {"A": "agent", "C": "customer", "U": "unknown"}
Style = Literal["words", "numerals", "bare"]
_DIGITS = {
    w: str(v)
    for v, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
}
_TENS = {
    w: 10 * v
    for v, w in enumerate(
        ["ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 1
    )
}


@dataclass(frozen=True)
class Line:
    """One line of a script: a turn (perhaps begun `over` seconds early) or a silence."""

    speaker: Speaker | None
    text: str = ""
    silence: float = 0.0
    over: float = 0.0


@cache
def scripts() -> list[dict[str, Any]]:
    """Return the twelve demo calls as data."""
    return yaml.safe_load((HERE / "demo_scripts.yaml").read_text(encoding="utf-8"))


@cache
def rubrics() -> dict[str, Rubric]:
    """Return the two bundled rubrics."""
    return {
        "brand": load_rubric_file(RUBRICS / "brand_consistency.yaml"),
        "service": load_rubric_file(RUBRICS / "service_quality.yaml"),
    }


def parse(lines: Iterable[str]) -> list[Line]:
    """Read script lines: `A: …`, `C: …`, `[12 s silence]`, `A: [over the caller, 2 s] …`."""
    parsed = []
    for line in lines:
        silence = re.fullmatch(r"\[([\d.]+) s silence\]", line.strip())
        if silence:
            parsed.append(Line(None, silence=float(silence[1])))
            continue
        speaker, text = line.split(":", 1)
        over = re.match(r"\s*\[over the (?:caller|agent), ([\d.]+) s\]", text)
        parsed.append(
            Line(
                SPEAKERS[speaker.strip()],
                text[over.end() if over else 0 :].strip(),
                over=float(over[1]) if over else 0,
            )
        )
    return parsed


def build(
    lines: Sequence[str],
    *,
    style: Style = "words",
    by_sentence: bool = False,
    rate: float = 2.7,
    pause: float = 0.6,
    probability: float = 0.95,
    start: float = 0.6,
    layout: str = "stereo-agent-left",
    **facts: Any,
) -> Call:
    """Make a call from script lines; `rate` is words per second, `pause` the seconds between turns.

    A word written `word~0.4` has that probability.
    """
    segments: list[Segment] = []
    now = start
    script = parse(lines)
    for place, line in enumerate(script):
        if line.speaker is None:
            now += line.silence - pause
            continue
        begin = now - pause - line.over if line.over else now
        if line.over and segments:
            begin = max(begin, segments[-1].start + 1.1)
        slow = place + 1 < len(script) and script[place + 1].over > 0
        words = _words(line.text, style, begin, rate * (0.85 if slow else 1), probability)
        segments.extend(_segments(words, line.speaker, by_sentence))
        now = max(words[-1].end + pause, now if line.over else 0)
    segments.sort(key=lambda segment: segment.start)
    numbered = tuple(segment.model_copy(update={"id": place}) for place, segment in enumerate(segments))
    return place_call(numbered, now - pause + 0.8, layout, facts)


def place_call(segments: tuple[Segment, ...], duration: float, layout: str, facts: dict[str, Any]) -> Call:
    """Wrap segments into a call, with speech measured from the words."""
    transcript = Transcript(
        duration=duration,
        layout=layout,
        engine=EngineInfo(name="scripted", model="script"),
        segments=segments,
    )
    return Call(transcript, CallFacts(duration=duration, **{"speech": speech(segments), **facts}))


def speech(segments: Iterable[Segment]) -> dict[Speaker, tuple[tuple[float, float], ...]]:
    """Return each speaker's stretches of speech, as a detector would measure them."""
    spans: dict[Speaker, list[tuple[float, float]]] = {}
    for segment in segments:
        own = [(max(0.0, word.start - 0.05), word.end + 0.05) for word in segment.timed_words()]
        spans.setdefault(segment.speaker, []).extend(own)
    return {speaker: tuple(merge(own, 0.45)) for speaker, own in spans.items()}


def demo_call(script: dict[str, Any], **options: Any) -> Call:
    """Make one of the twelve calls."""
    return build(
        script["lines"],
        agent_name=script["agent"],
        vendor=script["vendor"].lower(),
        queue="refunds",
        direction="inbound",
        variables={"vendor_name": script["vendor"]},
        **options,
    )


def _words(text: str, style: Style, start: float, rate: float, probability: float) -> list[Word]:
    if style == "numerals":
        text = numerals(text)
    words, now = [], start
    for raw in text.split():
        marked = re.fullmatch(r"(.+)~(\d(?:\.\d+)?)([.,?!]*)", raw)
        written, own = (marked[1] + marked[3], marked[2]) if marked else (raw, "")
        length = max(0.12, min(0.9, (1 / rate) * (0.45 + 0.11 * len(written))))
        gap = 0.4 if re.search(r"[.?!]$", written) else 0.15 if written.endswith(",") else 0.02
        shown = re.sub(r"[.,?!]", "", written).lower() if style == "bare" else written
        words.append(
            Word(
                start=round(now, 3),
                end=round(now + length, 3),
                text=shown,
                probability=float(own or probability),
            )
        )
        now += length + gap
    return words


def _segments(words: Sequence[Word], speaker: Speaker, by_sentence: bool) -> list[Segment]:
    groups: list[list[Word]] = [[]]
    for word in words:
        groups[-1].append(word)
        if by_sentence and re.search(r"[.?!]$", word.text):
            groups.append([])
    return [segment_of(group, speaker) for group in groups if group]


def segment_of(words: Sequence[Word], speaker: Speaker) -> Segment:
    """Wrap words into a segment."""
    return Segment(
        id=0,
        speaker=speaker,
        start=words[0].start,
        end=words[-1].end,
        text=" ".join(word.text for word in words),
        words=tuple(words),
    )


def numerals(text: str) -> str:
    """Write numbers as a large recogniser does: 4271, $200, 5 to 10 days, 3rd of May."""
    text = re.sub(r"\b(two|three|one) hundred and (ten|fifty) dollars\b", _hundreds, text)
    text = re.sub(r"\b(one|two|three) hundred dollars\b", lambda m: f"${_DIGITS[m[1]]}00", text)
    text = re.sub(rf"\b({'|'.join(_TENS)}) dollars\b", lambda m: f"${_TENS[m[1]]}", text)
    text = re.sub(r"\bfive to ten days\b", "5 to 10 days", text)
    word = rf"(?:{'|'.join(_DIGITS)})"
    text = re.sub(
        rf"\b{word}(?: {word})+\b",
        lambda m: "".join(_DIGITS[w.lower()] for w in m[0].split()),
        text,
        flags=re.I,
    )
    for place, ordinal in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1
    ):
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(place, "th")
        text = re.sub(rf"\b{ordinal} of\b", f"{place}{suffix} of", text)
    return text


def _hundreds(match: re.Match[str]) -> str:
    return f"${100 * int(_DIGITS[match[1]]) + _TENS[match[2]]}"


def noisy(
    call: Call, seed: int, *, errors: float = 0.05, changed: tuple[float, float] = (0.25, 0.65)
) -> Call:
    """Delete and substitute words at random; changed words get a lower probability."""
    rng = random.Random(seed)
    vocabulary = sorted({w.text for s in call.transcript.segments for w in s.timed_words()})
    segments = []
    for segment in call.transcript.segments:
        words = []
        for word in segment.timed_words():
            draw = rng.random()
            sure = min(1.0, max(0.62, rng.gauss(0.9, 0.08)))
            if draw < errors / 2:
                continue
            if draw < errors:
                text = rng.choice(vocabulary)
                words.append(word.model_copy(update={"text": text, "probability": rng.uniform(*changed)}))
            else:
                words.append(word.model_copy(update={"probability": sure}))
        if words:
            segments.append(
                segment.model_copy(update={"words": tuple(words), "text": " ".join(w.text for w in words)})
            )
    kept = tuple(segment.model_copy(update={"id": place}) for place, segment in enumerate(segments))
    return Call(call.transcript.model_copy(update={"segments": kept}), replace(call.facts))
