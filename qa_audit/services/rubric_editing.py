"""The daily edits of a rubric, made in its YAML text: wording, points, phrases, when it does not apply, dates, weights.

Comments, order and quoting of everything else stay as they are; what does not load is refused before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.checks.conditions import Condition
from qa_audit.domain.checks.events import Event
from qa_audit.domain.checks.model import ByLanguage, Model, Phrases
from qa_audit.domain.rubric import Criterion, Path, Rubric
from qa_audit.domain.rubric.problems import path_text
from qa_audit.errors import Forbidden, NotFound
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.yaml_edits import Value, changed

Gravity = Literal["none", "critical", "fatal_for_section", "fatal"]
GRAVITIES: tuple[Gravity, ...] = get_args(Gravity)
EVENTS: tuple[str, ...] = get_args(Event)
_CRITERION_ORDER = tuple(info.alias or name for name, info in Criterion.model_fields.items())
_RUBRIC_ORDER = tuple(info.alias or name for name, info in Rubric.model_fields.items())
_LIST = get_args(Phrases)[0]
_SECTION_ORDER = ("id", "title", "weight")


@dataclass(frozen=True)
class PhraseList:
    """One list of phrases in a check: its place below `check`, what it is for, and the phrases."""

    place: str
    path: Path
    meaning: str
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class CriterionEdit:
    """What the form says of one criterion. `na_events` are the events in `na_when`; other conditions stay there.

    `phrases` has the phrases by the place of their list; a list that is not named is left alone.
    """

    title: str
    points: float
    gravity: Gravity = "none"
    guidance: str = ""
    policy: str = ""
    na: str = ""
    na_events: tuple[str, ...] = ()
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class RubricEdit:
    """What the form says of the rubric itself; `weights` are the sections' by id, None for none."""

    title: str
    version: int
    effective_from: date
    pass_mark: float
    weights: Mapping[str, float | None] = field(default_factory=dict)


def ensure_edits(actor: Actor) -> None:
    """Raise unless somebody may change rubrics, which are of no single vendor: Forbidden, or NotFound for vendors."""
    ensure(actor, "rubric.edit")
    if actor.vendor_id is not None:
        raise Forbidden("Rubrics are changed by admins who look after all vendors.")


def gravity_of(criterion: Criterion) -> Gravity:
    """Return what a no does besides its points."""
    found = (name for name in GRAVITIES if name != "none" and getattr(criterion, name))
    return next(found, "none")


def phrase_lists(criterion: Criterion) -> tuple[PhraseList, ...]:
    """Return the lists of phrases that a criterion's check has, or could have, in the order of its description."""
    return tuple(_lists_in(criterion.check, ("check",)))


def as_edit(criterion: Criterion) -> CriterionEdit:
    """Return a criterion as the form shows it."""
    events = tuple(one.event for one in criterion.na_when if one.event is not None)
    return CriterionEdit(
        title=criterion.title,
        points=criterion.points,
        gravity=gravity_of(criterion),
        guidance=criterion.guidance,
        policy=criterion.policy,
        na=criterion.na,
        na_events=events,
        phrases={one.place: one.phrases for one in phrase_lists(criterion)},
    )


def rubric_as_edit(rubric: Rubric) -> RubricEdit:
    """Return what the form shows of a rubric itself."""
    weights = {section.id: section.weight for section in rubric.sections}
    return RubricEdit(rubric.title, rubric.version, rubric.effective_from, rubric.pass_mark, weights)


def edit_criterion(text: str, id: str, edit: CriterionEdit) -> str:
    """Return a rubric's text with one criterion as the form has it.

    Raises NotFound for a criterion that is not there, RubricError when the text or the result does not load, and
    Invalid where the text is written in a way that leaves no place for the edit.
    """
    rubric = load_rubric(text)
    place, criterion = _find(rubric, id)
    now = as_edit(criterion)
    fields: dict[str, Value] = {}
    for name in ("title", "guidance", "policy", "na"):
        if getattr(edit, name) != getattr(now, name):
            fields[name] = getattr(edit, name)
    if edit.points != now.points:
        fields["points"] = _number(edit.points)
    if edit.gravity != now.gravity:
        for name in GRAVITIES[1:]:
            fields[name] = True if name == edit.gravity else None
    if set(edit.na_events) != set(now.na_events):
        fields["na_when"] = _conditions(criterion, edit.na_events)
    for name, value in fields.items():
        text = changed(text, (*place, name), value, _CRITERION_ORDER)
    for known in phrase_lists(criterion):
        wanted = edit.phrases.get(known.place, known.phrases)
        if tuple(wanted) != known.phrases:
            text = changed(text, (*place, *known.path), list(wanted), ("kind", "any", "maybe"))
    load_rubric(text)
    return text


def edit_rubric(text: str, edit: RubricEdit) -> str:
    """Return a rubric's text with its own fields and the sections' weights as the form has them; raises as above."""
    rubric = load_rubric(text)
    now = rubric_as_edit(rubric)
    fields: dict[str, Value] = {
        "title": edit.title,
        "version": edit.version,
        "effective_from": edit.effective_from,
        "pass_mark": _number(edit.pass_mark),
    }
    for name, value in fields.items():
        if getattr(edit, name) != getattr(now, name):
            text = changed(text, (name,), value, _RUBRIC_ORDER)
    for number, section in enumerate(rubric.sections):
        weight = edit.weights.get(section.id, section.weight)
        if weight != section.weight:
            value = None if weight is None else _number(weight)
            text = changed(text, ("sections", number, "weight"), value, _SECTION_ORDER)
    load_rubric(text)
    return text


def _find(rubric: Rubric, id: str) -> tuple[Path, Criterion]:
    for i, section in enumerate(rubric.sections):
        for j, criterion in enumerate(section.criteria):
            if criterion.id == id:
                return ("sections", i, "criteria", j), criterion
    raise NotFound("There is no such line.")


def _number(value: float) -> int | float:
    return int(value) if value == int(value) else value


def _conditions(criterion: Criterion, events: Sequence[str]) -> list[object]:
    """Return the conditions with other events: those that stay keep their order, and what is no event stays."""
    before = [_as_written(condition) for condition in criterion.na_when]
    kept = [one for one in before if not isinstance(one, str) or one in events]
    return kept + [event for event in events if event not in kept]


def _as_written(condition: Condition) -> object:
    if condition.event is not None:
        return condition.event
    return condition.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _lists_in(model: Model, path: Path) -> Iterator[PhraseList]:
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        here = (*path, info.alias or name)
        if info.annotation == _LIST:
            meaning = info.description or _MEANINGS.get(name, name.replace("_", " "))
            if isinstance(value, ByLanguage):
                for language, phrases in value.languages.items():
                    inner = (*here, language)
                    yield PhraseList(path_text(inner), inner, f"{meaning} ({language})", tuple(phrases))
            else:
                yield PhraseList(path_text(here), here, meaning, tuple(value))
        elif isinstance(value, Model):
            yield from _lists_in(value, here)
        elif isinstance(value, tuple):
            for number, part in enumerate(value):
                if isinstance(part, Model):
                    yield from _lists_in(part, (*here, number))


_MEANINGS = {"maybe": "Heard instead: perhaps said, so unsure rather than no."}
