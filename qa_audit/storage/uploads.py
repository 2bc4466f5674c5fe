"""What accepting a recording writes: its call, its recording, the event, and the Idempotency-Key's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlmodel import col

from qa_audit.storage.calls import at_offset
from qa_audit.storage.database import OperationalError, Session
from qa_audit.storage.tables import Agent, Call, Event, Recording, Upload, new_public_id


@dataclass(frozen=True)
class KeyRow:
    """What an Idempotency-Key stands for: `answer` is set once it is done, `running_until` epoch seconds."""

    fingerprint: str
    state: str
    answer: Mapping[str, Any] | None
    running_until: float
    created_at: datetime


@dataclass(frozen=True)
class StoredCall:
    """A call that is there already, with what is said about it by field name; of a transcript its sha256."""

    id: str
    status: str
    fields: Mapping[str, object]


def key_row(session: Session, owner: str, key: str) -> KeyRow | None:
    """Find what a key of this owner stands for, and lock it until the transaction ends."""
    query = select(Upload).where(col(Upload.owner) == owner, col(Upload.key) == key).with_for_update()
    row = session.scalars(query).first()
    if row is None:
        return None
    return KeyRow(row.fingerprint or "", row.state, row.answer, row.running_until, row.created_at)


def start_key(
    session: Session,
    owner: str,
    key: str,
    fingerprint: str,
    running_until: float,
    now: datetime,
    *,
    replaces: bool = False,
) -> None:
    """Write that an upload with this key is running; `replaces` what `key_row` found and locked before.

    Raises IntegrityError when another transaction started the same key meanwhile.
    """
    if replaces:
        session.execute(delete(Upload).where(col(Upload.owner) == owner, col(Upload.key) == key))
    session.add(
        Upload(owner=owner, key=key, fingerprint=fingerprint, running_until=running_until, created_at=now)
    )
    session.flush()


def finish_key(
    session: Session, owner: str, key: str, running_until: float, answer: Mapping[str, Any], now: datetime
) -> None:
    """Keep the answer of the upload that holds the key by `running_until`; nothing when it lost the key."""
    done = {"state": "done", "answer": dict(answer), "created_at": now}
    session.execute(update(Upload).where(*_held(owner, key, running_until)).values(done))


def release_key(session: Session, owner: str, key: str, running_until: float) -> None:
    """Forget a key whose upload was not accepted, so that it can be tried again."""
    session.execute(delete(Upload).where(*_held(owner, key, running_until)))


def drop_old_keys(session: Session, before: datetime, now: float) -> int:
    """Drop the keys that were answered before a moment, and those of uploads that died; returns how many."""
    old = or_(
        (col(Upload.state) == "done") & (col(Upload.created_at) < before),
        (col(Upload.state) == "running") & (col(Upload.running_until) < now),
    )
    result = session.execute(delete(Upload).where(old))
    return result.rowcount if isinstance(result, CursorResult) else 0


def forget_answers(session: Session, call_id: str) -> None:
    """Drop the keys that answer with a call, which is about to go."""
    answered = col(Upload.answer)["body"]["id"].as_string() == call_id
    session.execute(delete(Upload).where(col(Upload.state) == "done", answered))


def stored_call(session: Session, vendor_id: int, sha256: str) -> StoredCall | None:
    """Find the vendor's call that has these bytes."""
    query = (
        select(Call, col(Agent.name), col(Recording.transcript_sha256))
        .join(Recording, col(Recording.call_id) == col(Call.id))
        .outerjoin(Agent, col(Agent.id) == col(Call.agent_id))
        .where(col(Recording.vendor_id) == vendor_id, col(Recording.sha256) == sha256)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    call, agent, transcript = row
    started_at = at_offset(call.started_at, call.utc_offset)
    named = {
        name: getattr(call, name) for name in ("external_id", "direction", "queue", "language", "channels")
    }
    custom = {f"custom.{name}": value for name, value in call.custom.items()}
    moment = started_at.isoformat() if started_at else None
    said = {**named, **custom, "agent": agent, "started_at": moment, "transcript": transcript}
    return StoredCall(call.public_id, call.status, said)


def add_call(session: Session, call: Mapping[str, Any], recording: Mapping[str, Any]) -> tuple[int, str]:
    """Insert a call with its recording; returns its key and its public id.

    Raises IntegrityError when the vendor has these bytes already.
    """
    row = Call(**call)
    session.add(row)
    session.flush()
    key = cast(int, row.id)
    session.add(Recording(call_id=key, vendor_id=row.vendor_id, **recording))
    session.flush()
    return key, row.public_id


def is_kept(session: Session, media_key: str) -> bool:
    """Say whether a recording's row refers to this key of what was uploaded."""
    kept = or_(col(Recording.media_key) == media_key, col(Recording.transcript_key) == media_key)
    query = select(col(Recording.id)).where(kept)
    return session.scalars(query).first() is not None


def add_event(
    session: Session, actor: str, action: str, thing: str, detail: Mapping[str, Any], now: datetime
) -> None:
    """Note who did what to a call; `detail` holds ids and numbers only."""
    session.add(Event(at=now, actor=actor, action=action, kind="call", thing=thing, detail=dict(detail)))


def new_media_key() -> str:
    """Make the key of an original in the media store: opaque, and told by nothing that came from outside."""
    return f"original/{new_public_id()}"


def new_transcript_key() -> str:
    """Make the key of a transcript that came with a recording; opaque too."""
    return f"transcript/{new_public_id()}"


def _held(owner: str, key: str, running_until: float) -> tuple[Any, ...]:
    return (
        col(Upload.owner) == owner,
        col(Upload.key) == key,
        col(Upload.state) == "running",
        col(Upload.running_until) == running_until,
    )


def is_disk_full(error: OperationalError) -> bool:
    """Say whether a database error means that its disk is full (SQLITE_FULL; Postgres 53100)."""
    cause = error.orig
    return getattr(cause, "sqlstate", None) == "53100" or "disk is full" in str(cause)
