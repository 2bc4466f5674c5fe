"""Add up answers to a score: exact fractions, rounded once, at the edge.

A line earns its points times the share that its answer is worth (`Criterion.share`). Without weights the score is
points got over points possible. With weights it is the weighted mean of the sections' shares over the sections in
which anything counts. Not applicable leaves both sides: its weight is spread over the rest of its section, and a
section of which nothing applies leaves the mean. Not assessed, unsure and manual lines are open: they count on
neither side, and they are not zero. Bonus points only add, up to full marks. A fatal no makes the audit fail and,
where the rubric says so, its percent zero; one that is fatal for its section does the same there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from qa_audit.domain.findings import Outcome, Score, SectionScore, Status
from qa_audit.domain.rubric import Criterion, Rubric, Section, in_order

_NOT_OPEN: frozenset[Status] = frozenset({"decided", "not_applicable"})
_NOTHING = 0
_YES_NO: Mapping[str, int] = {"yes": 1, "no": 0}
Exact = Fraction | int
"""An exact number; whole ones are ints, which add up many times faster."""


@dataclass(frozen=True)
class Answer:
    """One criterion's standing: its status, and the answer when decided."""

    status: Status
    value: str | None = None


Standing = Mapping[str, Answer]


@dataclass(frozen=True)
class _Sums:
    """What a section's lines add up to; `bonus` lies beside `got`, which never exceeds `possible`."""

    weight: Fraction | None
    got: Exact
    bonus: Exact
    possible: Exact


def points_of(criterion: Criterion, answer: Answer) -> tuple[Exact, Exact] | None:
    """Return points got and possible of one line; None when it counts on neither side. A bonus has none possible.

    Raises ValueError for an answer that the criterion's scale does not have.
    """
    if answer.status != "decided" or answer.value is None:
        return None
    points = _plain(criterion.exact_points)
    known = _YES_NO.get(answer.value) if criterion.scale == "yes_no" else None
    earned = points * known if known is not None else _plain(points * criterion.share(answer.value))
    return earned, _NOTHING if criterion.bonus else points


def _plain(number: Fraction) -> Exact:
    return number.numerator if number.denominator == 1 else number


def total(rubric: Rubric, answers: Standing) -> Score:
    """Score a rubric from the answers by criterion id; a criterion without an answer is open.

    A line whose condition on another line's answer is not met counts as not applicable, whatever was answered.
    The outcome is undetermined while open lines could still change it.
    """
    standing = standing_of(rubric, answers)
    sums = [_sums(section, standing) for section in rubric.sections]
    kept = [
        _with_fatal(rubric, section, one, standing)
        for section, one in zip(rubric.sections, sums, strict=True)
    ]
    fatal = _failed(rubric, standing, lambda c: c.fatal)
    share, without = _share(kept), _share(sums)
    zeroed = share is not None and fatal and rubric.fatal_score == "zero"
    return Score(
        percent=0.0 if zeroed else rounded(share, percent=True),
        percent_without_fatal=rounded(without, percent=True),
        points=rounded(sum(one.got + one.bonus for one in kept)) or 0.0,
        possible=rounded(sum(one.possible for one in kept)) or 0.0,
        outcome=_outcome(rubric, standing, kept, bool(fatal)),
        suspected_fatal=fatal,
        suspected_fatal_for_section=_failed(rubric, standing, lambda c: c.fatal_for_section),
        suspected_critical=_failed(rubric, standing, lambda c: c.critical),
        critical_percent=rounded(_critical_share(rubric.criteria, standing), percent=True),
        sections=_section_scores(rubric, kept),
        open=sum(answer.status not in _NOT_OPEN for answer in standing.values()),
    )


def standing_of(rubric: Rubric, answers: Standing) -> dict[str, Answer]:
    """Return every criterion's standing: open where nothing was answered, not applicable by other lines' answers."""
    standing: dict[str, Answer] = {}
    for criterion in in_order(rubric):
        ruled_out = (criterion.when or criterion.na_when) and _ruled_out(criterion, standing)
        given = Answer("not_applicable") if ruled_out else answers.get(criterion.id)
        standing[criterion.id] = given or Answer("not_assessed")
    return {criterion.id: standing[criterion.id] for criterion in rubric.criteria}


def true_shares(rubric: Rubric) -> dict[str, Fraction]:
    """Return which part of the whole score each criterion is when everything applies; a bonus is none."""
    per_section = {
        section.id: sum((c.exact_points for c in section.criteria if not c.bonus), Fraction(0))
        for section in rubric.sections
    }
    weights = {section.id: _weight(section) for section in rubric.sections}
    weighted = any(weight is not None for weight in weights.values())
    whole = (
        sum((weights[id] or Fraction(0) for id, points in per_section.items() if points), Fraction(0))
        if weighted
        else sum(per_section.values(), Fraction(0))
    )
    shares = {}
    for section in rubric.sections:
        for criterion in section.criteria:
            if criterion.bonus or not whole:
                shares[criterion.id] = Fraction(0)
            elif weighted:
                part = criterion.exact_points / per_section[section.id]
                shares[criterion.id] = (weights[section.id] or Fraction(0)) * part / whole
            else:
                shares[criterion.id] = criterion.exact_points / whole
    return shares


@lru_cache(maxsize=8192)
def rounded(value: Exact | None, *, percent: bool = False) -> float | None:
    """Round an exact number for showing: percents to one place, points to two, halves away from zero."""
    if value is None:
        return None
    exact = value * 100 if percent else value
    step = Decimal("0.1") if percent else Decimal("0.01")
    scaled = exact / Fraction(str(step))
    whole = (scaled.numerator * 2 + scaled.denominator) // (2 * scaled.denominator)
    return float((Decimal(whole) * step).quantize(step, rounding=ROUND_HALF_UP))


def _ruled_out(criterion: Criterion, standing: Standing) -> bool:
    """Say whether the answers of other lines make this one not applicable; open ones rule nothing out."""
    for condition in criterion.when:
        other = standing.get(condition.criterion or "")
        if other is not None and other.status in _NOT_OPEN and other.value != condition.answer:
            return True
    return any(
        (other := standing.get(condition.criterion or "")) is not None
        and other.status == "decided"
        and other.value == condition.answer
        for condition in criterion.na_when
    )


def _has_failed(criterion: Criterion, answer: Answer) -> bool:
    return answer.status == "decided" and answer.value is not None and criterion.fails(answer.value)


def _failed(rubric: Rubric, standing: Standing, is_such: Callable[[Criterion], bool]) -> tuple[str, ...]:
    return tuple(c.id for c in rubric.criteria if is_such(c) and _has_failed(c, standing[c.id]))


def _weight(section: Section) -> Fraction | None:
    return None if section.weight is None else Fraction(str(section.weight))


def _sums(section: Section, standing: Standing) -> _Sums:
    got: Exact = _NOTHING
    bonus: Exact = _NOTHING
    possible: Exact = _NOTHING
    for criterion in section.criteria:
        counted = points_of(criterion, standing[criterion.id])
        if counted is None:
            continue
        possible += counted[1]
        if criterion.bonus:
            bonus += counted[0]
        else:
            got += counted[0]
    return _Sums(_weight(section), got, bonus, possible)


def _with_fatal(rubric: Rubric, section: Section, sums: _Sums, standing: Standing) -> _Sums:
    """Take everything from a section in which a line failed that is fatal for it, where the rubric says so."""
    hit = any(c.fatal_for_section and _has_failed(c, standing[c.id]) for c in section.criteria)
    if not hit or rubric.fatal_score != "zero":
        return sums
    return _Sums(sums.weight, _NOTHING, _NOTHING, sums.possible)


def _share(sections: Iterable[_Sums]) -> Fraction | None:
    """Return the score as a share of one, at most one; None when nothing counts."""
    counted = [one for one in sections if one.possible or one.bonus]
    if any(one.weight is not None for one in counted):
        weighted = [(one.weight or Fraction(0), one) for one in counted if one.possible]
        whole = sum((weight for weight, _ in weighted), Fraction(0))
        if not whole:
            return None
        parts = (weight * (one.got + one.bonus) / one.possible for weight, one in weighted)
        return min(sum(parts, Fraction(0)) / whole, Fraction(1))
    possible = sum([one.possible for one in counted])
    if not possible:
        return None
    return min(Fraction(sum([one.got + one.bonus for one in counted])) / possible, Fraction(1))


def _critical_share(criteria: Iterable[Criterion], standing: Standing) -> Fraction | None:
    counted = [points_of(c, standing[c.id]) for c in criteria if c.critical]
    possible = sum(one[1] for one in counted if one)
    return Fraction(sum(one[0] for one in counted if one)) / possible if possible else None


def _section_scores(rubric: Rubric, sums: Iterable[_Sums]) -> tuple[SectionScore, ...]:
    known = list(sums)
    pulls = [
        Fraction(one.possible if one.weight is None else one.weight if one.possible else 0) for one in known
    ]
    whole = sum(pulls, Fraction(0))
    return tuple(
        SectionScore(
            id=section.id,
            percent=rounded(min(Fraction(one.got + one.bonus) / one.possible, Fraction(1)), percent=True)
            if one.possible
            else None,
            points=rounded(one.got + one.bonus) or 0.0,
            possible=rounded(one.possible) or 0.0,
            weight=round(float(pull / whole), 4) if whole else 0.0,
        )
        for section, one, pull in zip(rubric.sections, known, pulls, strict=True)
    )


def _outcome(rubric: Rubric, standing: Standing, sums: Sequence[_Sums], fatal: bool) -> Outcome:
    """Compare the worst and the best that open lines can still make of the score with the pass mark.

    An open line may also turn out not applicable; the score then lies between the two.
    """
    share = _share(sums)
    if fatal:
        return "fail"
    if share is None:
        return "undetermined"
    mark = Fraction(str(rubric.pass_mark)) / 100
    open_lines = {c.id: c for c in _open_lines(rubric, standing)}
    worst, best = (
        _share(
            _with_fatal(rubric, section, _sums(section, imagined), imagined)
            if any(c.id in open_lines for c in section.criteria)
            else known
            for section, known in zip(rubric.sections, sums, strict=True)
        )
        or Fraction(0)
        for imagined in ({**standing, **_all(open_lines.values(), end)} for end in (0, 1))
    )
    if max(best, share) < mark:
        return "fail"
    fatal_open = any(c.fatal for c in open_lines.values())
    return "pass" if min(worst, share) >= mark and not fatal_open else "undetermined"


def _open_lines(rubric: Rubric, standing: Standing) -> list[Criterion]:
    """Return the lines without an answer, and those that an open one may still rule out."""
    found: dict[str, Criterion] = {}
    for criterion in in_order(rubric):
        depends = [c.criterion for c in (*criterion.when, *criterion.na_when)]
        if standing[criterion.id].status not in _NOT_OPEN or any(id in found for id in depends):
            found[criterion.id] = criterion
    return list(found.values())


def _all(criteria: Iterable[Criterion], end: int) -> dict[str, Answer]:
    """Imagine all of these lines answered worst (0) or best (1)."""
    return {c.id: Answer("decided", c.best if end else c.worst) for c in criteria}
