"""How often, by whom, around which event, in which language: what `said` and `avoided` can ask for."""

from __future__ import annotations

from typing import Any

import pytest

from qa_audit.domain.rubric import RubricError, json_schema
from tests.rubrics.calls import build
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome, rubric_of

THANKS = {"kind": "said", "any": ["thank you for waiting"]}
HOLD = ["A: Please hold for a moment while I check.", "[20 s silence]"]


@pytest.mark.parametrize(("least", "expected"), [(1, "yes"), (2, "yes"), (3, "no")])
def test_said_often_enough(least: int, expected: str) -> None:
    lines = ["A: Many thanks to you.", REPLY, TALK, "A: And again many thanks to you.", REPLY]
    check = {"kind": "said", "any": ["many thanks"], "at_least": least}
    finding = finding_of(check, lines)
    assert outcome(finding) == expected
    if expected == "no":
        assert finding.reason == "Said 2 times, not 3: what was asked for."
        assert [item.kind for item in finding.evidence] == ["searched", "words", "words"]


def test_said_once_surely_and_once_unclearly_is_unsure() -> None:
    lines = ["A: Many thanks to you.", REPLY, TALK, "A: And many~0.3 thanks~0.3 to you.", REPLY]
    assert outcome(finding_of({"kind": "said", "any": ["many thanks"], "at_least": 2}, lines)) == "unsure"


@pytest.mark.parametrize(("by", "expected"), [("agent", "no"), ("customer", "yes"), ("either", "yes")])
def test_who_said_it(by: str, expected: str) -> None:
    lines = [TALK, "C: I want to cancel my policy today, and that is all there is to it.", TALK]
    assert outcome(finding_of({"kind": "said", "by": by, "any": ["cancel my policy"]}, lines)) == expected
    avoided = finding_of({"kind": "avoided", "by": by, "any": ["cancel my policy"]}, lines)
    assert outcome(avoided) == {"no": "yes", "yes": "no"}[expected]


def test_what_either_may_say_needs_no_roles() -> None:
    lines = ["U: I want to cancel my policy today, and that is all there is to it.", "U: Fine with me."]
    check = {"kind": "said", "by": "either", "any": ["cancel my policy"]}
    assert outcome(finding_of(check, lines, layout="mono")) == "yes"
    assert outcome(finding_of({**check, "by": "agent"}, lines, layout="mono")) == "not_assessed"
    early = {**check, "within": {"first_seconds": 10}}
    assert outcome(finding_of(early, lines, layout="mono")) == "not_assessed"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([TALK, *HOLD, "A: Thank you for waiting, I have found it now.", REPLY], "yes"),
        ([TALK, *HOLD, "A: So I have found it now, and I will send it.", REPLY, REPLY,
          "A: And thank you for waiting so long."], "no"),
        ([TALK, *HOLD, "A: Sank~0.3 you~0.3 for~0.3 waiting~0.3 I~0.5 have found it now.", REPLY], "unsure"),
        ([TALK, REPLY, "A: Thank you for waiting."], "not_applicable"),
    ],
)  # fmt: skip
def test_after_a_hold(lines: list[str], expected: str) -> None:
    finding = finding_of({**THANKS, "within": {"after": "hold", "seconds": 6}}, lines)
    assert outcome(finding) == expected


def test_before_a_silence() -> None:
    check = {"kind": "said", "any": ["one moment"], "within": {"before": "dead_air", "seconds": 8}}
    assert outcome(finding_of(check, [TALK, "A: One moment.", "[15 s silence]", TALK, REPLY])) == "yes"
    assert outcome(finding_of(check, [TALK, "[15 s silence]", "A: One moment.", TALK, REPLY])) == "no"


def test_after_words_of_a_named_speaker() -> None:
    within = {"after": {"said": ["i want to cancel"], "by": "customer"}, "seconds": 15}
    check = {"kind": "avoided", "any": ["can not be cancelled"], "within": within}
    asked, denied = "C: I want to cancel it please.", "A: I am afraid that it can not be cancelled at all."
    assert outcome(finding_of(check, [TALK, asked, denied])) == "no"
    assert outcome(finding_of(check, [denied, TALK, asked, TALK])) == "yes"
    assert outcome(finding_of(check, [denied, TALK, REPLY, TALK])) == "not_applicable"
    weak = "C: I~0.4 want~0.3 to~0.3 cancel~0.3 it please."
    assert outcome(finding_of(check, [TALK, weak, denied])) == "unsure"


def test_before_words_that_come_first() -> None:
    check = {"kind": "said", "any": ["this call is recorded"], "within": {"before": ["your account number"]}}
    told, asks = "A: Please know that this call is recorded.", "A: What is your account number, please?"
    assert outcome(finding_of(check, [told, REPLY, asks, REPLY])) == "yes"
    assert outcome(finding_of(check, [TALK, REPLY, asks, REPLY, told])) == "no"


def test_patterns_are_found_beside_phrases() -> None:
    check = {"kind": "said", "any": ["never said at all"], "patterns": [r"within \d+ (days|weeks)"]}
    finding = finding_of(check, [TALK, "A: It comes within ten days.", REPLY])
    assert (outcome(finding), finding.reason) == ("yes", "Said: what was asked for.")
    avoided = {"kind": "avoided", "patterns": [r"guarant\w+"], "guards": ["negated"]}
    assert outcome(finding_of(avoided, [TALK, "A: It is guaranteed."])) == "no"
    assert outcome(finding_of(avoided, [TALK, "A: I can not guarantee that."])) == "yes"


BY_LANGUAGE = {"en": ["thank you for calling"], "de": ["danke für ihren anruf"]}


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de", "yes"), ("de-AT", "yes"), ("en", "no"), ("", "yes"), ("fr", "not_assessed")],
)
def test_phrases_by_language(language: str, expected: str) -> None:
    call = build([TALK, "A: Danke für Ihren Anruf, und auf Wiederhören.", REPLY])
    call = type(call)(call.transcript.model_copy(update={"language": language}), call.facts)
    finding = finding_of({"kind": "said", "any": BY_LANGUAGE}, call)
    assert outcome(finding) == expected
    parts = {"kind": "said", "all": [{"name": "thanks", "any": BY_LANGUAGE}]}
    assert outcome(finding_of(parts, call)) == expected


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"kind": "said", "any": {"en": ["(open"]}}, "not closed"),
        ({"kind": "said", "any": {"english language": ["hello"]}}, "pattern"),
        ({"kind": "said", "any": {}}, "at least 1"),
        ({"kind": "said", "patterns": ["(a+)+"]}, "without an upper bound"),
        ({"kind": "said", "any": ["hello"], "within": {"after": "holds"}}, "did you mean 'hold'"),
        ({"kind": "said", "any": ["hello"], "within": {"seconds": 5}}, "goes with"),
        ({"kind": "avoided"}, "give 'any'"),
        ({"kind": "said", "any": ["hello"], "all": [{"name": "x", "any": ["y"]}]}, "either 'any'"),
    ],
)
def test_what_is_wrong_is_said(check: dict[str, Any], message: str) -> None:
    with pytest.raises(RubricError, match=message):
        rubric_of(check)


def test_the_schema_shows_both_forms_of_phrases() -> None:
    shape = json_schema()["$defs"]["SaidSpec"]["properties"]["any"]
    kinds = {form["type"] for form in shape["oneOf"]}
    assert kinds == {"array", "object"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"event": "hold"}, "not_applicable"),
        ("dead_air", "not_applicable"),
        ({"dead_air_over": 15}, "not_applicable"),
        ({"dead_air_over": 60}, "yes"),
        ({"hold_over": 10}, "not_applicable"),
        ({"hold_over": 60}, "yes"),
    ],
)
def test_conditions_on_holds_and_silences(condition: Any, expected: str) -> None:
    lines = [TALK, *HOLD, "A: Thank you for waiting.", REPLY]
    assert outcome(finding_of(THANKS, lines, criterion={"na_when": [condition]})) == expected
    calm = finding_of(THANKS, [TALK, "A: Thank you for waiting.", REPLY], criterion={"when": ["hold"]})
    assert outcome(calm) == "not_applicable"
