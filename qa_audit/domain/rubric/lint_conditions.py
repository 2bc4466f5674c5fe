"""Find conditions that never hold, always hold, or contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa_audit.domain.checks.conditions import Condition
from qa_audit.domain.rubric.model import Criterion, Rubric
from qa_audit.domain.rubric.problems import Path, Remark

_LISTS = ("when", "na_when", "not_assessed_when")


def condition_findings(path: Path, criterion: Criterion, rubric: Rubric) -> Iterator[Remark]:
    """Yield what is wrong with the conditions of one criterion."""
    for name in _LISTS:
        conditions: tuple[Condition, ...] = getattr(criterion, name)
        for place, condition in enumerate(conditions):
            at = (*path, name, place)
            yield from _answer(at, condition, rubric)
            yield from _direction(at, condition, rubric)
            if condition in conditions[:place]:
                yield at, "warning", "is given twice"
    yield from _contradictions(path, criterion, rubric)


def _answer(at: Path, condition: Condition, rubric: Rubric) -> Iterator[Remark]:
    """Find an answer that the other criterion cannot have."""
    if condition.criterion is None:
        return
    other = next((c for c in rubric.criteria if c.id == condition.criterion), None)
    if other is None:
        return
    try:
        other.share(condition.answer)
    except ValueError:
        known = f": it answers {', '.join(other.answers)}" if other.answers else ""
        yield at, "error", f"can never hold: '{condition.answer}' is no answer of '{other.id}'{known}"


def _direction(at: Path, condition: Condition, rubric: Rubric) -> Iterator[Remark]:
    """Find a direction of the call that the rubric is not for, or always for."""
    directions = set(rubric.applies_to.direction)
    if condition.event == "outbound" and directions == {"inbound"}:
        yield at, "warning", "can never hold: the rubric is for inbound calls only"
    if condition.event == "outbound" and directions == {"outbound"}:
        yield at, "warning", "always holds: the rubric is for outbound calls only"


def _contradictions(path: Path, criterion: Criterion, rubric: Rubric) -> Iterator[Remark]:
    wanted: dict[tuple[str, str], str] = {}
    for place, condition in enumerate(criterion.when):
        subject = _subject(condition)
        if subject and wanted.setdefault(subject, condition.answer) != condition.answer:
            what = (
                f"never applies: '{subject[1]}' cannot be both '{wanted[subject]}' and '{condition.answer}'"
            )
            yield (*path, "when", place), "error", what
        if condition in criterion.na_when:
            yield (*path, "when", place), "error", "never applies: 'na_when' says the opposite"
    yield from _every_answer(path, criterion.na_when, rubric)


def _every_answer(path: Path, conditions: Sequence[Condition], rubric: Rubric) -> Iterator[Remark]:
    """Find a criterion all of whose answers make this one not applicable."""
    by_criterion: dict[str, set[str]] = {}
    for condition in conditions:
        if condition.criterion is not None:
            by_criterion.setdefault(condition.criterion, set()).add(condition.answer)
    for other in rubric.criteria:
        if other.answers and by_criterion.get(other.id, set()) >= set(other.answers):
            yield (*path, "na_when"), "error", f"always holds: it names every answer of '{other.id}'"


def _subject(condition: Condition) -> tuple[str, str] | None:
    if condition.criterion is not None:
        return "criterion", condition.criterion
    return ("fact", condition.fact) if condition.fact is not None else None
