"""Add up answers to a score: exact fractions, rounded once, at the edge.

Not applicable leaves both sides. Not assessed, unsure and manual lines are open: they count on neither
side, and they are not zero. A fatal no makes the audit fail and, where the rubric says so, its percent zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from qa_audit.domain.findings import Outcome, Score, Status
from qa_audit.domain.rubric import Criterion, Rubric

_NOT_OPEN: frozenset[Status] = frozenset({"decided", "not_applicable"})


@dataclass(frozen=True)
class Answer:
    """One criterion's standing: its status, and the answer when decided."""

    status: Status
    value: str | None = None


@dataclass(frozen=True)
class _Sums:
    got: Fraction
    possible: Fraction
    open_points: Fraction


def points_of(criterion: Criterion, answer: Answer) -> tuple[Fraction, Fraction] | None:
    """Return points got and possible of one line; None when it counts on neither side.

    Raises ValueError for an answer that the criterion's scale does not have.
    """
    if answer.status != "decided" or answer.value is None:
        return None
    return criterion.exact_points * criterion.share(answer.value), criterion.exact_points


def total(rubric: Rubric, answers: Mapping[str, Answer]) -> Score:
    """Score a rubric from the answers by criterion id; a criterion without an answer is open.

    The outcome is undetermined while open lines could still change it.
    """
    standing = {
        criterion.id: answers.get(criterion.id, Answer("not_assessed")) for criterion in rubric.criteria
    }
    sums = _sums(rubric, standing)
    fatal = tuple(c.id for c in rubric.criteria if c.fatal and _failed(c, standing[c.id]))
    critical = tuple(c.id for c in rubric.criteria if c.critical and _failed(c, standing[c.id]))
    share = sums.got / sums.possible if sums.possible else None
    zeroed = share is not None and fatal and rubric.fatal_score == "zero"
    return Score(
        percent=0.0 if zeroed else rounded(share, percent=True),
        percent_without_fatal=rounded(share, percent=True),
        points=rounded(sums.got) or 0.0,
        possible=rounded(sums.possible) or 0.0,
        outcome=_outcome(rubric, standing, sums, bool(fatal)),
        suspected_fatal=fatal,
        suspected_critical=critical,
        open=sum(answer.status not in _NOT_OPEN for answer in standing.values()),
    )


def rounded(value: Fraction | None, *, percent: bool = False) -> float | None:
    """Round an exact number for showing: percents to one place, points to two, halves away from zero."""
    if value is None:
        return None
    exact = value * 100 if percent else value
    step = Decimal("0.1") if percent else Decimal("0.01")
    scaled = exact / Fraction(str(step))
    whole = (scaled.numerator * 2 + scaled.denominator) // (2 * scaled.denominator)
    return float((Decimal(whole) * step).quantize(step, rounding=ROUND_HALF_UP))


def _failed(criterion: Criterion, answer: Answer) -> bool:
    return answer.status == "decided" and answer.value is not None and criterion.share(answer.value) == 0


def _sums(rubric: Rubric, standing: Mapping[str, Answer]) -> _Sums:
    got = possible = open_points = Fraction(0)
    for criterion in rubric.criteria:
        answer = standing[criterion.id]
        counted = points_of(criterion, answer)
        if counted is not None:
            got, possible = got + counted[0], possible + counted[1]
        elif answer.status != "not_applicable":
            open_points += criterion.exact_points
    return _Sums(got, possible, open_points)


def _outcome(rubric: Rubric, standing: Mapping[str, Answer], sums: _Sums, fatal: bool) -> Outcome:
    """Compare the worst and the best that open lines can still make of the score with the pass mark.

    An open line may also turn out not applicable: then the score stays what it is without it.
    """
    if fatal:
        return "fail"
    everything = sums.possible + sums.open_points
    if not sums.possible or not everything:
        return "undetermined"
    mark = Fraction(str(rubric.pass_mark)) / 100
    now = sums.got / sums.possible
    worst = min(now, sums.got / everything)
    best = max(now, (sums.got + sums.open_points) / everything)
    fatal_open = any(c.fatal and standing[c.id].status not in _NOT_OPEN for c in rubric.criteria)
    if best < mark:
        return "fail"
    return "pass" if worst >= mark and not fatal_open else "undetermined"
