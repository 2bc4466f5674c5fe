"""The queue as its template reads it: figures, filter, and one row per call with what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import urlencode

from flask import url_for

from qa_audit.domain.access import Actor, can
from qa_audit.services import review_queue
from qa_audit.services.ports import Ports
from qa_audit.services.review_queue import QueueChoices, QueueCounts, QueueFilter, QueuePage, QueueRow
from qa_audit.web.calls.pages import Chip
from qa_audit.web.pages import Choice, Tone
from qa_audit.web.review.pages import Flag, QueueFigure, QueueForm, QueueLine, ShownQueue
from qa_audit.web.templating import age, clock, count, here


def queue_page(ports: Ports, actor: Actor, filter: QueueFilter) -> ShownQueue:
    """Build the page of a filter: every address on it carries the whole state of the queue."""
    found = review_queue.show(ports, actor, filter)
    choices = review_queue.choices(ports, actor)
    reviews = can(actor, "review")
    back = filter.page - 1
    return ShownQueue(
        figures=tuple(_figures(ports, actor, found.counts)),
        form=_form(filter, choices),
        chips=tuple(_chips(filter, choices)),
        rows=tuple(_row(row, found.today, actor) for row in found.rows),
        range=_range(filter, found),
        csv=_with_query(url_for("review.export"), review_queue.query_of(filter)),
        previous=_address(filter, page=back) if back else None,
        next=_address(filter, page=filter.page + 1) if found.has_more else None,
        next_call=url_for("review.show", id=found.next_call) if found.next_call and reviews else None,
    )


def _figures(ports: Ports, actor: Actor, counts: QueueCounts) -> Iterable[QueueFigure]:
    yield QueueFigure("waiting for a person", f"{counts.waiting:,}")
    fatal = counts.suspected_fatal
    yield QueueFigure("suspected fatal", f"{fatal:,}", "bad" if fatal else "plain")
    yield QueueFigure("due today or before", f"{counts.due:,}")
    coming = "being transcribed"
    if counts.oldest_being_transcribed:
        seconds = (ports.clock() - counts.oldest_being_transcribed).total_seconds()
        coming += f" · oldest {age(seconds)}"
    yield QueueFigure(coming, f"{counts.being_transcribed:,}")
    if can(actor, "review"):
        address = url_for("calls.index", status="audited") if counts.to_publish else None
        yield QueueFigure("submitted, to publish", f"{counts.to_publish:,}", address=address)


def _address(filter: QueueFilter, *, without: str = "", page: int = 1) -> str:
    query = review_queue.query_of(filter, page=page)
    query.pop(without, None)
    return _with_query(url_for("review.queue"), query)


def _with_query(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _chips(filter: QueueFilter, choices: QueueChoices) -> Iterable[Chip]:
    words = {
        "vendor": dict(choices.vendors).get(filter.vendor or "", filter.vendor),
        "agent": filter.agent,
        "queue": filter.queue,
        "language": filter.language,
        "q": f"“{filter.q}”" if filter.q else None,
    }
    return (Chip(text, _address(filter, without=name)) for name, text in words.items() if text)


def _form(filter: QueueFilter, choices: QueueChoices) -> QueueForm:
    def options(names: Iterable[str], chosen: str | None) -> tuple[Choice, ...]:
        return tuple(Choice(name, name, name == chosen) for name in names)

    return QueueForm(
        vendors=tuple(Choice(slug, name, slug == filter.vendor) for slug, name in choices.vendors),
        agents=options(choices.agents, filter.agent),
        queues=options(choices.queues, filter.queue),
        languages=options(choices.languages, filter.language),
        q=filter.q or "",
    )


def _range(filter: QueueFilter, found: QueuePage) -> str:
    if not found.rows:
        return count(found.counts.waiting, "call")
    first = (filter.page - 1) * review_queue.ROWS + 1
    return f"{first}\u2013{first + len(found.rows) - 1} of {found.counts.waiting:,}"


def _row(row: QueueRow, today: date, actor: Actor) -> QueueLine:
    call = row.call
    title = call.title or call.external_id or call.filename or "Untitled call"
    moment = call.started_at or here(call.received_at)
    who = "you" if call.reviewer_id == actor.id else call.reviewer
    return QueueLine(
        id=call.id,
        address=url_for("review.show", id=call.id),
        title=title[:1].upper() + title[1:],
        who=" · ".join(part for part in (call.vendor_name, call.agent) if part),
        moment=moment,
        is_received=call.started_at is None,
        duration=call.duration,
        why=row.why,
        flags=tuple(_flags(row)),
        look=_look(row),
        in_hand=f"in review by {who}" if call.status == "in_review" and who else "",
        due=_due(row.due, today),
        is_due=row.due <= today,
    )


def _flags(row: QueueRow) -> Iterable[Flag]:
    for one in row.suspicions:
        tone: Tone = "bad" if one.kind == "fatal" else "person"
        at = f", {clock(one.at)}" if one.at is not None else ""
        yield Flag(f"{one.kind} suspected", tone, f"{one.title}{at}")
    if row.by_hand:
        yield Flag("needs you", "person", row.by_hand)


def _look(row: QueueRow) -> str:
    lines = ", ".join(f"{count(number, 'line')} in {title}" for title, number in row.to_look_at)
    if lines:
        return lines
    return "" if row.suspicions or row.by_hand else "nothing flagged"


def _due(due: date, today: date) -> str:
    days = (due - today).days
    if days < 0:
        return f"{count(-days, 'day')} late"
    return "today" if days == 0 else "tomorrow" if days == 1 else f"{due:%a} {due.day} {due:%b}"
