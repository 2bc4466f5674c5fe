"""The whisper package's own JSON (`--output_format json`), with word times or without."""

from __future__ import annotations

from qa_audit.domain.imported.cues import Cue, Source, hidden_in
from qa_audit.domain.imported.json_values import Value, segments_of
from qa_audit.domain.transcript import Word

NAME = "Whisper JSON"


def is_one(top: Value) -> bool:
    """Say whether a document has what these have."""
    return isinstance(top.raw, dict) and isinstance(top.raw.get("segments"), list)


def parse(top: Value) -> Source:
    """Read the segments; a segment in which a word has no times comes without words. Raises Invalid."""
    return Source(NAME, segments_of(top, _cue), top.get("language").maybe_text())


def _cue(segment: Value) -> Cue:
    start, end = segment.span("start", "end")
    text, words = segment.get("text").text(), _words(segment.get("words"))
    return Cue(
        start,
        end,
        text,
        words=words,
        hidden=hidden_in(text, start, end, words),
        avg_logprob=segment.get("avg_logprob").maybe_number(-1000, 1000),
        no_speech_prob=segment.get("no_speech_prob").maybe_number(0, 1),
    )


def _words(listed: Value) -> tuple[Word, ...] | None:
    words = []
    for item in listed.some():
        if item.get("start").raw is None and item.get("end").raw is None:
            return None
        text = item.get("word").text()
        if text:
            words.append(item.word(item.span("start", "end"), text, item.get("probability")))
    return tuple(words) or None
