"""The stored answers of finished audits under versions of a rubric, many at once, and the calls behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, literal, select
from sqlmodel import col

from qa_audit.domain.backtest import BETWEEN_LINES, BETWEEN_PARTS
from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope, finished, of_scope
from qa_audit.storage.tables import (
    Answer,
    Audit,
    AuditScore,
    Call,
    MeasurementRow,
    Recording,
    TranscriptRow,
    Vendor,
)

AT_ONCE = 5_000
"""Audits read at once; no more are ever in memory."""


class Given(NamedTuple):
    """One audit's answers as compact text (see `domain.backtest`); `fatal_elsewhere`: under another rubric."""

    audit: int
    vendor: int
    text: str
    fatal_elsewhere: bool


class CallNames(NamedTuple):
    """How a call is known outside."""

    id: str
    title: str
    vendor: str


def answers(
    session: Session, versions: Sequence[int], scope: Scope, at_once: int = AT_ONCE
) -> Iterator[tuple[float, list[Given]]]:
    """Yield the answers of finished audits in portions, newest first, each with the finished fraction (0 to 1)."""
    most = session.execute(select(func.max(col(Audit.id)))).scalar_one() or 0
    for high in range(most, 0, -at_once):
        low = max(0, high - at_once)
        rows = session.execute(_portion(versions, scope, low, high))
        yield (most - low) / most, [Given(row[0], row[1], row[2], bool(row[3])) for row in rows]


def count_samples(session: Session, versions: Sequence[int]) -> int:
    """Count the finished audits of sample history under these versions."""
    query = (
        select(func.count(col(AuditScore.audit_id).distinct()))
        .join(Audit, col(Audit.id) == col(AuditScore.audit_id))
        .join(Call, col(Call.id) == col(Audit.call_id))
        .where(
            col(AuditScore.rubric_version_id).in_(versions), col(Call.is_sample).is_(True), finished(Scope())
        )
    )
    return int(session.execute(query).scalar_one())


def names(session: Session, audits: Sequence[int]) -> Mapping[int, CallNames]:
    """Return how the calls of audits are known outside, by the audit's key."""
    query = (
        select(col(Audit.id), col(Call.public_id), col(Call.title), col(Vendor.name))
        .join(Call, col(Call.id) == col(Audit.call_id))
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .where(col(Audit.id).in_(audits))
    )
    return {
        int(key): CallNames(str(id), title or "", str(vendor))
        for key, id, title, vendor in session.execute(query)
    }


def heard_calls(session: Session, versions: Sequence[int], scope: Scope, most: int) -> list[tuple[int, int]]:
    """Return call and audit of the newest finished audits under these versions that can be heard again."""
    query = (
        select(col(Call.id), col(Audit.id))
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .where(
            finished(scope),
            *of_scope(scope),
            _is_under(versions),
            select(col(TranscriptRow.id)).where(col(TranscriptRow.call_id) == col(Call.id)).exists(),
            select(col(MeasurementRow.id)).where(col(MeasurementRow.call_id) == col(Call.id)).exists(),
            select(col(Recording.id)).where(col(Recording.call_id) == col(Call.id)).exists(),
        )
        .order_by(col(Call.id).desc())
        .limit(most)
    )
    return [(int(call), int(audit)) for call, audit in session.execute(query)]


def answers_of(session: Session, audit: int, versions: Sequence[int]) -> Mapping[str, tuple[str, str]]:
    """Return answer and origin of one audit's closed lines by criterion."""
    query = select(col(Answer.criterion), col(Answer.answer), col(Answer.origin)).where(
        col(Answer.audit_id) == audit,
        col(Answer.rubric_version_id).in_(versions),
        col(Answer.answer).is_not(None),
    )
    return {str(id): (str(answer), str(origin)) for id, answer, origin in session.execute(query)}


def _portion(versions: Sequence[int], scope: Scope, low: int, high: int) -> Any:
    fatal = (
        select(literal(1))
        .where(
            col(AuditScore.audit_id) == col(Audit.id),
            col(AuditScore.fatal) > 0,
            col(AuditScore.rubric_version_id).not_in(versions),
        )
        .exists()
    )
    line = col(Answer.criterion).concat(BETWEEN_PARTS).concat(func.coalesce(col(Answer.answer), ""))
    # The version is hidden behind a sum from SQLite, which would else read all answers of it for every portion.
    given = (
        select(col(Answer.audit_id).label("audit"), func.aggregate_strings(line, BETWEEN_LINES).label("text"))
        .where(
            col(Answer.audit_id) > low,
            col(Answer.audit_id) <= high,
            (col(Answer.rubric_version_id) + 0).in_(versions),
        )
        .group_by(col(Answer.audit_id))
        .subquery()
    )
    return (
        select(col(Audit.id), col(Call.vendor_id), given.c.text, fatal)
        .select_from(given)
        .join(Audit, col(Audit.id) == given.c.audit)
        .join(Call, col(Call.id) == col(Audit.call_id))
        .where(finished(scope), *of_scope(scope))
        .order_by(col(Audit.id).desc())
    )


def _is_under(versions: Sequence[int]) -> ColumnElement[bool]:
    return (
        select(col(AuditScore.id))
        .where(col(AuditScore.audit_id) == col(Audit.id), col(AuditScore.rubric_version_id).in_(versions))
        .exists()
    )
