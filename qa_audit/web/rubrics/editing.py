"""A rubric's draft: begun, changed by its form or in its YAML, tried on a call, published or thrown away."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from qa_audit.domain.rubric import Problem, RubricError
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services import rubric_editing, rubrics
from qa_audit.services.rubric_editing import ensure_edits
from qa_audit.services.rubric_files import examine
from qa_audit.web.auth import actor
from qa_audit.web.context import runtime
from qa_audit.web.errors import in_words, status_of
from qa_audit.web.htmx import is_fragment, render
from qa_audit.web.rubrics import drafts
from qa_audit.web.rubrics.forms import read_criterion, read_whole
from qa_audit.web.rubrics.publishing import backtest_page, publish_page
from qa_audit.web.rubrics.routes import Answer, blueprint, number_of


@blueprint.post("/rubrics/<id>/draft")
def begin_draft(id: str) -> Response:
    """Begin a draft from a version, unless there is one already."""
    ensure_edits(actor())
    version = request.form.get("version")
    rubrics.open_draft(runtime(), actor(), id, number_of(version) if version else None)
    return redirect(url_for("rubrics.edit", id=id), 303)


@blueprint.get("/rubrics/<id>/edit")
def edit(id: str) -> str:
    """Show the form of one criterion (`line`), or of the rubric itself."""
    draft, rubric = drafts.open_draft(runtime(), actor(), id)
    line = request.args.get("line", "")
    try:
        return render("rubrics/edit.html", drafts.edit_page(draft, rubric, line))
    except KeyError as error:
        raise NotFound("There is no such line.") from error


@blueprint.post("/rubrics/<id>/edit")
def save(id: str) -> Answer:
    """Save one criterion, or the rubric itself, as its form has it."""
    ports, who, form = runtime(), actor(), request.form
    draft, rubric = drafts.open_draft(ports, who, id)
    line, seen = form.get("line", ""), _seen()
    if rubric is None:
        return redirect(url_for("rubrics.yaml", id=id), 303)
    if line and line not in {one.id for one in rubric.criteria}:
        raise NotFound("There is no such line.")
    try:
        if line:
            wanted = read_criterion(rubric.criterion(line), form)
            text = rubric_editing.edit_criterion(draft.text, line, wanted)
        else:
            text = rubric_editing.edit_rubric(draft.text, read_whole(rubric, form))
        rubrics.save_draft(ports, who, id, text, seen)
    except (Invalid, Conflict) as error:
        page = drafts.edit_page(draft, rubric, line, typed=form, error=_told(error))
        return render("rubrics/edit.html", replace(page, seen=seen)), status_of(error)
    flash("Saved in the draft.")
    return redirect(url_for("rubrics.edit", id=id, line=form.get("next") or line or None), 303)


@blueprint.get("/rubrics/<id>/yaml")
def yaml(id: str) -> str:
    """Show the draft's whole text."""
    draft, _ = drafts.open_draft(runtime(), actor(), id)
    return render("rubrics/yaml.html", drafts.yaml_page(draft, draft.text, _problems(id, draft.text)))


@blueprint.post("/rubrics/<id>/yaml")
def save_yaml(id: str) -> Answer:
    """Save the draft's whole text, whether it is a rubric or not."""
    ports, who, text = runtime(), actor(), _text()
    ensure_edits(who)
    try:
        draft = rubrics.save_draft(ports, who, id, text, _seen())
    except (Invalid, Conflict) as error:
        page = drafts.yaml_page(
            rubrics.draft(ports, who, id), text, _problems(id, text), error=in_words(error)
        )
        return render("rubrics/yaml.html", replace(page, seen=_seen())), status_of(error)
    flash(
        "Saved in the draft."
        if draft.is_valid
        else "Saved. Before it can be published there is something to mend."
    )
    return redirect(url_for("rubrics.yaml", id=id), 303)


@blueprint.post("/rubrics/<id>/check")
def check(id: str) -> str:
    """Say what is wrong with a text that is being typed; nothing is saved."""
    draft, _ = drafts.open_draft(runtime(), actor(), id)
    text = _text()
    page = drafts.yaml_page(draft, text, _problems(id, text), is_part=is_fragment())
    return render("rubrics/yaml.html", page, block="problems")


@blueprint.get("/rubrics/<id>/try")
def try_draft(id: str) -> Answer:
    """Let somebody choose a call to try the draft on."""
    chosen = request.args.get("call", "")
    if chosen:
        return redirect(url_for("rubrics.try_call", id=id, call=chosen), 303)
    return render("rubrics/try.html", drafts.try_page(runtime(), actor(), id, None, 0.0))


@blueprint.get("/rubrics/<id>/try/<call>")
def try_call(id: str, call: str) -> Answer:
    """Show what the draft makes of one call; `t` is where its sound begins, in seconds."""
    begin = request.args.get("t", 0.0, type=float)
    page = drafts.try_page(runtime(), actor(), id, call, begin)
    return render("rubrics/try.html", page), 409 if page.error else 200


@blueprint.get("/rubrics/<id>/backtest")
def backtest(id: str) -> str:
    """Show what the draft would have done to stored audits."""
    return render(
        "rubrics/backtest.html", backtest_page(runtime(), actor(), id, request.args.get("sample") == "yes")
    )


@blueprint.get("/rubrics/<id>/changes")
def draft_differences(id: str) -> str:
    """Show what the draft changes in the version that it began from."""
    return render("rubrics/differences.html", drafts.draft_differences_page(runtime(), actor(), id))


@blueprint.get("/rubrics/<id>/publish")
def publish(id: str) -> str:
    """Show what publishing would do, and ask."""
    return render("rubrics/publish.html", publish_page(runtime(), actor(), id))


@blueprint.post("/rubrics/<id>/publish")
def publish_now(id: str) -> Answer:
    """Publish the draft that was looked at."""
    ports, who = runtime(), actor()
    ensure_edits(who)
    try:
        version = rubrics.publish_draft(ports, who, id, _seen())
    except (Invalid, Conflict) as error:
        return render("rubrics/publish.html", publish_page(ports, who, id, _told(error))), status_of(error)
    flash(f"Version {version} is published. Audits that had begun keep the version that they began with.")
    return redirect(url_for("rubrics.show", id=id, version=version), 303)


@blueprint.post("/rubrics/<id>/discard")
def discard(id: str) -> Response:
    """Throw the draft away."""
    ensure_edits(actor())
    rubrics.discard_draft(runtime(), actor(), id, _seen())
    flash("The draft is thrown away.")
    return redirect(url_for("rubrics.index"), 303)


def _problems(id: str, text: str) -> tuple[Problem, ...]:
    """Return everything wrong with a text: what keeps it from being published, then what may be meant."""
    doubts = (problem for problem in examine(text).problems if problem.severity == "warning")
    return (*rubrics.problems_in(runtime(), actor(), id, text), *doubts)


def _text() -> str:
    return request.form.get("text", "").replace("\r\n", "\n")


def _seen() -> int:
    """Read which state of the draft the form was made from."""
    text = request.form.get("seen", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("The form is not whole: load the page again.", {"seen": "is missing"})
    return int(text)


def _told(error: Invalid | Conflict) -> str:
    """Say what is wrong; a rubric's problems without the name of a file that nobody has."""
    if not isinstance(error, RubricError):
        return in_words(error)
    found = (f"{one.path}: {one.message}" if one.path else one.message for one in error.problems)
    return f"Not saved: {'; '.join(found)}."
