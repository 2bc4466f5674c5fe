"""Rubrics to read: the list, one version, the differences between two, what reviewers change."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services import rubrics
from qa_audit.services.rubric_editing import ensure_edits
from qa_audit.services.rubric_files import MAX_BYTES
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.errors import in_words, status_of
from qa_audit.web.htmx import render
from qa_audit.web.rubrics.learning import corrections_page
from qa_audit.web.rubrics.views import differences_page, list_page, show_page

blueprint = Blueprint("rubrics", __name__)

Answer = Response | str | tuple[str, int]


@blueprint.url_value_preprocessor
def allow_a_whole_rubric(endpoint: str | None, values: dict[str, object] | None) -> None:
    """Let a form bring as much as a rubric may have: in a form's coding every character can take nine."""
    request.max_content_length = request.max_form_memory_size = 9 * MAX_BYTES


@blueprint.get("/rubrics")
def index() -> str:
    """List the rubrics."""
    return render("rubrics/list.html", list_page(runtime(), actor()))


@blueprint.post("/rubrics")
def begin() -> Answer:
    """Begin a rubric, from scratch or as a copy of another's version."""
    ports, who, form = runtime(), actor(), request.form
    ensure_edits(who)
    id, title, copy_of = (form.get(name, "").strip() for name in ("id", "title", "copy_of"))
    other, _, version = copy_of.partition("@")
    try:
        copied = (other, number_of(version)) if copy_of else None
        rubrics.begin_rubric(ports, who, id, title, copied)
    except (Invalid, Conflict) as error:
        page = list_page(ports, who, id=id, new_title=title, copy_of=copy_of, error=in_words(error))
        return render("rubrics/list.html", page), status_of(error)
    flash("The draft is begun. Nothing uses it before it is published.")
    return redirect(url_for("rubrics.edit", id=id), 303)


@blueprint.get("/rubrics/<id>")
def show(id: str) -> str:
    """Show one version of a rubric, the one in force unless `version` names another."""
    asked = request.args.get("version")
    return render("rubrics/show.html", show_page(runtime(), actor(), id, number_of(asked) if asked else None))


@blueprint.get("/rubrics/<id>/differences")
def differences(id: str) -> str:
    """Show what changed between two versions."""
    before, after = (request.args.get(name) for name in ("before", "after"))
    page = differences_page(
        runtime(), actor(), id, number_of(before) if before else None, number_of(after) if after else None
    )
    return render("rubrics/differences.html", page)


@blueprint.get("/rubrics/<id>/corrections")
def corrections(id: str) -> str:
    """Show how often reviewers change the machine's answers, line by line."""
    return render("rubrics/corrections.html", corrections_page(runtime(), actor(), id))


@blueprint.post("/rubrics/<id>/archive")
def archive(id: str) -> Response:
    """Let a version apply to no new call."""
    ensure_edits(actor())
    version = number_of(request.form.get("version", ""))
    rubrics.archive(runtime(), actor(), id, version)
    flash(f"Version {version} is archived. Audits that keep to it stay as they are.")
    return redirect(url_for("rubrics.show", id=id, version=version), 303)


def number_of(text: str) -> int:
    """Read a version's number; raises NotFound for anything else, as for a version that is not there."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound("There is no such version.")
    return int(text)
