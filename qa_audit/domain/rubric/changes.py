"""What one text of a rubric changed in another, in words that a person would use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pydantic import BaseModel

from qa_audit.domain.rubric.model import Criterion, Rubric, Section
from qa_audit.domain.rubric.scales import NumberScale, Scale

Kind = Literal["machine", "scoring", "wording"]

WHOLE = "rubric"
"""Where a change is that is of no single section or line."""

_RUBRIC_FIELDS: Mapping[str, Kind] = {
    "title": "wording",
    "description": "wording",
    "effective_from": "wording",
    "pass_mark": "scoring",
    "fatal_score": "scoring",
    "applies_to": "machine",
    "not_for": "machine",
    "variables": "machine",
    "variables_for": "machine",
}
_SECTION_FIELDS: Mapping[str, Kind] = {"title": "wording", "weight": "scoring"}
_NOT_COMPARED = frozenset({"schema_", "id", "version", "sha256", "sections", "criteria", "scale"})
_SCORED = frozenset({"points", "bonus", "fatal", "fatal_for_section", "critical", "incident"})
_HEARD = frozenset({"check", "when", "na_when", "not_assessed_when"})
_OF_ONE = {
    "any": "phrase",
    "all": "part",
    "examples": "example",
    "variables_for": "set of variables",
    "na_when": "condition of 'not applicable'",
    "when": "condition of 'applies when'",
    "not_assessed_when": "condition of 'not assessed'",
}
"""What one item of a list is called; else it is the list's own name."""

_LONGEST = 60


@dataclass(frozen=True)
class Change:
    """One change. `where` is a criterion's or section's id, 'rubric' for the whole; `words` say what is different.

    `kind` is 'machine' where the machine has to hear the calls again, 'scoring' where the same answers come to
    another score, and 'wording' where only people read something else.
    """

    where: str
    words: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.where}: {self.words}"


def changes(before: Rubric, after: Rubric) -> tuple[Change, ...]:
    """Return every difference but the version's number, in the order of the rubric.

    The whole comes first, then section by section with their lines, then what was removed.
    """
    found = [*_fields(WHOLE, before, after, lambda name: _RUBRIC_FIELDS.get(name, "machine"))]
    old_sections = {section.id: section for section in before.sections}
    old_lines = {criterion.id: criterion for criterion in before.criteria}
    homes = {criterion.id: section.id for section in before.sections for criterion in section.criteria}
    moved = _moved([s.id for s in before.sections], [s.id for s in after.sections])
    for section in after.sections:
        found += _section(old_sections.get(section.id), section, section.id in moved)
        inside = [c.id for c in section.criteria if homes.get(c.id) == section.id]
        known = old_sections.get(section.id)
        shifted = _moved([c.id for c in known.criteria if c.id in inside], inside) if known else frozenset()
        for criterion in section.criteria:
            old = old_lines.get(criterion.id)
            if old is None:
                words = (
                    f"added to section {section.id}: {_short(criterion.title)}, {criterion.points:g} points"
                )
                found.append(Change(criterion.id, words, _kind_of_new(criterion)))
                continue
            if homes[criterion.id] != section.id:
                words = f"moved from section {homes[criterion.id]} to {section.id}"
                found.append(Change(criterion.id, words, "scoring"))
            elif criterion.id in shifted:
                found.append(Change(criterion.id, "moved within its section", "wording"))
            found += _criterion(old, criterion)
    return (*found, *_removed(before, after))


def _kind_of_new(criterion: Criterion) -> Kind:
    return "scoring" if criterion.check.kind == "manual" else "machine"


def _removed(before: Rubric, after: Rubric) -> Iterator[Change]:
    lines = {criterion.id for criterion in after.criteria}
    for criterion in before.criteria:
        if criterion.id not in lines:
            yield Change(criterion.id, f"removed: {_short(criterion.title)}", "scoring")
    sections = {section.id for section in after.sections}
    for section in before.sections:
        if section.id not in sections:
            yield Change(f"section {section.id}", f"removed: {_short(section.title)}", "scoring")


def _section(before: Section | None, after: Section, moved: bool) -> Iterator[Change]:
    where = f"section {after.id}"
    if before is None:
        weight = "" if after.weight is None else f", weight {after.weight:g}"
        yield Change(where, f"added: {_short(after.title)}{weight}", "scoring")
        return
    if moved:
        yield Change(where, "moved", "wording")
    yield from _fields(where, before, after, lambda name: _SECTION_FIELDS.get(name, "scoring"))


def _criterion(before: Criterion, after: Criterion) -> Iterator[Change]:
    def kind(name: str) -> Kind:
        return "scoring" if name in _SCORED else "machine" if name in _HEARD else "wording"

    if before.scale != after.scale:
        machine = after.check.kind != "manual"
        for change in _scale(after.id, before.scale, after.scale):
            yield replace(change, kind="machine") if machine and change.kind == "scoring" else change
    yield from _fields(before.id, before, after, kind)


def _fields(where: str, before: BaseModel, after: BaseModel, kind: Callable[[str], Kind]) -> Iterator[Change]:
    """Compare the fields that two things of the same kind have, in the order in which they are declared."""
    for name in type(after).model_fields:
        if name in _NOT_COMPARED:
            continue
        old, new = (_plain(getattr(side, name)) for side in (before, after))
        for words in _differences(_spelled(name), name, old, new):
            yield Change(where, words, kind(name))


def _scale(where: str, before: Scale, after: Scale) -> Iterator[Change]:
    """Compare two scales: what the same answer is worth is scoring, what it is called is wording."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        old = {level.value: level for level in before}
        new = {level.value: level for level in after}
        for value in sorted({*old, *new}):
            name = f"level {value:g}"
            if value not in new:
                yield Change(where, f"{name} removed", "scoring")
            elif value not in old:
                yield Change(where, f"{name} added: {_short(new[value].label)}", "scoring")
            else:
                yield from _fields(
                    where, old[value], new[value], lambda field: "scoring" if field == "passes" else "wording"
                )
    elif isinstance(before, NumberScale) and isinstance(after, NumberScale):
        unit_only = before.model_copy(update={"unit": after.unit}) == after
        for words in _differences("scale", "scale", _plain(before), _plain(after)):
            yield Change(where, words, "wording" if unit_only else "scoring")
    else:
        yield Change(where, f"scale {_scale_words(before)} → {_scale_words(after)}", "scoring")


def _scale_words(scale: Scale) -> str:
    if isinstance(scale, NumberScale):
        return f"{scale.least:g} to {scale.most:g} {scale.unit}"
    return "yes or no" if scale == "yes_no" else f"{len(scale)} levels"


def _differences(words: str, name: str, before: Any, after: Any) -> Iterator[str]:
    """Say how two values differ: single values with an arrow, items of lists as added and removed."""
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        if before.get("kind") != after.get("kind"):
            yield f"{words} {before.get('kind')} → {after.get('kind')}"
            return
        for field in dict.fromkeys((*before, *after)):
            below = _spelled(field) if words == "check" else f"{words} {_spelled(field)}"
            yield from _differences(below, field, before.get(field), after.get(field))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _items(words, name, before, after)
    elif isinstance(after, str) and isinstance(before, str) and max(len(before), len(after)) > _LONGEST:
        yield f"{words} {'added' if not before else 'removed' if not after else 'changed'}"
    elif before is False and after is True and name in _SCORED:
        yield f"{words} now"
    elif before is True and after is False and name in _SCORED:
        yield f"{words} no longer"
    elif not before and before is not False and before != 0:
        yield f"{words} added: {_told(after)}"
    elif not after and after is not False and after != 0:
        yield f"{words} removed: {_told(before)}"
    else:
        yield f"{words} {_told(before)} → {_told(after)}"


def _items(words: str, name: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    """Compare lists as bags; an equal bag in another order is moved, one item for another is changed."""
    one = words.removesuffix(_spelled(name)) + _OF_ONE.get(name, _spelled(name))
    old, new = Counter(map(repr, before)), Counter(map(repr, after))
    gone = [item for item in before if (old - new)[repr(item)]]
    come = [item for item in after if (new - old)[repr(item)]]
    if not gone and not come:
        yield f"{words}: another order"
    elif len(before) == len(after) and len(gone) == len(come) and isinstance(come[0], dict):
        for was, now in zip(gone, come, strict=True):
            yield from _differences(one, name, was, now)
    else:
        yield from (f"{one} {_told(item)} removed" for item in gone)
        yield from (f"{one} {_told(item)} added" for item in come)


def _moved(before: Sequence[str], after: Sequence[str]) -> frozenset[str]:
    """Return the fewest things that, put elsewhere, explain the new order of those that are in both."""
    places = {id: at for at, id in enumerate(before)}
    kept = [id for id in after if id in places]
    best: list[list[str]] = [[]]
    for id in kept:
        longest: list[str] = max((run for run in best if not run or places[run[-1]] < places[id]), key=len)
        best.append([*longest, id])
    stayed: list[str] = max(best, key=len)
    return frozenset(kept) - frozenset(stayed)


def _plain(value: Any) -> Any:
    """Return a value as plain data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value if isinstance(value, (str, bool, int, float, type(None))) else str(value)


def _told(value: Any) -> str:
    """Write a value in few words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:g}"
    if isinstance(value, str):
        return f'"{_short(value)}"' if " " in value or not value else value
    if isinstance(value, list):
        return _short(", ".join(map(_told, value))) if value else "none"
    named = value.get("name") or value.get("what")
    if named:
        return f'"{_short(str(named))}"'
    return _short(
        ", ".join(f"{_spelled(k)} {_told(v)}" for k, v in value.items() if v not in (None, [], "", {}))
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def _spelled(name: str) -> str:
    return name.rstrip("_").replace("_", " ")


KINDS: tuple[Kind, ...] = get_args(Kind)
"""The kinds of changes, the gravest first."""
