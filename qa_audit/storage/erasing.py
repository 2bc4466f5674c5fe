"""Taking a call out of the database with everything that hangs on it."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlmodel import col

from qa_audit.storage import vendors
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Audit, Call, Recording, Scorecard
from qa_audit.storage.uploads import forget_answers


def lock_status(session: Session, key: int) -> str | None:
    """Return a call's status, None when it is gone, and keep others from moving it in this transaction."""
    return session.scalars(select(col(Call.status)).where(col(Call.id) == key).with_for_update()).first()


def is_audited(session: Session, key: int) -> bool:
    """Say whether somebody has begun to audit the call, or it has a scorecard."""
    audit = select(col(Audit.id)).where(col(Audit.call_id) == key)
    card = select(col(Scorecard.id)).where(col(Scorecard.call_id) == key)
    return session.execute(audit).first() is not None or session.execute(card).first() is not None


def media_keys(session: Session, key: int) -> tuple[str, ...]:
    """Return the media keys of a call's files, and keep workers from adding more of them."""
    columns = (
        *(col(Recording.media_key), col(Recording.transcript_key)),
        *(col(Recording.playback_key), col(Recording.peaks_key)),
    )
    row = session.execute(select(*columns).where(col(Recording.call_id) == key).with_for_update()).first()
    return tuple(value for value in row or () if value is not None)


def drop_call(session: Session, key: int, public_id: str) -> None:
    """Delete a call, what was made from it, the answers that name it, and an agent whom nothing else names.

    Recording, measurement, transcript and its parts, pre-scores and tasks go by the foreign keys' ON DELETE
    CASCADE.
    """
    agent = session.scalars(select(col(Call.agent_id)).where(col(Call.id) == key)).first()
    forget_answers(session, public_id)
    session.execute(delete(Call).where(col(Call.id) == key))
    if agent is not None:
        vendors.drop_agent_without_traces(session, agent)
