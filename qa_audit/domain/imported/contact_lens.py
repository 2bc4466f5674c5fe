"""Amazon Contact Lens' JSON of a call, and Transcribe Call Analytics', which is built the same way."""

from __future__ import annotations

import re

from qa_audit.domain.call import Span
from qa_audit.domain.imported.cues import MOST_CUES, MOST_WORDS, Cue, Source, ensure_fewer
from qa_audit.domain.imported.json_values import Value
from qa_audit.domain.transcript import Speaker, Word

NAME = "Amazon Contact Lens JSON"

ROLES: dict[object, Speaker] = {"AGENT": "agent", "CUSTOMER": "customer"}
_PER_SECOND = 1000
_TAKEN_OUT = re.compile(r"\[[A-Z]+(?:_[A-Z]+)*\]")
"""What stands for personal data here: [PII], or its kind such as [NAME]."""


def is_one(top: Value) -> bool:
    """Say whether a document has what these have."""
    return isinstance(top.raw, dict) and isinstance(top.raw.get("Transcript"), list)


def parse(top: Value) -> Source:
    """Read the turns; who is neither agent nor customer comes as unknown. Raises Invalid."""
    people = _people(top.get("Participants"))
    cues: list[Cue] = []
    words = 0
    for turn in top.get("Transcript").items():
        cues.append(_cue(turn, people))
        words += len(cues[-1].words or ())
        ensure_fewer(len(cues), MOST_CUES, turn.path, "turns")
        ensure_fewer(words, MOST_WORDS, turn.path, "words")
    return Source(NAME, tuple(cues), top.get("LanguageCode").maybe_text())


def _people(participants: Value) -> dict[str, Speaker]:
    """Return who speaks by participant; one with two roles is unknown."""
    people: dict[str, Speaker] = {}
    for item in participants.some():
        id, role = item.get("ParticipantId").raw, item.get("ParticipantRole").raw
        if isinstance(id, str):
            speaker = _role(role)
            people[id] = speaker if people.get(id, speaker) == speaker else "unknown"
    return people


def _role(raw: object) -> Speaker:
    return ROLES.get(raw, "unknown") if isinstance(raw, str) else "unknown"


def _cue(turn: Value, people: dict[str, Speaker]) -> Cue:
    start, end = turn.span("BeginOffsetMillis", "EndOffsetMillis", _PER_SECOND)
    text, words = turn.get("Content").text(), _words(turn.get("Items"))
    return Cue(
        start,
        end,
        text,
        _speaker(turn, people),
        words=words,
        hidden=_hidden(turn, text, (start, end), words),
    )


def _speaker(turn: Value, people: dict[str, Speaker]) -> Speaker:
    """Return who speaks: by the turn's own role, else by its participant's."""
    role, id = turn.get("ParticipantRole").raw, turn.get("ParticipantId").raw
    if role is not None or not isinstance(id, str):
        return _role(role)
    return people.get(id) or _role(id)


def _words(items: Value) -> tuple[Word, ...] | None:
    words: list[Word] = []
    for item in items.some():
        text = item.get("Content").text()
        if item.get("Type").raw == "punctuation" and words:
            words[-1] = words[-1].model_copy(update={"text": words[-1].text + text})
        elif item.get("BeginOffsetMillis").raw is None:
            return None
        elif text:
            span = item.span("BeginOffsetMillis", "EndOffsetMillis", _PER_SECOND)
            words.append(item.word(span, text, item.get("Confidence")))
    return tuple(words) or None


def _hidden(turn: Value, text: str, span: Span, words: tuple[Word, ...] | None) -> tuple[Span, ...]:
    """Return what was taken out: by its own times, by its words' times, or the whole turn.

    A file that is not redacted has the times too; where the words still stand, our own masking decides.
    """
    signs = len(_TAKEN_OUT.findall(text))
    if not signs:
        return ()
    told = turn.get("Redaction")
    listed = told.get("RedactedTimestamps").some() if told.raw is not None else iter(())
    stretches = tuple(item.span("BeginOffsetMillis", "EndOffsetMillis", _PER_SECOND) for item in listed)
    if len(stretches) >= signs:
        return stretches
    said = tuple((word.start, word.end) for word in words or () if _TAKEN_OUT.search(word.text))
    return said if len(said) >= signs else (span,)
