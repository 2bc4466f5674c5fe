"""The form for the daily edits of a draft: what it shows, and what it says when it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from flask import url_for
from werkzeug.datastructures import MultiDict

from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.score import true_shares
from qa_audit.errors import Invalid
from qa_audit.services.rubric_editing import (
    EVENTS,
    GRAVITIES,
    CriterionEdit,
    RubricEdit,
    as_edit,
    phrase_lists,
    rubric_as_edit,
)
from qa_audit.web.pages import Choice, NavItem
from qa_audit.web.rubrics import words
from qa_audit.web.rubrics.draft_pages import (
    CriterionForm,
    NavGroup,
    PhraseField,
    WeightField,
    WholeForm,
)
from qa_audit.web.rubrics.views import section_share

Typed = MultiDict[str, str]
_MOST_ROWS = 14


def nav_groups(rubric: Rubric, chosen: str) -> tuple[NavGroup, ...]:
    """Return the ways to each criterion and to the rubric itself, which is the empty id."""
    edit = "rubrics.edit"
    whole = NavGroup("", (NavItem("The rubric itself", url_for(edit, id=rubric.id), chosen == ""),))
    return (
        whole,
        *(
            NavGroup(
                section.title,
                tuple(
                    NavItem(one.title, url_for(edit, id=rubric.id, line=one.id), one.id == chosen)
                    for one in section.criteria
                ),
            )
            for section in rubric.sections
        ),
    )


def criterion_form(rubric: Rubric, id: str, typed: Typed | None = None) -> CriterionForm:
    """Build the form of one criterion; what was typed and refused stays in it. Raises KeyError."""
    criterion = rubric.criterion(id)
    now = as_edit(criterion)
    share = true_shares(rubric)[id]

    def said(name: str, before: str) -> str:
        return before if typed is None else typed.get(name, "")

    chosen = set(now.na_events if typed is None else typed.getlist("na_event"))
    gravity = said("gravity", now.gravity)
    return CriterionForm(
        id=id,
        title=said("title", now.title),
        name=criterion.title,
        points=said("points", f"{now.points:g}"),
        share=words.share_words(share),
        is_bonus=criterion.bonus,
        gravities=tuple(Choice(name, words.GRAVITIES[name], name == gravity) for name in GRAVITIES),
        guidance=said("guidance", now.guidance),
        policy=said("policy", now.policy),
        na=said("na", now.na),
        events=tuple(Choice(name, _event(name), name in chosen) for name in EVENTS),
        kept=tuple(words.condition_words(one) for one in criterion.na_when if one.event is None),
        phrases=_phrases(criterion, typed),
        how=words.how(criterion),
        details=words.criterion_details(criterion),
    )


def _event(name: str) -> str:
    return words.EVENTS.get(name, name.replace("_", " "))


def _phrases(criterion: Criterion, typed: Typed | None) -> tuple[PhraseField, ...]:
    fields = []
    for number, one in enumerate(phrase_lists(criterion)):
        name = f"phrases:{one.place}"
        value = "\n".join(one.phrases) if typed is None else typed.get(name, "")
        rows = min(_MOST_ROWS, max(2, value.count("\n") + 2))
        fields.append(PhraseField(f"phrases-{number}", name, one.meaning, value, rows))
    return tuple(fields)


def whole_form(rubric: Rubric, typed: Typed | None = None) -> WholeForm:
    """Build the form of the rubric itself; what was typed and refused stays in it."""
    now, shares = rubric_as_edit(rubric), true_shares(rubric)

    def said(name: str, before: str) -> str:
        return before if typed is None else typed.get(name, "")

    weighted = any(section.weight is not None for section in rubric.sections)
    weights = tuple(
        WeightField(
            section.id,
            section.title,
            said(f"weight:{section.id}", "" if section.weight is None else f"{section.weight:g}"),
            words.share_words(section_share(section, shares)),
        )
        for section in rubric.sections
    )
    return WholeForm(
        title=said("title", now.title),
        effective_from=said("effective_from", now.effective_from.isoformat()),
        pass_mark=said("pass_mark", f"{now.pass_mark:g}"),
        weights=weights,
        no_weights="" if weighted else "No section has a weight: each pulls by its points.",
    )


def read_criterion(criterion: Criterion, form: Typed) -> CriterionEdit:
    """Read one criterion from its form; a field that the form does not bring stays. Raises Invalid."""
    now, wrong = as_edit(criterion), dict[str, str]()
    named = form.get("gravity", now.gravity)
    gravity = next((one for one in GRAVITIES if one == named), None)
    if gravity is None:
        wrong["gravity"] = "is none of the choices"
    points = _number(form, "points", now.points, wrong)
    edit = replace(
        now,
        title=" ".join(form.get("title", now.title).split()),
        points=now.points if points is None else points,
        na_events=tuple(name for name in form.getlist("na_event") if name in EVENTS),
        phrases={
            place: _lines(form[f"phrases:{place}"]) if f"phrases:{place}" in form else before
            for place, before in now.phrases.items()
        },
        guidance=_prose(form, "guidance", now.guidance),
        policy=_prose(form, "policy", now.policy),
        na=_prose(form, "na", now.na),
    )
    if wrong or gravity is None:
        raise Invalid("The form cannot be saved like this.", wrong)
    return replace(edit, gravity=gravity)


def read_whole(rubric: Rubric, form: Typed) -> RubricEdit:
    """Read the rubric's own fields from their form; raises Invalid."""
    now, wrong = rubric_as_edit(rubric), dict[str, str]()
    try:
        since = date.fromisoformat(form.get("effective_from", ""))
    except ValueError:
        since, wrong["effective_from"] = now.effective_from, "must be a day such as 2026-12-01"
    mark = _number(form, "pass_mark", now.pass_mark, wrong)
    weights: Mapping[str, float | None] = {
        id: _number(form, f"weight:{id}", before, wrong) for id, before in now.weights.items()
    }
    if wrong:
        raise Invalid("The form cannot be saved like this.", wrong)
    return replace(
        now,
        title=" ".join(form.get("title", now.title).split()),
        effective_from=since,
        pass_mark=now.pass_mark if mark is None else mark,
        weights=weights,
    )


def _number(form: Typed, name: str, before: float | None, wrong: dict[str, str]) -> float | None:
    """Read a number; an empty field means none, which only a weight may be."""
    text = form.get(name)
    if text is None:
        return before
    text = text.strip().replace(",", ".")
    if not text and name.startswith("weight:"):
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e6:
        wrong[name.removeprefix("weight:")] = "must be a number"
        return before
    return number


def _prose(form: Typed, name: str, before: str) -> str:
    """Return a text as it was typed, and as it stands where only the space around it differs."""
    text = form.get(name, before).replace("\r\n", "\n").strip()
    return before if text == before.strip() else text


def _lines(text: str) -> tuple[str, ...]:
    """Return the phrases of a field, one per line, each once."""
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
