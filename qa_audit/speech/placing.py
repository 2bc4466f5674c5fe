"""Put what a recogniser heard in windows back to its place in the call, and make segments of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qa_audit.domain.spellings import FULL_STOPS
from qa_audit.domain.transcript import Note, Segment, Word
from qa_audit.speech.honesty import honest
from qa_audit.speech.protocol import Part, SpeechChannel
from qa_audit.speech.punctuation import with_punctuation
from qa_audit.speech.recogniser import HeardWindow, is_silent
from qa_audit.speech.windows import Window

TURN_PAUSE = 0.8
"""Seconds: a pause that parts two segments."""

CUT_OFF = (
    "The recogniser wrote more here than can be said in this time; it was stopped, and words may be wrong."
)

LONGEST_SEGMENT = 15.0
"""Seconds: longer speech is shown as several segments, cut after a sentence."""

SENTENCE_ENDS = ".?!\uff1f\uff01" + FULL_STOPS
"""The wide marks (？！) are those of Chinese and Japanese."""


def part_of(found: Sequence[tuple[Window, HeardWindow]], language: str) -> Part:
    """Place in the call what was heard in its windows, as plain data."""
    stretches: list[dict[str, object]] = []
    notes: list[dict[str, object]] = []
    for window, heard in found:
        if is_silent(heard.no_speech_prob, heard.avg_logprob):
            continue
        words, dropped = honest(_placed(window, heard), language)
        if heard.is_cut:
            dropped = (*dropped, Note(kind="cut_off", text=CUT_OFF, start=window.start, end=window.end))
        notes += [note.model_dump() for note in dropped]
        stretches += [
            {
                "channel": window.channel,
                "words": [word.model_dump() for word in sentence],
                "avg_logprob": round(heard.avg_logprob, 4),
                "no_speech_prob": round(heard.no_speech_prob, 4),
            }
            for sentence in sentences(words)
        ]
    return {"stretches": stretches, "notes": notes}


def _placed(window: Window, heard: HeardWindow) -> list[Word]:
    """Return a window's words with call times, their punctuation joined to them."""
    words = []
    for item in with_punctuation(heard.words):
        start, end = window.place(item.start, item.end)
        chance = round(min(max(item.probability, 0.0), 1.0), 4)
        words.append(
            Word(start=round(start, 3), end=round(end, 3), text=item.text.strip(), probability=chance)
        )
    return words


def sentences(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Yield words in stretches: a pause parts them, and the end of a sentence where they last too long."""
    first = 0
    for place, word in enumerate(words[:-1]):
        pauses = words[place + 1].start - word.end >= TURN_PAUSE
        ends = word.text[-1:] in SENTENCE_ENDS and word.end - words[first].start >= LONGEST_SEGMENT / 3
        if pauses or (ends and words[-1].end - words[first].start > LONGEST_SEGMENT):
            yield words[first : place + 1]
            first = place + 1
    if words:
        yield words[first:]


def joined(
    channels: Sequence[SpeechChannel], parts: Sequence[Part]
) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """Make segments of all parts, numbered in time order, and collect the notes."""
    found: list[Mapping[str, Any]] = [stretch for part in parts for stretch in part["stretches"]]
    found.sort(key=lambda stretch: (stretch["words"][0]["start"], stretch["words"][-1]["end"]))
    segments = tuple(
        Segment(
            id=number,
            speaker=channels[stretch["channel"]].speaker,
            start=stretch["words"][0]["start"],
            end=stretch["words"][-1]["end"],
            text=" ".join(word["text"] for word in stretch["words"]),
            avg_logprob=stretch["avg_logprob"],
            no_speech_prob=stretch["no_speech_prob"],
            words=tuple(Word.model_validate(word) for word in stretch["words"]),
        )
        for number, stretch in enumerate(found)
    )
    notes = [Note.model_validate(note) for part in parts for note in part["notes"]]
    return segments, tuple(sorted(notes, key=lambda note: note.start or 0.0))
