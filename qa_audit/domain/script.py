"""Scripts: calls written down as lines, for examples in rubrics, labelled calls and tests.

A line is `A: …` (the agent speaks), `C: …` (the caller), `U: …` (it is not known who), or `[8 s silence]`. A turn
that begins `[over the caller, 2 s]` (or `[over the agent, 2 s]`) starts so many seconds before the other has
finished. A word written `word~0.4` was recognised with that probability. A script that begins with `…` or a small
letter is of a recording that begins in the middle of the talk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from qa_audit.domain.acoustics import merge
from qa_audit.domain.call import Call, CallFacts, Span
from qa_audit.domain.transcript import EngineInfo, Layout, Segment, Speaker, Transcript, Word

SPEAKERS: Final[Mapping[str, Speaker]] = {"A": "agent", "C": "customer", "U": "unknown"}
MOST_LINES = 2000
MOST_CHARACTERS = 5000
"""A script has no more lines than this, and a line no more characters."""

_MOST_SECONDS = 3600.0
_SECONDS = r"(\d{1,5}(?:\.\d{1,3})?) ?s(?:ec|ecs|econd|econds)?"
_SILENCE = re.compile(rf"\[ ?{_SECONDS}(?: of)? silence ?\]", re.IGNORECASE)
_OVER = re.compile(rf"\[ ?over the (?:caller|customer|agent), ?{_SECONDS} ?\]", re.IGNORECASE)
_MARKED = re.compile(r"(.+)~(\d(?:\.\d+)?)([.,?!]*)")
_FORMS = "'A: …' (agent), 'C: …' (caller), 'U: …' (unknown), or '[8 s silence]'"

_OVERLAPPED_PACE = 0.85
_LEAST_ALONE = 1.1
_SHORTEST_WORD, _LONGEST_WORD = 0.12, 0.9
_MARGIN = 0.05
_JOINED = 0.45
_LAST_BREATH = 0.8
_CUT_START = 0.1


@dataclass(frozen=True)
class Line:
    """One line of a script: a turn, begun `over` seconds before the one before has ended, or a silence (seconds)."""

    speaker: Speaker | None
    text: str = ""
    silence: float = 0.0
    over: float = 0.0


@dataclass(frozen=True)
class Manner:
    """How a script is spoken: words per second, seconds between turns and before the first, word probability.

    With `by_sentence` every sentence is a segment of its own, else every turn.
    """

    rate: float = 2.7
    pause: float = 0.6
    probability: float = 0.95
    start: float = 1.2
    by_sentence: bool = False


def read_script(lines: Iterable[str]) -> tuple[Line, ...]:
    """Read the lines of a script.

    Raises ValueError with the number of the first bad line (from 1) and what is wrong with it.
    """
    read: list[Line] = []
    for number, line in enumerate(lines, 1):
        if number > MOST_LINES:
            raise ValueError(f"the script has more than {MOST_LINES} lines")
        try:
            read.append(_line(line, first=not any(one.speaker for one in read)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    if not any(line.speaker for line in read):
        raise ValueError("nobody says anything in the script")
    return tuple(read)


def scripted_call(
    lines: Iterable[str],
    manner: Manner = Manner(),
    *,
    language: str = "en",
    layout: Layout = "stereo-agent-left",
    **facts: Any,
) -> Call:
    """Make a call of a script, with times of words and stretches of speech; `facts` are those of `CallFacts`.

    Raises ValueError as `read_script` does.
    """
    script = read_script(lines)
    if _begins_within(script[0].text):
        manner = replace(manner, start=_CUT_START)
    segments, duration = spoken(script, manner)
    return call_of(segments, duration, language=language, layout=layout, **facts)


def _begins_within(text: str) -> bool:
    """Say whether a script begins in the middle of a sentence, as a recording does that was started late."""
    return text.startswith(("...", "…")) or text[:1].islower()


def spoken(script: Sequence[Line], manner: Manner = Manner()) -> tuple[tuple[Segment, ...], float]:
    """Say a script: its segments in order of time, and how many seconds it takes."""
    segments: list[Segment] = []
    now = manner.start
    for place, line in enumerate(script):
        if line.speaker is None:
            now += line.silence - manner.pause
            continue
        begin = now - manner.pause - line.over if line.over else now
        if line.over and segments:
            begin = max(begin, segments[-1].start + _LEAST_ALONE)
        interrupted = place + 1 < len(script) and script[place + 1].over > 0
        words = _words(line.text, begin, manner, _OVERLAPPED_PACE if interrupted else 1)
        segments.extend(_segments(words, line.speaker, manner.by_sentence))
        now = max(words[-1].end + manner.pause, now if line.over else 0)
    segments.sort(key=lambda segment: segment.start)
    numbered = tuple(segment.model_copy(update={"id": place}) for place, segment in enumerate(segments))
    return numbered, now - manner.pause + _LAST_BREATH


def call_of(
    segments: tuple[Segment, ...], duration: float, *, language: str = "en", layout: Layout, **facts: Any
) -> Call:
    """Wrap segments into a call of so many seconds, with speech measured from the words."""
    transcript = Transcript(
        duration=duration,
        language=language,
        layout=layout,
        engine=EngineInfo(name="scripted", model="script"),
        segments=segments,
    )
    known = {"speech": speech(segments), "language": language, **facts}
    return Call(transcript, CallFacts(duration=duration, **known))


def speech(segments: Iterable[Segment]) -> dict[Speaker, tuple[Span, ...]]:
    """Return each speaker's stretches of speech in seconds, as a detector would measure them."""
    spans: dict[Speaker, list[Span]] = {}
    for segment in segments:
        own = [(max(0.0, word.start - _MARGIN), word.end + _MARGIN) for word in segment.timed_words()]
        spans.setdefault(segment.speaker, []).extend(own)
    return {speaker: tuple(merge(own, _JOINED)) for speaker, own in spans.items()}


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


def _line(line: str, *, first: bool) -> Line:
    stripped = line.strip()
    if len(stripped) > MOST_CHARACTERS:
        raise ValueError(f"has {len(stripped)} characters; at most {MOST_CHARACTERS} are allowed")
    silence = _SILENCE.fullmatch(stripped)
    if silence:
        return Line(None, silence=_checked_seconds(silence[1]))
    name, colon, text = stripped.partition(":")
    if not colon or name.strip() not in SPEAKERS:
        raise ValueError(f"is none of {_FORMS}")
    text = text.strip()
    over = _OVER.match(text)
    if over is None and text.lower().startswith("[over"):
        raise ValueError("write '[over the caller, 2 s]' or '[over the agent, 2 s]'")
    if over and first:
        raise ValueError("nobody spoke before, so there is nobody to talk over")
    text = text[over.end() :].strip() if over else text
    if not text:
        raise ValueError("says nothing")
    for raw in text.split():
        _probability(raw)
    return Line(SPEAKERS[name.strip()], text, over=_checked_seconds(over[1]) if over else 0.0)


def _checked_seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= _MOST_SECONDS:
        raise ValueError(f"{text} s is not more than 0 and at most {_MOST_SECONDS:.0f} seconds")
    return seconds


def _probability(raw: str) -> tuple[str, float | None]:
    """Return a word without its mark, and the probability that the mark gives it."""
    marked = _MARKED.fullmatch(raw)
    if not marked:
        return raw, None
    probability = float(marked[2])
    if probability > 1:
        raise ValueError(f"the probability {marked[2]} is not between 0 and 1")
    return marked[1] + marked[3], probability


def _words(text: str, start: float, manner: Manner, pace: float) -> list[Word]:
    words: list[Word] = []
    now, per_word = start, 1 / (manner.rate * pace)
    for raw in text.split():
        written, own = _probability(raw)
        length = max(_SHORTEST_WORD, min(_LONGEST_WORD, per_word * (0.45 + 0.11 * len(written))))
        probability = manner.probability if own is None else own
        words.append(
            Word(start=round(now, 3), end=round(now + length, 3), text=written, probability=probability)
        )
        now += length + (0.4 if written[-1] in ".?!" else 0.15 if written.endswith(",") else 0.02)
    return words


def _segments(words: Sequence[Word], speaker: Speaker, by_sentence: bool) -> list[Segment]:
    groups: list[list[Word]] = [[]]
    for word in words:
        groups[-1].append(word)
        if by_sentence and word.text[-1] in ".?!":
            groups.append([])
    return [segment_of(group, speaker) for group in groups if group]
