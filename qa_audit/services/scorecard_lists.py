"""Lists of scorecards: filters in addresses, pages by cursor, and the export of exactly what a filter shows."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from qa_audit.domain.access import STAFF, Actor, ensure
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import csv_cells
from qa_audit.services.ports import Ports
from qa_audit.services.scorecards import scope_of
from qa_audit.storage import scorecards as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.call_rows import Window
from qa_audit.storage.card_rows import CardFilter, CardPosition, CardRow
from qa_audit.storage.database import Session

__all__ = ["CardFilter", "CardRow"]

OUTCOMES = ("pass", "fail", "fatal", "undetermined")
STATES = ("open", "unanswered", "acknowledged")
"""What a card can wait for: an answer until its day, one that did not come, none any more."""

ALL_STATES = (*STATES, "disputed", "withdrawn")

MOST_ROWS = 200
_EXPORT_PAGE = 500
_LONGEST = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")

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
    pairs = [(name, value.strip()) for name, value in query]
    times = Counter(name for name, _ in pairs)
    errors = {name: "is given more than once" for name, number in times.items() if number > 1}
    values: dict[str, object] = {}
    for name, value in pairs:
        if name not in _PARAMETERS:
            errors[name] = f"is no parameter here; there are {', '.join(_PARAMETERS)}"
        elif value and name not in errors:
            field, read = _PARAMETERS[name]
            try:
                values[field] = read(value)
            except ValueError as error:
                errors[name] = str(error)
    if errors:
        raise Invalid("The filter cannot be used.", errors)
    return CardFilter(**values)  # type: ignore[arg-type]


def query_of(filter: CardFilter, *, cursor: str | None = None) -> dict[str, str]:
    """Return the filter as the parameters of an address, with another cursor: `parse_filter` backwards."""
    shown = replace(filter, cursor=cursor)
    return {
        name: str(value)
        for name, (field, _) in _PARAMETERS.items()
        if (value := getattr(shown, field)) is not None and value != getattr(CardFilter(), field)
    }


def list_cards(ports: Ports, actor: Actor, filter: CardFilter) -> CardPage:
    """Return one page of the scorecards that the actor may see, the last published first.

    Raises Forbidden, NotFound for a vendor that does not exist or is not the actor's, Invalid for a bad cursor.
    """
    ensure(actor, "see_scorecards")
    before, window, now = _position(filter.cursor), _window(ports, filter), ports.clock()
    scope = scope_of(actor)
    with ports.db.read() as session:
        _ensure_vendor(session, actor, filter.vendor)
        rows = store.page(session, scope, filter, window, before, now)
        total = store.count(session, scope, filter, window, now)
    shown = rows[: filter.limit]
    return CardPage(shown, _cursor(shown[-1].position) if len(rows) > filter.limit else None, total)


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


def _text(value: str) -> str:
    if len(value) > _LONGEST or "\0" in value:
        raise ValueError(f"must be a text of at most {_LONGEST} characters")
    return value


def _one_of(*known: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return read


def _line(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", value):
        raise ValueError("must be the id of a line, such as verify-first")
    return value


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a day such as 2026-11-02") from None


def _limit(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MOST_ROWS:
        raise ValueError(f"must be a number from 1 to {MOST_ROWS}")
    return int(value)


_PARAMETERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "vendor": ("vendor", _text),
    "team": ("team", _text),
    "agent": ("agent", _text),
    "outcome": ("outcome", _one_of(*OUTCOMES)),
    "state": ("state", _one_of(*STATES)),
    "line": ("line", _line),
    "from": ("since", _day),
    "to": ("until", _day),
    "cursor": ("cursor", _text),
    "limit": ("limit", _limit),
}


def _window(ports: Ports, filter: CardFilter) -> Window:
    """Turn a filter's days into moments, by the installation's time zone."""
    zone = ZoneInfo(ports.settings.time_zone)
    after = filter.until + timedelta(days=1) if filter.until and filter.until < date.max else None
    return Window(
        datetime.combine(filter.since, time.min, zone) if filter.since else None,
        datetime.combine(after, time.min, zone) if after else None,
    )


def _cursor(place: CardPosition) -> str:
    packed = json.dumps([place.published_at.isoformat(), place.id]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _position(cursor: str | None) -> CardPosition | None:
    if cursor is None:
        return None
    try:
        moment, id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not _ID.fullmatch(id):
            raise ValueError("no place in the list")
    except (ValueError, TypeError, binascii.Error) as error:
        words = {"cursor": "is none that this list gave"}
        raise Invalid("This page of the list is not known.", words) from error
    return CardPosition(at, id)


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
