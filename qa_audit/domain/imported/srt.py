"""SubRip: numbered blocks of times and text; it knows no speakers but those that a text begins with."""

from __future__ import annotations

import re

from qa_audit.domain.imported.cues import (
    MOST_CUES,
    Cue,
    Source,
    checked_text,
    ensure_fewer,
    hidden_in,
)
from qa_audit.domain.imported.subtitles import (
    Block,
    blocks,
    lines_of,
    speaker_of,
    timed,
    without_tags,
)

NAME = "SubRip"

_BEGIN = re.compile(r"\s{0,100}(?:[0-9]{1,9}[ \t]{0,20}(?:\r\n?|\n))?[^\r\n]{0,40}-->")
_PLACE = re.compile(r"\{\\[^{}]*\}")


def is_one(text: str) -> bool:
    """Say whether a text begins with a number and a line of times, or with a line of times."""
    return bool(_BEGIN.match(text))


def parse(text: str) -> Source:
    """Read the cues; raises Invalid."""
    cues: list[Cue] = []
    for block in blocks(lines_of(text)):
        cues.append(_cue(block))
        ensure_fewer(len(cues), MOST_CUES, f"line {block.line}", "cues")
    return Source(NAME, tuple(cues))


def _cue(block: Block) -> Cue:
    start, end, said, where = timed(block)
    speaker, said = speaker_of(_PLACE.sub("", without_tags(said)))
    text = checked_text(said, where)
    return Cue(start, end, text, speaker, hidden=hidden_in(text, start, end, None))
