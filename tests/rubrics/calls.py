"""Make calls from scripts: words with times, stretches of speech, and what is known about them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from qa_audit.domain.call import Call
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.script import Manner, call_of, read_script, segment_of, spoken
from qa_audit.domain.transcript import Layout, Segment
from qa_audit.services.rubric_files import load_rubric_file

HERE = Path(__file__).parent
RUBRICS = HERE.parent.parent / "rubrics"
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


def build(
    lines: Sequence[str],
    *,
    style: Style = "words",
    by_sentence: bool = False,
    rate: float = 2.7,
    pause: float = 0.6,
    probability: float = 0.95,
    start: float = 0.6,
    layout: Layout = "stereo-agent-left",
    **facts: Any,
) -> Call:
    """Make a call from script lines (see `domain.script`), with numbers and punctuation as a style has them."""
    manner = Manner(rate, pause, probability, start, by_sentence and style != "bare")
    script = read_script(lines)
    if style == "numerals":
        script = tuple(replace(line, text=numerals(line.text)) for line in script)
    segments, duration = spoken(script, manner)
    if style == "bare":
        segments = tuple(bare(segment) for segment in segments)
    return call_of(segments, duration, layout=layout, **facts)


def place_call(segments: tuple[Segment, ...], duration: float, layout: Layout, facts: dict[str, Any]) -> Call:
    """Wrap segments into a call, with speech measured from the words unless the facts hold it."""
    return call_of(segments, duration, layout=layout, **facts)


def bare(segment: Segment) -> Segment:
    """Write a segment without punctuation and capital letters."""
    words = [
        word.model_copy(update={"text": re.sub(r"[.,?!]", "", word.text).lower()})
        for word in segment.timed_words()
    ]
    return segment_of(words, segment.speaker).model_copy(update={"id": segment.id})


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
