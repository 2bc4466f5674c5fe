"""The audits that a figure of a vendor counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from qa_audit.domain.access import Actor
from qa_audit.domain.rubric import Criterion, NumberScale
from qa_audit.errors import NotFound
from qa_audit.services.figure_filters import FigureFilter, Period
from qa_audit.services.ports import Ports
from qa_audit.services.vendor_figures import (
    Looked,
    ensure_sees,
    grave,
    known_vendor,
    look,
)
from qa_audit.storage import audited_calls, figures
from qa_audit.storage.audited_calls import AuditedCall, Behind
from qa_audit.storage.database import Session
from qa_audit.storage.figures import Scope
from qa_audit.storage.vendors import VendorInfo

__all__ = ["PAGE", "AuditedCall", "BehindPage", "behind"]

PAGE = 50
"""Rows on one page of the list."""


@dataclass(frozen=True)
class BehindPage:
    """One page of the audits behind a figure; `failing` names each one's failed lines, in their order."""

    period: Period
    vendor: VendorInfo
    rows: tuple[AuditedCall, ...]
    failing: tuple[tuple[str, ...], ...]
    titles: Mapping[str, str]
    total: int
    team: str | None
    line: str | None


def behind(ports: Ports, actor: Actor, slug: str, filter: FigureFilter) -> BehindPage:
    """Return the audits that a figure of a vendor counts, newest first; raises NotFound."""
    ensure_sees(actor)
    with ports.db.read() as session:
        known = known_vendor(session, actor, slug)
        looked = look(ports, session, actor, filter)
        scope, team = _of_team(session, replace(looked.scope, vendor_id=known.key), filter.team)
        which = _which(session, looked, filter)
        rows = audited_calls.page(session, scope, which, (filter.page - 1) * PAGE, PAGE)
        total = audited_calls.count(session, scope, which)
    titles = {rubric.id: rubric.title for rubric in looked.rubrics.values()}
    line = _criterion(looked, filter.line)
    failing = tuple(_failed_titles(looked, row) for row in rows)
    return BehindPage(looked.period, known, rows, failing, titles, total, team, line.title if line else None)


def _of_team(session: Session, scope: Scope, team: str | None) -> tuple[Scope, str | None]:
    """Narrow a scope to a team of its vendor; raises NotFound for any other."""
    if team is None or scope.vendor_id is None:
        return scope, None
    for key, (id, name) in figures.teams(session, scope.vendor_id).items():
        if id == team:
            return replace(scope, team_id=key), name
    raise NotFound()


def _which(session: Session, looked: Looked, filter: FigureFilter) -> Behind:
    if filter.line is None:
        return Behind(filter.show, filter.agent)
    rubric_id, criterion_id = filter.line.split("/")
    failing = {
        key: tuple(answer for answer in _possible(session, key, criterion) if criterion.fails(answer))
        for key, rubric in looked.rubrics.items()
        if rubric.id == rubric_id
        for criterion in rubric.criteria
        if criterion.id == criterion_id
    }
    if not failing:
        raise NotFound()
    return Behind(filter.show, filter.agent, criterion_id, failing)


def _possible(session: Session, version_key: int, criterion: Criterion) -> tuple[str, ...]:
    """Return the answers that a line can have; of a number, which nobody can list, those that were given."""
    if not isinstance(criterion.scale, NumberScale):
        return criterion.answers
    return audited_calls.given_answers(session, version_key, criterion.id)


def _criterion(looked: Looked, line: str | None) -> Criterion | None:
    if line is None:
        return None
    rubric_id, criterion_id = line.split("/")
    return next(
        criterion
        for rubric in looked.rubrics.values()
        if rubric.id == rubric_id
        for criterion in rubric.criteria
        if criterion.id == criterion_id
    )


def _failed_titles(looked: Looked, call: AuditedCall) -> tuple[str, ...]:
    """Name the failed lines of an audit, fatal and critical ones first and marked."""
    found = []
    for key, id, answer in call.answers:
        criterion = looked.rubrics[key].criterion(id)
        if criterion.fails(answer):
            mark = grave(criterion)
            words = f"{criterion.title} ({mark})" if mark else criterion.title
            found.append((not criterion.fatal, not criterion.critical, words))
    return tuple(words for _, _, words in sorted(found, key=lambda item: item[:2]))
