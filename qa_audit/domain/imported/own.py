"""Our own transcript JSON (qa-audit/transcript@1), as the API and the command line give it."""

from __future__ import annotations

from typing import get_args

from qa_audit.domain.imported.cues import Cue, Source, hidden_in
from qa_audit.domain.imported.json_values import Value, segments_of
from qa_audit.domain.transcript import SCHEMA, Speaker, Word

NAME = "QA Audit JSON"

_SPEAKERS: dict[object, Speaker] = {name: name for name in get_args(Speaker)}


def is_one(top: Value) -> bool:
    """Say whether a document names our schema, in whichever version."""
    schema = top.raw.get("schema") if isinstance(top.raw, dict) else None
    return isinstance(schema, str) and schema.startswith(SCHEMA.split("@")[0])


def parse(top: Value) -> Source:
    """Read the segments; layout, duration and engine are those of the recording it comes with. Raises Invalid."""
    if top.get("schema").raw != SCHEMA:
        top.get("schema").refuse(f"only {SCHEMA} is known here")
    return Source(NAME, segments_of(top, _cue), top.get("language").maybe_text())


def _cue(segment: Value) -> Cue:
    start, end = segment.span("start", "end")
    text, words = segment.get("text").text(), _words(segment.get("words"))
    named = segment.get("speaker")
    if not isinstance(named.raw, str) or named.raw not in _SPEAKERS:
        named.refuse(f"must be one of {', '.join(get_args(Speaker))}")
    return Cue(
        start,
        end,
        text,
        _SPEAKERS[named.raw],
        words=words,
        hidden=hidden_in(text, start, end, words),
        avg_logprob=segment.get("avg_logprob").maybe_number(-1000, 1000),
        no_speech_prob=segment.get("no_speech_prob").maybe_number(0, 1),
    )


def _words(listed: Value) -> tuple[Word, ...] | None:
    words = [
        item.word(item.span("start", "end"), text, item.get("probability"))
        for item in listed.some()
        if (text := item.get("text").text())
    ]
    return tuple(words) or None
