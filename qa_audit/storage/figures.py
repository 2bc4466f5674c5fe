"""What finished audits add up to, by vendor, team or agent: counted by the database, the same on both kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlmodel import col

from qa_audit.domain.statistics import Sample
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Agent, Answer, Audit, AuditScore, Call, RubricVersion, Team

By = Literal["vendor", "team", "agent"]
Group = int | None
"""The key of a vendor, team or agent; None stands for the calls of nobody known."""

_KEYS = {"vendor": col(Call.vendor_id), "team": col(Call.team_id), "agent": col(Call.agent_id)}


@dataclass(frozen=True)
class Scope:
    """Which calls count: of one vendor or all, of a time, with or without the sample history.

    `published_only` is the vendor's side: what is not published does not exist for it.
    """

    vendor_id: int | None = None
    published_only: bool = False
    with_sample: bool = True
    since: datetime | None = None
    until: datetime | None = None
    team_id: int | None = None


@dataclass(frozen=True)
class Counts:
    """How many calls, audits and kinds of audits a group has.

    `failed` and `passed` are audits whose outcome is certain, `fatal` and `critical` those with at least one
    such line; `samples` is how many of the audits are sample history. `survey` is of all calls with a mark.
    """

    calls: int = 0
    audits: int = 0
    samples: int = 0
    failed: int = 0
    passed: int = 0
    fatal: int = 0
    critical: int = 0
    survey: Sample = field(default_factory=Sample)


@dataclass(frozen=True)
class AnswerCount:
    """How often a criterion got one answer, under one rubric version."""

    rubric_key: int
    criterion: str
    answer: str
    count: int


@dataclass(frozen=True)
class Version:
    """A rubric version that answers were given under; `source` is its YAML text."""

    key: int
    rubric: str
    version: int
    source: str


def counts(session: Session, scope: Scope, by: By) -> Mapping[Group, Counts]:
    """Count the calls and finished audits of every group that has any."""
    found: dict[Group, Counts] = {}
    key = _KEYS[by]
    marks = (func.count(col(Call.survey)), func.sum(col(Call.survey)))
    mark = col(Call.survey)
    calls = (
        select(key, func.count(), *marks, func.sum(mark * mark), func.sum(mark * mark * mark))
        .where(*of_scope(scope))
        .group_by(key)
    )
    for group, number, n, *sums in session.execute(calls):
        survey = Sample(int(n), *(float(value or 0) for value in sums))
        found[group] = Counts(calls=int(number), survey=survey)
    each = _each_audit(scope, key)
    kinds = (func.sum(column) for name, column in each.c.items() if name not in ("call_id", "group"))
    audits = select(each.c.group, func.count(), *kinds).group_by(each.c.group)
    for group, number, samples, failed, passed, fatal, critical in session.execute(audits):
        found[group] = replace(
            found[group],
            audits=int(number),
            samples=int(samples),
            failed=int(failed),
            passed=int(passed),
            fatal=int(fatal),
            critical=int(critical),
        )
    return found


def courses(
    session: Session, scope: Scope, by: By, bounds: Sequence[datetime] = ()
) -> Mapping[tuple[Group, str], tuple[Sample, ...]]:
    """Sum up the scores by group and rubric id, over the stretches of time between `bounds` (ascending).

    The zeros that fatals cause are left out. There is one stretch more than there are bounds.
    """
    key = _KEYS[by]
    begun = moment()
    stretch: ColumnElement[int] = (
        case(*((begun < bound, at) for at, bound in enumerate(bounds)), else_=len(bounds))
        if bounds
        else literal(0)
    )
    percent = col(AuditScore.percent_without_fatal)
    # The stretch is computed in an inner query: grouping by the same expression with its own bound values is
    # not the same expression to Postgres.
    each = (
        select(
            key.label("group"),
            col(RubricVersion.rubric).label("rubric"),
            stretch.label("stretch"),
            percent.label("percent"),
        )
        .select_from(Call)
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .join(AuditScore, col(AuditScore.audit_id) == col(Audit.id))
        .join(RubricVersion, col(RubricVersion.id) == col(AuditScore.rubric_version_id))
        .where(*of_scope(scope), finished(scope), percent.is_not(None))
        .subquery()
    )
    place = (each.c.group, each.c.rubric, each.c.stretch)
    value = each.c.percent
    powers = (value, value * value, value * value * value)
    query = select(*place, func.count(), *(func.sum(power) for power in powers)).group_by(*place)
    found: dict[tuple[Group, str], list[Sample]] = {}
    for group, rubric, at, n, *sums in session.execute(query):
        row = found.setdefault((group, str(rubric)), [Sample()] * (len(bounds) + 1))
        row[int(at)] = Sample(int(n), *map(float, sums))
    return {place: tuple(row) for place, row in found.items()}


def answers(session: Session, scope: Scope, by: By) -> Mapping[Group, tuple[AnswerCount, ...]]:
    """Count the answers of finished audits by group, criterion and answer; not applicable counts nowhere."""
    key = _KEYS[by]
    what = (col(Answer.rubric_version_id), col(Answer.criterion), col(Answer.answer))
    query = (
        select(key, *what, func.count())
        .select_from(Call)
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .join(Answer, col(Answer.audit_id) == col(Audit.id))
        .where(*of_scope(scope), finished(scope), col(Answer.answer).is_not(None), col(Answer.answer) != "na")
        .group_by(key, *what)
    )
    found: dict[Group, tuple[AnswerCount, ...]] = {}
    for group, rubric, criterion, answer, number in session.execute(query):
        counted = AnswerCount(int(rubric), str(criterion), str(answer), int(number))
        found[group] = (*found.get(group, ()), counted)
    return found


def span(session: Session, scope: Scope) -> tuple[datetime, datetime] | None:
    """Return when the first and the last call with a finished audit began; None when there is none."""
    query = (
        select(func.min(moment()), func.max(moment()))
        .select_from(Call)
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .where(*of_scope(scope), finished(scope))
    )
    first, last = session.execute(query).one()
    return (first, last) if first is not None else None


def versions(session: Session) -> Mapping[int, Version]:
    """Return the rubric versions that scores were given under, by key."""
    used = select(col(AuditScore.rubric_version_id)).distinct()
    rows = session.scalars(select(RubricVersion).where(col(RubricVersion.id).in_(used)))
    return {
        cast(int, row.id): Version(cast(int, row.id), row.rubric, row.version, row.source) for row in rows
    }


def teams(session: Session, vendor_id: int) -> Mapping[int, tuple[str, str]]:
    """Return public id and name of a vendor's teams by key."""
    rows = session.execute(
        select(col(Team.id), col(Team.public_id), col(Team.name)).where(col(Team.vendor_id) == vendor_id)
    )
    return {cast(int, key): (str(id), str(name)) for key, id, name in rows}


def agents(session: Session, vendor_id: int) -> Mapping[int, str]:
    """Return the names of a vendor's agents by key."""
    query = select(col(Agent.id), col(Agent.name)).where(col(Agent.vendor_id) == vendor_id)
    return {int(key): str(name) for key, name in session.execute(query)}


def of_scope(scope: Scope) -> list[ColumnElement[bool]]:
    """Return the conditions on calls that a scope means."""
    conditions: list[ColumnElement[bool]] = []
    if scope.vendor_id is not None:
        conditions.append(col(Call.vendor_id) == scope.vendor_id)
    if scope.team_id is not None:
        conditions.append(col(Call.team_id) == scope.team_id)
    if scope.published_only:
        conditions.append(col(Call.status) == "published")
    if not scope.with_sample:
        conditions.append(col(Call.is_sample).is_(False))
    if scope.since is not None:
        conditions.append(moment() >= scope.since)
    if scope.until is not None:
        conditions.append(moment() < scope.until)
    return conditions


def finished(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an audit is finished, as the scope's side sees it."""
    states = ("published",) if scope.published_only else ("submitted", "published")
    return col(Audit.state).in_(states)


def moment() -> Any:
    """Return when a call began, or was received where its beginning is unknown."""
    return func.coalesce(col(Call.started_at), col(Call.created_at))


def _each_audit(scope: Scope, key: Any) -> Any:
    """Return a subquery with one row per finished audit: what its scores come to together.

    A rubric of which nothing applied (no possible points) neither passes nor fails.
    """
    outcome = col(AuditScore.outcome)
    passes = case((outcome == "pass", 1), else_=0)
    holds = case((outcome == "pass", 1), (col(AuditScore.possible) == 0, 1), else_=0)

    def any_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.max(case((condition, 1), else_=0))

    return (
        select(
            col(Call.id).label("call_id"),
            key.label("group"),
            any_of(col(Call.is_sample).is_(True)).label("samples"),
            any_of(outcome == "fail").label("failed"),
            case((and_(func.min(holds) == 1, func.max(passes) == 1), 1), else_=0).label("passed"),
            any_of(col(AuditScore.fatal) > 0).label("fatal"),
            any_of(col(AuditScore.critical) > 0).label("critical"),
        )
        .join(Audit, col(Audit.call_id) == col(Call.id))
        .join(AuditScore, col(AuditScore.audit_id) == col(Audit.id))
        .where(*of_scope(scope), finished(scope))
        .group_by(col(Call.id), key)
        .subquery()
    )
