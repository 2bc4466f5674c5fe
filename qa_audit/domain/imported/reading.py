"""Reading a transcript that came with a recording: first its form, later how it fits the recording."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from qa_audit.domain.acoustics import merge
from qa_audit.domain.call import Span
from qa_audit.domain.imported import contact_lens, own, srt, transcribe, vtt, whisper_json
from qa_audit.domain.imported.cues import FIELD, MOST_BYTES, Cue, Source, unusable
from qa_audit.domain.imported.json_values import Value, parse
from qa_audit.domain.transcript import EngineInfo, Layout, Note, Segment, Speaker, Transcript, Word
from qa_audit.errors import Invalid

ENGINE = "imported"
"""The engine's name and the notes' kind of every transcript that was not made here."""

FORMATS = "WebVTT, SubRip, or JSON of Whisper, Amazon Transcribe, Amazon Contact Lens or QA Audit"

MOST_BEYOND = 0.5
"""The part of a transcript's words that may lie beyond the recording's end: with more it is another call's."""

_CHANNELS: dict[Layout, tuple[Speaker, Speaker]] = {
    "stereo-agent-left": ("agent", "customer"),
    "stereo-agent-right": ("customer", "agent"),
}
"""Who is on the first and second channel; in every other layout nobody knows."""

_JSON_FORMATS: tuple[tuple[Callable[[Value], bool], Callable[[Value], Source]], ...] = (
    (own.is_one, own.parse),
    (transcribe.is_one, transcribe.parse),
    (contact_lens.is_one, contact_lens.parse),
    (whisper_json.is_one, whisper_json.parse),
)
_BEGINS = 1000
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})([-_][A-Za-z0-9]{1,8}){0,3}")


@dataclass(frozen=True)
class Imported:
    """A transcript on its recording, and the stretches whose words the source took out (seconds).

    What was taken out of the words may still be heard: those stretches must be silenced.
    """

    transcript: Transcript
    hidden: tuple[Span, ...]


def check(data: bytes) -> Source:
    """Read what can be read without the recording: the format, which the content alone tells, and the cues.

    Raises Invalid that names the place and what is wrong there, and quotes nothing.
    """
    if len(data) > MOST_BYTES:
        raise unusable("the file", f"is larger than {MOST_BYTES // 1_000_000} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unusable(f"byte {error.start}", "this is not UTF-8 text; save it as UTF-8") from error
    source = _source(text)
    cues = tuple(cue for cue in source.cues if cue.text)
    if not cues:
        raise unusable("the file", "holds no words")
    return replace(source, cues=cues)


def read(data: bytes, *, layout: Layout, duration: float, language: str | None = None) -> Imported:
    """Read a transcript for a recording of so many seconds; `language` is the call's, if the file names none.

    Cues that begin after the recording's end are left out with a note, because a player that counts a little
    further, or a file that was cut, is no reason to lose the others; ends are brought back to the
    recording's. Raises Invalid when more than half of the words lie beyond the end, because then they were
    said in another call, and judging this one by them would be worse than not judging it.
    """
    source = check(data)
    cues = sorted((kept for cue in source.cues if (kept := _within(cue, duration))), key=_order)
    lost = len(source.cues) - len(cues)
    if _words(source.cues) - _words(cues) > MOST_BEYOND * _words(source.cues):
        what = f"{lost} of {len(source.cues)} parts begin after the end of the recording ({duration:.0f} s)"
        raise Invalid("The transcript belongs to another recording.", {FIELD: what})
    hidden = tuple(merge(span for cue in cues for span in cue.hidden))
    transcript = Transcript(
        language=_language(source.language) or _language(language) or "en",
        duration=duration,
        layout=layout,
        engine=EngineInfo(name=ENGINE, model=source.format),
        segments=tuple(_segment(number, cue, layout) for number, cue in enumerate(cues)),
    )
    notes = _notes(source, transcript, lost, hidden)
    return Imported(transcript.model_copy(update={"notes": notes}), hidden)


def _source(text: str) -> Source:
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(parse(text))
    if vtt.is_one(text):
        return vtt.parse(text)
    if srt.is_one(text[:_BEGINS]):
        return srt.parse(text)
    raise unusable("the file", f"is none of the formats that are read: {FORMATS}")


def _from_json(top: Value) -> Source:
    for is_one, read_it in _JSON_FORMATS:
        if is_one(top):
            return read_it(top)
    raise unusable("the file", f"is JSON, but of none of the formats that are read: {FORMATS}")


def _order(cue: Cue) -> Span:
    return cue.start, cue.end


def _words(cues: Iterable[Cue]) -> int:
    return sum(len(cue.words) if cue.words else cue.text.count(" ") + 1 for cue in cues)


def _within(cue: Cue, duration: float) -> Cue | None:
    """Leave out what begins after the recording's end, and bring ends back to it; None when nothing is left."""
    if cue.start >= duration:
        return None
    if cue.end <= duration and all(word.end <= duration for word in cue.words or ()):
        return cue
    words = tuple(
        word.model_copy(update={"end": min(word.end, duration)})
        for word in cue.words or ()
        if word.start < duration
    )
    if cue.words and not words:
        return None
    all_said = len(words) == len(cue.words or ())
    return replace(
        cue,
        end=min(cue.end, duration),
        text=cue.text if all_said else " ".join(word.text for word in words),
        words=words or None,
        hidden=tuple((start, min(end, duration)) for start, end in cue.hidden if start < duration),
    )


def _segment(number: int, cue: Cue, layout: Layout) -> Segment:
    return Segment(
        id=number,
        speaker=_speaker(cue, layout),
        start=round(cue.start, 3),
        end=round(cue.end, 3),
        text=cue.text,
        avg_logprob=cue.avg_logprob,
        no_speech_prob=cue.no_speech_prob,
        words=_rounded(cue.words),
    )


def _rounded(words: Sequence[Word] | None) -> tuple[Word, ...] | None:
    if words is None:
        return None
    return tuple(
        word.model_copy(update={"start": round(word.start, 3), "end": round(word.end, 3)}) for word in words
    )


def _speaker(cue: Cue, layout: Layout) -> Speaker:
    if cue.channel is None:
        return cue.speaker
    return _CHANNELS[layout][cue.channel] if layout in _CHANNELS else "unknown"


def _language(written: str | None) -> str | None:
    found = _LANGUAGE.fullmatch(written or "")
    return found[1].lower() if found else None


def _notes(source: Source, transcript: Transcript, lost: int, hidden: Sequence[Span]) -> tuple[Note, ...]:
    words = [f"Imported transcript ({source.format}), not made by QA Audit."]
    if all(segment.speaker == "unknown" for segment in transcript.segments):
        words.append("It does not say who speaks.")
    if hidden:
        words.append("Some of its words were taken out before it came; the sound is silent there.")
    notes = [Note(kind=ENGINE, text=text) for text in words]
    if lost:
        begins, was = ("begins", "was") if lost == 1 else ("begin", "were")
        of = f"{lost} of its {len(source.cues)} parts"
        text = f"{of} {begins} after the end of the recording and {was} left out."
        notes.append(Note(kind=ENGINE, text=text, start=transcript.duration))
    return tuple(notes)
