"""WebVTT (https://www.w3.org/TR/webvtt1/): speakers come from voice tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa_audit.domain.imported.cues import (
    MOST_CUES,
    Cue,
    Source,
    checked_text,
    ensure_fewer,
    hidden_in,
)
from qa_audit.domain.imported.subtitles import (
    ARROW,
    PEOPLE,
    Block,
    blocks,
    lines_of,
    speaker_of,
    timed,
    times_at,
    without_tags,
)
from qa_audit.domain.transcript import Speaker

NAME = "WebVTT"

_BEGIN = re.compile(r"WEBVTT(?=[ \t\r\n]|\Z)")
_NO_CUE = re.compile(r"(NOTE|STYLE|REGION)(?=[ \t]|\Z)")
_LANGUAGE = re.compile(r"Language:\s*(\S+)", re.IGNORECASE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>|(</v>)")
_ENTITY = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm|quot|apos|#39);")
_ENTITIES = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "nbsp": " ",
    "quot": '"',
    "apos": "'",
    "#39": "'",
    "lrm": "",
    "rlm": "",
}


def is_one(text: str) -> bool:
    """Say whether a text begins as every file of this format does."""
    return bool(_BEGIN.match(text))


def parse(text: str) -> Source:
    """Read the cues; a cue with several voices becomes one per voice, all with its times. Raises Invalid."""
    lines = lines_of(text)
    top = next((n for n, line in enumerate(lines) if not line.strip() or ARROW in line), len(lines))
    language = next((found[1] for line in lines[1:top] if (found := _LANGUAGE.fullmatch(line.strip()))), None)
    cues: list[Cue] = []
    for block in blocks(lines[top:], top + 1):
        if times_at(block) is not None or not _NO_CUE.match(block.lines[0]):
            cues += _cues(block)
        ensure_fewer(len(cues), MOST_CUES, f"line {block.line}", "cues")
    return Source(NAME, tuple(cues), language)


def _cues(block: Block) -> Iterator[Cue]:
    start, end, said_by_all, where = timed(block)
    for speaker, said in _voices(said_by_all):
        plain = _ENTITY.sub(lambda found: _ENTITIES[found[1]], without_tags(said))
        if text := checked_text(plain, where):
            yield Cue(start, end, text, speaker, hidden=hidden_in(text, start, end, None))


def _voices(text: str) -> Iterator[tuple[Speaker, str]]:
    """Yield what each voice says, in order; what stands outside every voice tag comes as unknown."""
    parts = _VOICE.split(text)
    yield speaker_of(parts[0])
    for name, _, said in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        yield PEOPLE.get((name or "").strip().lower(), "unknown"), said
