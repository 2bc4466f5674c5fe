"""Cut a channel's stretches of speech into the windows that are sent to a recogniser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from qa_audit.speech.protocol import Span

JOIN_BELOW = 0.8
"""Seconds: a shorter pause does not end a window, because context on both sides helps the recogniser."""

LONGEST = 28.0
"""Seconds: whisper hears 30 s at once, and its attention is weakest at the very end."""


@dataclass(frozen=True)
class Window:
    """A stretch of one channel, and the stretches of speech within it; all in seconds of the call."""

    start: float
    end: float
    spans: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """Return the length."""
        return self.end - self.start


def windows_of(
    spans: Iterable[Span],
    *,
    join_below: float = JOIN_BELOW,
    longest: float = LONGEST,
    quietest: Callable[[float, float], float] | None = None,
) -> list[Window]:
    """Join neighbouring spans into windows of at most `longest` seconds.

    A group that is too long is cut at its longest pause; one that has no pause at the point that
    `quietest(from, to)` names, or else in the middle.
    """
    groups: list[list[Span]] = []
    for span in merged(spans):
        if groups and span[0] - groups[-1][-1][1] < join_below:
            groups[-1].append(span)
        else:
            groups.append([span])
    return [window for group in groups for window in _cut(group, longest, quietest)]


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort spans and join those that touch or overlap; empty ones are dropped."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _cut(
    group: Sequence[Span], longest: float, quietest: Callable[[float, float], float] | None
) -> list[Window]:
    if group[-1][1] - group[0][0] <= longest:
        return [Window(group[0][0], group[-1][1], tuple(group))]
    if len(group) == 1:
        at = _cut_point(group[0], longest, quietest)
        left, right = [(group[0][0], at)], [(at, group[0][1])]
    else:
        gaps = [b[0] - a[1] for a, b in pairwise(group)]
        place = gaps.index(max(gaps)) + 1
        left, right = list(group[:place]), list(group[place:])
    return _cut(left, longest, quietest) + _cut(right, longest, quietest)


def _cut_point(span: Span, longest: float, quietest: Callable[[float, float], float] | None) -> float:
    """Choose where to cut unbroken speech: in its middle third, so that no piece becomes tiny."""
    start, end = span
    third = min((end - start) / 3, longest / 2)
    low, high = start + third, min(end - third, start + longest)
    return quietest(low, high) if quietest else (low + high) / 2


def fit(start: float, end: float, spans: Sequence[Span], shortest: float = 0.02) -> Span:
    """Move a word into the stretch of speech it overlaps most, or else into the nearest one.

    Recognisers let a word last through the pause that follows it; the stretches of speech know better.
    """
    overlap = [min(end, b) - max(start, a) for a, b in spans]
    low, high = spans[overlap.index(max(overlap))]
    begin = min(max(start, low), max(high - shortest, low))
    return begin, min(max(end, begin + shortest), max(high, begin))
