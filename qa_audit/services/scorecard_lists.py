"""Lists of scorecards: filters in addresses, pages by cursor, and the export of exactly what a filter shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from qa_audit.domain.access import STAFF, Actor, ensure
from qa_audit.errors import NotFound
from qa_audit.services import csv_cells, list_filters
from qa_audit.services.ports import Ports
from qa_audit.services.scorecards import scope_of
from qa_audit.storage import scorecards as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.card_rows import CardFilter, CardPosition, CardRow
from qa_audit.storage.database import Session

__all__ = ["CardFilter", "CardRow"]

OUTCOMES = ("pass", "fail", "fatal", "undetermined")
STATES = ("open", "unanswered", "acknowledged")
"""What a card can wait for: an answer until its day, one that did not come, none any more."""

ALL_STATES = (*STATES, "disputed", "withdrawn")

_EXPORT_PAGE = 500

CSV_COLUMNS = (
    *("id", "call", "external_id", "vendor", "team", "agent", "started_at", "picked", "published_at"),
    *("answer_by", "state", "acknowledged_at", "acknowledged_by", "outcome", "gravest_line", "lines_lost"),
    *("scores", "scores_without_fatal"),
)
"""The headings of an exported list; scores are written as rubric=percent."""


@dataclass(frozen=True)
class CardPage:
    """One page of a list of scorecards. `total` counts all that the filter lets through.

    `next_cursor` goes into the filter for the next page, and is None on the last one.
    """

    rows: tuple[CardRow, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True)
class CardChoices:
    """What a filter can be set to: vendors as (slug, name) for staff, teams and agents by name."""

    vendors: tuple[tuple[str, str], ...]
    teams: tuple[str, ...]
    agents: tuple[str, ...]


def parse_filter(query: Iterable[tuple[str, str]]) -> CardFilter:
    """Read a filter from the pairs of a query string; empty values filter nothing.

    Names: vendor, team, agent, outcome, state, line, from, to (days as 2026-11-02), cursor, limit (1 to 200).
    Raises Invalid that names every parameter which is unknown, given twice or of the wrong form.
    """
    return CardFilter(**list_filters.read(query, _PARAMETERS))  # type: ignore[arg-type]


def query_of(filter: CardFilter, *, cursor: str | None = None) -> dict[str, str]:
    """Return the filter as the parameters of an address, with another cursor: `parse_filter` backwards."""
    return list_filters.write(replace(filter, cursor=cursor), CardFilter(), _PARAMETERS)


def list_cards(ports: Ports, actor: Actor, filter: CardFilter) -> CardPage:
    """Return one page of the scorecards that the actor may see, the last published first.

    Raises Forbidden, NotFound for a vendor that does not exist or is not the actor's, Invalid for a bad cursor.
    """
    ensure(actor, "see_scorecards")
    before = CardPosition(*list_filters.place(filter.cursor)) if filter.cursor is not None else None
    window = list_filters.window(filter.since, filter.until, ports.settings.time_zone)
    now = ports.clock()
    scope = scope_of(actor)
    with ports.db.read() as session:
        _ensure_vendor(session, actor, filter.vendor)
        rows = store.page(session, scope, filter, window, before, now)
        total = store.count(session, scope, filter, window, now)
    shown = rows[: filter.limit]
    last = shown[-1].position if len(rows) > filter.limit else None
    return CardPage(shown, list_filters.cursor(last.published_at, last.id) if last else None, total)


def filter_choices(ports: Ports, actor: Actor) -> CardChoices:
    """Return what the actor can choose from in a filter."""
    ensure(actor, "see_scorecards")
    with ports.db.read() as session:
        teams, agents = store.choices(session, scope_of(actor))
        vendors = vendor_store.all_vendors(session, actor.vendor_id) if actor.role in STAFF else ()
    return CardChoices(tuple((one.slug, one.name) for one in vendors), teams, agents)


def state_of(card: CardRow, now: datetime) -> str:
    """Return where a card is: one of STATES, or the rarer states that storage knows."""
    if card.state != "published":
        return card.state
    return "open" if card.answer_by >= now else "unanswered"


def csv_rows(ports: Ports, actor: Actor, filter: CardFilter) -> Iterator[tuple[str, ...]]:
    """Yield the whole list that a filter gives as cells that are safe in a spreadsheet, headings first."""
    yield CSV_COLUMNS
    step, now = replace(filter, cursor=None, limit=_EXPORT_PAGE), ports.clock()
    while True:
        page = list_cards(ports, actor, step)
        yield from (_cells(row, now) for row in page.rows)
        if page.next_cursor is None:
            return
        step = replace(step, cursor=page.next_cursor)


def _ensure_vendor(session: Session, actor: Actor, slug: str | None) -> None:
    if slug is not None and vendor_store.find(session, slug, actor.vendor_id) is None:
        raise NotFound(f"There is no vendor '{slug}'.")


def _line(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", value):
        raise ValueError("must be the id of a line, such as verify-first")
    return value


_PARAMETERS: list_filters.Parameters = {
    "vendor": ("vendor", list_filters.text),
    "team": ("team", list_filters.text),
    "agent": ("agent", list_filters.text),
    "outcome": ("outcome", list_filters.one_of(*OUTCOMES)),
    "state": ("state", list_filters.one_of(*STATES)),
    "line": ("line", _line),
    "from": ("since", list_filters.day),
    "to": ("until", list_filters.day),
    "cursor": ("cursor", list_filters.text),
    "limit": ("limit", list_filters.limit),
}


def _cells(row: CardRow, now: datetime) -> tuple[str, ...]:
    call, summary = row.call, row.summary
    moments = [call.started_at, row.published_at, row.answer_by, row.acknowledged_at]
    started, published, answer_by, acknowledged = (m.isoformat() if m else None for m in moments)
    scores = [
        "; ".join(
            f"{one.rubric}={value:.1f}"
            for one in summary.results
            if (value := getattr(one, name)) is not None
        )
        for name in ("percent", "percent_without_fatal")
    ]
    cells = (
        *(
            row.id,
            call.title,
            call.external_id,
            call.vendor_name,
            call.team,
            call.agent,
            started,
            call.picked,
        ),
        *(published, answer_by, state_of(row, now), acknowledged, row.acknowledged_by, summary.outcome),
        *(summary.problem.question if summary.problem else None, ", ".join(summary.lost), *scores),
    )
    return tuple(csv_cells.safe(cell) for cell in cells)
