"""Tasks: what is to be done, by whom, until when. Every move is decided by how many rows an UPDATE changed.

Times are epoch seconds by the database's own clock (`Database.now`); a caller reads it in the same
transaction and hands it in as `now`. The same statements run on SQLite and Postgres.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlmodel import col

from qa_audit.domain.workflow import Stage
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Call, Task, TranscriptPartRow, Vendor, utc_now

CRASHES = 3
"""So many ended leases (a hang counts twice) park a task: its input is taken for poison."""

State = Literal["queued", "leased", "done", "failed", "parked", "waiting"]


@dataclass(frozen=True)
class Lease:
    """The right to work on one task for a while; `token` is the fence, good for this attempt only."""

    task_id: int
    call_id: int
    stage: Stage
    input_version: int
    attempt: int
    error_count: int
    token: str


@dataclass(frozen=True)
class Ring:
    """What one ring of the bell says: together the numbers are unique for ever."""

    task_id: int
    stage: Stage
    attempt: int
    number: int


@dataclass(frozen=True)
class Ended:
    """A lease that was ended from outside: whose it was, and what became of its task."""

    task_id: int
    call_id: int
    stage: Stage
    parked: bool


@dataclass(frozen=True)
class Requeued:
    """A task that was put back to the queue by hand or because what it waited for is there."""

    task_id: int
    call_id: int
    stage: Stage


@dataclass(frozen=True)
class Queued:
    """A task that is queued, the input it is queued with, and what is known of its call's words beforehand."""

    task_id: int
    call_id: int
    input_version: int
    language: str | None
    hints: tuple[str, ...]


def add(
    session: Session,
    call_id: int,
    stage: Stage,
    input_version: int = 1,
    state: State = "queued",
    now: float = 0.0,
) -> int:
    """Add a task in the transaction of its cause and return its id; it is due from `now` on.

    A changed input makes a new `input_version`: raises IntegrityError when the task is there already.
    """
    row = Task(call_id=call_id, stage=stage, input_version=input_version, state=state, run_after=now)
    session.add(row)
    session.flush()
    return cast(int, row.id)


def claim(session: Session, task_id: int, *, now: float, seconds: float) -> Lease | None:
    """Take a task that is queued and due for `seconds`; None when somebody else has it or it is not due."""
    token = secrets.token_hex(16)
    due = and_(col(Task.state) == "queued", col(Task.run_after) <= now)
    taken = _change(
        session,
        and_(col(Task.id) == task_id, due),
        state="leased",
        attempt=col(Task.attempt) + 1,
        lease_token=token,
        lease_until=now + seconds,
        progress=0,
        error=None,
    )
    return _lease(session, task_id, token) if taken else None


def beat(session: Session, lease: Lease, *, now: float, seconds: float) -> bool:
    """Extend the lease by `seconds` from now; False when it is gone and the work must end."""
    return _change(session, _is_mine(lease), lease_until=now + seconds) == 1


def put_progress(session: Session, lease: Lease, percent: int) -> bool:
    """Record how far the work is; False when the lease is gone."""
    return _change(session, _is_mine(lease), progress=percent) == 1


def note_advance(session: Session, lease: Lease) -> bool:
    """Forgive earlier crashes because the work has come further than ever; False when the lease is gone.

    Input that is poison would have ended this attempt where it ended the ones before.
    """
    return _change(session, _is_mine(lease), crash_count=0) == 1


def settle(session: Session, lease: Lease) -> bool:
    """Close the task: the fence, before results are stored in the same transaction.

    False means that the lease is gone: roll back and throw the results away.
    """
    values = {"state": "done", "progress": 100, "finished_at": utc_now()}
    return _change(session, _is_mine(lease), **values, **_NO_LEASE, error=None) == 1


def wait(session: Session, lease: Lease, under: str, words: str | None) -> bool:
    """Let the task wait for other speech settings than `under`, with words for a person.

    False means that the lease is gone.
    """
    values = {"state": "waiting", "progress": 0, "waits_under": under, "error": words}
    return _change(session, _is_mine(lease), **values, **_NO_LEASE) == 1


def let_go(session: Session, lease: Lease, *, now: float) -> bool:
    """Put the task back because this process stops: neither a crash nor an error is counted."""
    return _change(session, _is_mine(lease), state="queued", run_after=now, **_NO_LEASE) == 1


def postpone(
    session: Session, lease: Lease, *, now: float, pause: float, error: str, counted: bool = True
) -> bool:
    """Put the task back after an error that may pass, due again after `pause` seconds."""
    errors = col(Task.error_count) + (1 if counted else 0)
    values: dict[str, Any] = {"run_after": now + pause, "error_count": errors, "error": error}
    return _change(session, _is_mine(lease), state="queued", **values, **_NO_LEASE) == 1


def fail(session: Session, lease: Lease, error: str) -> bool:
    """Close the task as failed, with words for a person; False when the lease is gone."""
    values: dict[str, Any] = {"error": error, "finished_at": utc_now()}
    return _change(session, _is_mine(lease), state="failed", **values, **_NO_LEASE) == 1


def expired(session: Session, *, now: float) -> tuple[tuple[int, str], ...]:
    """Return task and token of every lease that ran out."""
    rows = session.execute(
        select(col(Task.id), col(Task.lease_token)).where(
            col(Task.state) == "leased", col(Task.lease_until) < now
        )
    )
    return tuple((task_id, token) for task_id, token in rows)


def end_lease(
    session: Session, task_id: int, token: str, *, now: float, pause: float, weight: int = 1
) -> Ended | None:
    """End the lease of a worker that died (`weight` 1) or hung (2); None when it was ended or stored before.

    The task is due again at once after one death, `pause` seconds later after more. Called by the sweep and
    the supervisor alone: a claim never takes an expired lease.
    """
    crashes = col(Task.crash_count) + weight
    ended = _change(
        session,
        and_(col(Task.id) == task_id, col(Task.lease_token) == token, col(Task.state) == "leased"),
        state=case((crashes >= CRASHES, "parked"), else_="queued"),
        run_after=now + case((crashes > 1, pause), else_=0.0),
        crash_count=crashes,
        **_NO_LEASE,
    )
    if not ended:
        return None
    row = session.execute(
        select(col(Task.call_id), col(Task.stage), col(Task.state)).where(col(Task.id) == task_id)
    ).one()
    return Ended(task_id, row.call_id, cast(Stage, row.stage), row.state == "parked")


def cut_leases(session: Session, *, now: float, seconds: float, pause: float) -> int:
    """Bring back what a step of the clock left too far in the future; returns how many tasks that were.

    No lease may end later than `seconds` from now, no pause later than `pause` seconds from now.
    """
    leases = _change(
        session,
        and_(col(Task.state) == "leased", col(Task.lease_until) > now + seconds),
        lease_until=now + seconds,
    )
    pauses = _change(
        session,
        and_(col(Task.state) == "queued", col(Task.run_after) > now + pause),
        run_after=now + pause,
    )
    return leases + pauses


def note_ring(session: Session, task_id: int, *, now: float) -> Ring | None:
    """Count a ring for a task that is queued and due; None when there is nothing to ring for."""
    due = and_(col(Task.state) == "queued", col(Task.run_after) <= now)
    if not _change(session, and_(col(Task.id) == task_id, due), rings=col(Task.rings) + 1, rung_at=now):
        return None
    row = session.execute(
        select(col(Task.stage), col(Task.attempt), col(Task.rings)).where(col(Task.id) == task_id)
    ).one()
    return Ring(task_id, cast(Stage, row.stage), row.attempt, row.rings)


def due(session: Session, stages: Sequence[Stage], *, now: float, limit: int = 1) -> tuple[int, ...]:
    """Return tasks of these stages that may be claimed now, the longest due first."""
    return _first(session, _is_due(stages, now), limit)


def count_due(session: Session, stages: Sequence[Stage], *, now: float) -> int:
    """Count the tasks of these stages that may be claimed now."""
    return session.scalar(select(func.count()).select_from(Task).where(_is_due(stages, now))) or 0


def companions(
    session: Session, lease: Lease, *, now: float, most_seconds: float, limit: int
) -> tuple[Queued, ...]:
    """Return tasks of a lease's stage that may be claimed now, of short calls, the longest due first.

    Neither they nor the lease's own have failed before, and no part of a transcript of theirs is kept.
    `most_seconds` is how long a call may last.
    """
    unharmed = and_(col(Task.crash_count) == 0, col(Task.error_count) == 0)
    if not session.scalar(select(exists().where(col(Task.id) == lease.task_id, unharmed))):
        return ()
    begun = exists().where(col(TranscriptPartRow.call_id) == col(Task.call_id))
    rows = session.execute(
        select(
            col(Task.id),
            col(Task.call_id),
            col(Task.input_version),
            col(Call.language),
            col(Vendor.speech_hints),
        )
        .join(Call, col(Call.id) == col(Task.call_id))
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .where(_is_due((lease.stage,), now), unharmed, ~begun, col(Call.duration) <= most_seconds)
        .order_by(col(Task.run_after), col(Task.id))
        .limit(limit)
    )
    return tuple(
        Queued(key, call, version, language, tuple(hints)) for key, call, version, language, hints in rows
    )


def lock_queued(session: Session, task: Queued) -> bool:
    """Keep others from claiming a task in this transaction; False when it is gone or no longer queued as it was.

    Its call is locked first, as by who deletes it.
    """
    call = select(col(Call.id)).where(col(Call.id) == task.call_id)
    if session.execute(call.with_for_update(read=True, key_share=True)).first() is None:
        return False
    as_it_was = and_(
        col(Task.id) == task.task_id,
        col(Task.state) == "queued",
        col(Task.input_version) == task.input_version,
    )
    return session.execute(select(col(Task.id)).where(as_it_was).with_for_update()).first() is not None


def unanswered(
    session: Session, stages: Sequence[Stage], *, now: float, since: float, limit: int
) -> tuple[int, ...]:
    """Return due tasks whose bell did not ring between `since` and now."""
    rung = col(Task.rung_at)
    silent = or_(rung.is_(None), rung < since, rung > now)
    return _first(session, and_(_is_due(stages, now), silent), limit)


def is_anybody_working(session: Session, stages: Sequence[Stage]) -> bool:
    """Say whether any task of these stages is leased."""
    found = select(col(Task.id)).where(col(Task.state) == "leased", col(Task.stage).in_(stages)).limit(1)
    return session.scalars(found).first() is not None


def requeue_waiting(session: Session, under: str, *, now: float) -> tuple[Requeued, ...]:
    """Put the tasks that wait under other speech settings than these back to the queue.

    Their input gets a new version (another model).
    """
    elsewhere = or_(col(Task.waits_under).is_(None), col(Task.waits_under) != under)
    found = session.execute(
        select(col(Task.id), col(Task.call_id), col(Task.stage)).where(
            col(Task.state) == "waiting", elsewhere
        )
    ).all()
    requeued = []
    for task_id, call_id, stage in found:
        changed = _change(
            session,
            and_(col(Task.id) == task_id, col(Task.state) == "waiting"),
            state="queued",
            input_version=col(Task.input_version) + 1,
            run_after=now,
            waits_under=None,
            error=None,
        )
        requeued += [Requeued(task_id, call_id, stage)] if changed else []
    return tuple(requeued)


def retry(session: Session, call_id: int, *, now: float) -> Requeued | None:
    """Put a call's failed or parked task back to the queue with fresh counts; None when it has none."""
    stopped = and_(col(Task.call_id) == call_id, col(Task.state).in_(("failed", "parked")))
    newest = select(col(Task.id), col(Task.stage)).where(stopped).order_by(col(Task.id).desc()).limit(1)
    row = session.execute(newest).first()
    if row is None:
        return None
    again: dict[str, Any] = {"crash_count": 0, "error_count": 0, "error": None, "finished_at": None}
    changed = _change(
        session, and_(col(Task.id) == row.id, stopped), state="queued", run_after=now, progress=0, **again
    )
    return Requeued(row.id, call_id, cast(Stage, row.stage)) if changed else None


def call_of(session: Session, public_id: str) -> tuple[int, int] | None:
    """Return the keys of a call and of its vendor, or None."""
    row = session.execute(
        select(col(Call.id), col(Call.vendor_id)).where(col(Call.public_id) == public_id)
    ).first()
    return (row.id, row.vendor_id) if row else None


_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_until": None}


def _is_mine(lease: Lease) -> ColumnElement[bool]:
    return and_(
        col(Task.id) == lease.task_id, col(Task.lease_token) == lease.token, col(Task.state) == "leased"
    )


def _is_due(stages: Sequence[Stage], now: float) -> ColumnElement[bool]:
    return and_(col(Task.state) == "queued", col(Task.run_after) <= now, col(Task.stage).in_(stages))


def _first(session: Session, where: ColumnElement[bool], limit: int) -> tuple[int, ...]:
    found = select(col(Task.id)).where(where).order_by(col(Task.run_after), col(Task.id)).limit(limit)
    return tuple(cast(int, task_id) for task_id in session.scalars(found))


def _change(session: Session, where: ColumnElement[bool], **values: Any) -> int:
    """Update tasks and return how many there were."""
    statement = update(Task).where(where).values(values)
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return int(cast(Any, result).rowcount)


def _lease(session: Session, task_id: int, token: str) -> Lease:
    row = session.execute(
        select(
            col(Task.call_id),
            col(Task.stage),
            col(Task.input_version),
            col(Task.attempt),
            col(Task.error_count),
        ).where(col(Task.id) == task_id)
    ).one()
    stage = cast(Stage, row.stage)
    return Lease(task_id, row.call_id, stage, row.input_version, row.attempt, row.error_count, token)
