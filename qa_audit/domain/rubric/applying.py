"""Which rubric is for which call, in which order its lines are answered, and what its variables stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

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
) -> tuple[Rubric, ...]:
    """Return the rubrics for a call, one version of each id: the newest in effect on the day of the call."""
    newest: dict[str, Rubric] = {}
    for rubric in rubrics:
        if rubric.effective_from > on or not _is_for(rubric.applies_to, vendor, queue, language, direction):
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


def in_order(rubric: Rubric) -> tuple[Criterion, ...]:
    """Return the criteria so that each comes after those its check looks at."""
    waiting = {
        c.id
        for c in rubric.criteria
        if isinstance(c.check, SaidSpec) and any(p.leave_to for p in c.check.all)
    }
    return tuple(sorted(rubric.criteria, key=lambda criterion: criterion.id in waiting))


def variable_values(value: Value) -> tuple[str, ...]:
    """Return what a variable stands for as texts."""
    if isinstance(value, (list, tuple)):
        return tuple(str(part) for part in value)
    text = re.sub(r"\.0$", "", str(value))
    return (text,) if text else ()
