"""Calls and their recordings as lists, pages and the API read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlmodel import col

from qa_audit.domain.findings import PreScore
from qa_audit.domain.transcript import Transcript
from qa_audit.domain.workflow import FAILURES
from qa_audit.storage.call_rows import (
    CallDetail,
    CallFilter,
    CallIdentity,
    CallRow,
    Position,
    RecordingFacts,
    RubricOutcome,
    TaskRow,
    Window,
)
from qa_audit.storage.database import Session
from qa_audit.storage.tables import (
    Agent,
    Call,
    MeasurementRow,
    PreScoreRow,
    Recording,
    RubricVersion,
    Task,
    Team,
    TranscriptRow,
    Vendor,
)

_LISTED = (Call, col(Vendor.slug), col(Vendor.name), col(Agent.name), Recording)


def page(
    session: Session,
    vendor_id: int | None,
    filter: CallFilter,
    window: Window,
    before: Position | None,
    limit: int,
) -> tuple[CallRow, ...]:
    """Return up to `limit` calls after a place in the list, newest first.

    `vendor_id` is the only vendor whose calls there are for the reader, None for somebody who sees all.
    """
    query = _joined(select(*_LISTED)).where(*_conditions(vendor_id, filter, window))
    if before is not None:
        query = query.where(_after(before))
    query = query.order_by(col(Call.created_at).desc(), col(Call.public_id).desc()).limit(limit)
    found = session.execute(query).all()
    outcomes = _outcomes(session, [row[0].id for row in found])
    return tuple(_call_row(row, outcomes) for row in found)


def count(session: Session, vendor_id: int | None, filter: CallFilter, window: Window) -> int:
    """Count the calls that a filter lets through."""
    query = _joined(select(func.count())).where(*_conditions(vendor_id, filter, window))
    return int(session.execute(query).scalar_one())


def choices(session: Session, vendor_id: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the agents and of the queues that calls have."""
    names = select(col(Agent.name)).join(Call, col(Call.agent_id) == col(Agent.id)).distinct()
    agents = session.scalars(names.where(*_of_vendor(vendor_id)))
    named = select(col(Call.queue)).where(col(Call.queue).is_not(None), *_of_vendor(vendor_id))
    queues = session.scalars(named.distinct())
    return tuple(sorted(agents)), tuple(sorted(queue for queue in queues if queue))


def find(session: Session, vendor_id: int | None, public_id: str) -> CallIdentity | None:
    """Find a call by its public id, within one vendor unless `vendor_id` is None."""
    query = (
        select(Call, col(Vendor.public_id))
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .where(col(Call.public_id) == public_id, *_of_vendor(vendor_id))
    )
    row = session.execute(query).first()
    if row is None:
        return None
    call: Call = row[0]
    return CallIdentity(call.id or 0, call.public_id, call.vendor_id, row[1], call.status, call.created_at)


def row(session: Session, key: int) -> CallRow:
    """Return one call as a line of a list."""
    found = session.execute(_joined(select(*_LISTED)).where(col(Call.id) == key)).one()
    return _call_row(found, _outcomes(session, [key]))


def detail(session: Session, key: int) -> CallDetail:
    """Return everything a page may show of one call, its tasks apart."""
    found = session.execute(_joined(select(*_LISTED)).where(col(Call.id) == key)).one()
    call: Call = found[0]
    recording: Recording | None = found[4]
    transcript = session.scalars(select(TranscriptRow).where(col(TranscriptRow.call_id) == key)).first()
    prescores = session.scalars(
        select(PreScoreRow)
        .join(RubricVersion, col(RubricVersion.id) == col(PreScoreRow.rubric_version_id))
        .where(col(PreScoreRow.call_id) == key)
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    team = session.get(Team, call.team_id) if call.team_id else None
    return CallDetail(
        **_row_values(found, _outcomes(session, [key])),
        team=team.name if team else None,
        custom=dict(call.custom),
        survey=call.survey,
        picked=call.picked,
        recording=_recording_facts(recording, is_unmasked(session, key)) if recording else None,
        transcript=Transcript.model_validate(transcript.masked) if transcript else None,
        mask_spans=tuple((start, end) for start, end in transcript.mask_spans) if transcript else (),
        prescores=tuple(PreScore.model_validate(row.result) for row in prescores),
    )


def is_unmasked(session: Session, call_key: int) -> bool:
    """Say whether nothing is silenced in a call's playback copy."""
    facts = session.scalar(select(col(MeasurementRow.facts)).where(col(MeasurementRow.call_id) == call_key))
    return bool(facts and facts.get("unmasked"))


def derived_keys(session: Session, key: int) -> dict[str, str | None]:
    """Return the media keys of a call's `playback` copy and `peaks`, None where there is none."""
    query = select(col(Recording.playback_key), col(Recording.peaks_key)).where(col(Recording.call_id) == key)
    playback, peaks = session.execute(query).first() or (None, None)
    return {"playback": playback, "peaks": peaks}


def tasks(
    session: Session, clock: datetime, now: float, *, call_key: int | None = None
) -> tuple[TaskRow, ...]:
    """Return a call's tasks, or everybody's that are not done, oldest first.

    `clock` is the time of day, which ages are counted from; `now` the database's epoch seconds.
    """
    query = (
        select(Task, Call, col(Vendor.name))
        .join(Call, col(Call.id) == col(Task.call_id))
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .where(col(Task.state) != "done" if call_key is None else col(Task.call_id) == call_key)
        .order_by(col(Task.created_at), col(Task.id))
    )
    return tuple(_task_row(found, clock, now) for found in session.execute(query))


def task_totals(session: Session) -> dict[str, int]:
    """Count the tasks in each state."""
    counted = session.execute(select(col(Task.state), func.count()).group_by(col(Task.state)))
    return {str(state): int(number) for state, number in counted}


def _joined(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (
        query.select_from(Call)
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .outerjoin(Agent, col(Agent.id) == col(Call.agent_id))
        .outerjoin(Recording, col(Recording.call_id) == col(Call.id))
    )


def _of_vendor(vendor_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if vendor_id is None else (col(Call.vendor_id) == vendor_id,)


def _conditions(vendor_id: int | None, filter: CallFilter, window: Window) -> list[ColumnElement[bool]]:
    conditions = list(_of_vendor(vendor_id))
    for column, wanted in (
        (col(Vendor.slug), filter.vendor),
        (col(Call.status), filter.status),
        (col(Agent.name), filter.agent),
        (col(Call.queue), filter.queue),
        (col(Recording.sha256), filter.sha256),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filter.sample is None:
        conditions.append(col(Call.is_sample).is_(False))
    if filter.q is not None:
        names = (col(Call.external_id), col(Call.title), col(Agent.name))
        conditions.append(or_(*(column.icontains(filter.q, autoescape=True) for column in names)))
    moment = func.coalesce(col(Call.started_at), col(Call.created_at))
    if window.since is not None:
        conditions.append(moment >= window.since)
    if window.until is not None:
        conditions.append(moment < window.until)
    return conditions


def _after(place: Position) -> ColumnElement[bool]:
    older = col(Call.created_at) < place.created_at
    return or_(older, and_(col(Call.created_at) == place.created_at, col(Call.public_id) < place.id))


def _outcomes(session: Session, keys: Sequence[int]) -> Mapping[int, tuple[RubricOutcome, ...]]:
    """Return what the pre-scores of these calls come to, by the calls' keys."""
    query = (
        select(PreScoreRow, RubricVersion)
        .join(RubricVersion, col(RubricVersion.id) == col(PreScoreRow.rubric_version_id))
        .where(col(PreScoreRow.call_id).in_(keys))
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    outcomes: dict[int, tuple[RubricOutcome, ...]] = {}
    for score, rubric in session.execute(query):
        names = (rubric.rubric, rubric.title, rubric.version)
        outcome = RubricOutcome(*names, score.percent, score.outcome, score.open, score.suspected_fatal)
        outcomes[score.call_id] = (*outcomes.get(score.call_id, ()), outcome)
    return outcomes


def _call_row(found: Row[*tuple[Any, ...]], outcomes: Mapping[int, tuple[RubricOutcome, ...]]) -> CallRow:
    return CallRow(**_row_values(found, outcomes))


def _row_values(
    found: Row[*tuple[Any, ...]], outcomes: Mapping[int, tuple[RubricOutcome, ...]]
) -> dict[str, Any]:
    call, slug, vendor_name, agent, recording = found
    copied = (
        *("title", "external_id", "created_at", "direction", "queue", "language", "channels", "duration"),
        *("layout", "status", "stage", "progress", "seconds_left", "failure", "is_demo"),
    )
    return {
        **{name: getattr(call, name) for name in copied},
        "id": call.public_id,
        "vendor": slug,
        "vendor_name": vendor_name,
        "agent": agent,
        "started_at": at_offset(call.started_at, call.utc_offset),
        "words": call.status_text or FAILURES.get(call.failure or ""),
        "warnings": tuple(call.warnings),
        "sha256": recording.sha256 if recording else None,
        "filename": recording.filename if recording else None,
        "transcript_sha256": recording.transcript_sha256 if recording else None,
        "outcomes": outcomes.get(call.id, ()),
    }


def at_offset(moment: datetime | None, minutes: int | None) -> datetime | None:
    """Return a stored moment as the uploader's clock showed it, `minutes` ahead of UTC."""
    return moment.astimezone(timezone(timedelta(minutes=minutes or 0))) if moment else None


def _recording_facts(recording: Recording, is_unmasked: bool) -> RecordingFacts:
    return RecordingFacts(
        sha256=recording.sha256,
        size=recording.size,
        filename=recording.filename,
        container=recording.container,
        codec=recording.codec,
        sample_rate=recording.sample_rate,
        channels=recording.channels,
        has_playback=recording.playback_key is not None,
        has_peaks=recording.peaks_key is not None,
        is_unmasked=is_unmasked,
    )


def _task_row(found: Row[*tuple[Any, ...]], clock: datetime, now: float) -> TaskRow:
    task, call, vendor_name = found
    return TaskRow(
        id=task.public_id,
        call_id=call.public_id,
        call_title=call.title,
        vendor_name=vendor_name,
        stage=task.stage,
        state=task.state,
        progress=task.progress,
        seconds_left=call.seconds_left if task.state == "leased" and task.stage == call.stage else None,
        age=max(0.0, (clock - task.created_at).total_seconds()),
        due_in=max(0.0, task.run_after - now) if task.state == "queued" else 0.0,
        attempt=task.attempt,
        crash_count=task.crash_count,
        error_count=task.error_count,
        error=task.error,
    )
