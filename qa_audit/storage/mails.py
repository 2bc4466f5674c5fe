"""Mails to be sent: rows written in the transaction of what they tell of, claimed one by one, and sent once.

Times to wait are epoch seconds by the database's own clock, handed in as `now`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Mail, Scorecard, User, utc_now


@dataclass(frozen=True)
class Claimed:
    """A mail that this process may send for a while; `attempt` is the fence: a later claim has a higher one.

    `answer_by` is None when the card it tells of is not to be seen any more.
    """

    key: int
    id: str
    kind: str
    thing: str
    attempt: int
    email: str
    shut_out: bool
    answer_by: datetime | None


def queue(session: Session, recipients: Iterable[int], kind: str, thing: str, *, now: float) -> None:
    """Write one mail for each recipient's key; `thing` is the public id of what it tells of."""
    session.add_all(Mail(recipient_id=key, kind=kind, thing=thing, run_after=now) for key in recipients)
    session.flush()


def due(session: Session, *, now: float, limit: int) -> tuple[int, ...]:
    """Return the keys of mails that are to be sent now, the oldest first."""
    query = select(col(Mail.id)).where(_is_due(now)).order_by(col(Mail.run_after), col(Mail.id)).limit(limit)
    return tuple(cast(int, key) for key in session.scalars(query))


def claim(session: Session, key: int, *, now: float, seconds: float) -> Claimed | None:
    """Take a mail for `seconds`; None when somebody else has it or it is not due any more."""
    statement = update(Mail).where(col(Mail.id) == key, _is_due(now))
    if not _change(session, statement.values(attempt=col(Mail.attempt) + 1, lease_until=now + seconds)):
        return None
    query = (
        select(Mail, User, col(Scorecard.answer_by))
        .join(User, col(User.id) == col(Mail.recipient_id))
        .outerjoin(
            Scorecard,
            and_(col(Scorecard.public_id) == col(Mail.thing), col(Scorecard.state) != "withdrawn"),
        )
        .where(col(Mail.id) == key)
    )
    mail, user, answer_by = session.execute(query).one()
    shut_out = user.disabled_at is not None
    return Claimed(key, mail.public_id, mail.kind, mail.thing, mail.attempt, user.email, shut_out, answer_by)


def sent(session: Session, mail: Claimed) -> bool:
    """Note that a mail is on its way; False when another process had taken it meanwhile."""
    return _close(session, mail, state="sent", sent_at=utc_now(), error=None)


def failed(session: Session, mail: Claimed, error: str) -> bool:
    """Note that a mail will never be sent, and why, in words without an address."""
    return _close(session, mail, state="failed", error=error)


def postpone(session: Session, mail: Claimed, *, until: float, error: str) -> bool:
    """Put a mail back until later, with the reason in words without an address."""
    return _close(session, mail, run_after=until, error=error)


def postpone_due(session: Session, *, now: float, until: float) -> int:
    """Put off every mail that is due, when the server does not answer at all; no attempt is counted."""
    return _change(session, update(Mail).where(_is_due(now)).values(run_after=until))


def totals(session: Session) -> dict[str, int]:
    """Count the mails in each state."""
    counted = session.execute(select(col(Mail.state), func.count()).group_by(col(Mail.state)))
    return {str(state): int(number) for state, number in counted}


def _is_due(now: float) -> Any:
    free = or_(col(Mail.lease_until).is_(None), col(Mail.lease_until) < now)
    return and_(col(Mail.state) == "queued", col(Mail.run_after) <= now, free)


def _close(session: Session, mail: Claimed, **values: Any) -> bool:
    mine = and_(col(Mail.id) == mail.key, col(Mail.attempt) == mail.attempt, col(Mail.state) == "queued")
    return _change(session, update(Mail).where(mine).values(**values, lease_until=None)) == 1


def _change(session: Session, statement: Any) -> int:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
