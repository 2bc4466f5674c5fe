"""The calls that wait for a person, most urgent first, as SQL sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, and_, case, func, or_, select, type_coerce
from sqlmodel import col

from qa_audit.domain.findings import PreScore
from qa_audit.storage.calls import at_offset
from qa_audit.storage.database import Session
from qa_audit.storage.tables import (
    Agent,
    Answer,
    Audit,
    Call,
    PreScoreRow,
    Recording,
    RubricVersion,
    User,
    Vendor,
)

BEING_TRANSCRIBED = ("received", "transcribing", "transcribed")


@dataclass(frozen=True)
class QueueFilter:
    """Which calls of the queue are shown; `vendor` is a slug, `q` is found in title, id or agent's name."""

    vendor: str | None = None
    agent: str | None = None
    queue: str | None = None
    language: str | None = None
    q: str | None = None
    page: int = 1


@dataclass(frozen=True, kw_only=True)
class QueuedCall:
    """One call that waits for a person. `started_at` has the uploader's own offset, `duration` is in seconds.

    `prescores` are by the key of their rubric version, with the version's source in `sources`; `answered` holds
    the lines that a person has answered, as (version's key, criterion).
    """

    key: int
    id: str
    title: str | None
    external_id: str | None
    filename: str | None
    vendor: str
    vendor_name: str
    agent: str | None
    started_at: datetime | None
    received_at: datetime
    duration: float | None
    queue: str | None
    language: str | None
    layout: str | None
    picked: str | None
    status: str
    failure: str | None
    reviewer: str | None
    reviewer_id: str | None
    prescores: Mapping[int, PreScore]
    sources: Mapping[int, str]
    answered: frozenset[tuple[int, str]]


@dataclass(frozen=True)
class QueueCounts:
    """How many calls wait, are suspected of a fatal no, came before a moment; and what is still on its way."""

    waiting: int
    suspected_fatal: int
    due: int
    being_transcribed: int
    oldest_being_transcribed: datetime | None
    to_publish: int


def page(
    session: Session, vendor_id: int | None, filter: QueueFilter, *, limit: int, offset: int
) -> tuple[QueuedCall, ...]:
    """Return calls from a place in the queue: suspected fatals, suspected criticals, then by when they came."""
    suspected = _suspected()
    query = (
        _joined(
            select(
                Call,
                col(Vendor.slug),
                col(Vendor.name),
                col(Agent.name),
                col(Recording.filename),
                col(User.name),
                col(User.public_id),
            ),
            suspected,
        )
        .where(*_conditions(vendor_id, filter))
        .order_by(
            case((suspected.c.fatal > 0, 0), (suspected.c.critical > 0, 1), else_=2),
            col(Call.created_at),
            col(Call.public_id),
        )
        .limit(limit)
        .offset(offset)
    )
    found = session.execute(query).all()
    keys = [row[0].id for row in found]
    scores, answered = _prescores(session, keys), _answered(session, keys)
    return tuple(
        _queued(row, scores.get(row[0].id, {}), answered.get(row[0].id, frozenset())) for row in found
    )


def counts(
    session: Session, vendor_id: int | None, filter: QueueFilter, came_before: datetime
) -> QueueCounts:
    """Count what a filter lets through, and what is still being transcribed whatever the filter says."""
    suspected = _suspected()
    query = _joined(
        select(
            func.count(),
            func.coalesce(func.sum(case((suspected.c.fatal > 0, 1), else_=0)), 0),
            func.coalesce(func.sum(case((col(Call.created_at) < came_before, 1), else_=0)), 0),
        ),
        suspected,
    ).where(*_conditions(vendor_id, filter))
    waiting, fatal, due = session.execute(query).one()
    coming = select(func.count(), func.min(col(Call.created_at))).where(
        col(Call.status).in_(BEING_TRANSCRIBED), *_of_vendor(vendor_id)
    )
    number, oldest = session.execute(coming).one()
    submitted = select(func.count()).where(
        col(Call.status) == "audited", col(Call.is_sample).is_(False), *_of_vendor(vendor_id)
    )
    to_publish = session.execute(submitted).scalar_one()
    return QueueCounts(int(waiting), int(fatal), int(due), int(number), oldest, int(to_publish))


def choices(session: Session, vendor_id: int | None) -> tuple[tuple[str, ...], ...]:
    """Return the names of agents, queues and languages that calls of the queue have."""
    columns = (col(Agent.name), col(Call.queue), col(Call.language))
    lists = (
        session.scalars(
            _joined(select(column), _suspected()).where(*_conditions(vendor_id, QueueFilter())).distinct()
        )
        for column in columns
    )
    return tuple(tuple(sorted(value for value in values if value)) for values in lists)


def _suspected() -> Any:
    """Count each call's lines that are suspected of a fatal or critical no."""
    critical = PreScoreRow.__table__.c.result["score"]["suspected_critical"]  # type: ignore[attr-defined]
    return (
        select(
            col(PreScoreRow.call_id).label("call_id"),
            func.sum(col(PreScoreRow.suspected_fatal)).label("fatal"),
            func.sum(func.json_array_length(type_coerce(critical, JSON))).label("critical"),
        )
        .group_by(col(PreScoreRow.call_id))
        .subquery()
    )


def _joined(query: Select[*tuple[Any, ...]], suspected: Any) -> Select[*tuple[Any, ...]]:
    return (
        query.select_from(Call)
        .join(Vendor, col(Vendor.id) == col(Call.vendor_id))
        .outerjoin(Agent, col(Agent.id) == col(Call.agent_id))
        .outerjoin(Recording, col(Recording.call_id) == col(Call.id))
        .outerjoin(Audit, col(Audit.call_id) == col(Call.id))
        .outerjoin(User, col(User.id) == col(Audit.reviewer_id))
        .outerjoin(suspected, suspected.c.call_id == col(Call.id))
    )


def _of_vendor(vendor_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return () if vendor_id is None else (col(Call.vendor_id) == vendor_id,)


def _conditions(vendor_id: int | None, filter: QueueFilter) -> list[ColumnElement[bool]]:
    by_hand = and_(col(Call.status).in_(("waiting", "failed")), col(Recording.playback_key).is_not(None))
    conditions = [
        or_(col(Call.status).in_(("prescored", "in_review")), by_hand),
        col(Call.is_sample).is_(False),
        *_of_vendor(vendor_id),
    ]
    for column, wanted in (
        (col(Vendor.slug), filter.vendor),
        (col(Agent.name), filter.agent),
        (col(Call.queue), filter.queue),
        (col(Call.language), filter.language),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filter.q is not None:
        names = (col(Call.external_id), col(Call.title), col(Agent.name))
        conditions.append(or_(*(column.icontains(filter.q, autoescape=True) for column in names)))
    return conditions


def _prescores(session: Session, keys: Sequence[int]) -> Mapping[int, Mapping[int, tuple[PreScore, str]]]:
    query = (
        select(PreScoreRow, col(RubricVersion.source))
        .join(RubricVersion, col(RubricVersion.id) == col(PreScoreRow.rubric_version_id))
        .where(col(PreScoreRow.call_id).in_(keys))
        .order_by(col(RubricVersion.rubric), col(RubricVersion.version))
    )
    found: dict[int, dict[int, tuple[PreScore, str]]] = {}
    for row, source in session.execute(query):
        prescore = PreScore.model_validate(row.result)
        found.setdefault(row.call_id, {})[row.rubric_version_id] = (prescore, source)
    return found


def _answered(session: Session, keys: Sequence[int]) -> Mapping[int, frozenset[tuple[int, str]]]:
    query = (
        select(col(Audit.call_id), col(Answer.rubric_version_id), col(Answer.criterion))
        .join(Audit, col(Audit.id) == col(Answer.audit_id))
        .where(col(Audit.call_id).in_(keys), col(Answer.answer).is_not(None))
    )
    found: dict[int, set[tuple[int, str]]] = {}
    for call_key, version_key, criterion in session.execute(query):
        found.setdefault(call_key, set()).add((version_key, criterion))
    return {key: frozenset(lines) for key, lines in found.items()}


def _queued(
    row: Any, scores: Mapping[int, tuple[PreScore, str]], answered: frozenset[tuple[int, str]]
) -> QueuedCall:
    call, slug, vendor_name, agent, filename, reviewer, reviewer_id = row
    return QueuedCall(
        key=call.id,
        id=call.public_id,
        title=call.title,
        external_id=call.external_id,
        filename=filename,
        vendor=slug,
        vendor_name=vendor_name,
        agent=agent,
        started_at=at_offset(call.started_at, call.utc_offset),
        received_at=call.created_at,
        duration=call.duration,
        queue=call.queue,
        language=call.language,
        layout=call.layout,
        picked=call.picked,
        status=call.status,
        failure=call.failure,
        reviewer=reviewer,
        reviewer_id=reviewer_id,
        prescores={key: prescore for key, (prescore, _) in scores.items()},
        sources={key: source for key, (_, source) in scores.items()},
        answered=answered,
    )
