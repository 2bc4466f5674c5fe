"""Which rubric is for which call, in which order its lines are answered, and what its variables stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from qa_audit.domain.checks.said import SaidSpec
from qa_audit.domain.rubric.model import AppliesTo, Criterion, Rubric, Value


def applicable(
    rubrics: Iterable[Rubric],
    *,
    on: date,
    vendor: str = "",
    queue: str | None = None,
    language: str | None = None,
    direction: str | None = None,
    seconds: float | None = None,
) -> tuple[Rubric, ...]:
    """Return the rubrics for a call, one version of each id: the newest in effect on the day of the call.

    `seconds` is the length of the call; while it is unknown, no rubric is left out for it.
    """
    newest: dict[str, Rubric] = {}
    for rubric in rubrics:
        if rubric.effective_from > on or not _is_for(rubric.applies_to, vendor, queue, language, direction):
            continue
        if seconds is not None and seconds < rubric.applies_to.least_seconds:
            continue
        known = newest.get(rubric.id)
        key = (rubric.effective_from, rubric.version)
        if known is None or key > (known.effective_from, known.version):
            newest[rubric.id] = rubric
    return tuple(newest[id] for id in sorted(newest))


def _is_for(
    rule: AppliesTo, vendor: str, queue: str | None, language: str | None, direction: str | None
) -> bool:
    spoken = (language or "").split("-")[0].lower()
    languages = tuple(wanted.split("-")[0].lower() for wanted in rule.language)
    return (
        (not rule.vendor or vendor in rule.vendor)
        and (not rule.queue or queue in rule.queue)
        and (not rule.language or not spoken or spoken in languages)
        and (not rule.direction or direction is None or direction in rule.direction)
    )


class _Itself:
    """A rubric told apart by being the same object: comparing all that is in it would take longer than the order."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric

    def __hash__(self) -> int:
        return id(self.rubric)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.rubric is self.rubric


def in_order(rubric: Rubric) -> tuple[Criterion, ...]:
    """Return the criteria so that each comes after those that it looks at, else in the order of the sections."""
    return _in_order(_Itself(rubric))


@lru_cache(maxsize=64)
def _in_order(itself: _Itself) -> tuple[Criterion, ...]:
    criteria = itself.rubric.criteria
    by_id = {criterion.id: criterion for criterion in criteria}
    done: dict[str, Criterion] = {}

    def place(criterion: Criterion, above: frozenset[str]) -> None:
        for id in sorted(looks_at(criterion) - above - done.keys()):
            if id in by_id:
                place(by_id[id], above | {criterion.id})
        done.setdefault(criterion.id, criterion)

    for criterion in criteria:
        place(criterion, frozenset())
    return tuple(done.values())


def looks_at(criterion: Criterion) -> set[str]:
    """Return the ids of the criteria on whose answers this one depends."""
    found = {c.criterion for c in (*criterion.when, *criterion.na_when, *criterion.not_assessed_when)}
    if isinstance(criterion.check, SaidSpec):
        found |= {part.leave_to for part in criterion.check.all}
    return {id for id in found if id is not None}


def variable_values(value: Value) -> tuple[str, ...]:
    """Return what a variable stands for as texts."""
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    text = re.sub(r"\.0$", "", str(value))
    return (text,) if text else ()
