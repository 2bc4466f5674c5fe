"""When the things happened that windows are measured from, and which words lie in such windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qa_audit.domain.call import Span
from qa_audit.domain.checks import events
from qa_audit.domain.checks.base import Context, cite, not_applicable, unsure
from qa_audit.domain.checks.guards import negated
from qa_audit.domain.checks.phrases import Hit
from qa_audit.domain.checks.windows import Anchor, Stretch, Who, Window, select, whole_of
from qa_audit.domain.findings import Finding

_SLACK = 1.5
"""Words that come so many seconds too late or too early are unsure: times of words are a little off."""


class _Found(NamedTuple):
    """When an anchor happened, the words that show it, and those that perhaps do."""

    spans: tuple[Span, ...]
    doubtful: bool = False
    near: tuple[Hit, ...] = ()


def stretches_in(context: Context, who: Who, windows: Sequence[Window]) -> list[Stretch]:
    """Return the stretches of a speaker's words in any of the windows, those measured from events among them."""
    return select(context.heard, who, windows, lambda anchor: _find(anchor, context).spans)


def just_outside(context: Context, who: Who, windows: Sequence[Window]) -> list[Stretch]:
    """Return the words in the windows and just beyond, for windows of so many seconds around an event."""
    wider = [
        window.model_copy(update={"seconds": window.seconds + _SLACK})
        for window in windows
        if window.anchors and window.seconds is not None
    ]
    return stretches_in(context, who, wider) if wider else []


def without_anchor(context: Context, windows: Sequence[Window]) -> Finding | None:
    """Return the answer where nothing happened that any of the windows is measured from: None where it did."""
    if not windows or any(not window.anchors for window in windows):
        return None
    together = [[_find(anchor, context) for anchor in window.anchors] for window in windows]
    found = [one for parts in together for one in parts]
    if any(all(one.spans and not one.doubtful for one in parts) for parts in together):
        return None
    near = [hit for one in found for hit in one.near]
    if near or any(one.doubtful for one in found):
        shown = cite(context.heard, *near[:1])
        return unsure("What it depends on may have happened; it was not heard clearly.", shown)
    names = [anchor.event for window in windows for anchor in window.anchors if anchor.event]
    what = f"no {names[0].replace('_', ' ')}" if names else "nothing said that it depends on"
    return not_applicable(f"There was {what} on this call.")


def _find(anchor: Anchor, context: Context) -> _Found:
    """Find when an anchor happened; asked again for the same call, it is known."""
    known = context.heard.known.get(id(anchor))
    if isinstance(known, tuple) and known[0] is anchor and known[1] is context.variables:
        return _Found(*known[2])
    found = _look_for(anchor, context)
    context.heard.known[id(anchor)] = anchor, context.variables, found
    return found


def _look_for(anchor: Anchor, context: Context) -> _Found:
    if anchor.event is not None:
        spans, doubtful = events.moments(anchor.event, context.heard)
        return _Found(tuple(spans), doubtful)
    compiled = context.phrases(anchor.said or ())
    everywhere = whole_of(context.heard, anchor.by)
    hits = [hit for hit in compiled.find_in(everywhere) if not negated(hit)]
    clear = [hit for hit in hits if hit.heard]
    if clear:
        return _Found(tuple((hit.start, hit.end) for hit in clear))
    return _Found((), False, (*hits, *compiled.nearest_in(everywhere)))
