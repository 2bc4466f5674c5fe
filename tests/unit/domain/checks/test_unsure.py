"""Every kind: what was heard badly is unsure rather than no, and what needs roles is not guessed without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qa_audit.domain.call import Call
from qa_audit.domain.checks import CHECKS
from qa_audit.domain.checks.tools import Question, Tools, Verdict
from qa_audit.domain.prescore import call_variables
from qa_audit.domain.transcript import Segment
from tests.rubrics.calls import build
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome, rubric_of

CALL = [
    "A: Good morning, you have reached the service desk, what is it about today?",
    "C: My bag is lost, and my number is four two seven one nine.",
    "A: The bag was found in the old hall, and it is there until the evening comes.",
    "C: So I will fetch it then, is that all that there is to know about it?",
    "A: That is really all that there is to know about it at this hour of the day.",
]
MISSES: dict[str, dict[str, Any]] = {
    "said": {"any": ["thank you for your patience"]},
    "said pattern": {"kind": "said", "patterns": [r"thank \w+ patience"]},
    "said by either": {"kind": "said", "by": "either", "any": ["thank you for your patience"]},
    "said after words": {"kind": "said", "any": ["thank you for your patience"],
                         "within": {"after": {"said": ["bag is lost"], "by": "customer"}, "seconds": 30}},
    "answered": {"trigger": ["bag is lost"], "reply": ["i am so sorry about that"]},
    "asked": {"any": ["what is the name of your street"], "answer": "name"},
    "own_name": {"patterns": ["my name is <word>"]},
    "judge": {"question": "Was it kind?"},
}  # fmt: skip
NEED_ROLES: dict[str, dict[str, Any]] = {
    **MISSES,
    "avoided": {"any": ["nonsense"]},
    "order": {"first": [{"name": "number", "asked": ["number"], "answer": "digits"}], "before": ["<amount>"]},
    "restated": {"frames": ["so you"]},
    "readback": {"asked": ["number"]},
    "terms": {"terms": [{"right": ["bag"], "wrong": ["thing"]}]},
    "caller_name": {"patterns": ["my name is <word>"]},
    "acoustic": {"measure": "talk_share", "at_most": 50},
    "acoustic speed": {"kind": "acoustic", "measure": "speed", "at_most": 50},
    "acoustic dead air": {"kind": "acoustic", "measure": "dead_air"},
}


class No:
    def ask(self, question: Question) -> Verdict:
        return Verdict("no")


def check_of(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"kind": name.split()[0], **fields}


def found(name: str, call: Call | list[str], **facts: Any) -> str:
    check = check_of(name, NEED_ROLES[name])
    return outcome(finding_of(check, call, tools=Tools(judge=No()), **facts))


@pytest.mark.parametrize("name", MISSES)
def test_a_miss_that_was_heard_well_is_a_no(name: str) -> None:
    assert found(name, CALL, agent_name="Dana") == "no"


TROUBLES = [
    (name, trouble)
    for name in MISSES
    for trouble in ("weak", "clipped", "overlap", "unheard")
    if name != "judge"
    or trouble == "weak"  # a model's no names no window that could be clipped or talked over
]


@pytest.mark.parametrize(("name", "trouble"), TROUBLES)
def test_a_miss_that_was_heard_badly_is_unsure(name: str, trouble: str) -> None:
    call = build(CALL, agent_name="Dana", probability=0.5 if trouble == "weak" else 0.95)
    length = call.facts.duration
    if trouble == "clipped":
        call = Call(call.transcript, replace(call.facts, warnings=("clipped",)))
    if trouble == "overlap":
        call = Call(
            call.transcript, replace(call.facts, speech={"agent": ((0, length),), "customer": ((0, length),)})
        )
    if trouble == "unheard":
        segments = tuple(crushed(segment) for segment in call.transcript.segments)
        call = Call(call.transcript.model_copy(update={"segments": segments}), call.facts)
    assert found(name, call) == "unsure"


def crushed(segment: Segment) -> Segment:
    """Leave out words of the agent, so that there is speech without words."""
    if segment.speaker != "agent":
        return segment
    words = tuple(word for place, word in enumerate(segment.timed_words()) if place % 6 < 3)
    return segment.model_copy(update={"words": words, "text": " ".join(word.text for word in words)})


@pytest.mark.parametrize("name", [name for name in NEED_ROLES if name != "said by either"])
@pytest.mark.parametrize("layout", ["mono", "stereo-unknown", "dual-mono"])
def test_without_roles_nothing_is_guessed(name: str, layout: str) -> None:
    lines = [line.replace("A:", "U:").replace("C:", "U:") for line in CALL]
    assert found(name, lines, layout=layout) == "not_assessed"


def test_every_kind_that_needs_roles_is_tested() -> None:
    tested = {check_of(name, fields)["kind"] for name, fields in NEED_ROLES.items()}
    assert set(CHECKS) - tested == {"manual", "fact", "promise", "secret"}


def test_a_speed_of_badly_heard_words_is_unsure() -> None:
    check = {"kind": "acoustic", "measure": "speed", "at_most": 20}
    assert outcome(finding_of(check, [TALK, REPLY] * 3)) == "no"
    assert outcome(finding_of(check, [TALK, REPLY] * 3, probability=0.5)) == "unsure"


VALUES = [
    {"vendor": "north", "set": {"brand": "Northwind"}},
    {"brand": "Blue", "set": {"brand": "Blue Air"}},
    {"vendor": "north", "queue": "gold", "set": {"brand": ["Northwind Gold", "Gold"]}},
    {"line_of_business": "cargo", "set": {"days": 30}},
]


@pytest.mark.parametrize(
    ("facts", "brand", "days"),
    [
        ({}, ("Base",), ("10",)),
        ({"vendor": "North"}, ("Northwind",), ("10",)),
        ({"vendor": "north", "queue": "gold"}, ("Northwind Gold", "Gold"), ("10",)),
        ({"vendor": "south", "queue": "gold"}, ("Base",), ("10",)),
        ({"facts": {"brand": "blue", "line_of_business": "cargo"}}, ("Blue Air",), ("30",)),
        ({"vendor": "north", "variables": {"brand": "Own"}}, ("Own",), ("10",)),
    ],
)
def test_variables_for_some_calls(
    facts: dict[str, Any], brand: tuple[str, ...], days: tuple[str, ...]
) -> None:
    rubric = rubric_of(
        {"kind": "said", "any": ["welcome to {brand}"]},
        variables={"brand": "Base", "days": 10},
        variables_for=VALUES,
    )
    values = call_variables(rubric, build([TALK], **facts).facts)
    assert (values["brand"], values["days"]) == (brand, days)
