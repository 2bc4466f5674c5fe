"""How much there is of what, for a monitor: counts and ages, nothing about anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Call, Mail, Task


@dataclass(frozen=True)
class Gauges:
    """Calls by status, tasks by state, and when the oldest queued task was made."""

    calls: dict[str, int]
    tasks: dict[str, int]
    oldest_queued: datetime | None


def read(session: Session) -> Gauges:
    """Count everything."""
    calls = select(col(Call.status), func.count()).group_by(col(Call.status))
    tasks = select(col(Task.state), func.count()).group_by(col(Task.state))
    oldest = select(func.min(col(Task.created_at))).where(col(Task.state) == "queued")
    return Gauges(
        {row[0]: row[1] for row in session.execute(calls)},
        {row[0]: row[1] for row in session.execute(tasks)},
        session.execute(oldest).scalar_one(),
    )


def leases(session: Session, *, now: float) -> tuple[int, int]:
    """Count the tasks that somebody works on, and those whose worker went silent (`now` by the database)."""
    query = select(col(Task.lease_until)).where(col(Task.state) == "leased")
    ends = [end or 0.0 for end in session.scalars(query)]
    return sum(end > now for end in ends), sum(end <= now for end in ends)


def mails(session: Session) -> dict[str, int]:
    """Count the mails by state."""
    query = select(col(Mail.state), func.count()).group_by(col(Mail.state))
    return {row[0]: row[1] for row in session.execute(query)}
