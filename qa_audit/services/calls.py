"""Looking at calls: lists, one call, its progress, the queue of work, and the export of a list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from qa_audit.domain.access import Actor, can, ensure
from qa_audit.domain.workflow import CallStatus
from qa_audit.errors import NotFound
from qa_audit.services import card_numbers, csv_cells, list_filters
from qa_audit.services.ports import Ports
from qa_audit.storage import calls as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.call_rows import (
    CallDetail,
    CallFilter,
    CallIdentity,
    CallRow,
    Position,
    RecordingFacts,
    RubricOutcome,
    TaskRow,
)
from qa_audit.storage.database import Session

__all__ = [
    "CallDetail",
    "CallFilter",
    "CallRow",
    "RecordingFacts",
    "RubricOutcome",
    "TaskRow",
]

STATUSES: tuple[CallStatus, ...] = get_args(CallStatus)
_EXPORT_PAGE = 500
_SHA256 = re.compile(r"[0-9a-f]{64}")

CSV_COLUMNS = (
    *("id", "vendor", "external_id", "agent", "started_at", "received_at", "direction", "queue", "language"),
    *("duration_seconds", "layout", "status", "failure", "what_to_do", "warnings", "file", "sha256"),
)
"""The headings of an exported list."""


@dataclass(frozen=True)
class CallPage:
    """One page of a list of calls. `total` counts all calls that the filter lets through.

    `next_cursor` goes into the filter for the next page, and is None on the last one.
    """

    rows: tuple[CallRow, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True)
class CallProgress:
    """How far a call is: percent of its `stage`, and how many seconds of it may be left.

    `finished` when nothing more happens by itself.
    """

    id: str
    status: str
    stage: str | None
    progress: int
    seconds_left: int | None
    failure: str | None
    words: str | None
    finished: bool


@dataclass(frozen=True)
class FilterChoices:
    """What a filter of calls can be set to: vendors as (slug, name), agents and queues by name."""

    vendors: tuple[tuple[str, str], ...]
    agents: tuple[str, ...]
    queues: tuple[str, ...]
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class QueueOverview:
    """The work that is not done: `rows` oldest first, `totals` per state of all tasks.

    `oldest_queued` is the age in seconds of the oldest queued row, None when nothing is queued.
    """

    rows: tuple[TaskRow, ...]
    totals: Mapping[str, int]
    oldest_queued: float | None


def parse_filter(query: Iterable[tuple[str, str]]) -> CallFilter:
    """Read a filter from the pairs of a query string; empty values filter nothing.

    Names: vendor, status, agent, queue, q, from, to (days as 2026-11-02), sha256, sample (yes, no: whether drawn
    history is among them), cursor, limit (1 to 200).
    Raises Invalid that names every parameter which is unknown, given twice or of the wrong form.
    """
    return CallFilter(**list_filters.read(query, _PARAMETERS))  # type: ignore[arg-type]


def query_of(filter: CallFilter, *, cursor: str | None = None) -> dict[str, str]:
    """Return the filter as the parameters of an address, with another cursor: `parse_filter` backwards."""
    return list_filters.write(replace(filter, cursor=cursor), CallFilter(), _PARAMETERS)


def list_calls(ports: Ports, actor: Actor, filter: CallFilter) -> CallPage:
    """Return one page of the calls that the actor may see, newest first.

    Raises NotFound for a vendor that does not exist or is not the actor's, Invalid for a bad cursor.
    """
    ensure(actor, "see_calls")
    before = Position(*list_filters.place(filter.cursor)) if filter.cursor is not None else None
    window = list_filters.window(filter.since, filter.until, ports.settings.time_zone)
    with ports.db.read() as session:
        _ensure_vendor(session, actor, filter.vendor)
        rows = store.page(session, actor.vendor_id, filter, window, before, filter.limit + 1)
        total = store.count(session, actor.vendor_id, filter, window)
    shown = rows[: filter.limit]
    last = shown[-1].position if len(rows) > filter.limit else None
    return CallPage(shown, list_filters.cursor(last.created_at, last.id) if last else None, total)


def filter_choices(ports: Ports, actor: Actor) -> FilterChoices:
    """Return what the actor can choose from in a filter."""
    ensure(actor, "see_calls")
    with ports.db.read() as session:
        vendors = vendor_store.all_vendors(session, actor.vendor_id)
        agents, queues = store.choices(session, actor.vendor_id)
    return FilterChoices(tuple((found.slug, found.name) for found in vendors), agents, queues, STATUSES)


def get_call(ports: Ports, actor: Actor, public_id: str) -> CallDetail:
    """Return one call with its masked transcript and pre-scores; raises NotFound."""
    with ports.db.read() as session:
        call = seen_call(session, actor, public_id)
        detail = store.detail(session, call.key)
        if not can(actor, "see_admin"):
            return detail
        tasks = store.tasks(session, ports.clock(), ports.db.now(session), call_key=call.key)
        return replace(detail, tasks=tasks)


def progress(ports: Ports, actor: Actor, public_id: str) -> CallProgress:
    """Return how far a call is; raises NotFound."""
    with ports.db.read() as session:
        row = store.row(session, seen_call(session, actor, public_id).key)
    return CallProgress(
        id=row.id,
        status=row.status,
        stage=row.stage,
        progress=row.progress,
        seconds_left=row.seconds_left,
        failure=row.failure,
        words=row.words,
        finished=row.is_finished,
    )


def derived_key(ports: Ports, actor: Actor, public_id: str, kind: Literal["playback", "peaks"]) -> str:
    """Return the media key of a call's playback copy or peaks; raises NotFound while there is none.

    A copy in which nothing is silenced, because nobody knows its words yet, is for those who audit it by hand.
    """
    with ports.db.read() as session:
        call = seen_call(session, actor, public_id)
        key = store.derived_keys(session, call.key)[kind]
        hidden = store.is_unmasked(session, call.key) and not can(actor, "review")
    if key is None or hidden:
        raise NotFound()
    return key


def may_hear(actor: Actor, call: CallDetail) -> bool:
    """Say whether there is a playback copy that this actor may hear."""
    if call.recording is None or not call.recording.has_playback:
        return False
    return can(actor, "review") or not call.recording.is_unmasked


def queue_overview(ports: Ports, actor: Actor) -> QueueOverview:
    """Return the unfinished and failed tasks, for admins."""
    ensure(actor, "see_admin")
    with ports.db.read() as session:
        rows = store.tasks(session, ports.clock(), ports.db.now(session))
        totals = store.task_totals(session)
    ages = [row.age for row in rows if row.state == "queued"]
    return QueueOverview(rows, totals, max(ages, default=None))


def csv_rows(ports: Ports, actor: Actor, filter: CallFilter) -> Iterator[tuple[str, ...]]:
    """Yield the whole list that a filter gives as cells that are safe in a spreadsheet, headings first."""
    yield CSV_COLUMNS
    step = replace(filter, cursor=None, limit=_EXPORT_PAGE)
    while True:
        page = list_calls(ports, actor, step)
        yield from (_cells(row) for row in page.rows)
        if page.next_cursor is None:
            return
        step = replace(step, cursor=page.next_cursor)


def seen_call(session: Session, actor: Actor, public_id: str) -> CallIdentity:
    """Find a call that the actor may see; raises NotFound, the same for unknown and for foreign calls."""
    call = store.find(session, actor.vendor_id, public_id) if list_filters.ID.fullmatch(public_id) else None
    if call is None:
        raise NotFound()
    ensure(actor, "see_calls", call.vendor_id)
    return call


def _ensure_vendor(session: Session, actor: Actor, slug: str | None) -> None:
    if slug is not None and vendor_store.find(session, slug, actor.vendor_id) is None:
        raise NotFound(f"There is no vendor '{slug}'.")


def _search(value: str) -> str:
    return card_numbers.truncate(list_filters.text(value))


def _sample(value: str) -> str | None:
    if value not in ("yes", "no"):
        raise ValueError("must be yes or no")
    return "yes" if value == "yes" else None


def _sha256(value: str) -> str:
    if not _SHA256.fullmatch(value.lower()):
        raise ValueError("must be 64 hexadecimal digits")
    return value.lower()


_PARAMETERS: list_filters.Parameters = {
    "vendor": ("vendor", list_filters.text),
    "status": ("status", list_filters.one_of(*STATUSES)),
    "agent": ("agent", list_filters.text),
    "queue": ("queue", list_filters.text),
    "q": ("q", _search),
    "from": ("since", list_filters.day),
    "to": ("until", list_filters.day),
    "sha256": ("sha256", _sha256),
    "sample": ("sample", _sample),
    "cursor": ("cursor", list_filters.text),
    "limit": ("limit", list_filters.limit),
}


def _cells(row: CallRow) -> tuple[str, ...]:
    moments = (moment.isoformat() if moment else None for moment in (row.started_at, row.created_at))
    duration = None if row.duration is None else f"{row.duration:.1f}"
    cells = (row.id, row.vendor, row.external_id, row.agent, *moments, row.direction, row.queue, row.language)
    cells += (duration, row.layout, row.status, row.failure, row.words, ", ".join(row.warnings))
    return tuple(csv_cells.safe(cell) for cell in (*cells, row.filename, row.sha256))
