"""Whether a miss can be believed where speakers talked over each other for a part of the window only."""

from __future__ import annotations

from collections.abc import Sequence

from qa_audit.domain.acoustics import overlaps
from qa_audit.domain.checks.heard import Heard
from qa_audit.domain.checks.windows import Quality, Stretch, Who, miss_quality

_LEAST_WORDS = 8
_OVERLAPPED_SECONDS = 0.5
_CLEAR = 0.7


def miss_quality_beside_overlaps(heard: Heard, who: Who, stretches: Sequence[Stretch]) -> Quality:
    """Judge a miss by the turns that nobody talked over, where they are most of the window.

    The turns that were talked over must be recorded on a channel of their own and recognised clearly, word
    by word; else they spoil the window as ever.
    """
    quality = miss_quality(heard, who, stretches)
    if quality.sure or who == "either" or not heard.two_channels:
        return quality
    other = heard.others(who)
    calm = [
        stretch
        for stretch in stretches
        if sum(end - start for start, end in overlaps([(stretch.start, stretch.end)], other))
        < _OVERLAPPED_SECONDS
    ]
    rest = [stretch for stretch in stretches if stretch not in calm]
    words = sum(stretch.high - stretch.low + 1 for stretch in calm)
    clear = all(
        token.probability >= _CLEAR for turn, low, high in rest for token in turn.tokens[low : high + 1]
    )
    if not rest or not clear or words < _LEAST_WORDS:
        return quality
    return miss_quality(heard, who, calm)
