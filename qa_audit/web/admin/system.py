"""How the installation is, part by part."""

from __future__ import annotations

from qa_audit.services import system_state
from qa_audit.services.system_state import Mood, Part, WorkerLine
from qa_audit.web.admin.pages import PartLine, SystemPage, WorkerRow
from qa_audit.web.admin.routes import blueprint
from qa_audit.web.admin.tabs import tabs
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.htmx import render
from qa_audit.web.pages import Tone
from qa_audit.web.templating import age

SUMMARIES: dict[Mood, str] = {
    "good": "Everything works.",
    "person": "It works; something wants a look.",
    "bad": "Something does not work.",
}

MARKS: dict[Mood, tuple[str, Tone]] = {
    "good": ("fine", "good"),
    "person": ("look", "person"),
    "bad": ("broken", "bad"),
}


@blueprint.get("/system")
def system() -> str:
    """Show how every part is, and what to do when it is not well."""
    state = system_state.read(runtime(), actor())
    page = SystemPage(
        tabs=tabs(),
        summary=SUMMARIES[state.mood],
        tone=MARKS[state.mood][1],
        parts=tuple(map(_part, state.parts)),
        workers=tuple(_worker(number, one) for number, one in enumerate(state.workers, 1)),
        versions=state.versions,
    )
    return render("admin/system.html", page)


def _part(part: Part) -> PartLine:
    mark, tone = MARKS[part.mood]
    return PartLine(part.name, mark, tone, part.state, part.todo)


def _worker(number: int, one: WorkerLine) -> WorkerRow:
    state, tone = (
        ("silent", "person") if one.is_lost else ("working", "busy") if one.is_busy else ("ready", "plain")
    )
    heard = "not yet" if one.silent is None else f"{age(max(0.0, one.silent))} ago"
    return WorkerRow(number, one.host, ", ".join(one.queues), state, tone, heard)  # type: ignore[arg-type]
