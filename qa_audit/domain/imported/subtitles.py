"""What WebVTT and SubRip have in common: blocks of lines with a line of times, and texts with tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qa_audit.domain.imported.cues import LONGEST_TEXT, checked_times, unusable
from qa_audit.domain.transcript import Speaker

MOST_LINES = 500_000
ARROW = "-->"

PEOPLE: dict[str, Speaker] = {"agent": "agent", "customer": "customer"}
"""The names that say for certain who speaks; any other could be either."""

_TIME = re.compile(r"(?:([0-9]{1,4}):)?([0-9]{1,2}):([0-9]{1,2})[.,]([0-9]{1,3})")
_PREFIX = re.compile(r"\s*(agent|customer)\s*:\s*", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Block:
    """Lines between two empty ones; `line` is the number of the first."""

    line: int
    lines: tuple[str, ...]


def lines_of(text: str) -> list[str]:
    """Return the lines of a file, whichever way they end; raises Invalid when there are too many."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    if plain.count("\n") > MOST_LINES:
        raise unusable("the file", f"has more than {MOST_LINES:,} lines")
    return plain.split("\n")


def blocks(lines: list[str], first: int = 1) -> Iterator[Block]:
    """Yield the blocks of the lines; `first` is the number of the first line."""
    held: list[str] = []
    for number, line in enumerate([*lines, ""], first):
        if line.strip():
            held.append(line)
        elif held:
            yield Block(number - len(held), tuple(held))
            held = []


def times_at(block: Block) -> int | None:
    """Return which line of a block is that of times: the first, or the second below a name."""
    return next((place for place, line in enumerate(block.lines[:2]) if ARROW in line), None)


def timed(block: Block) -> tuple[float, float, str, str]:
    """Return a cue's start and end in seconds, its text as written, and where it stands; raises Invalid."""
    place = times_at(block)
    if place is None:
        raise unusable(
            f"line {block.line}", "a line of times such as '00:00:01.000 --> 00:00:04.000' is missing"
        )
    where = f"line {block.line + place}"
    start, end = checked_times(*_times(block.lines[place], where), where)
    text = "\n".join(block.lines[place + 1 :])
    if len(text) > LONGEST_TEXT:
        raise unusable(where, f"the text is longer than {LONGEST_TEXT:,} characters")
    return start, end, text, where


def speaker_of(text: str) -> tuple[Speaker, str]:
    """Return who speaks, where a text begins with 'Agent:' or 'Customer:', and the text without that."""
    found = _PREFIX.match(text)
    return (PEOPLE[found[1].lower()], text[found.end() :]) if found else ("unknown", text)


def without_tags(text: str) -> str:
    """Return a text without tags such as <i> and <c.yellow>."""
    return _TAG.sub("", text)


def _times(line: str, where: str) -> tuple[float, float]:
    """Return start and end of a line of times, in seconds; what follows the end is ignored."""
    before, _, after = line.partition(ARROW)
    end = after.split(maxsplit=1)
    return _seconds(before.strip(), where), _seconds(end[0] if end else "", where)


def _seconds(written: str, where: str) -> float:
    found = _TIME.fullmatch(written)
    if found is None:
        raise unusable(where, "a time is not written as 00:01:02.345")
    hours, minutes, seconds, fraction = found.groups()
    if int(minutes) > 59 or int(seconds) > 59:
        raise unusable(where, "a time has more than 59 minutes or seconds")
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + float(f"0.{fraction}")
