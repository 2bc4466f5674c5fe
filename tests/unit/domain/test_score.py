"""Scores are exact: within bounds, monotone, indifferent to order and to what does not apply."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.score import Answer, points_of, rounded, total


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


@st.composite
def scored(draw: st.DrawFn) -> tuple[Rubric, dict[str, Answer]]:
    lines: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 8))):
        line: dict[str, Any] = {"points": draw(st.integers(1, 40)) / draw(st.sampled_from([1, 2, 4]))}
        kind = draw(st.sampled_from(["plain", "fatal", "critical", "levels"]))
        if kind == "levels":
            line["scale"] = LEVELS
        elif kind != "plain":
            line[kind] = True
        lines.append(line)
    rubric = make_rubric(lines, fatal_score=draw(st.sampled_from(["zero", "kept"])))
    answers = {}
    for criterion in rubric.criteria:
        status = draw(STATUSES)
        value = draw(st.sampled_from(criterion.answers)) if status == "decided" else None
        answers[criterion.id] = Answer(status, value)
    return rubric, answers


@given(scored())
def test_a_score_stays_within_bounds(case: tuple[Rubric, dict[str, Answer]]) -> None:
    score = total(*case)
    assert score.percent is None or 0 <= score.percent <= 100
    assert 0 <= score.points <= score.possible
    assert (score.percent is None) == (score.possible == 0)


@given(scored())
def test_order_does_not_matter(case: tuple[Rubric, dict[str, Answer]]) -> None:
    rubric, answers = case
    items = list(answers.items())
    random.Random(1).shuffle(items)
    mixed = rubric.model_copy(
        update={"sections": (rubric.sections[0].model_copy(update={"criteria": rubric.criteria[::-1]}),)}
    )
    one, other = total(rubric, answers), total(mixed, dict(items))
    assert one.model_dump(exclude={"suspected_fatal", "suspected_critical"}) == other.model_dump(
        exclude={"suspected_fatal", "suspected_critical"}
    )
    assert set(one.suspected_fatal) == set(other.suspected_fatal)


@given(scored(), st.integers(0, 7))
def test_a_better_answer_never_lowers_the_score(case: tuple[Rubric, dict[str, Answer]], pick: int) -> None:
    rubric, answers = case
    criterion = rubric.criteria[pick % len(rubric.criteria)]
    ladder = sorted(criterion.answers, key=criterion.share)
    scores = [total(rubric, {**answers, criterion.id: Answer("decided", answer)}) for answer in ladder]
    percents = [score.percent or 0.0 for score in scores]
    assert percents == sorted(percents)
    rank = {"fail": 0, "undetermined": 1, "pass": 2}
    outcomes = [rank[score.outcome] for score in scores]
    assert outcomes == sorted(outcomes)


@given(scored())
def test_what_does_not_apply_changes_nothing(case: tuple[Rubric, dict[str, Answer]]) -> None:
    rubric, answers = case
    more = make_rubric([{"points": 7, "id": "extra"}]).criteria
    section = rubric.sections[0]
    wider = rubric.model_copy(
        update={"sections": (section.model_copy(update={"criteria": (*section.criteria, *more)}),)}
    )
    assert total(wider, {**answers, "extra": Answer("not_applicable")}) == total(rubric, answers)


@given(scored())
def test_open_lines_are_neither_zero_nor_counted(case: tuple[Rubric, dict[str, Answer]]) -> None:
    rubric, answers = case
    decided = {id: answer for id, answer in answers.items() if answer.status == "decided"}
    score = total(rubric, answers)
    gained = sum((p[0] for c in rubric.criteria if (p := points_of(c, answers[c.id]))), Fraction(0))
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
