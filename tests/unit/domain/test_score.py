"""Scores are exact: within bounds, monotone, indifferent to order and to what does not apply."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.findings import Score
from qa_audit.domain.rubric import Criterion, Rubric, build_rubric
from qa_audit.domain.score import Answer, points_of, rounded, standing_of, total


def make_rubric(lines: list[dict[str, Any]], **changes: Any) -> Rubric:
    """Make a rubric of manual criteria."""
    criteria = [
        {"id": f"c{place}", "title": f"Criterion {place}", "check": {"kind": "manual"}, **line}
        for place, line in enumerate(lines)
    ]
    data = {
        "id": "made",
        "version": 1,
        "title": "Made",
        "effective_from": "2026-01-01",
        "pass_mark": 85,
        "sections": [{"id": "all", "title": "All", "criteria": criteria}],
    }
    return build_rubric({**data, **changes})


LEVELS = [{"value": value, "label": f"level {value}"} for value in range(4)]
STATUSES = st.sampled_from(["decided", "unsure", "manual", "not_applicable", "not_assessed"])


RANGES = {
    "unit": "seconds",
    "most": 100,
    "ranges": [{"up_to": 10, "percent": 100}, {"up_to": 30, "percent": 40}, {"percent": 0}],
}
NUMBERS = ("0", "10", "11.5", "30", "31", "100")
KINDS = ("plain", "fatal", "critical", "fatal_for_section", "bonus", "levels", "number")


def choices(criterion: Criterion) -> tuple[str, ...]:
    """Return answers to choose from, also for a number."""
    return criterion.answers or NUMBERS


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """Make a criterion of any kind."""
    line: dict[str, Any] = {"points": draw(st.integers(1, 40)) / draw(st.sampled_from([1, 2, 4]))}
    kind = draw(st.sampled_from(KINDS))
    scales = {"levels": LEVELS, "number": RANGES}
    return {
        **line,
        **({"scale": scales[kind]} if kind in scales else {} if kind == "plain" else {kind: True}),
    }


@st.composite
def scored(draw: st.DrawFn, conditions: bool = False) -> tuple[Rubric, dict[str, Answer]]:
    """Make a rubric of one to three sections, weighted or not, and answers; some lines depend on others if told so."""
    made = [draw(st.lists(lines(), min_size=1, max_size=4)) for _ in range(draw(st.integers(1, 3)))]
    weighted = draw(st.booleans())
    sections, number = [], 0
    for place, own in enumerate(made):
        for line in own:
            line |= {"id": f"c{number}", "title": f"Criterion {number}", "check": {"kind": "manual"}}
            if conditions and number and draw(st.booleans()):
                rule = draw(st.sampled_from(["when", "na_when"]))
                other = f"c{draw(st.integers(0, number - 1))}"
                line[rule] = [{"criterion": other, "is": draw(st.sampled_from(["yes", "no"]))}]
            number += 1
        section: dict[str, Any] = {"id": f"s{place}", "title": f"Section {place}", "criteria": own}
        if weighted:
            section["weight"] = draw(st.integers(0 if place else 1, 50))
        sections.append(section)
    rubric = make_rubric([], sections=sections, fatal_score=draw(st.sampled_from(["zero", "kept"])))
    answers = {}
    for criterion in rubric.criteria:
        status = draw(STATUSES)
        value = draw(st.sampled_from(choices(criterion))) if status == "decided" else None
        answers[criterion.id] = Answer(status, value)
    return rubric, answers


@given(scored(conditions=True))
def test_a_score_stays_within_bounds(case: tuple[Rubric, dict[str, Answer]]) -> None:
    score = total(*case)
    bonus = sum(criterion.points for criterion in case[0].criteria if criterion.bonus)
    for percent in (score.percent, score.percent_without_fatal, score.critical_percent):
        assert percent is None or 0 <= percent <= 100
    assert 0 <= score.points <= score.possible + bonus + 0.01
    assert score.percent is None or score.possible > 0
    assert all(section.percent is None or 0 <= section.percent <= 100 for section in score.sections)
    assert sum(section.weight for section in score.sections) == pytest.approx(1, abs=1e-3) or not any(
        section.weight for section in score.sections
    )


@given(scored(conditions=True), st.randoms(use_true_random=False))
def test_order_does_not_matter(case: tuple[Rubric, dict[str, Answer]], chance: random.Random) -> None:
    """Neither that of criteria, nor of sections, nor of answers; lines may look at lines that come later."""
    rubric, answers = case
    sections = [
        section.model_copy(update={"criteria": tuple(chance.sample(section.criteria, len(section.criteria)))})
        for section in rubric.sections
    ]
    mixed = rubric.model_copy(update={"sections": tuple(chance.sample(sections, len(sections)))})
    items = list(answers.items())
    chance.shuffle(items)
    assert as_sets(total(rubric, answers)) == as_sets(total(mixed, dict(items)))


def as_sets(score: Score) -> dict[str, Any]:
    """Return a score as data in which lists have no order."""
    found = score.model_dump()
    return {
        name: sorted(map(str, value)) if isinstance(value, tuple) else value for name, value in found.items()
    }


@given(scored(), st.integers(0, 11))
def test_a_better_answer_never_lowers_the_score(case: tuple[Rubric, dict[str, Answer]], pick: int) -> None:
    """Without conditions: a better answer on one line may bring other lines into play, which may then fail."""
    rubric, answers = case
    criterion = rubric.criteria[pick % len(rubric.criteria)]
    ladder = sorted(choices(criterion), key=criterion.share)
    scores = [total(rubric, {**answers, criterion.id: Answer("decided", answer)}) for answer in ladder]
    for percents in (
        [score.percent or 0.0 for score in scores],
        [score.percent_without_fatal or 0.0 for score in scores],
        [score.critical_percent or 0.0 for score in scores],
    ):
        assert percents == sorted(percents)
    rank = {"fail": 0, "undetermined": 1, "pass": 2}
    outcomes = [rank[score.outcome] for score in scores]
    assert outcomes == sorted(outcomes)


def test_a_better_answer_may_bring_a_failing_line_into_play() -> None:
    asked, told = {"points": 10}, {"points": 90, "when": [{"criterion": "c0", "is": "yes"}]}
    rubric = make_rubric([asked, told, {"points": 10}])
    answers = {"c1": Answer("decided", "no"), "c2": Answer("decided", "yes")}
    percents = [total(rubric, {**answers, "c0": Answer("decided", a)}).percent for a in ("no", "yes")]
    assert percents == [50.0, 18.2]


@given(scored(conditions=True))
def test_what_the_conditions_rule_out_counts_as_not_applicable(
    case: tuple[Rubric, dict[str, Answer]],
) -> None:
    rubric, answers = case
    standing = standing_of(rubric, answers)
    free = [
        section.model_copy(
            update={
                "criteria": tuple(c.model_copy(update={"when": (), "na_when": ()}) for c in section.criteria)
            }
        )
        for section in rubric.sections
    ]
    without = rubric.model_copy(update={"sections": tuple(free)})
    assert total(without, standing).model_dump(exclude={"outcome"}) == total(rubric, answers).model_dump(
        exclude={"outcome"}
    )


@given(scored(conditions=True), st.integers(0, 2), lines())
def test_what_does_not_apply_changes_nothing(
    case: tuple[Rubric, dict[str, Answer]], pick: int, line: dict[str, Any]
) -> None:
    rubric, answers = case
    more = make_rubric([{**line, "id": "extra"}]).criteria
    at = pick % len(rubric.sections)
    sections = list(rubric.sections)
    sections[at] = sections[at].model_copy(update={"criteria": (*sections[at].criteria, *more)})
    wider = rubric.model_copy(update={"sections": tuple(sections)})
    assert total(wider, {**answers, "extra": Answer("not_applicable")}) == total(rubric, answers)


def kept(rubric: Rubric, answers: dict[str, Answer]) -> list[Criterion]:
    """Return the lines that keep their points: all but those of a section that a failed line leaves nothing."""
    lost = {
        section.id
        for section in rubric.sections
        if rubric.fatal_score == "zero"
        and any(c.fatal_for_section and answers[c.id] == Answer("decided", "no") for c in section.criteria)
    }
    return [c for section in rubric.sections if section.id not in lost for c in section.criteria]


@given(scored())
def test_open_lines_are_neither_zero_nor_counted(case: tuple[Rubric, dict[str, Answer]]) -> None:
    rubric, answers = case
    decided = {id: answer for id, answer in answers.items() if answer.status == "decided"}
    score = total(rubric, answers)
    gained = sum(
        (p[0] for c in kept(rubric, answers) if (p := points_of(c, answers[c.id]))),
        Fraction(0),
    )
    assert score.points == rounded(gained)
    assert score.open == sum(a.status in ("unsure", "manual", "not_assessed") for a in answers.values())
    missing = total(rubric, decided)
    assert missing.percent == score.percent
    assert missing.open == len(answers) - len(decided)


@pytest.mark.parametrize(
    ("rule", "percent"),
    [("zero", 0.0), ("kept", 50.0)],
)
def test_a_fatal_no_fails_and_the_rubric_says_what_becomes_of_the_percent(rule: str, percent: float) -> None:
    rubric = make_rubric([{"points": 10, "fatal": True}, {"points": 10}], fatal_score=rule)
    score = total(rubric, {"c0": Answer("decided", "no"), "c1": Answer("decided", "yes")})
    assert (score.percent, score.percent_without_fatal, score.outcome) == (percent, 50.0, "fail")
    assert score.suspected_fatal == ("c0",)


def test_a_critical_no_keeps_its_points_lost_and_is_named() -> None:
    rubric = make_rubric([{"points": 10, "critical": True}, {"points": 90}])
    score = total(rubric, {"c0": Answer("decided", "no"), "c1": Answer("decided", "yes")})
    assert (score.percent, score.outcome, score.suspected_critical) == (90.0, "pass", ("c0",))


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ({"c0": "yes", "c1": "yes", "c2": "yes"}, "pass"),
        ({"c0": "yes", "c1": "yes"}, "pass"),
        ({"c0": "yes", "c2": "yes"}, "undetermined"),
        ({"c0": "yes"}, "undetermined"),
        ({"c0": "no"}, "fail"),
        ({}, "undetermined"),
    ],
)
def test_the_outcome_is_undetermined_while_open_lines_can_change_it(
    answers: dict[str, str], outcome: str
) -> None:
    rubric = make_rubric([{"points": 70}, {"points": 20}, {"points": 10}])
    assert total(rubric, {id: Answer("decided", a) for id, a in answers.items()}).outcome == outcome


def test_an_open_fatal_line_keeps_the_outcome_open() -> None:
    rubric = make_rubric([{"points": 95}, {"points": 5, "fatal": True}])
    assert total(rubric, {"c0": Answer("decided", "yes"), "c1": Answer("unsure")}).outcome == "undetermined"


def test_nothing_decided_is_no_score() -> None:
    rubric = make_rubric([{"points": 10}, {"points": 10}])
    score = total(rubric, {"c0": Answer("not_applicable"), "c1": Answer("not_applicable")})
    assert (score.percent, score.outcome, score.open) == (None, "undetermined", 0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(2, 3), 66.7),
        (Fraction(1, 8), 12.5),
        (Fraction(1, 2000), 0.1),
        (Fraction(1, 1), 100.0),
        (None, None),
    ],
)
def test_percents_are_rounded_once_half_up(value: Fraction | None, shown: float | None) -> None:
    assert rounded(value, percent=True) == shown


def test_an_answer_the_scale_does_not_have_is_refused() -> None:
    rubric = make_rubric([{"points": 10, "scale": LEVELS}])
    with pytest.raises(ValueError, match="no answer"):
        total(rubric, {"c0": Answer("decided", "yes")})
