"""What a changed rubric makes of people's stored answers, exactly: the same sums as `score.total`, many at once.

One audit's answers come as a compact text, `criterion=answer|criterion=answer`, with nothing behind the `=` of an
open line. Equal texts are scored once; so are equal answers within a section, so that a new text costs little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from qa_audit.domain.audit import NOT_APPLICABLE
from qa_audit.domain.findings import Outcome
from qa_audit.domain.rubric import Criterion, NumberScale, Rubric, Section
from qa_audit.domain.score import Answer, points_of, standing_of, total
from qa_audit.domain.statistics import LEAST, Rate, Sample

BETWEEN_LINES, BETWEEN_PARTS = "|", "="
"""What keeps the lines of a compact text apart, and a line's criterion from its answer."""

MOST_KEPT = 20_000
"""So many results are kept to be found again; then they are forgotten, so that memory stays flat."""

Vector = tuple[str, ...]
"""The answers of an audit in the order of a rubric's criteria: '' is an open line."""


class Scored(NamedTuple):
    """What answers come to: `percent` with and `without` the zero of a fatal, and whether a fatal line failed."""

    percent: float | None
    without: float | None
    outcome: Outcome
    fatal: bool


class Compared(NamedTuple):
    """One audit under both texts. `off_scale` are the criteria whose answer the changed scale does not have."""

    before: Scored
    after: Scored
    off_scale: tuple[str, ...]


class _Part(NamedTuple):
    """A section's share of a score, in whole numbers: points got and possible on a common scale, and its weight."""

    got: int
    without: int
    possible: int
    weight: int
    fatal: bool


class _Line(NamedTuple):
    """One written line: its place and answer before, and its place (None: removed) and answer after."""

    at: int
    answer: str
    later_at: int | None
    later: str


class Scorer:
    """Scores answers under one rubric, whole numbers all the way; the result is that of `score.total`."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self.ids = tuple(criterion.id for criterion in rubric.criteria)
        self._weighted = any(section.weight is not None for section in rubric.sections)
        self._scale = _common_scale(rubric)
        weights = [Fraction(str(section.weight or 0)) for section in rubric.sections]
        whole = lcm(*(weight.denominator for weight in weights))
        self._weights = [int(weight * whole) for weight in weights]
        self._mark = Fraction(str(rubric.pass_mark)) / 100
        self._depends = any(c.criterion for one in rubric.criteria for c in (*one.when, *one.na_when))
        self._bounds = _bounds(rubric)
        self._parts: dict[tuple[int, Vector], _Part] = {}

    def score(self, answers: Vector) -> Scored:
        """Score the answers of one audit; raises ValueError for one that a scale does not have."""
        if "" in answers:
            return self._open(answers)
        if self._depends:
            standing = standing_of(self.rubric, self._standing(answers))
            answers = tuple(standing[id].value or NOT_APPLICABLE for id in self.ids)
        parts = [self._part(at, answers[low:high]) for at, (low, high) in enumerate(self._bounds)]
        fatal = any(part.fatal for part in parts)
        kept = self._share(parts, 0)
        without = kept if all(part.got == part.without for part in parts) else self._share(parts, 1)
        zeroed = kept is not None and fatal and self.rubric.fatal_score == "zero"
        return Scored(0.0 if zeroed else _percent(kept), _percent(without), self._outcome(kept, fatal), fatal)

    def accepts(self, id: str, answer: str) -> bool:
        """Say whether a criterion can be answered so; raises KeyError."""
        if answer in ("", NOT_APPLICABLE):
            return True
        try:
            self.rubric.criterion(id).share(answer)
        except ValueError:
            return False
        return True

    def _open(self, answers: Vector) -> Scored:
        found = total(self.rubric, self._standing(answers))
        fatal = bool(found.suspected_fatal)
        return Scored(found.percent, found.percent_without_fatal, found.outcome, fatal)

    def _standing(self, answers: Vector) -> dict[str, Answer]:
        return {id: _answer(value) for id, value in zip(self.ids, answers, strict=True)}

    def _part(self, at: int, answers: Vector) -> _Part:
        found = self._parts.get((at, answers))
        if found is None:
            if len(self._parts) >= MOST_KEPT:
                self._parts.clear()
            found = self._parts[at, answers] = self._sums(at, answers)
        return found

    def _sums(self, at: int, answers: Vector) -> _Part:
        got = possible = Fraction(0)
        fatal = nothing_left = False
        for criterion, value in zip(self.rubric.sections[at].criteria, answers, strict=True):
            counted = points_of(criterion, _answer(value))
            if counted is None:
                continue
            got, possible = got + counted[0], possible + counted[1]
            if criterion.fails(value):
                fatal = fatal or criterion.fatal
                nothing_left = nothing_left or criterion.fatal_for_section
        sums = int(got * self._scale), int(possible * self._scale)
        kept = 0 if nothing_left and self.rubric.fatal_score == "zero" else sums[0]
        return _Part(kept, sums[0], sums[1], self._weights[at], fatal)

    def _share(self, parts: list[_Part], column: int) -> tuple[int, int] | None:
        """Return the score as a fraction of whole numbers, at most one; None when nothing counts."""
        if not self._weighted:
            below = sum(part.possible for part in parts)
            above = sum(part[column] for part in parts)
        else:
            above, below, whole = 0, 1, 0
            for part in parts:
                if part.possible:
                    above = above * part.possible + part.weight * part[column] * below
                    below *= part.possible
                    whole += part.weight
            below *= whole
        return (min(above, below), below) if below else None

    def _outcome(self, share: tuple[int, int] | None, fatal: bool) -> Outcome:
        if fatal:
            return "fail"
        if share is None:
            return "undetermined"
        passes = share[0] * self._mark.denominator >= self._mark.numerator * share[1]
        return "pass" if passes else "fail"


class Comparer:
    """Holds stored answers against two texts of a rubric."""

    def __init__(self, before: Rubric, after: Rubric) -> None:
        self.before, self.after = Scorer(before), Scorer(after)
        self._later = {id: at for at, id in enumerate(self.after.ids)}
        self._lines: dict[str, _Line | None] = {}
        self._found: dict[str, Compared | None] = {}

    def compare(self, text: str) -> Compared | None:
        """Score one audit's answers under both texts; None where they are no answers to the former text.

        A new criterion, and one whose answer the changed scale does not have, counts as not applicable.
        """
        if text in self._found:
            return self._found[text]
        if len(self._found) >= MOST_KEPT:
            self._found.clear()
        found = self._found[text] = self._compared(text)
        return found

    def _compared(self, text: str) -> Compared | None:
        given = [""] * len(self.before.ids)
        later = [NOT_APPLICABLE] * len(self.after.ids)
        off_scale: tuple[str, ...] = ()
        lines = text.split(BETWEEN_LINES)
        if len(lines) != len(given):
            return None
        for written in lines:
            line = self._lines[written] if written in self._lines else self._read(written)
            if line is None:
                return None
            given[line.at] = line.answer
            if line.later_at is not None:
                later[line.later_at] = line.later
                if line.later != line.answer:
                    off_scale = (*off_scale, self.after.ids[line.later_at])
        return Compared(self.before.score(tuple(given)), self.after.score(tuple(later)), off_scale)

    def _read(self, written: str) -> _Line | None:
        if len(self._lines) >= MOST_KEPT:
            self._lines.clear()
        id, _, answer = written.partition(BETWEEN_PARTS)
        line = None
        if id in self.before.ids and self.before.accepts(id, answer):
            at, later_at = self.before.ids.index(id), self._later.get(id)
            fits = later_at is not None and self.after.accepts(id, answer)
            line = _Line(at, answer, later_at, answer if fits else NOT_APPLICABLE)
        self._lines[written] = line
        return line


@dataclass
class Side:
    """What audits come to under one text: percents without fatal zeros, outcomes, and audits with a fatal no."""

    percents: Sample = field(default_factory=Sample)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    fatal: int = 0

    def add(self, scored: Scored, times: int, fatal_elsewhere: int) -> None:
        """Count equal audits; `fatal_elsewhere` of them have a fatal no under another rubric."""
        self.outcomes[scored.outcome] += times
        self.fatal += times if scored.fatal else fatal_elsewhere
        if scored.without is not None:
            self.percents += _powers(scored.without, times)


@dataclass
class Tally:
    """The audits of one vendor, or of all, before and after, and what changed between."""

    audits: int = 0
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    shift: Sample = field(default_factory=Sample)
    changed: int = 0
    to_fail: int = 0
    to_pass: int = 0
    to_open: int = 0

    def add(self, compared: Compared, times: int = 1, fatal_elsewhere: int = 0) -> None:
        """Count equal audits; those whose outcome was or becomes undetermined are no flips to pass or fail."""
        before, after = compared.before, compared.after
        self.audits += times
        self.before.add(before, times, fatal_elsewhere)
        self.after.add(after, times, fatal_elsewhere)
        if before.without is not None and after.without is not None:
            self.shift += _powers(after.without - before.without, times)
        self.changed += times * (before[:3] != after[:3])
        flip = (before.outcome, after.outcome)
        self.to_fail += times * (flip == ("pass", "fail"))
        self.to_pass += times * (flip == ("fail", "pass"))
        self.to_open += times * (flip[0] != flip[1] and "undetermined" in flip)


def ranks(means: Mapping[str, Sample]) -> dict[str, int]:
    """Return the place of each vendor by its mean score to one decimal, ties share one; too few have none."""
    shown = {
        id: round(sample.mean, 1)
        for id, sample in means.items()
        if sample.too_few is None and sample.mean is not None
    }
    return {id: 1 + sum(other > mean for other in shown.values()) for id, mean in shown.items()}


def verdict(side: Side, audits: int, pass_mark: float, limit: float | None) -> str:
    """Say what a contract's limit (fatal calls in 100) and the pass mark make of a vendor's audits.

    The same rules as on the vendor's page: over the limit, and under the pass mark, only beyond doubt.
    """
    if audits < LEAST:
        return f"too few to say: {audits} of the {LEAST} audits needed"
    said = []
    if limit is not None:
        low, high = Rate(side.fatal, audits).range
        if low * 100 > limit:
            said.append(f"over the limit of {limit:g} in 100")
        elif side.fatal * 100 > limit * audits:
            said.append(f"perhaps over the limit of {limit:g} in 100")
        else:
            so_far = "" if high * 100 <= limit else "so far "
            said.append(f"{so_far}within the limit of {limit:g} in 100")
    if side.percents.too_few is None:
        under = side.percents.range(0, 100)[1] < pass_mark
        said.append("under the pass mark" if under else "not under the pass mark")
    return ", ".join(said)


def not_backtestable(before: Rubric, after: Rubric, off_scale: Mapping[str, int]) -> dict[str, str]:
    """Return why stored answers say nothing, or not all, of a criterion of the changed rubric, by its id."""
    known = {criterion.id: criterion for criterion in before.criteria}
    found = {}
    for criterion in after.criteria:
        old = known.get(criterion.id)
        if old is None:
            found[criterion.id] = "It is new: nobody answered it yet. It counts as not applicable here."
        elif off_scale.get(criterion.id):
            found[criterion.id] = (
                f"{off_scale[criterion.id]} stored answers are not on its new scale. They count as not "
                "applicable here."
            )
        elif _applies_by_call(old) != _applies_by_call(criterion):
            found[criterion.id] = (
                "When it applies depends on the call itself: people's answers are taken as they are."
            )
        elif criterion.check.kind == "judge" and criterion.check != old.check:
            found[criterion.id] = (
                "A language model judges it, which a backtest does not ask: people's answers are scored, the "
                "machine's are not compared."
            )
    return found


def _powers(value: float, times: int) -> Sample:
    square = value * value
    return Sample(times, value * times, square * times, square * value * times)


def _answer(value: str) -> Answer:
    if value == "":
        return Answer("unsure")
    return Answer("not_applicable") if value == NOT_APPLICABLE else Answer("decided", value)


def _percent(share: tuple[int, int] | None) -> float | None:
    """Round a fraction to percents with one decimal, halves up, as `score.rounded` does."""
    return None if share is None else (share[0] * 2000 + share[1]) // (2 * share[1]) / 10


def _applies_by_call(criterion: Criterion) -> tuple[object, ...]:
    conditions = (criterion.when, criterion.na_when, criterion.not_assessed_when)
    return tuple(tuple(c for c in part if c.criterion is None) for part in conditions)


def _bounds(rubric: Rubric) -> list[tuple[int, int]]:
    found, at = [], 0
    for section in rubric.sections:
        found.append((at, at + len(section.criteria)))
        at += len(section.criteria)
    return found


def _common_scale(rubric: Rubric) -> int:
    """Return the number that makes whole numbers of all points that any answer can earn."""
    return lcm(*(fraction.denominator for section in rubric.sections for fraction in _fractions(section)))


def _fractions(section: Section) -> Iterable[Fraction]:
    for criterion in section.criteria:
        yield criterion.exact_points
        scale = criterion.scale
        if isinstance(scale, NumberScale):
            shares = [Fraction(str(part.percent)) / 100 for part in scale.ranges]
        else:
            shares = [criterion.share(answer) for answer in criterion.answers]
        yield from (criterion.exact_points * share for share in shares)
