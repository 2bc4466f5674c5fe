"""The list of audits behind a figure, as its template reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from flask import url_for

from qa_audit.domain.access import VENDOR_SIDE, Actor
from qa_audit.services.audits_behind import PAGE, AuditedCall, BehindPage
from qa_audit.services.figure_filters import FigureFilter
from qa_audit.web.pages import Tone
from qa_audit.web.templating import here, percent
from qa_audit.web.vendors.pages import AuditRow, AuditsPage, Link
from qa_audit.web.vendors.views import address, choices

TITLES = {
    "all": "Audits",
    "not_passed": "Audits not passed",
    "fatal": "Audits with a fatal",
    "critical": "Audits with a critical error",
}


def audits_page(found: BehindPage, filter: FigureFilter, actor: Actor) -> AuditsPage:
    """Build one page of the audits that a figure counts."""
    path = url_for("vendors.audits", slug=found.vendor.slug)
    samples = sum(row.is_sample for row in found.rows)
    rows = tuple(
        _row(row, failing, found, actor) for row, failing in zip(found.rows, found.failing, strict=True)
    )
    has_more = filter.page * PAGE < found.total
    whole = replace(filter, show="all", team=None, agent=None, line=None, page=1)
    return AuditsPage(
        title=f"{TITLES[filter.show]}: {found.vendor.name}",
        vendor=found.vendor.name,
        back=address(url_for("vendors.show", slug=found.vendor.slug), whole),
        choices=choices(path, filter, found.period, samples),
        chips=tuple(_chips(path, found, filter)),
        total=found.total,
        rows=rows,
        previous=address(path, replace(filter, page=filter.page - 1)) if filter.page > 1 else None,
        next=address(path, replace(filter, page=filter.page + 1)) if has_more else None,
    )


def _chips(path: str, found: BehindPage, filter: FigureFilter) -> Iterator[Link]:
    """Name what narrows the list, each with the address without it."""
    first = replace(filter, page=1)
    if filter.show != "all":
        yield Link(TITLES[filter.show].removeprefix("Audits "), address(path, replace(first, show="all")))
    if found.line:
        yield Link(f"failed: {found.line}", address(path, replace(first, line=None)))
    if found.team:
        yield Link(found.team, address(path, replace(first, team=None)))
    if filter.agent:
        yield Link(filter.agent, address(path, replace(first, agent=None)))


def _row(row: AuditedCall, failing: Sequence[str], found: BehindPage, actor: Actor) -> AuditRow:
    who = " · ".join(part for part in (row.agent, row.team) if part)
    return AuditRow(
        id=row.id,
        title=row.title or row.external_id or "A call",
        address=_address(row, actor),
        who=who or "nobody known",
        moment=row.started_at or here(row.created_at),
        scores=tuple(
            f"{found.titles.get(rubric, rubric)} {percent(value)}" for rubric, value in row.percents.items()
        ),
        tags=tuple(_tags(row)),
        failed=tuple(failing),
        is_sample=row.is_sample,
    )


def _address(row: AuditedCall, actor: Actor) -> str | None:
    """Lead to the scorecard, or before publication to the call; sample history has neither sound nor words."""
    if row.scorecard is not None:
        return url_for("scorecards.show", id=row.scorecard)
    if row.is_sample or actor.role in VENDOR_SIDE:
        return None
    return url_for("calls.show", id=row.id)


def _tags(row: AuditedCall) -> Iterator[tuple[str, Tone]]:
    if row.fatal:
        yield "fatal", "bad"
    if row.critical:
        yield "critical", "person"
    if "fail" in row.outcomes.values():
        yield "not passed", "plain"
