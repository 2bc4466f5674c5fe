"""What reviewers keep of the machine's answers: corrected for chance, and in words until enough is known."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.domain import agreement
from qa_audit.domain.corrections import History, Kept, ac1, ac1_range, check_id
from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.statistics import Rate

ANSWERS = st.sampled_from(["yes", "no", "na"])


def history(**counts: int) -> History:
    """Make a history from names such as `yes_no`: the machine's answer and the person's."""
    found = History()
    for name, count in counts.items():
        machine, human = name.split("_")
        for _ in range(count):
            found.add("sure", machine, human, accepted=False)
    return found


@given(st.lists(st.tuples(ANSWERS, ANSWERS), max_size=60))
def test_ac1_from_a_table_is_ac1_from_the_pairs(pairs: list[tuple[str, str]]) -> None:
    assert ac1(Counter(pairs)) == pytest.approx(agreement.gwet_ac1(pairs))


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=2, max_size=60))
def test_the_range_holds_the_value(pairs: list[tuple[str, str]]) -> None:
    found, bounds = ac1(Counter(pairs)), ac1_range(Counter(pairs))
    assert (found is None) == (bounds is None)
    if found is not None and bounds is not None:
        assert -1 <= bounds[0] <= found <= bounds[1] <= 1


def test_the_range_is_that_of_leaving_out_one_call_after_the_other() -> None:
    table = Counter({("yes", "yes"): 118, ("yes", "no"): 5, ("no", "yes"): 2})
    calls = list(table.elements())
    values = [agreement.gwet_ac1(calls[:at] + calls[at + 1 :]) or 0.0 for at in range(len(calls))]
    mean = sum(values) / len(values)
    spread = (sum((v - mean) ** 2 for v in values) * (len(calls) - 1) / len(calls)) ** 0.5
    low, high = ac1_range(table) or (0, 0)
    assert ac1(table) == pytest.approx(0.940776, abs=1e-6)
    assert (low, high) == pytest.approx((0.940776 - 1.96 * spread, 0.940776 + 1.96 * spread), abs=1e-5)


def test_the_range_narrows_with_more_calls() -> None:
    few = ac1_range({("yes", "yes"): 20, ("no", "no"): 15, ("yes", "no"): 5, ("no", "yes"): 10})
    many = ac1_range({("yes", "yes"): 200, ("no", "no"): 150, ("yes", "no"): 50, ("no", "yes"): 100})
    assert few is not None
    assert many is not None
    assert (few[1] - few[0]) / (many[1] - many[0]) == pytest.approx(10**0.5, rel=0.05)


@pytest.mark.parametrize(
    ("count", "base", "percent"),
    [(49, 49, None), (50, 50, 98), (48, 50, None), (95, 100, 94), (126, 140, None), (360, 400, 90)],
)
def test_a_percentage_waits_until_its_range_is_narrow(count: int, base: int, percent: int | None) -> None:
    kept = Kept("sure", Rate(count, base))
    assert kept.percent == percent
    assert kept.words == f"in {count} of {base} audits reviewers kept this"


def test_certainties_have_their_own_history() -> None:
    found = history(yes_yes=9, yes_no=1)
    found.add("fairly_sure", "no", "yes", accepted=False)
    found.add(None, None, "yes", accepted=False)
    assert found.kept_when("sure").rate == Rate(9, 10)
    assert found.kept_when("fairly_sure").rate == Rate(0, 1)
    assert found.kept == Rate(9, 11)
    assert found.open == 1


@pytest.mark.parametrize(
    ("counts", "defect"),
    [
        ({"yes_yes": 40, "no_no": 10}, False),
        ({"yes_no": 9}, False),
        ({"yes_yes": 30, "yes_no": 20}, True),
        ({"yes_yes": 8, "yes_no": 2}, False),
        ({"yes_yes": 118, "yes_no": 5, "no_yes": 2}, False),
    ],
)
def test_a_check_is_a_defect_only_beyond_doubt(counts: dict[str, int], defect: bool) -> None:
    assert history(**counts).is_defect is defect


def rubric(**changes: Any) -> Rubric:
    line = {
        "id": "greets",
        "title": "Greets",
        "points": 5,
        "check": {"kind": "said", "what": "a greeting", "any": ["good morning", "this is {brand}"]},
        **changes.pop("line", {}),
    }
    usual = {
        "id": "made",
        "version": 1,
        "title": "Made",
        "effective_from": "2026-01-01",
        "pass_mark": 80,
        "variables": {"brand": "Acme", "product": "Cape"},
        "sections": [{"id": "s", "title": "S", "criteria": [line]}],
    }
    return build_rubric({**usual, **changes})


def name(**changes: Any) -> str:
    made = rubric(**changes)
    return check_id(made, made.criteria[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2, "title": "Other", "pass_mark": 90},
        {"line": {"points": 9, "title": "Other", "guidance": "Smile.", "fatal": True}},
        {"variables": {"brand": "Acme", "product": "Other"}},
    ],
)
def test_versions_that_judge_alike_share_their_history(changes: dict[str, Any]) -> None:
    assert name(**changes) == name()


@pytest.mark.parametrize(
    "changes",
    [
        {"line": {"check": {"kind": "said", "what": "a greeting", "any": ["good morning"]}}},
        {"line": {"na_when": ["outbound"]}},
        {"variables": {"brand": "Other", "product": "Cape"}},
        {"variables_for": [{"vendor": "x", "set": {"brand": "Other"}}]},
        {"not_for": {"speech_under": 5}},
    ],
)
def test_another_rule_begins_a_history_of_its_own(changes: dict[str, Any]) -> None:
    assert name(**changes) != name()
