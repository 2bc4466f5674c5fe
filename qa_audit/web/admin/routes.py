"""The queue of work, read from the database: what is done is not here; and who may come in."""

from __future__ import annotations

from flask import Blueprint, url_for

from qa_audit.services import calls, health, managing
from qa_audit.services.calls import QueueOverview, TaskRow
from qa_audit.services.speech_input import DEMO_MODEL
from qa_audit.web.admin.pages import Figure, TaskLine, TasksPage
from qa_audit.web.admin.tabs import tabs
from qa_audit.web.auth import actor
from qa_audit.web.calls.words import STAGES, progress_words, waiting_words
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.pages import Tone
from qa_audit.web.templating import NOTHING, age, count

blueprint = Blueprint("admin", __name__, url_prefix="/admin")

REDIS_AWAY = "Redis is away: work goes on, only slower, because workers look for it instead of being told."

TONES: dict[str, Tone] = {
    "queued": "plain",
    "leased": "busy",
    "failed": "bad",
    "parked": "bad",
    "waiting": "person",
}


@blueprint.before_request
def ensure_manages() -> None:
    """Let nobody in who does not look after the whole installation."""
    managing.ensure_manages(actor())


@blueprint.get("/tasks")
def tasks() -> str:
    """Show all work that is not done."""
    ports = runtime()
    overview = calls.queue_overview(ports, actor())
    model = ports.settings.whisper_model
    page = TasksPage(
        tabs=tabs(),
        figures=_figures(overview),
        rows=tuple(_line(row) for row in overview.rows),
        trouble="" if health.bell_rings(ports) else REDIS_AWAY,
        model=model,
        poll=url_for("admin.tasks")
        if any(row.state in ("queued", "leased") for row in overview.rows)
        else None,
        demo_model=model == DEMO_MODEL,
    )
    return render("admin/tasks.html", page, block="work")


def _figures(overview: QueueOverview) -> tuple[Figure, ...]:
    totals = overview.totals
    failed = totals.get("failed", 0) + totals.get("parked", 0)
    oldest = NOTHING if overview.oldest_queued is None else age(overview.oldest_queued)
    return (
        Figure("waiting to be worked on", f"{totals.get('queued', 0):,}", "plain"),
        Figure("being worked on", f"{totals.get('leased', 0):,}", "plain"),
        Figure("failed", f"{failed:,}", "bad" if failed else "plain"),
        Figure("need another model", f"{totals.get('waiting', 0):,}", "plain"),
        Figure("oldest that waits", oldest, "plain"),
    )


def _line(row: TaskRow) -> TaskLine:
    stuck = row.state in ("failed", "parked")
    return TaskLine(
        id=row.id,
        address=url_for("calls.show", id=row.call_id),
        title=row.call_title or f"Call {row.call_id[:6]}",
        vendor=row.vendor_name,
        stage=STAGES[row.stage],
        state=_state(row),
        tone=TONES[row.state],
        age=row.age,
        tries=_tries(row),
        words=row.error or "",
        retry=url_for("calls.retry", id=row.call_id) if stuck else None,
    )


def _state(row: TaskRow) -> str:
    if row.state == "queued":
        return f"tries again in {age(row.due_in)}" if row.due_in >= 1 else "waits its turn"
    if row.state == "leased":
        return progress_words(row.progress, row.seconds_left)
    if row.state == "waiting":
        return waiting_words(row.error)
    return {"failed": "failed", "parked": "failed: ended the worker"}[row.state]


def _tries(row: TaskRow) -> str:
    parts = [count(row.attempt, "try", "tries")]
    if row.crash_count:
        parts.append(count(row.crash_count, "crash", "crashes"))
    if row.error_count:
        parts.append(count(row.error_count, "error"))
    return ", ".join(parts)
