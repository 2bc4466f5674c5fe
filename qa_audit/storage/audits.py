"""Audits: what people answered, one audit per call. The machine's answers stay in the pre-scores, untouched.

An audit pins its rubric versions by its rows: when it begins, every line of every version gets one, still open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlmodel import col

from qa_audit.domain.audit import HumanAnswer, Origin
from qa_audit.domain.findings import PreScore, Score
from qa_audit.domain.workflow import CallStatus
from qa_audit.storage.database import Session
from qa_audit.storage.people import user_key
from qa_audit.storage.rubrics import StoredRubric, stored_rubric
from qa_audit.storage.tables import (
    Answer,
    Audit,
    AuditScore,
    Call,
    PreScoreRow,
    RubricVersion,
    User,
    new_public_id,
    utc_now,
)


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


def lock(session: Session, call_key: int) -> None:
    """Keep a call and its audit from being changed by anybody else until this transaction ends.

    What was read before is read anew: it may have changed while we waited.
    """
    session.execute(select(col(Call.id)).where(col(Call.id) == call_key).with_for_update())
    session.expire_all()


def new_batch() -> str:
    """Name an act by which several answers are accepted."""
    return new_public_id()


def begin(
    session: Session,
    call_key: int,
    reviewer: str,
    lines: Mapping[int, Iterable[str]],
    now: datetime,
) -> None:
    """Begin an audit of a call, with an open answer for every line; `lines` are criteria by rubric version."""
    reviewer_key = user_key(session, reviewer)
    audit = Audit(call_id=call_key, reviewer_id=reviewer_key, started_at=now)
    session.add(audit)
    session.flush()
    audit_key = cast(int, audit.id)
    session.add_all(
        Answer(audit_id=audit_key, rubric_version_id=version, criterion=criterion, answered_at=now)
        for version, criteria in lines.items()
        for criterion in criteria
    )
    session.flush()


def put_answer(
    session: Session,
    audit_key: int,
    version_key: int,
    answer: HumanAnswer,
    *,
    by: str,
    now: datetime,
) -> bool:
    """Write one line over the version that `answer` names; returns False when it is no longer that version."""
    start, end = answer.pin or (None, None)
    changed = session.execute(
        update(Answer)
        .where(
            col(Answer.audit_id) == audit_key,
            col(Answer.rubric_version_id) == version_key,
            col(Answer.criterion) == answer.criterion,
            col(Answer.version) == answer.version,
        )
        .values(
            answer=answer.answer,
            origin=answer.origin,
            batch=answer.batch,
            note=answer.note or None,
            private_note=answer.private_note or None,
            pinned_start=start,
            pinned_end=end,
            answered_by=user_key(session, by),
            answered_at=now,
            version=answer.version + 1,
        ),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", changed).rowcount == 1


def undo(session: Session, audit_key: int, batch: str, *, by: str, now: datetime) -> int:
    """Open again what one act accepted and nobody changed since; returns how many lines that were."""
    changed = session.execute(
        update(Answer)
        .where(
            col(Answer.audit_id) == audit_key,
            col(Answer.batch) == batch,
            col(Answer.origin) == "accepted",
        )
        .values(
            answer=None,
            origin="human",
            batch=None,
            answered_by=user_key(session, by),
            answered_at=now,
            version=col(Answer.version) + 1,
        ),
        execution_options={"synchronize_session": False},
    )
    return cast("CursorResult[Any]", changed).rowcount


def put_speakers(session: Session, audit_key: int, speakers: Mapping[str, str]) -> None:
    """Name who speaks, by segment id, in place of what was named before."""
    _set_audit(session, audit_key, speakers=dict(speakers))


def submit(
    session: Session,
    audit_key: int,
    scores: Iterable[tuple[int, Score]],
    *,
    by: str,
    now: datetime,
) -> None:
    """Close an audit with its scores, by the key of each rubric version, and name who closed it."""
    _forget_scores(session, audit_key)
    session.add_all(
        AuditScore(
            audit_id=audit_key,
            rubric_version_id=version_key,
            percent=score.percent,
            percent_without_fatal=score.percent_without_fatal,
            points=score.points,
            possible=score.possible,
            outcome=score.outcome,
            fatal=len(score.suspected_fatal),
            critical=len(score.suspected_critical),
        )
        for version_key, score in scores
    )
    _set_audit(session, audit_key, state="submitted", submitted_at=now, reviewer_id=user_key(session, by))


def reopen(session: Session, audit_key: int) -> None:
    """Open a closed audit again; its scores go."""
    _forget_scores(session, audit_key)
    _set_audit(session, audit_key, state="draft", submitted_at=None)


def put_status(session: Session, call_key: int, status: CallStatus) -> None:
    """Set a call's status; whether the move is legal is asked before."""
    statement = update(Call).where(col(Call.id) == call_key).values(status=status, updated_at=utc_now())
    session.execute(statement, execution_options={"synchronize_session": False})


def pinned(session: Session, keys: Iterable[int]) -> tuple[StoredRubric, ...]:
    """Return rubric versions by their keys, in the order of rubric and version."""
    query = (
        select(RubricVersion)
        .where(col(RubricVersion.id).in_(list(keys)))
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    return tuple(stored_rubric(row) for row in session.scalars(query))


def prescores(session: Session, call_key: int) -> Mapping[int, PreScore]:
    """Return a call's pre-scores by the keys of their rubric versions."""
    query = select(PreScoreRow).where(col(PreScoreRow.call_id) == call_key)
    return {row.rubric_version_id: PreScore.model_validate(row.result) for row in session.scalars(query)}


def _forget_scores(session: Session, audit_key: int) -> None:
    session.execute(delete(AuditScore).where(col(AuditScore.audit_id) == audit_key))


def _set_audit(session: Session, audit_key: int, **values: Any) -> None:
    statement = update(Audit).where(col(Audit.id) == audit_key)
    session.execute(
        statement.values(**values, version=col(Audit.version) + 1),
        execution_options={"synchronize_session": False},
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
