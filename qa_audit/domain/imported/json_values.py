"""Untrusted JSON: parsed within limits, and read value by value with the path in every error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from qa_audit.domain.call import Span
from qa_audit.domain.imported.cues import (
    MOST_CUES,
    MOST_WORDS,
    Cue,
    checked_text,
    checked_times,
    clean,
    ensure_fewer,
    unusable,
)
from qa_audit.domain.transcript import Word

MOST_BRACKETS = 1_500_000
MOST_COMMAS = 3_000_000
"""A file of another kind could hold millions of empty lists or numbers: they would cost gigabytes and time."""
_LONGEST_NUMBER = 40


class Value:
    """A value in a JSON document that knows where it stands."""

    __slots__ = ("_above", "_step", "raw")

    def __init__(self, raw: Any, above: Value | None = None, step: str | int = "") -> None:
        self.raw = raw
        self._above = above
        self._step = step

    @property
    def path(self) -> str:
        """Return the path from the top, such as `segments[3].start`."""
        if self._above is None:
            return ""
        before = self._above.path
        if isinstance(self._step, int):
            return f"{before}[{self._step}]"
        return f"{before}.{self._step}" if before else self._step

    def refuse(self, what: str) -> NoReturn:
        """Raise Invalid with this place and what is wrong there."""
        raise unusable(self.path or "the top of the file", what)

    def get(self, name: str) -> Value:
        """Return a member; its `raw` is None when there is none. Raises Invalid unless this is an object."""
        if not isinstance(self.raw, dict):
            self.refuse("must be an object")
        return Value(self.raw.get(name), self, name)

    def items(self) -> Iterator[Value]:
        """Yield the members of a list; raises Invalid unless this is one."""
        if not isinstance(self.raw, list):
            self.refuse("is missing" if self.raw is None else "must be a list")
        return (Value(raw, self, place) for place, raw in enumerate(self.raw))

    def some(self) -> Iterator[Value]:
        """Yield the members of a list that may be missing."""
        return self.items() if self.raw is not None else iter(())

    def text(self) -> str:
        """Return a text, cleaned; raises Invalid."""
        if not isinstance(self.raw, str):
            self.refuse("is missing" if self.raw is None else "must be a text")
        return checked_text(self.raw, self.path)

    def maybe_text(self) -> str | None:
        """Return a text that says something, cleaned, else None."""
        return clean(self.raw[:200]) or None if isinstance(self.raw, str) else None

    def number(self) -> float:
        """Return a number, also one that is written as text; raises Invalid."""
        raw = self.raw
        if raw is None:
            self.refuse("is missing")
        if isinstance(raw, bool) or not isinstance(raw, int | float | str) or len(str(raw)) > _LONGEST_NUMBER:
            self.refuse("must be a number")
        try:
            return float(raw)
        except (ValueError, OverflowError):
            self.refuse("must be a number")

    def maybe_number(self, low: float, high: float) -> float | None:
        """Return a number between bounds, None where there is none; raises Invalid for another one."""
        if self.raw is None or self.raw == "":
            return None
        number = self.number()
        if not low <= number <= high:
            self.refuse(f"must lie between {low:g} and {high:g}")
        return number

    def span(self, start: str, end: str, per_second: int = 1) -> Span:
        """Return the stretch that two members give, in seconds; theirs are so many to a second."""
        begin, last = self.get(start).number(), self.get(end).number()
        return checked_times(begin / per_second, last / per_second, self.path)

    def word(self, span: Span, text: str, probability: Value) -> Word:
        """Build a word said at a time; raises Invalid for a probability that is none."""
        return Word(start=span[0], end=span[1], text=text, probability=probability.maybe_number(0, 1))


def parse(text: str) -> Value:
    """Parse a document; raises Invalid for what is no JSON, or too large or too deep to be a transcript."""
    if text.count("[") + text.count("{") > MOST_BRACKETS or text.count(",") > MOST_COMMAS:
        raise unusable("the file", "holds more than a transcript has")
    try:
        return Value(json.loads(text, parse_constant=_no_number))
    except json.JSONDecodeError as error:
        raise unusable(f"line {error.lineno}", "this is no JSON, or it was cut off") from error
    except RecursionError as error:
        raise unusable("the file", "is nested too deeply") from error
    except ValueError as error:
        raise unusable("the file", "a number is none, or has too many digits") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def segments_of(top: Value, read: Callable[[Value], Cue]) -> tuple[Cue, ...]:
    """Read the list `segments` of a document, one cue of each; raises Invalid, also for too many."""
    cues: list[Cue] = []
    words = 0
    for segment in top.get("segments").items():
        cues.append(read(segment))
        words += len(cues[-1].words or ())
        ensure_fewer(len(cues), MOST_CUES, segment.path, "segments")
        ensure_fewer(words, MOST_WORDS, segment.path, "words")
    return tuple(cues)
