"""Audits: what people answered, one audit per call. The machine's answers stay in the pre-scores, untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import select
from sqlmodel import col

from qa_audit.domain.audit import HumanAnswer, Origin
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Answer, Audit, User


@dataclass(frozen=True, kw_only=True)
class AuditRecord:
    """One audit. `answers` are by the key of the rubric version they were given under, then by criterion id.

    `speakers` names who speaks by segment id, where the recording could not tell. `version` grows with every
    change to the audit itself.
    """

    key: int
    id: str
    call_key: int
    state: str
    version: int
    reviewer_key: int | None
    reviewer: str
    speakers: Mapping[str, str]
    started_at: datetime
    submitted_at: datetime | None
    answers: Mapping[int, Mapping[str, HumanAnswer]]


def audit_of(session: Session, call_key: int) -> AuditRecord | None:
    """Return the audit of a call with everything that was answered, or None before it is begun."""
    found = session.execute(
        select(Audit, col(User.name))
        .join(User, col(User.id) == Audit.reviewer_id, isouter=True)
        .where(col(Audit.call_id) == call_key)
    ).first()
    if found is None:
        return None
    row, reviewer = found
    return AuditRecord(
        key=cast(int, row.id),
        id=row.public_id,
        call_key=row.call_id,
        state=row.state,
        version=row.version,
        reviewer_key=row.reviewer_id,
        reviewer=reviewer or "",
        speakers=dict(row.speakers),
        started_at=row.started_at,
        submitted_at=row.submitted_at,
        answers=_answers(session, cast(int, row.id)),
    )


def _answers(session: Session, audit_key: int) -> Mapping[int, Mapping[str, HumanAnswer]]:
    rows = session.execute(
        select(Answer, col(User.name))
        .join(User, col(User.id) == Answer.answered_by, isouter=True)
        .where(col(Answer.audit_id) == audit_key)
    )
    found: dict[int, dict[str, HumanAnswer]] = {}
    for row, name in rows:
        found.setdefault(row.rubric_version_id, {})[row.criterion] = _answer(row, name or "")
    return found


def _answer(row: Answer, name: str) -> HumanAnswer:
    pinned = row.pinned_start is not None and row.pinned_end is not None
    return HumanAnswer(
        criterion=row.criterion,
        answer=row.answer,
        origin=cast(Origin, row.origin),
        note=row.note or "",
        private_note=row.private_note or "",
        pin=(cast(float, row.pinned_start), cast(float, row.pinned_end)) if pinned else None,
        by=name,
        at=row.answered_at,
        batch=row.batch,
        version=row.version,
    )
