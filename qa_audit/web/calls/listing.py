"""The list of calls as its template reads it: filter, chips, rows and the addresses around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from flask import url_for

from qa_audit.domain.access import Actor, can
from qa_audit.services import calls, outcomes
from qa_audit.services.calls import CallFilter, CallRow, FilterChoices
from qa_audit.services.outcomes import CallOutcome
from qa_audit.services.ports import Ports
from qa_audit.services.speech_input import DEMO_MODEL
from qa_audit.web.calls.pages import Chip, FilterForm, ListPage, ListRow
from qa_audit.web.calls.words import STATUSES, moment_of, outcome_words, status_words, title_of
from qa_audit.web.pages import Choice
from qa_audit.web.templating import day


def list_page(ports: Ports, actor: Actor, filter: CallFilter) -> ListPage:
    """Build the page of a filter: every address on it carries the whole state of the list."""
    found = calls.list_calls(ports, actor, filter)
    choices = calls.filter_choices(ports, actor)
    results = outcomes.of_calls(ports, actor, [row.id for row in found.rows])
    busy = any(not row.is_finished for row in found.rows)
    return ListPage(
        form=_form(filter, choices),
        chips=tuple(_chips(filter, choices)),
        rows=tuple(_row(row, results.get(row.id, ())) for row in found.rows),
        total=found.total,
        next=_address(filter, cursor=found.next_cursor) if found.next_cursor else None,
        first=_address(filter),
        is_first=filter.cursor is None,
        csv=_with_query(url_for("calls.export"), calls.query_of(filter)),
        poll=_address(filter, cursor=filter.cursor) if busy else None,
        may_upload=can(actor, "upload"),
        demo_model=ports.settings.whisper_model == DEMO_MODEL,
    )


def _address(filter: CallFilter, *, without: str | None = None, cursor: str | None = None) -> str:
    query = calls.query_of(filter, cursor=cursor)
    query.pop(without or "", None)
    return _with_query(url_for("calls.index"), query)


def _with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _chips(filter: CallFilter, choices: FilterChoices) -> Iterable[Chip]:
    words: Mapping[str, str | None] = {
        "vendor": dict(choices.vendors).get(filter.vendor or "", filter.vendor),
        "status": STATUSES.get(filter.status or ""),
        "agent": filter.agent,
        "queue": filter.queue,
        "q": f"“{filter.q}”" if filter.q else None,
        "from": f"from {day(filter.since)}" if filter.since else None,
        "to": f"to {day(filter.until)}" if filter.until else None,
        "sample": "with sample history" if filter.sample else None,
        "sha256": f"sha256 {filter.sha256[:8]}…" if filter.sha256 else None,
    }
    return (Chip(text, _address(filter, without=name)) for name, text in words.items() if text)


def _form(filter: CallFilter, choices: FilterChoices) -> FilterForm:
    return FilterForm(
        vendors=tuple(Choice(slug, name, slug == filter.vendor) for slug, name in choices.vendors),
        statuses=tuple(
            Choice(name, STATUSES.get(name, name), name == filter.status) for name in choices.statuses
        ),
        agents=tuple(Choice(name, name, name == filter.agent) for name in choices.agents),
        queues=tuple(Choice(name, name, name == filter.queue) for name in choices.queues),
        q=filter.q or "",
        since=filter.since.isoformat() if filter.since else "",
        until=filter.until.isoformat() if filter.until else "",
    )


def _row(call: CallRow, results: Iterable[CallOutcome]) -> ListRow:
    moment, is_received = moment_of(call)
    return ListRow(
        id=call.id,
        address=url_for("calls.show", id=call.id),
        title=title_of(call),
        vendor=call.vendor_name,
        agent=call.agent,
        moment=moment,
        is_received=is_received,
        duration=call.duration,
        status=status_words(call),
        outcomes=tuple(outcome_words(result) for result in results),
    )
