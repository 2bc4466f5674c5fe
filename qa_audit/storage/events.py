"""Events: who did what to which thing, and when. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Event


def add(
    session: Session,
    *,
    actor: str,
    action: str,
    kind: str,
    thing: str,
    now: datetime,
    detail: dict[str, object],
) -> None:
    """Note an event; `thing` is a public id, and `detail` holds ids, roles and field names only."""
    session.add(Event(at=now, actor=actor, action=action, kind=kind, thing=thing, detail=detail))
