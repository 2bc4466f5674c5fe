"""Scorecards: written once, with what the vendor's side does to them beside the snapshot, and read within a scope."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Row,
    Text,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlmodel import col

from qa_audit.domain.scorecard import CardCall, Snapshot, Summary
from qa_audit.storage.call_rows import Window
from qa_audit.storage.card_rows import (
    CardDetail,
    CardFilter,
    CardPosition,
    CardRow,
    Publishing,
    RecentAudit,
    RecentScore,
    Scope,
)
from qa_audit.storage.database import Session
from qa_audit.storage.tables import (
    Agent,
    Audit,
    AuditScore,
    Call,
    MeasurementRow,
    Recording,
    RubricVersion,
    Scorecard,
    Team,
    TranscriptRow,
    User,
    Vendor,
)

_SNAPSHOT = cast(Any, col(Scorecard.snapshot))
_SUMMARY = _SNAPSHOT["summary"]
_moment = func.coalesce(col(Call.started_at), col(Call.created_at))
_team = func.coalesce(col(Scorecard.team_id), col(Call.team_id))
_LISTED = (
    col(Scorecard.public_id),
    col(Scorecard.state),
    col(Scorecard.published_at),
    col(Scorecard.answer_by),
    col(Scorecard.acknowledged_at),
    col(User.name),
    col(Scorecard.comment),
    col(Call.is_sample),
    _SNAPSHOT["call"],
    _SUMMARY,
)


def page(
    session: Session,
    scope: Scope,
    filter: CardFilter,
    window: Window,
    before: CardPosition | None,
    now: datetime,
) -> tuple[CardRow, ...]:
    """Return up to one more than `filter.limit` cards after a place in the list, newest first."""
    query = _joined(select(*_LISTED)).where(*_conditions(scope, filter, window, now))
    if before is not None:
        older = col(Scorecard.published_at) < before.published_at
        same = col(Scorecard.published_at) == before.published_at
        query = query.where(or_(older, and_(same, col(Scorecard.public_id) < before.id)))
    query = query.order_by(col(Scorecard.published_at).desc(), col(Scorecard.public_id).desc())
    return tuple(CardRow(**_row_values(found)) for found in session.execute(query.limit(filter.limit + 1)))


def count(session: Session, scope: Scope, filter: CardFilter, window: Window, now: datetime) -> int:
    """Count the cards that a filter lets through."""
    query = _joined(select(func.count())).where(*_conditions(scope, filter, window, now))
    return int(session.execute(query).scalar_one())


def choices(session: Session, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the teams and of the agents that have cards."""
    teams = select(col(Team.name)).join(Scorecard, col(Scorecard.team_id) == col(Team.id))
    agents = select(col(Agent.name)).join(Scorecard, col(Scorecard.agent_id) == col(Agent.id))
    found = (session.scalars(query.where(*_in_scope(scope)).distinct()) for query in (teams, agents))
    names = [tuple(sorted(set(rows))) for rows in found]
    return names[0], names[1]


def find(session: Session, scope: Scope, public_id: str) -> CardDetail | None:
    """Find one card with its snapshot, within a scope."""
    columns = (
        *(col(Scorecard.id), col(Scorecard.vendor_id), col(Scorecard.team_id), col(Scorecard.agent_id)),
        *(col(Scorecard.snapshot), col(Scorecard.call_id)),
    )
    query = _joined(select(*_LISTED, *columns)).where(
        col(Scorecard.public_id) == public_id, *_in_scope(scope)
    )
    found = session.execute(query).first()
    if found is None:
        return None
    key, vendor, team, agent, snapshot, call_key = found[len(_LISTED) :]
    return CardDetail(
        **_row_values(found),
        key=key,
        vendor_key=vendor,
        team_key=team,
        agent_key=agent,
        snapshot=Snapshot.model_validate(snapshot),
        has_sound=playback_key(session, call_key) is not None,
    )


def sound_of(session: Session, card_key: int) -> str | None:
    """Return the media key of what a card's reader may hear, or None."""
    call_key = session.scalar(select(col(Scorecard.call_id)).where(col(Scorecard.id) == card_key))
    return playback_key(session, call_key) if call_key is not None else None


def playback_key(session: Session, call_key: int) -> str | None:
    """Return the media key of the copy in which numbers are silenced; None where there is no such copy."""
    query = (
        select(col(Recording.playback_key), col(MeasurementRow.facts))
        .join(TranscriptRow, col(TranscriptRow.call_id) == col(Recording.call_id))
        .outerjoin(MeasurementRow, col(MeasurementRow.call_id) == col(Recording.call_id))
        .where(col(Recording.call_id) == call_key)
    )
    key, facts = session.execute(query).first() or (None, None)
    return None if facts is not None and facts.get("unmasked") else key


def recent(session: Session, scope: Scope, card: CardDetail, limit: int) -> tuple[RecentAudit, ...]:
    """Return an agent's published audits up to a card's call, the latest first."""
    until = card.call.started_at or card.call.received_at
    query = (
        _audited(select(col(Audit.id), col(Call.is_sample)), scope)
        .where(col(Call.agent_id) == card.agent_key, _moment <= until)
        .order_by(_moment.desc(), col(Call.id).desc())
    )
    found = session.execute(query.limit(limit)).all()
    scores = (
        select(AuditScore, col(RubricVersion.title))
        .join(RubricVersion, col(RubricVersion.id) == col(AuditScore.rubric_version_id))
        .where(col(AuditScore.audit_id).in_([key for key, _ in found]))
        .order_by(col(RubricVersion.rubric))
    )
    by_audit: dict[int, tuple[RecentScore, ...]] = {}
    for score, title in session.execute(scores):
        one = RecentScore(title, score.outcome, score.percent_without_fatal)
        by_audit[score.audit_id] = (*by_audit.get(score.audit_id, ()), one)
    return tuple(RecentAudit(by_audit.get(key, ()), sample) for key, sample in found)


def team_figures(
    session: Session, scope: Scope, team_key: int, since: datetime, until: datetime
) -> tuple[int, int]:
    """Return how many of a team's published audits of a time are not passed, and of how many."""
    failed = exists().where(col(AuditScore.audit_id) == col(Audit.id), col(AuditScore.outcome) == "fail")
    counted = select(func.sum(case((failed, 1), else_=0)), func.count())
    query = _audited(counted, scope).where(_team == team_key, _moment > since, _moment <= until)
    bad, all = session.execute(query).one()
    return int(bad or 0), int(all)


def lock_call(session: Session, call_key: int) -> Publishing:
    """Hold a call against others who publish it until the transaction ends, and return its facts."""
    call = session.scalars(select(Call).where(col(Call.id) == call_key).with_for_update()).one()
    return Publishing(
        vendor_key=call.vendor_id,
        agent_key=call.agent_id,
        team_key=call.team_id,
        started_at=call.started_at,
        utc_offset=call.utc_offset,
        created_at=call.created_at,
        is_sample=call.is_sample,
    )


def id_of_call(session: Session, call_key: int) -> str | None:
    """Return the public id of a call's card, or None while it has none."""
    found = select(col(Scorecard.public_id)).where(col(Scorecard.call_id) == call_key)
    return session.scalars(found).first()


def team_name(session: Session, team_key: int) -> str:
    """Return a team's name."""
    return str(session.execute(select(col(Team.name)).where(col(Team.id) == team_key)).scalar_one())


def add(session: Session, **values: Any) -> str:
    """Add a card and return its public id; raises IntegrityError when its call has one."""
    row = Scorecard(**values)
    session.add(row)
    session.flush()
    return row.public_id


def close(session: Session, call_key: int, audit_key: int, now: datetime) -> bool:
    """Move call and audit to published; False when one of them is no longer where publishing begins."""
    audit = update(Audit).where(col(Audit.id) == audit_key, col(Audit.state) == "submitted")
    call = update(Call).where(col(Call.id) == call_key, col(Call.status) == "audited")
    moved = (
        session.execute(audit.values(state="published", version=col(Audit.version) + 1)),
        session.execute(call.values(status="published", updated_at=now)),
    )
    return all(cast(CursorResult[Any], result).rowcount == 1 for result in moved)


def acknowledge(session: Session, card_key: int, user_key: int | None, comment: str, now: datetime) -> bool:
    """Note that the vendor's side read and discussed a card; False when somebody did so before."""
    statement = update(Scorecard).where(col(Scorecard.id) == card_key, col(Scorecard.state) == "published")
    values = {"acknowledged_by": user_key, "acknowledged_at": now, "comment": comment or None}
    result = session.execute(statement.values(state="acknowledged", **values))
    return cast(CursorResult[Any], result).rowcount == 1


def readers(session: Session, vendor_key: int, team_key: int | None) -> tuple[int, ...]:
    """Return the keys of a vendor's managers and of the leads of a team, those who are shut out left aside."""
    lead = and_(col(User.role) == "lead", col(User.team_id) == team_key)
    query = select(col(User.id)).where(
        col(User.vendor_id) == vendor_key,
        col(User.disabled_at).is_(None),
        or_(col(User.role) == "manager", lead if team_key is not None else false()),
    )
    return tuple(cast(int, key) for key in session.scalars(query.order_by(col(User.id))))


def _audited(query: Any, scope: Scope) -> Any:
    """Let a query look at published audits in scope: those with a card, and drawn history, which has none."""
    query = (
        query.select_from(Audit)
        .join(Call, col(Call.id) == col(Audit.call_id))
        .outerjoin(Scorecard, col(Scorecard.audit_id) == col(Audit.id))
        .where(col(Audit.state) == "published")
        .where(or_(col(Scorecard.id).is_(None), col(Scorecard.state) != "withdrawn"))
    )
    for column, key in (
        (col(Call.vendor_id), scope.vendor_key),
        (_team, scope.team_key),
        (col(Call.agent_id), scope.agent_key),
    ):
        if key is not None:
            query = query.where(column == key)
    return query.where(false()) if scope.nobody else query


def _joined(query: Any) -> Any:
    return (
        query.select_from(Scorecard)
        .join(Call, col(Call.id) == col(Scorecard.call_id))
        .join(Vendor, col(Vendor.id) == col(Scorecard.vendor_id))
        .outerjoin(Team, col(Team.id) == col(Scorecard.team_id))
        .outerjoin(Agent, col(Agent.id) == col(Scorecard.agent_id))
        .outerjoin(User, col(User.id) == col(Scorecard.acknowledged_by))
    )


def _in_scope(scope: Scope) -> list[ColumnElement[bool]]:
    """Say the rule of `domain.access.sees_scorecard` in SQL."""
    if scope.nobody:
        return [false()]
    conditions = [] if scope.withdrawn else [col(Scorecard.state) != "withdrawn"]
    for column, key in (
        (col(Scorecard.vendor_id), scope.vendor_key),
        (col(Scorecard.team_id), scope.team_key),
        (col(Scorecard.agent_id), scope.agent_key),
    ):
        if key is not None:
            conditions.append(column == key)
    return conditions


def _conditions(scope: Scope, filter: CardFilter, window: Window, now: datetime) -> list[ColumnElement[bool]]:
    conditions = _in_scope(scope)
    for column, wanted in (
        (col(Vendor.slug), filter.vendor),
        (col(Team.name), filter.team),
        (col(Agent.name), filter.agent),
    ):
        if wanted is not None:
            conditions.append(column == wanted)
    if filter.outcome is not None:
        conditions.append(_of_outcome(filter.outcome))
    if filter.state is not None:
        conditions.append(_of_state(filter.state, now))
    if filter.line is not None:
        conditions.append(sql_cast(_SUMMARY["lost"], Text).contains(f'"{filter.line}"', autoescape=True))
    if window.since is not None:
        conditions.append(_moment >= window.since)
    if window.until is not None:
        conditions.append(_moment < window.until)
    return conditions


def _of_outcome(outcome: str) -> ColumnElement[bool]:
    if outcome == "fatal":
        fatal: ColumnElement[bool] = _SUMMARY["problem"]["gravity"].as_string() == "fatal"
        return fatal
    same: ColumnElement[bool] = _SUMMARY["outcome"].as_string() == outcome
    return same


def _of_state(state: str, now: datetime) -> ColumnElement[bool]:
    published = col(Scorecard.state) == "published"
    if state == "open":
        return and_(published, col(Scorecard.answer_by) >= now)
    if state == "unanswered":
        return and_(published, col(Scorecard.answer_by) < now)
    return col(Scorecard.state) == state


def _row_values(found: Row[Any]) -> dict[str, Any]:
    id, state, published_at, answer_by, at, by, comment, is_sample, call, summary = found[: len(_LISTED)]
    return {
        "id": id,
        "state": state,
        "published_at": published_at,
        "answer_by": answer_by,
        "acknowledged_at": at,
        "acknowledged_by": by,
        "comment": comment,
        "is_sample": is_sample,
        "call": CardCall.model_validate(call),
        "summary": Summary.model_validate(summary),
    }
