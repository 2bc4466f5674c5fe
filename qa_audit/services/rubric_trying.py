"""Try a rubric's draft on a stored call, beside the version that it changes; nothing of it is kept."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.findings import PreScore
from qa_audit.domain.prescore import prescore
from qa_audit.domain.rubric import Rubric
from qa_audit.errors import Conflict, NotFound
from qa_audit.services import calls
from qa_audit.services.calls import CallDetail, CallFilter, CallRow, seen_call
from qa_audit.services.ports import Ports
from qa_audit.services.prescoring import heard_call
from qa_audit.services.rubric_editing import ensure_edits
from qa_audit.storage import calls as call_store
from qa_audit.storage import results

RECENT = 40
"""So many of the newest calls are offered to try a draft on."""


@dataclass(frozen=True)
class Tried:
    """A call under a draft and under the version that it changes; `before` is None for a new rubric."""

    call: CallDetail
    now: PreScore
    before: PreScore | None


def recent_calls(ports: Ports, actor: Actor) -> tuple[CallRow, ...]:
    """Return the newest calls whose words are known."""
    ensure_edits(actor)
    rows = calls.list_calls(ports, actor, CallFilter(limit=2 * RECENT)).rows
    return tuple(row for row in rows if row.is_finished and row.status not in ("failed", "waiting"))[:RECENT]


def try_on(ports: Ports, actor: Actor, draft: Rubric, base: Rubric | None, call_id: str) -> Tried:
    """Answer a draft's criteria on one call. Raises NotFound, and Conflict for a call without a transcript."""
    ensure_edits(actor)
    with ports.db.read() as session:
        identity = seen_call(session, actor, call_id)
        ensure(actor, "hear_calls", identity.vendor_id)
        detail = call_store.detail(session, identity.key)
        try:
            call = heard_call(session, identity.key, results.subject(session, identity.key))
            masked = results.masked_transcript(session, identity.key)
        except NotFound as error:
            raise Conflict(
                "This call has no transcript, so there is nothing to try the rubric on."
            ) from error
    before = prescore(base, call, masked) if base is not None else None
    return Tried(detail, prescore(draft, call, masked), before)
