"""A fact on file answers by itself; one that is not on file is not assessed."""

from __future__ import annotations

from typing import Any

import pytest

from qa_audit.domain.rubric import RubricError
from tests.unit.domain.checks.helping import REPLY, TALK, finding_of, outcome, rubric_of


@pytest.mark.parametrize(
    ("wanted", "facts", "expected"),
    [
        ({"equals": True}, {"survey": "yes"}, "yes"),
        ({"equals": True}, {"survey": False}, "no"),
        ({"equals": "gold"}, {"survey": "Gold"}, "yes"),
        ({"equals": 0}, {"survey": 0}, "yes"),
        ({"one_of": ["gold", "silver"]}, {"survey": "silver"}, "yes"),
        ({"one_of": ["gold", "silver"]}, {"survey": "tin"}, "no"),
        ({"at_most": 2}, {"survey": "2"}, "yes"),
        ({"at_most": 2}, {"survey": 2.5}, "no"),
        ({"at_least": 1, "at_most": 2}, {"survey": 0}, "no"),
        ({"at_most": 2}, {"survey": "many"}, "not_assessed"),
        ({"at_most": 2}, {"survey": True}, "not_assessed"),
        ({"at_most": 2}, {"survey": "nan"}, "not_assessed"),
        ({"equals": True}, {}, "not_assessed"),
        ({"equals": True}, {"survey": ""}, "not_assessed"),
    ],
)
def test_facts(wanted: dict[str, Any], facts: dict[str, Any], expected: str) -> None:
    check = {"kind": "fact", "fact": "survey", **wanted}
    finding = finding_of(check, [TALK, REPLY], facts=facts)
    assert outcome(finding) == expected
    assert "gold" not in finding.reason.lower()


def test_what_every_call_has_on_file() -> None:
    check = {"kind": "fact", "fact": "direction", "equals": "inbound"}
    assert outcome(finding_of(check, [TALK, REPLY], direction="inbound")) == "yes"
    assert outcome(finding_of(check, [TALK, REPLY])) == "not_assessed"
    assert outcome(finding_of({"kind": "fact", "fact": "duration", "at_most": 60}, [TALK, REPLY])) == "yes"


@pytest.mark.parametrize("layout", ["mono", "stereo-unknown"])
def test_facts_need_neither_roles_nor_clear_words(layout: str) -> None:
    lines = ["U: Words of somebody that were not heard well at all."]
    check = {"kind": "fact", "fact": "survey", "equals": False}
    finding = finding_of(check, lines, facts={"survey": True}, layout=layout, probability=0.2)
    assert outcome(finding) == "no"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "give one of"),
        ({"equals": 1, "at_most": 2}, "give one of"),
        ({"at_least": 3, "at_most": 2}, "must not be greater"),
    ],
)
def test_what_is_wrong_is_said(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(RubricError, match=message):
        rubric_of({"kind": "fact", "fact": "survey", **wanted})
