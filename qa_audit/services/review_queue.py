"""The queue of calls that wait for a person: why each is here and what to look at, never what a machine scored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.audit import HumanAnswer, Line, lines_of
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import card_numbers, csv_cells
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import review_queue as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import Session
from qa_audit.storage.review_queue import QueueCounts, QueuedCall, QueueFilter

__all__ = ["QueueCounts", "QueueFilter", "QueuedCall"]

DAYS_TO_AUDIT = 3
"""Days after the day on which a call was received by which it should be audited."""
ROWS = 50
_EXPORT_PAGE = 200
_LONGEST = 200
_PARAMETERS = ("vendor", "agent", "queue", "language", "q", "page")
_UNKNOWN_SPEAKERS = frozenset({"mono", "dual-mono", "stereo-unknown"})
_PICKED = {"random": "picked at random", "risk": "picked for risk"}

CSV_COLUMNS = (
    *(
        "id",
        "call",
        "external_id",
        "vendor",
        "agent",
        "started_at",
        "received_at",
        "duration_seconds",
        "queue",
    ),
    *("language", "status", "reviewer", "why_it_is_here", "what_to_look_at", "due"),
)
"""The headings of the exported queue."""


@dataclass(frozen=True)
class Suspicion:
    """A fatal or critical no that the machine suspects: the line, and when it can be heard (seconds)."""

    kind: Literal["fatal", "critical"]
    title: str
    at: float | None


@dataclass(frozen=True)
class QueueRow:
    """One call of the queue. `to_look_at` counts the lines per rubric that need a person, by its title.

    `by_hand` says in words what the machine could not do; `due` is a day in the installation's time zone.
    """

    call: QueuedCall
    why: str
    suspicions: tuple[Suspicion, ...]
    to_look_at: tuple[tuple[str, int], ...]
    by_hand: str
    due: date

    @property
    def words(self) -> str:
        """Say what to look at in one line."""
        parts = [f"{one.kind} suspected: {one.title}" for one in self.suspicions]
        parts += [self.by_hand] if self.by_hand else []
        parts += [f"{number} in {title}" for title, number in self.to_look_at]
        return "; ".join(parts) or "nothing flagged"


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue; `next_call` is the call to take next, none that somebody else has in hand."""

    rows: tuple[QueueRow, ...]
    counts: QueueCounts
    today: date
    has_more: bool
    next_call: str | None


@dataclass(frozen=True)
class QueueChoices:
    """What the filter can be set to: vendors as (slug, name), the others by name."""

    vendors: tuple[tuple[str, str], ...]
    agents: tuple[str, ...]
    queues: tuple[str, ...]
    languages: tuple[str, ...]


def parse_filter(query: Iterable[tuple[str, str]]) -> QueueFilter:
    """Read a filter from the pairs of a query string; empty values filter nothing.

    Raises Invalid that names every parameter which is unknown, given twice or of the wrong form.
    """
    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    for name, value in query:
        if name not in _PARAMETERS:
            errors[name] = f"is no parameter here; there are {', '.join(_PARAMETERS)}"
        elif name in values:
            errors[name] = "is given more than once"
        elif len(value) > _LONGEST or "\0" in value:
            errors[name] = f"must be a text of at most {_LONGEST} characters"
        values.setdefault(name, value.strip())
    number = values.pop("page", "") or "1"
    if not re.fullmatch(r"[1-9][0-9]{0,4}", number):
        errors["page"] = "must be a number from 1"
    if errors:
        raise Invalid("The filter cannot be used.", errors)
    if values.get("q"):
        values["q"] = card_numbers.truncate(values["q"])
    return QueueFilter(**{name: value or None for name, value in values.items()}, page=int(number))


def query_of(filter: QueueFilter, *, page: int = 1) -> dict[str, str]:
    """Return the filter as the parameters of an address: `parse_filter` backwards."""
    shown = replace(filter, page=page)
    return {
        name: str(value)
        for name in _PARAMETERS
        if (value := getattr(shown, name)) is not None and (name != "page" or value != 1)
    }


def show(ports: Ports, actor: Actor, filter: QueueFilter) -> QueuePage:
    """Return one page of the queue; raises NotFound for a vendor that does not exist or is not the actor's."""
    ensure(actor, "hear_calls")
    today = _today(ports)
    with ports.db.read() as session:
        _ensure_vendor(session, actor, filter.vendor)
        rows = _rows(ports, session, actor, filter, ROWS, (filter.page - 1) * ROWS)
        counts = store.counts(session, actor.vendor_id, filter, _due_before(ports, today))
        first = rows if filter.page == 1 else _rows(ports, session, actor, filter, ROWS, 0)
    shown = rows[:ROWS]
    return QueuePage(shown, counts, today, len(rows) > ROWS, _next(first, actor))


def next_call(ports: Ports, actor: Actor, but: str | None = None) -> str | None:
    """Return the id of the call to audit next, `but` not this one; None when nothing waits."""
    ensure(actor, "review")
    with ports.db.read() as session:
        rows = _rows(ports, session, actor, QueueFilter(), ROWS, 0)
    return _next([row for row in rows if row.call.id != but], actor)


def choices(ports: Ports, actor: Actor) -> QueueChoices:
    """Return what the actor can choose from in the filter."""
    ensure(actor, "hear_calls")
    with ports.db.read() as session:
        vendors = vendor_store.all_vendors(session, actor.vendor_id)
        agents, queues, languages = store.choices(session, actor.vendor_id)
    return QueueChoices(tuple((one.slug, one.name) for one in vendors), agents, queues, languages)


def csv_rows(ports: Ports, actor: Actor, filter: QueueFilter) -> Iterator[tuple[str, ...]]:
    """Yield the whole queue that a filter gives as cells that are safe in a spreadsheet, headings first."""
    ensure(actor, "hear_calls")
    with ports.db.read() as session:
        _ensure_vendor(session, actor, filter.vendor)
    yield CSV_COLUMNS
    at = 0
    while True:
        with ports.db.read() as session:
            rows = _rows(ports, session, actor, filter, _EXPORT_PAGE - 1, at)
        yield from (_cells(row) for row in rows)
        at += len(rows)
        if len(rows) < _EXPORT_PAGE:
            return


def _rows(
    ports: Ports, session: Session, actor: Actor, filter: QueueFilter, limit: int, offset: int
) -> tuple[QueueRow, ...]:
    """Return one row more than the limit, so that one sees whether there are more."""
    found = store.page(session, actor.vendor_id, filter, limit=limit + 1, offset=offset)
    zone = ZoneInfo(ports.settings.time_zone)
    return tuple(_row(call, zone) for call in found)


def _row(call: QueuedCall, zone: ZoneInfo) -> QueueRow:
    parts = [(key, stored_rubric(call.sources[key]), prescore) for key, prescore in call.prescores.items()]
    suspicions: list[Suspicion] = []
    to_look_at = []
    for key, rubric, prescore in parts:
        done = {
            criterion: HumanAnswer(criterion, "na") for version, criterion in call.answered if version == key
        }
        lines = [line for line in lines_of(rubric, prescore, done) if not line.is_answered]
        suspicions += [_suspicion(line) for line in lines if line.is_suspected]
        number = sum(not line.is_sure for line in lines)
        if number:
            to_look_at.append((rubric.title, number))
    suspicions.sort(key=lambda one: one.kind != "fatal")
    due = call.received_at.astimezone(zone).date() + timedelta(days=DAYS_TO_AUDIT)
    by_hand = _by_hand(call)
    return QueueRow(call, _why(call, suspicions, by_hand), tuple(suspicions), tuple(to_look_at), by_hand, due)


def _suspicion(line: Line) -> Suspicion:
    evidence = line.machine.evidence if line.machine else ()
    heard = next((item.start for item in evidence if item.kind != "searched"), None)
    return Suspicion("fatal" if line.criterion.fatal else "critical", line.criterion.title, heard)


def _by_hand(call: QueuedCall) -> str:
    """Say why the machine leaves a call to people; empty where it does not."""
    if call.status == "waiting":
        return "no transcript: listen and answer every line"
    if call.failure:
        return "the machine failed: listen and answer every line"
    if call.layout in _UNKNOWN_SPEAKERS:
        return "speakers unknown: name the speakers"
    return "" if call.prescores else "no machine answers: answer every line"


def _why(call: QueuedCall, suspicions: list[Suspicion], by_hand: str) -> str:
    if call.picked:
        return _PICKED.get(call.picked, call.picked)
    if suspicions:
        return f"{suspicions[0].kind} suspected"
    return "only a person can judge it" if by_hand else "pre-scored"


def _next(rows: Iterable[QueueRow], actor: Actor) -> str | None:
    free = (row.call for row in rows if row.call.reviewer_id in (None, actor.id))
    return next((call.id for call in free), None)


def _today(ports: Ports) -> date:
    return ports.clock().astimezone(ZoneInfo(ports.settings.time_zone)).date()


def _due_before(ports: Ports, today: date) -> datetime:
    """Return the moment before which a call was received that is due today or was before."""
    first = today - timedelta(days=DAYS_TO_AUDIT - 1)
    return datetime.combine(first, time.min, ZoneInfo(ports.settings.time_zone))


def _ensure_vendor(session: Session, actor: Actor, slug: str | None) -> None:
    if slug is not None and vendor_store.find(session, slug, actor.vendor_id) is None:
        raise NotFound(f"There is no vendor '{slug}'.")


def _cells(row: QueueRow) -> tuple[str, ...]:
    call = row.call
    started = call.started_at.isoformat() if call.started_at else None
    duration = None if call.duration is None else f"{call.duration:.1f}"
    who = (call.id, call.title, call.external_id, call.vendor, call.agent, started)
    what = (call.received_at.isoformat(), duration, call.queue, call.language, call.status, call.reviewer)
    return tuple(csv_cells.safe(cell) for cell in (*who, *what, row.why, row.words, row.due.isoformat()))
