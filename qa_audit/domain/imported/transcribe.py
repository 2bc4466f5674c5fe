"""Amazon Transcribe's JSON of a batch job: words as items, apart by channel or by voice, or not at all.

The voices that it tells apart (`spk_0`, …) are of nobody in particular: they only part the turns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qa_audit.domain.imported.cues import (
    MOST_CUES,
    MOST_WORDS,
    Cue,
    Source,
    ensure_fewer,
    hidden_in,
)
from qa_audit.domain.imported.json_values import Value
from qa_audit.domain.transcript import Word

NAME = "Amazon Transcribe JSON"

PAUSE = 1.0
"""Seconds of silence after which a new segment begins."""
LONGEST_SEGMENT = 30.0
_CHANNEL = re.compile(r"ch_([01])")


@dataclass
class _Said:
    """A word with its punctuation, and the label of the voice that said it."""

    word: Word
    voice: str | None


def is_one(top: Value) -> bool:
    """Say whether a document has what these have."""
    results = top.raw.get("results") if isinstance(top.raw, dict) else None
    return isinstance(results, dict) and ("items" in results or "channel_labels" in results)


def parse(top: Value) -> Source:
    """Read the items; raises Invalid."""
    results = top.get("results")
    language = results.get("language_code").maybe_text()
    if results.get("channel_labels").raw is not None:
        cues: list[Cue] = []
        for channel in results.get("channel_labels").get("channels").items():
            found = _CHANNEL.fullmatch(channel.get("channel_label").text())
            cues += _cues(_said(channel.get("items"), {}), int(found[1]) if found else None)
    else:
        cues = list(_cues(_said(results.get("items"), _voices(results.get("speaker_labels"))), None))
    ensure_fewer(len(cues), MOST_CUES, "results", "segments")
    ensure_fewer(sum(len(cue.words or ()) for cue in cues), MOST_WORDS, "results", "words")
    return Source(NAME, tuple(cues), language)


def _voices(labels: Value) -> dict[object, str | None]:
    """Return the label of the voice by the written start of each word; older files say it only there."""
    if labels.raw is None:
        return {}
    return {
        str(item.get("start_time").raw)[:40]: item.get("speaker_label").maybe_text()
        for segment in labels.get("segments").some()
        for item in segment.get("items").some()
    }


def _said(items: Value, voices: dict[object, str | None]) -> list[_Said]:
    said: list[_Said] = []
    for item in items.items():
        ensure_fewer(len(said), MOST_WORDS, item.path, "words")
        best = next(item.get("alternatives").items(), None)
        if best is None or not (text := best.get("content").text()):
            continue
        if item.get("type").raw == "punctuation":
            if said:
                last = said[-1].word
                said[-1].word = last.model_copy(update={"text": last.text + text})
            continue
        word = item.word(item.span("start_time", "end_time"), text, best.get("confidence"))
        label = item.get("speaker_label").maybe_text()
        said.append(_Said(word, label or voices.get(str(item.get("start_time").raw)[:40])))
    return said


def _cues(said: Iterable[_Said], channel: int | None) -> Iterator[Cue]:
    held: list[_Said] = []
    for one in said:
        if held and _parts(held, one):
            yield _cue(held, channel)
            held = []
        held.append(one)
    if held:
        yield _cue(held, channel)


def _parts(held: list[_Said], one: _Said) -> bool:
    """Say whether a new segment begins with a word."""
    last = held[-1]
    return (
        one.voice != last.voice
        or one.word.start - last.word.end >= PAUSE
        or one.word.end - held[0].word.start > LONGEST_SEGMENT
    )


def _cue(held: list[_Said], channel: int | None) -> Cue:
    words = tuple(one.word for one in held)
    start, end = min(word.start for word in words), max(word.end for word in words)
    text = " ".join(word.text for word in words)
    return Cue(start, end, text, channel=channel, words=words, hidden=hidden_in(text, start, end, words))
