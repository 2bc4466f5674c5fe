"""Rubrics are built from data, name what is wrong by line, and are picked by the day of the call."""

from __future__ import annotations

import copy
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from qa_audit.domain.rubric import Rubric, RubricError, applicable, build_rubric, in_order, variable_values


def rubric_data(**changes: Any) -> dict[str, Any]:
    """Return a small valid rubric as data."""
    data: dict[str, Any] = {
        "schema": "qa-audit/rubric@1",
        "id": "small",
        "version": 1,
        "title": "Small",
        "effective_from": date(2026, 1, 1),
        "pass_mark": 80,
        "variables": {"brand": "Northwind", "days": 5},
        "sections": [
            {
                "id": "all",
                "title": "All",
                "criteria": [
                    {
                        "id": "greet",
                        "code": "A1",
                        "title": "Greets",
                        "points": 10,
                        "check": {"kind": "said", "any": ["{brand}"]},
                    },
                    {
                        "id": "tone",
                        "code": "A2",
                        "title": "Tone",
                        "points": 5,
                        "scale": [{"value": 0, "label": "cold"}, {"value": 3, "label": "warm"}],
                        "check": {"kind": "manual"},
                    },
                ],
            }
        ],
    }
    return {**data, **changes}


def with_criterion(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(rubric_data())
    data["sections"][0]["criteria"][0].update(changes)
    return data


def problems(data: object) -> list[str]:
    with pytest.raises(RubricError) as caught:
        build_rubric(data, source="test.yaml")
    return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


def test_a_rubric_is_built_and_frozen() -> None:
    rubric = build_rubric(rubric_data(), sha256="abc")
    assert [criterion.id for criterion in rubric.criteria] == ["greet", "tone"]
    assert rubric.sha256 == "abc"
    assert rubric.criterion("tone").answers == ("0", "3")
    with pytest.raises(ValueError, match="frozen"):
        rubric.title = "Other"  # type: ignore[misc]


def test_shares_are_exact() -> None:
    criterion = build_rubric(rubric_data()).criterion("tone")
    assert [criterion.share(answer) for answer in criterion.answers] == [Fraction(0), Fraction(1)]
    with pytest.raises(ValueError, match="no answer"):
        criterion.share("yes")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            with_criterion(pionts=3),
            "sections[0].criteria[0].pionts: is not a known field; did you mean 'points'?",
        ),
        (
            with_criterion(check={"kind": "said", "any": ["x y"], "withn": {}}),
            "sections[0].criteria[0].check.withn: is not a known field; did you mean 'within'?",
        ),
        (
            with_criterion(check={"kind": "said", "any": ["x"], "within": {"first_turns": True}}),
            "check.within.first_turns: is not a known field; did you mean 'first_turn'?",
        ),
        (with_criterion(check={"kind": "sed"}), "'sed' is not a known kind"),
        (with_criterion(check={"any": ["x"]}), "needs a 'kind'"),
        (with_criterion(check={"kind": "said"}), "give either 'any' (phrases) or 'all' (parts)"),
        (with_criterion(check={"kind": "said", "any": ["(a|b"]}), "not closed"),
        (with_criterion(check={"kind": "said", "any": ["{brnd}"]}), "did you mean '{brand}'?"),
        (with_criterion(fatal=True, critical=True), "either fatal or critical"),
        (with_criterion(points=0), "sections[0].criteria[0].points: input should be greater than 0"),
        (with_criterion(id="tone"), "sections[0].criteria[1].id: 'tone' is used twice"),
        (with_criterion(code="A2"), "'A2' is used twice"),
        (with_criterion(na_when=["outbond"]), "must be 'started_late'"),
        (with_criterion(scale=[{"value": 1, "label": "x"}, {"value": 1, "label": "y"}]), "different values"),
        (
            with_criterion(
                check={"kind": "said", "all": [{"name": "x", "any": ["x"], "leave_to": "nothing"}]},
            ),
            "there is no criterion 'nothing'",
        ),
        (rubric_data(sha256="x"), "sha256: is not a known field"),
        (rubric_data(pass_mark=101), "pass_mark: input should be less than or equal to 100"),
        (rubric_data(sections=[]), "sections: list should have at least 1 item"),
        ({}, "sections: is missing"),
        (["no mapping"], "a rubric is a mapping"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(data: object, expected: str) -> None:
    found = problems(data)
    assert any(expected in problem for problem in found), found


def test_all_problems_come_at_once_with_their_lines() -> None:
    data = with_criterion(pionts=3, title="")
    lines = {(): 1, ("sections", 0, "criteria", 0): 12, ("sections", 0, "criteria", 0, "pionts"): 15}
    with pytest.raises(RubricError) as caught:
        build_rubric(data, lines, source="r.yaml")
    assert [problem.line for problem in caught.value.problems] == [12, 15]
    assert "r.yaml: line 15: sections[0].criteria[0].pionts" in caught.value.message
    assert set(caught.value.fields) == {"sections[0].criteria[0].pionts", "sections[0].criteria[0].title"}


def version(number: int, start: str, **applies: Any) -> Rubric:
    return build_rubric(rubric_data(version=number, effective_from=start, applies_to=applies))


def test_the_day_of_the_call_picks_the_version() -> None:
    versions = [version(1, "2026-01-01"), version(2, "2026-06-01"), version(3, "2026-06-01")]
    picked = {
        day: applicable(versions, on=date.fromisoformat(day))
        for day in ("2025-12-31", "2026-05-31", "2026-06-01")
    }
    assert picked["2025-12-31"] == ()
    assert [rubric.version for rubric in picked["2026-05-31"]] == [1]
    assert [rubric.version for rubric in picked["2026-06-01"]] == [3]


@pytest.mark.parametrize(
    ("applies", "call", "fits"),
    [
        ({}, {}, True),
        ({"vendor": ["a"]}, {"vendor": "a"}, True),
        ({"vendor": ["a"]}, {"vendor": "b"}, False),
        ({"queue": ["refunds"]}, {"queue": None}, False),
        ({"language": ["en"]}, {"language": "en-GB"}, True),
        ({"language": ["en"]}, {"language": "de"}, False),
        ({"language": ["en"]}, {"language": None}, True),
        ({"direction": ["inbound"]}, {"direction": "outbound"}, False),
        ({"direction": ["inbound"]}, {"direction": None}, True),
    ],
)
def test_a_rubric_applies_by_vendor_queue_language_and_direction(
    applies: dict[str, Any], call: dict[str, Any], fits: bool
) -> None:
    found = applicable([version(1, "2026-01-01", **applies)], on=date(2026, 2, 1), **call)
    assert bool(found) is fits


def test_criteria_come_after_those_they_look_at() -> None:
    part = {"name": "x", "any": ["x"], "leave_to": "tone"}
    rubric = build_rubric(with_criterion(check={"kind": "said", "all": [part]}))
    assert [criterion.id for criterion in in_order(rubric)] == ["tone", "greet"]


def test_variables_become_texts() -> None:
    assert variable_values(5) == ("5",)
    assert variable_values(5.0) == ("5",)
    assert variable_values("x") == ("x",)
    assert variable_values("") == ()
    assert variable_values(("a", "b")) == ("a", "b")
