"""People's answers beside the machine's: what counts, what is open, what keeps a scorecard back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qa_audit.domain.audit import HumanAnswer, blockers, check_answer, lines_of, score_so_far
from qa_audit.domain.findings import CriterionResult, PreScore, RubricRef, Score
from qa_audit.domain.rubric import Rubric, build_rubric

EMPTY = Score(percent=None, percent_without_fatal=None, points=0, possible=0, outcome="undetermined")


def rubric(**changes: Any) -> Rubric:
    """Build a rubric of three lines: an ordinary, a critical and a fatal one."""
    manual = {"check": {"kind": "manual"}, "points": 10}
    criteria = [
        {"id": "plain", "title": "Plain", **manual},
        {"id": "grave", "title": "Grave", "critical": True, **manual},
        {"id": "deadly", "title": "Deadly", "fatal": True, **manual},
    ]
    data = {
        "schema": "qa-audit/rubric@1",
        "id": "small",
        "version": 1,
        "title": "Small",
        "effective_from": "2026-01-01",
        "pass_mark": 60,
        "sections": [{"id": "all", "title": "All", "criteria": criteria}],
        **changes,
    }
    return build_rubric(data)


def machine(**answers: str) -> PreScore:
    """Make a pre-score: `yes` and `no` are decided and sure, `maybe` is an unsure no, `na` not applicable."""
    results = []
    for id, answer in answers.items():
        status = {"maybe": "unsure", "na": "not_applicable"}.get(answer, "decided")
        value = {"maybe": "no", "na": None}.get(answer, answer)
        certainty = "sure" if status == "decided" else None
        results.append(CriterionResult(id=id, status=status, answer=value, certainty=certainty, reason="so"))
    return PreScore(
        rubric=RubricRef(id="small", version=1, sha256="0" * 64), score=EMPTY, criteria=tuple(results)
    )


def person(criterion: str, answer: str | None, **more: Any) -> dict[str, HumanAnswer]:
    return {criterion: HumanAnswer(criterion, answer, **more)}


def test_the_machines_answers_count_for_nothing_until_a_person_takes_them_over() -> None:
    lines = lines_of(rubric(), machine(plain="no", grave="no", deadly="no"), {})
    score = score_so_far(rubric(), lines)
    assert (score.percent, score.open, score.suspected_fatal) == (None, 3, ())
    assert score.outcome == "undetermined"


def test_a_persons_fatal_no_fails_the_audit_and_keeps_what_it_would_have_been() -> None:
    answers = person("plain", "yes") | person("grave", "yes") | person("deadly", "no")
    score = score_so_far(rubric(), lines_of(rubric(), None, answers))
    assert (score.percent, score.percent_without_fatal, score.outcome) == (0.0, 66.7, "fail")
    assert score.suspected_fatal == ("deadly",)


def test_not_applicable_leaves_both_sides_and_is_not_open() -> None:
    answers = person("plain", "yes") | person("grave", "na") | person("deadly", "yes")
    score = score_so_far(rubric(), lines_of(rubric(), None, answers))
    assert (score.percent, score.possible, score.open, score.outcome) == (100.0, 20.0, 0, "pass")


def test_sure_answers_may_be_accepted_together_but_never_a_grave_no() -> None:
    lines = lines_of(rubric(), machine(plain="no", grave="no", deadly="yes"), {})
    assert [line.is_sure for line in lines] == [True, False, True]
    assert [line.is_sure for line in lines_of(rubric(), machine(plain="maybe", grave="na"), {})] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("suspicion", ["no", "maybe"])
def test_a_suspected_fatal_keeps_the_scorecard_back_until_a_person_decides(suspicion: str) -> None:
    prescore = machine(deadly=suspicion)
    (found,) = blockers(lines_of(rubric(), prescore, {}))
    assert found.criterion == "deadly"
    assert blockers(lines_of(rubric(), prescore, person("deadly", "yes"))) == ()
    assert blockers(lines_of(rubric(), prescore, person("deadly", None, note="later"))) == (found,)


@pytest.mark.parametrize("criterion", ["grave", "deadly"])
def test_a_grave_no_needs_a_person_a_pinned_moment_and_a_note(criterion: str) -> None:
    good = HumanAnswer(criterion, "no", note="Say how long it takes.", pin=(4.0, 6.0))

    def missing(answer: HumanAnswer) -> str:
        return "; ".join(found.missing for found in blockers(lines_of(rubric(), None, {criterion: answer})))

    assert missing(good) == ""
    assert "own answer" in missing(replace(good, origin="accepted"))
    assert "pinned" in missing(replace(good, pin=None))
    assert "note" in missing(replace(good, note="  "))
    assert blockers(lines_of(rubric(), None, person("plain", "no"))) == ()


def test_points_of_a_line_are_none_unless_it_counts() -> None:
    lines = lines_of(rubric(), None, person("plain", "no") | person("grave", "na"))
    assert [line.points for line in lines] == [(0.0, 10.0), None, None]


def test_an_answer_must_be_on_the_scale() -> None:
    criterion = rubric().criteria[0]
    for answer in ("yes", "no", "na", None):
        check_answer(criterion, answer)
    with pytest.raises(ValueError, match="perhaps"):
        check_answer(criterion, "perhaps")


def commented(kind: str) -> Rubric:
    """Build a rubric of one yes-or-no line that asks for a note."""
    line = {"id": "one", "title": "One", "points": 10, "comment": kind, "check": {"kind": "manual"}}
    return rubric(sections=[{"id": "all", "title": "All", "criteria": [line]}])


@pytest.mark.parametrize(
    ("kind", "answer", "is_due"),
    [
        ("optional", "no", False),
        ("on_fail", "no", True),
        ("on_fail", "yes", False),
        ("on_fail", "na", False),
        ("on_fail", None, False),
        ("always", "yes", True),
        ("always", "na", True),
        ("always", None, False),
    ],
)
def test_a_comment_that_the_rubric_asks_for_keeps_the_scorecard_back(
    kind: str, answer: str | None, is_due: bool
) -> None:
    asked = commented(kind)
    found = blockers(lines_of(asked, None, person("one", answer, note="  ")))
    assert [one.missing for one in found] == (["this answer needs a note for the vendor"] if is_due else [])
    assert blockers(lines_of(asked, None, person("one", answer, note="Because."))) == ()


@pytest.mark.parametrize(
    ("kind", "answer", "is_sure"),
    [("on_fail", "yes", True), ("on_fail", "no", False), ("always", "yes", False)],
)
def test_an_answer_that_needs_a_note_is_not_accepted_with_others(
    kind: str, answer: str, is_sure: bool
) -> None:
    (line,) = lines_of(commented(kind), machine(one=answer), {})
    assert line.is_sure is is_sure
