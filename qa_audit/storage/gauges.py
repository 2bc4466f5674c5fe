"""How much there is of what, for a monitor: counts and ages, nothing about anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Call, Task


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
