"""Find and mask numbers that must not stay readable: card numbers, other long numbers, security codes.

Crude and fail-closed. Seven digits or more, spoken or written, are masked wherever they stand: over pauses,
segments and turns, with fillers and the other speaker's read-back in between. What follows "security code"
and its kin is masked however short. What the times of words leave in doubt is masked as a whole segment.
A group of up to six digits that the other speaker only repeats is not counted twice, so that a booking
number that is read back stays visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qa_audit.domain import spoken_numbers
from qa_audit.domain.acoustics import merge
from qa_audit.domain.call import Span
from qa_audit.domain.spoken_numbers import LEAST, Found, Kind
from qa_audit.domain.text import MASK, tokens_of
from qa_audit.domain.transcript import EngineInfo, Note, Segment, Transcript, Word

PAD = 0.2
"""Seconds of silence added on both sides of masked sound."""
JOIN = 1.0
"""Masked stretches closer together than this many seconds are one."""
_WEAK = 0.3
_ISO = re.compile(
    r"(?<![A-Za-z0-9-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[T_ ][0-2]\d[-:.][0-5]\d(?:[-:.][0-5]\d)?)?(?![\w-]*\d)"
)
_WRITTEN = re.compile(r"\d(?:[^\w\n]{0,3}\d|_\d){" + str(LEAST - 1) + r",}")
_SEVERITY: tuple[Kind, ...] = ("number", "card", "secret")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WordRange(_Frozen):
    """Masked words of one segment: its id, first and last word index (both included)."""

    segment: int
    first: int
    last: int


class MaskedSpan(_Frozen):
    """A stretch to silence on every channel (seconds, padding included) and the words to mask in it.

    `kind` is `card` (a long number, or one read out as a card number), `secret` (what follows a security
    code or password) or `number`; `digits` counts the digits, for records that show nothing else.
    """

    start: float
    end: float
    kind: Literal["number", "card", "secret"]
    words: tuple[WordRange, ...]
    digits: int


def find_spans(transcript: Transcript) -> tuple[MaskedSpan, ...]:
    """Find what is to be masked, in order of time; stretches less than a second apart come as one."""
    tokens = tokens_of(transcript)
    stream = sorted(
        (
            spoken_numbers.Spoken(token, transcript.segments[place].speaker)
            for place, own in enumerate(tokens)
            for token in own
        ),
        key=lambda spoken: (spoken.token.start, spoken.token.segment, spoken.token.first),
    )
    found = [_span(transcript, number) for number in spoken_numbers.find(stream)]
    return tuple(_merged(found, transcript.duration))


def silences(spans: Iterable[MaskedSpan]) -> tuple[Span, ...]:
    """Return the stretches to silence in sound and waveform, merged and in order of time."""
    return tuple(merge(((span.start, span.end) for span in spans), JOIN))


def mask(transcript: Transcript, spans: Iterable[MaskedSpan]) -> Transcript:
    """Replace every masked word's text by MASK; word counts, indices and times stay as they are.

    A segment's text is made anew from its words where one is masked, or where text and words disagree (the
    text could hold digits that no word shows).
    """
    ranges: dict[int, list[WordRange]] = {}
    for span in spans:
        for words in span.words:
            ranges.setdefault(words.segment, []).append(words)
    segments = tuple(_masked_segment(segment, ranges.get(segment.id, [])) for segment in transcript.segments)
    notes = tuple(_masked_note(note) for note in transcript.notes)
    return transcript.model_copy(update={"segments": segments, "notes": notes})


def mask_text(text: str) -> str:
    """Mask long numbers and secrets in a free text such as a note, a file name or a custom field.

    Dates of the form 2026-11-02 (with a time behind them or not) are left alone.
    """
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\ue000{chr(0xE100 + len(kept) - 1)}\ue001"

    shown = _WRITTEN.sub(MASK, _ISO.sub(keep, text.replace("\ue000", "").replace("\ue001", "")))
    parts = re.split(r"(\s+)", shown)
    words = list(parts[::2])
    masked = _masked_words(words)
    parts[::2] = [MASK if place in masked and word else word for place, word in enumerate(words)]
    return re.sub("\ue000(.)\ue001", lambda match: kept[ord(match[1]) - 0xE100], "".join(parts))


def _masked_words(words: Sequence[str]) -> set[int]:
    """Return the indices of the words of a free text that are to be masked."""
    spoken = [place for place, word in enumerate(words) if word]
    if not spoken:
        return set()
    timed = tuple(
        Word(start=0.3 * n, end=0.3 * n + 0.25, text=words[place]) for n, place in enumerate(spoken)
    )
    segment = Segment(id=0, speaker="customer", start=0, end=timed[-1].end, text=" ".join(words), words=timed)
    transcript = Transcript(
        duration=timed[-1].end,
        layout="mono",
        engine=EngineInfo(name="text", model="text"),
        segments=(segment,),
    )
    return {
        spoken[index]
        for span in find_spans(transcript)
        for own in span.words
        for index in range(own.first, own.last + 1)
    }


def _span(transcript: Transcript, number: Found) -> MaskedSpan:
    """Place a found number in the transcript: its words, and the sound from its first to its last digit."""
    ranges: list[WordRange] = []
    start, end = number.start, number.end
    for place, indices in number.words.items():
        segment = transcript.segments[place]
        if _doubtful(segment, indices):
            ranges.append(WordRange(segment=segment.id, first=0, last=max(0, len(segment.timed_words()) - 1)))
            start, end = min(start, segment.start), max(end, segment.end)
            continue
        ranges.extend(WordRange(segment=segment.id, first=a, last=b) for a, b in _runs(indices))
        if not segment.words:
            start, end = min(start, segment.start), max(end, segment.end)
    return MaskedSpan(
        start=max(0.0, start - PAD),
        end=max(end, start) + PAD,
        kind=number.kind,
        words=tuple(ranges),
        digits=number.digits,
    )


def _doubtful(segment: Segment, indices: Iterable[int]) -> bool:
    """Say whether the times or the recognition of masked words cannot be trusted."""
    words = segment.words
    if not words:
        return False
    return any(
        words[i].end <= words[i].start
        or (words[i].probability is not None and (words[i].probability or 0) < _WEAK)
        for i in indices
    )


def _runs(indices: Iterable[int]) -> list[tuple[int, int]]:
    """Join neighbouring indices to ranges."""
    runs: list[tuple[int, int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs


def _merged(spans: Sequence[MaskedSpan], duration: float) -> list[MaskedSpan]:
    merged: list[MaskedSpan] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start - merged[-1].end < JOIN:
            last = merged[-1]
            merged[-1] = MaskedSpan(
                start=last.start,
                end=max(last.end, span.end),
                kind=max(last.kind, span.kind, key=_SEVERITY.index),
                words=tuple(dict.fromkeys((*last.words, *span.words))),
                digits=last.digits + span.digits,
            )
        else:
            merged.append(span)
    return [
        span.model_copy(
            update={
                "start": round(span.start, 3),
                "end": round(min(span.end, duration) if duration else span.end, 3),
            }
        )
        for span in merged
    ]


def _masked_segment(segment: Segment, ranges: Sequence[WordRange]) -> Segment:
    masked = {index for words in ranges for index in range(words.first, words.last + 1)}
    if not segment.words:
        parts = [MASK if index in masked else part for index, part in enumerate(segment.text.split())]
        return segment.model_copy(update={"text": " ".join(parts)}) if masked else segment
    agree = "".join("".join(word.text for word in segment.words).split()) == "".join(segment.text.split())
    if not masked and agree:
        return segment
    words = tuple(
        word.model_copy(update={"text": MASK}) if index in masked else word
        for index, word in enumerate(segment.words)
    )
    return segment.model_copy(update={"words": words, "text": " ".join(word.text.strip() for word in words)})


def _masked_note(note: Note) -> Note:
    return note.model_copy(update={"text": mask_text(note.text)})
