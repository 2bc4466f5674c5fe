"""The list of scorecards as its template reads it: filter, chips, rows and the addresses around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import urlencode

from flask import url_for

from qa_audit.domain.access import STAFF, Actor
from qa_audit.services import scorecard_lists as lists
from qa_audit.services.ports import Ports
from qa_audit.services.scorecard_lists import CardChoices, CardFilter, CardRow
from qa_audit.web.pages import Choice
from qa_audit.web.scorecards import words
from qa_audit.web.scorecards.pages import Chip, FilterForm, ListPage, ListRow
from qa_audit.web.templating import day


def list_page(ports: Ports, actor: Actor, filter: CardFilter) -> ListPage:
    """Build the page of a filter: every address on it carries the whole state of the list."""
    found = lists.list_cards(ports, actor, filter)
    choices = lists.filter_choices(ports, actor)
    chips, now = tuple(_chips(filter, choices)), ports.clock()
    return ListPage(
        form=_form(filter, choices),
        chips=chips,
        rows=tuple(_row(row, actor, now) for row in found.rows),
        total=found.total,
        next=_address(filter, cursor=found.next_cursor) if found.next_cursor else None,
        first=_address(filter),
        is_first=filter.cursor is None,
        csv=_with_query(url_for("scorecards.export"), lists.query_of(filter)),
        empty="No scorecard fits this filter." if chips else "Nothing is published yet.",
    )


def _address(filter: CardFilter, *, without: str | None = None, cursor: str | None = None) -> str:
    query = lists.query_of(filter, cursor=cursor)
    query.pop(without or "", None)
    return _with_query(url_for("scorecards.index"), query)


def _with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _chips(filter: CardFilter, choices: CardChoices) -> Iterable[Chip]:
    named: Mapping[str, str | None] = {
        "vendor": dict(choices.vendors).get(filter.vendor or "", filter.vendor),
        "team": filter.team,
        "agent": filter.agent,
        "outcome": words.OUTCOMES.get(filter.outcome or ""),
        "state": words.STATES.get(filter.state or ""),
        "line": f"points lost on {filter.line}" if filter.line else None,
        "from": f"from {day(filter.since)}" if filter.since else None,
        "to": f"to {day(filter.until)}" if filter.until else None,
    }
    return (Chip(text, _address(filter, without=name)) for name, text in named.items() if text)


def _form(filter: CardFilter, choices: CardChoices) -> FilterForm:
    return FilterForm(
        vendors=tuple(Choice(slug, name, slug == filter.vendor) for slug, name in choices.vendors),
        teams=tuple(Choice(name, name, name == filter.team) for name in choices.teams),
        agents=tuple(Choice(name, name, name == filter.agent) for name in choices.agents),
        outcomes=tuple(Choice(one, words.OUTCOMES[one], one == filter.outcome) for one in lists.OUTCOMES),
        states=tuple(Choice(one, words.STATES[one], one == filter.state) for one in lists.STATES),
        line=filter.line or "",
        since=filter.since.isoformat() if filter.since else "",
        until=filter.until.isoformat() if filter.until else "",
    )


def _row(card: CardRow, actor: Actor, now: datetime) -> ListRow:
    moment, is_received = words.moment_of(card.call)
    state, tone = words.state_words(card, now)
    summary, call = card.summary, card.call
    where = (call.vendor_name if actor.role in STAFF else None, call.team)
    return ListRow(
        id=card.id,
        address=url_for("scorecards.show", id=card.id),
        title=words.title_of(call),
        where=" · ".join(part for part in where if part),
        moment=moment,
        is_received=is_received,
        verdict=words.OUTCOMES[summary.outcome],
        tone=words.TONES[summary.outcome],
        problem=words.headline(summary.problem, summary.outcome)[0] if summary.problem else "",
        scores=words.scores(summary),
        state=state,
        state_tone=tone,
    )
