"""What the machine answered and what people answered, audit by audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope, finished, of_scope
from qa_audit.storage.tables import Answer, Audit, Call, PreScoreRow

AT_ONCE = 500
"""Audits read at once; no more are ever in memory."""


class Both(NamedTuple):
    """One audit under one version: the pre-score's lines as JSON, and (answer, origin) of people by criterion."""

    version: int
    machine: Sequence[Mapping[str, Any]]
    human: Mapping[str, tuple[str, str]]


def both(
    session: Session, versions: Sequence[int], scope: Scope, newest: int | None = None
) -> Iterator[Both]:
    """Yield the finished audits under these versions that the machine had scored, newest first."""
    left, before = newest, None
    while left is None or left > 0:
        query = (
            select(col(Audit.id), col(PreScoreRow.rubric_version_id), col(PreScoreRow.result))
            .select_from(Audit)
            .join(Call, col(Call.id) == col(Audit.call_id))
            .join(PreScoreRow, col(PreScoreRow.call_id) == col(Call.id))
            .where(col(PreScoreRow.rubric_version_id).in_(versions), finished(scope), *of_scope(scope))
            .order_by(col(Audit.id).desc(), col(PreScoreRow.rubric_version_id))
            .limit(AT_ONCE if left is None else min(AT_ONCE, left))
        )
        if before is not None:
            query = query.where(
                (col(Audit.id) < before[0])
                | ((col(Audit.id) == before[0]) & (col(PreScoreRow.rubric_version_id) > before[1]))
            )
        rows = session.execute(query).all()
        if not rows:
            return
        before = (rows[-1][0], rows[-1][1])
        left = None if left is None else left - len(rows)
        human = _human(session, sorted({row[0] for row in rows}), versions)
        for audit, version, result in rows:
            yield Both(version, result.get("criteria", []), human.get((audit, version), {}))


def _human(
    session: Session, audits: Sequence[int], versions: Sequence[int]
) -> Mapping[tuple[int, int], Mapping[str, tuple[str, str]]]:
    columns = (
        col(Answer.audit_id),
        col(Answer.rubric_version_id),
        col(Answer.criterion),
        col(Answer.answer),
        col(Answer.origin),
    )
    query = select(*columns).where(
        col(Answer.audit_id).in_(audits),
        col(Answer.rubric_version_id).in_(versions),
        col(Answer.answer).is_not(None),
    )
    found: dict[tuple[int, int], dict[str, tuple[str, str]]] = {}
    for audit, version, criterion, answer, origin in session.execute(query):
        found.setdefault((audit, version), {})[criterion] = (str(answer), str(origin))
    return found
