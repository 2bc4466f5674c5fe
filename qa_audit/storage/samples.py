"""Rows of the demo that no upload brings: the drawn history of audits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Answer, Audit, AuditScore, Call, Team, Vendor

Row = Mapping[str, Any]


def team_names(session: Session, vendor_id: int) -> Mapping[str, int]:
    """Return the keys of a vendor's teams by name."""
    query = select(col(Team.name), col(Team.id)).where(col(Team.vendor_id) == vendor_id)
    return {str(name): int(key) for name, key in session.execute(query)}


def set_variable(session: Session, vendor_id: int, name: str, value: Any) -> None:
    """Set a vendor's variable that it does not have yet."""
    vendor = session.get(Vendor, vendor_id)
    if vendor is not None and name not in vendor.variables:
        vendor.variables = {**vendor.variables, name: value}
        session.add(vendor)


def has_samples(session: Session, vendor_id: int) -> bool:
    """Say whether a vendor has sample history."""
    query = select(func.count()).where(col(Call.vendor_id) == vendor_id, col(Call.is_sample).is_(True))
    return bool(session.execute(query).scalar_one())


def add_calls(session: Session, rows: Sequence[Row]) -> list[int]:
    """Insert sample calls and return their keys in the same order."""
    return _insert(session, Call, rows)


def add_audits(session: Session, rows: Sequence[Row]) -> list[int]:
    """Insert audits and return their keys in the same order."""
    return _insert(session, Audit, rows)


def add_results(session: Session, answers: Iterable[Row], scores: Iterable[Row]) -> None:
    """Insert the answers and scores of audits."""
    session.execute(insert(Answer), [dict(row) for row in answers])
    session.execute(insert(AuditScore), [dict(row) for row in scores])


def remove_all(session: Session) -> int:
    """Remove the sample history of every vendor; returns how many calls it had."""
    samples = select(col(Call.id)).where(col(Call.is_sample).is_(True))
    number = int(session.execute(select(func.count()).select_from(samples.subquery())).scalar_one())
    if number:
        audits = select(col(Audit.id)).where(col(Audit.call_id).in_(samples))
        session.execute(delete(Answer).where(col(Answer.audit_id).in_(audits)))
        session.execute(delete(AuditScore).where(col(AuditScore.audit_id).in_(audits)))
        session.execute(delete(Audit).where(col(Audit.call_id).in_(samples)))
        session.execute(delete(Call).where(col(Call.is_sample).is_(True)))
    return number


def _insert(session: Session, table: Any, rows: Sequence[Row]) -> list[int]:
    statement = insert(table).returning(table.id, sort_by_parameter_order=True)
    return [int(key) for key in session.scalars(statement, [dict(row) for row in rows])]
