"""What pre-scores come to, and the rubric versions that they were made under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.findings import RubricRef
from qa_audit.domain.rubric import Rubric
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import outcomes as store
from qa_audit.storage import rubrics
from qa_audit.storage.outcomes import CallOutcome

__all__ = ["CallOutcome", "of_calls", "rubrics_of"]


def of_calls(ports: Ports, actor: Actor, ids: Iterable[str]) -> Mapping[str, tuple[CallOutcome, ...]]:
    """Return the outcomes of each of these calls that the actor may see, by the call's id."""
    ensure(actor, "see_calls")
    found: dict[str, tuple[CallOutcome, ...]] = {}
    with ports.db.read() as session:
        for outcome in store.of_calls(session, tuple(ids), actor.vendor_id):
            found[outcome.call_id] = (*found.get(outcome.call_id, ()), outcome)
    return found


def rubrics_of(ports: Ports, refs: Iterable[RubricRef]) -> Mapping[tuple[str, int], Rubric]:
    """Return the rubric versions that pre-scores name, as they were published, by id and version."""
    with ports.db.read() as session:
        stored = [rubrics.find(session, ref.id, ref.version) for ref in refs]
    return {
        (found.rubric, found.version): stored_rubric(found.source) for found in stored if found is not None
    }
