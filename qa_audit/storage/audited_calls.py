"""The audited calls behind a figure, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlmodel import col

from qa_audit.storage.calls import at_offset
from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope, finished, moment, of_scope
from qa_audit.storage.tables import Agent, Answer, Audit, AuditScore, Call, RubricVersion, Scorecard, Team

Kind = Literal["all", "not_passed", "fatal", "critical"]
Answers = Mapping[int, Sequence[str]]
"""Answers of one criterion by the key of the rubric version."""


@dataclass(frozen=True)
class Behind:
    """Which audits: of a kind, of an agent, and those that gave one of `answers` to `criterion`."""

    kind: Kind = "all"
    agent: str | None = None
    criterion: str | None = None
    answers: Answers | None = None


@dataclass(frozen=True, kw_only=True)
class AuditedCall:
    """One audited call: `percents` without the fatal zeros, `fatal` and `critical` lines by rubric id.

    `scorecard` is the public id of its card, if it has one; `started_at` has the uploader's own offset.
    """

    id: str
    title: str | None
    external_id: str | None
    agent: str | None
    team: str | None
    started_at: datetime | None
    created_at: datetime
    is_sample: bool
    scorecard: str | None
    percents: Mapping[str, float | None]
    outcomes: Mapping[str, str]
    fatal: int
    critical: int
    answers: tuple[tuple[int, str, str], ...]


def page(session: Session, scope: Scope, behind: Behind, offset: int, limit: int) -> tuple[AuditedCall, ...]:
    """Return up to `limit` audited calls from a place in the list."""
    columns = (Call, col(Audit.id), col(Agent.name), col(Team.name), col(Scorecard.public_id))
    query = (
        _joined(select(*columns), scope, behind)
        .order_by(moment().desc(), col(Call.id).desc())
        .offset(offset)
        .limit(limit)
    )
    rows = session.execute(query).all()
    keys = [row[1] for row in rows]
    scores, answers = _scores(session, keys), _answers(session, keys)
    return tuple(_row(row, scores.get(row[1], []), answers.get(row[1], [])) for row in rows)


def count(session: Session, scope: Scope, behind: Behind) -> int:
    """Count the audited calls behind a figure."""
    return int(session.execute(_joined(select(func.count()), scope, behind)).scalar_one())


def given_answers(session: Session, version_key: int, criterion: str) -> tuple[str, ...]:
    """Return the different answers that were given to a criterion of a rubric version; not applicable is none."""
    query = (
        select(col(Answer.answer))
        .where(
            col(Answer.rubric_version_id) == version_key,
            col(Answer.criterion) == criterion,
            col(Answer.answer).is_not(None),
            col(Answer.answer) != "na",
        )
        .distinct()
        .order_by(col(Answer.answer))
    )
    return tuple(str(answer) for answer in session.scalars(query))


def _joined(query: Select[*tuple[Any, ...]], scope: Scope, behind: Behind) -> Select[*tuple[Any, ...]]:
    scored = select(col(AuditScore.id)).where(col(AuditScore.audit_id) == col(Audit.id))
    kinds: Mapping[Kind, ColumnElement[bool] | None] = {
        "all": None,
        "not_passed": col(AuditScore.outcome) == "fail",
        "fatal": col(AuditScore.fatal) > 0,
        "critical": col(AuditScore.critical) > 0,
    }
    wanted = kinds[behind.kind]
    conditions: list[ColumnElement[bool]] = [(scored if wanted is None else scored.where(wanted)).exists()]
    if behind.agent is not None:
        conditions.append(col(Agent.name) == behind.agent)
    if behind.criterion is not None:
        conditions.append(_answered(behind.criterion, behind.answers or {}))
    return (
        query.select_from(Call)
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .outerjoin(Agent, col(Agent.id) == col(Call.agent_id))
        .outerjoin(Team, col(Team.id) == col(Call.team_id))
        .outerjoin(Scorecard, col(Scorecard.call_id) == col(Call.id))
        .where(*of_scope(scope), finished(scope), *conditions)
    )


def _answered(criterion: str, answers: Answers) -> ColumnElement[bool]:
    given = [
        and_(col(Answer.rubric_version_id) == key, col(Answer.answer).in_(values))
        for key, values in answers.items()
    ]
    which = select(col(Answer.id)).where(
        col(Answer.audit_id) == col(Audit.id), col(Answer.criterion) == criterion, or_(false(), *given)
    )
    return which.exists()


def _scores(session: Session, keys: Sequence[int]) -> dict[int, list[tuple[str, AuditScore]]]:
    query = (
        select(col(RubricVersion.rubric), AuditScore)
        .join(RubricVersion, col(RubricVersion.id) == col(AuditScore.rubric_version_id))
        .where(col(AuditScore.audit_id).in_(keys))
        .order_by(col(RubricVersion.rubric))
    )
    found: dict[int, list[tuple[str, AuditScore]]] = {}
    for rubric, score in session.execute(query):
        found.setdefault(score.audit_id, []).append((rubric, score))
    return found


def _answers(session: Session, keys: Sequence[int]) -> dict[int, list[tuple[int, str, str]]]:
    what = (col(Answer.audit_id), col(Answer.rubric_version_id), col(Answer.criterion), col(Answer.answer))
    query = (
        select(*what)
        .where(col(Answer.audit_id).in_(keys), col(Answer.answer).is_not(None), col(Answer.answer) != "na")
        .order_by(col(Answer.id))
    )
    found: dict[int, list[tuple[int, str, str]]] = {}
    for audit, rubric, criterion, answer in session.execute(query):
        found.setdefault(audit, []).append((rubric, criterion, str(answer)))
    return found


def _row(
    row: Any, scores: Sequence[tuple[str, AuditScore]], answers: Sequence[tuple[int, str, str]]
) -> AuditedCall:
    call, _, agent, team, scorecard = row
    return AuditedCall(
        id=call.public_id,
        title=call.title,
        external_id=call.external_id,
        agent=agent,
        team=team,
        started_at=at_offset(call.started_at, call.utc_offset),
        created_at=call.created_at,
        is_sample=call.is_sample,
        scorecard=scorecard,
        percents={rubric: score.percent_without_fatal for rubric, score in scores},
        outcomes={rubric: score.outcome for rubric, score in scores},
        fatal=sum(score.fatal for _, score in scores),
        critical=sum(score.critical for _, score in scores),
        answers=tuple(answers),
    )
