"""Asking counts only with a real answer of the caller."""

from __future__ import annotations

from typing import Any

import pytest

from qa_audit.domain.rubric import RubricError
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome, rubric_of

ASKS = "A: What is the number of your booking, please?"
QUESTION: dict[str, Any] = {"kind": "asked", "any": ["number of your booking"], "what": "the booking number"}


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("words", "C: It is somewhere here, on the letter.", "yes"),
        ("words", "C: Mhm.", "no"),
        ("words", "C: Okay, yes.", "no"),
        ("number", "C: It is four two seven one.", "yes"),
        ("number", "C: I do not have it here.", "no"),
        ("date", "C: That was on the third of May.", "yes"),
        ("date", "C: That was long ago.", "no"),
        ("name", "C: My name is Holloway.", "yes"),
        ("name", "C: Why do you want it?", "no"),
        ("yes_no", "C: No, I have not.", "yes"),
        ("yes_no", "C: Let me look for it.", "no"),
        ("number", "C: It is four~0.3 two~0.3.", "unsure"),
        ("number", "C: It~0.3 is~0.2 formal~0.3.", "unsure"),
    ],
)
def test_the_answer_must_be_real(kind: str, answer: str, expected: str) -> None:
    finding = finding_of({**QUESTION, "answer": kind}, [TALK, ASKS, answer, TALK])
    assert outcome(finding) == expected
    if expected == "yes":
        assert [item.speaker for item in finding.evidence] == ["agent", "customer"]
    if expected == "no":
        assert finding.evidence[-1].kind == "searched"
        assert finding.evidence[-1].speaker == "customer"


def test_an_answer_must_come_in_time() -> None:
    late = [TALK, ASKS, "[9 s silence]", TALK, "C: It is four two seven one."]
    assert outcome(finding_of({**QUESTION, "answer": "number", "seconds": 8}, late)) == "no"
    assert outcome(finding_of({**QUESTION, "answer": "number", "seconds": 40}, late)) == "yes"


def test_the_second_question_may_be_the_answered_one() -> None:
    lines = [TALK, ASKS, "C: Mhm.", TALK, TALK, TALK, ASKS, "C: Sorry, it is four two seven one."]
    assert outcome(finding_of({**QUESTION, "answer": "number", "seconds": 8}, lines)) == "yes"


def test_what_was_not_asked() -> None:
    assert outcome(finding_of(QUESTION, [TALK, REPLY])) == "no"
    assert outcome(finding_of(QUESTION, [TALK, REPLY], probability=0.5)) == "unsure"
    assert outcome(finding_of(QUESTION, [TALK, REPLY], warnings=("clipped",))) == "unsure"
    misheard = [TALK, "A: What is the lumber of your booking, please?", REPLY]
    assert outcome(finding_of({**QUESTION, "any": ["what is the number of your booking"]}, misheard)) in (
        "yes",
        "unsure",
    )


def test_speech_without_words_after_the_question_is_unsure() -> None:
    spoken = {"agent": ((0.0, 60.0),), "customer": ((10.0, 22.0),)}
    assert outcome(finding_of(QUESTION, [TALK, ASKS, "[20 s silence]", TALK], speech=spoken)) == "unsure"


def test_without_roles_nothing_is_guessed() -> None:
    lines = ["U: What is the number of your booking, please?", "U: It is four two seven one."]
    assert outcome(finding_of(QUESTION, lines, layout="mono")) == "not_assessed"


def test_a_question_needs_words() -> None:
    with pytest.raises(RubricError, match="give 'any'"):
        rubric_of({"kind": "asked"})
