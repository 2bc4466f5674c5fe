"""Stored answers under a changed rubric: exactly what scoring them one by one gives, and what became of whom."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_audit.domain.backtest import Comparer, Scorer, Side, Tally, not_backtestable, ranks, verdict
from qa_audit.domain.rubric import Rubric, build_rubric
from qa_audit.domain.score import Answer, total
from qa_audit.domain.statistics import Sample, sample_of

LEVELS = [
    {"value": 0, "label": "cold"},
    {"value": 1, "label": "fine", "passes": False},
    {"value": 3.5, "label": "warm"},
]
NUMBER = {"unit": "times", "most": 9, "ranges": [{"up_to": 2, "percent": 100}, {"percent": 33.3}]}
ANSWERS: dict[str, list[str]] = {
    "yes_no": ["yes", "no", "na", ""],
    "levels": ["0", "1", "3.5", "na", ""],
    "number": ["0", "2", "2.5", "9", "na", ""],
}
SCALES: dict[str, Any] = {"yes_no": "yes_no", "levels": LEVELS, "number": NUMBER}
POINTS = st.sampled_from([0.1, 1, 2.5, 3, 7.25, 10])


def line(id: str, **values: Any) -> dict[str, Any]:
    return {"id": id, "title": id, "points": 1, "check": {"kind": "manual"}, **values}


def make(*sections: list[dict[str, Any]], weights: list[float] | None = None, **values: Any) -> Rubric:
    parts = [
        {"id": f"s{at}", "title": "S", "criteria": lines, **({"weight": weights[at]} if weights else {})}
        for at, lines in enumerate(sections)
    ]
    usual = {"id": "made", "version": 1, "title": "Made", "effective_from": "2026-01-01", "pass_mark": 80}
    return build_rubric({**usual, "sections": parts, **values})


@st.composite
def rubrics(draw: st.DrawFn, ids: int = 6) -> tuple[Rubric, list[str]]:
    """A rubric of up to three sections with all that counts in a score, and its scales' names."""
    names = [draw(st.sampled_from(list(SCALES))) for _ in range(ids)]
    lines = []
    for at, name in enumerate(names):
        kind = draw(st.sampled_from(["plain", "plain", "bonus", "fatal", "fatal_for_section", "critical"]))
        one = line(f"c{at}", points=draw(POINTS), scale=SCALES[name])
        if kind != "plain":
            one[kind] = True
        if at and draw(st.integers(0, 3)) == 0:
            other = draw(st.integers(0, at - 1))
            answer = draw(st.sampled_from([a for a in ANSWERS[names[other]] if a not in ("", "na")]))
            field = draw(st.sampled_from(["when", "na_when"]))
            one[field] = [{"criterion": f"c{other}", "is": answer}]
        lines.append(one)
    cut = sorted(draw(st.lists(st.integers(1, ids - 1), max_size=2, unique=True)))
    sections = [lines[low:high] for low, high in zip([0, *cut], [*cut, ids], strict=True)]
    weights = None
    if draw(st.booleans()):
        weights = [draw(st.sampled_from([0, 1, 12.5, 40])) for _ in sections]
        weights[0] = weights[0] or 20
    mark, rule = draw(st.sampled_from([0, 33.3, 80, 100])), draw(st.sampled_from(["zero", "kept"]))
    return make(*sections, weights=weights, pass_mark=mark, fatal_score=rule), names


@given(rubrics(), st.data())
@settings(max_examples=400)
def test_it_is_the_score_that_scoring_one_by_one_gives(
    made: tuple[Rubric, list[str]], data: st.DataObject
) -> None:
    rubric, names = made
    scorer = Scorer(rubric)
    for _ in range(3):
        closed = data.draw(st.booleans())
        given_answers = tuple(
            data.draw(st.sampled_from([a for a in ANSWERS[name] if a or not closed])) for name in names
        )
        kinds = {"": Answer("unsure"), "na": Answer("not_applicable")}
        standing = {
            id: kinds.get(answer, Answer("decided", answer))
            for id, answer in zip(scorer.ids, given_answers, strict=True)
        }
        wanted, found = total(rubric, standing), scorer.score(given_answers)
        assert found == (
            wanted.percent,
            wanted.percent_without_fatal,
            wanted.outcome,
            bool(wanted.suspected_fatal),
        )


@given(rubrics(), st.data())
def test_a_rubric_against_itself_changes_nothing(made: tuple[Rubric, list[str]], data: st.DataObject) -> None:
    rubric, names = made
    comparer = Comparer(rubric, rubric)
    text = "|".join(f"c{at}={data.draw(st.sampled_from(ANSWERS[name]))}" for at, name in enumerate(names))
    compared = comparer.compare(text)
    assert compared is not None
    assert compared.before == compared.after
    assert compared.off_scale == ()
    assert not_backtestable(rubric, rubric, {}) == {}


def test_the_order_of_stored_answers_does_not_matter() -> None:
    rubric = make([line("a", points=3), line("b")])
    comparer = Comparer(rubric, rubric)
    assert comparer.compare("a=yes|b=no") == comparer.compare("b=no|a=yes")


@pytest.mark.parametrize("text", ["a=yes", "a=yes|c=no", "a=yes|b=perhaps", "a=yes|b=no|c=yes", ""])
def test_answers_that_are_none_to_the_former_text_are_left_out(text: str) -> None:
    rubric = make([line("a"), line("b")])
    assert Comparer(rubric, rubric).compare(text) is None


def test_a_new_line_counts_as_not_applicable_and_is_named() -> None:
    before, after = make([line("a"), line("b")]), make([line("a"), line("b"), line("c", points=8)])
    compared = Comparer(before, after).compare("a=yes|b=no")
    assert compared is not None
    assert (compared.before.percent, compared.after.percent) == (50.0, 50.0)
    assert list(not_backtestable(before, after, {})) == ["c"]
    assert "new" in not_backtestable(before, after, {})["c"]


def test_a_removed_line_is_simply_gone() -> None:
    before, after = make([line("a"), line("b")]), make([line("a")])
    compared = Comparer(before, after).compare("a=yes|b=no")
    assert compared is not None
    assert (compared.before.percent, compared.after.percent) == (50.0, 100.0)
    assert (compared.before.outcome, compared.after.outcome) == ("fail", "pass")


def test_an_answer_off_the_new_scale_counts_as_not_applicable_and_is_named() -> None:
    before = make([line("a"), line("b", scale=LEVELS)])
    after = make([line("a"), line("b", scale=[*LEVELS[:2], {"value": 4, "label": "glowing"}])])
    comparer = Comparer(before, after)
    shared, gone = comparer.compare("a=yes|b=1"), comparer.compare("a=yes|b=3.5")
    assert shared is not None
    assert gone is not None
    assert (shared.off_scale, shared.after.percent) == ((), 62.5)
    assert (gone.off_scale, gone.after.percent) == (("b",), 100.0)
    assert "7 stored answers" in not_backtestable(before, after, {"b": 7})["b"]


def test_a_line_that_applies_by_the_call_is_named_and_one_by_other_lines_is_exact() -> None:
    before = make([line("a"), line("b")])
    by_call = make([line("a"), line("b", na_when=["outbound"])])
    by_line = make([line("a"), line("b", na_when=[{"criterion": "a", "is": "yes"}])])
    assert list(not_backtestable(before, by_call, {})) == ["b"]
    assert not_backtestable(before, by_line, {}) == {}
    compared = Comparer(before, by_line).compare("a=yes|b=no")
    assert compared is not None
    assert compared.after.percent == 100.0


def test_a_line_that_a_language_model_judges_by_another_question_is_named() -> None:
    was = {"kind": "judge", "question": "Did the agent care?"}
    now = {"kind": "judge", "question": "Did the agent show care?"}
    before, after = make([line("a", check=was)]), make([line("a", check=now)])
    assert "language model" in not_backtestable(before, after, {})["a"]
    assert not_backtestable(before, before, {}) == {}


def test_a_tally_counts_flips_and_keeps_fatal_zeros_out_of_the_mean() -> None:
    before = make([line("a", points=9), line("b", points=1, fatal=True)])
    after = make([line("a", points=9), line("b", points=1)])
    comparer, tally = Comparer(before, after), Tally()
    for text, times in (("a=yes|b=no", 3), ("a=yes|b=yes", 2), ("a=no|b=yes", 1), ("a=|b=yes", 1)):
        compared = comparer.compare(text)
        assert compared is not None
        tally.add(compared, times)
    assert (tally.audits, tally.to_pass, tally.to_fail, tally.changed) == (7, 3, 0, 3)
    assert (tally.before.fatal, tally.after.fatal) == (3, 0)
    assert tally.before.percents.mean == tally.after.percents.mean == pytest.approx((3 * 90 + 300 + 10) / 7)
    assert tally.shift.mean == 0


def test_fatals_under_other_rubrics_stay_fatal() -> None:
    rubric = make([line("a", fatal=True)])
    compared = Comparer(rubric, rubric).compare("a=yes")
    assert compared is not None
    tally = Tally()
    tally.add(compared, 5, fatal_elsewhere=2)
    assert tally.after.fatal == 2


def test_ranks_share_a_place_and_leave_out_the_too_few() -> None:
    many = {"a": sample_of([90.0] * 10), "b": sample_of([90.01] * 12), "c": sample_of([70.0] * 10)}
    assert ranks({**many, "d": sample_of([99.0] * 9)}) == {"a": 1, "b": 1, "c": 3}


@pytest.mark.parametrize(
    ("fatal", "limit", "words"),
    [
        (0, 5.0, "within the limit of 5 in 100"),
        (3, 5.0, "so far within the limit of 5 in 100"),
        (6, 5.0, "perhaps over the limit of 5 in 100"),
        (20, 5.0, "over the limit of 5 in 100"),
        (20, None, ""),
    ],
)
def test_a_verdict_follows_the_contract(fatal: int, limit: float | None, words: str) -> None:
    side = Side(percents=Sample(), fatal=fatal)
    assert verdict(side, 100, 80, limit) == words


def test_a_verdict_needs_audits_and_names_the_pass_mark() -> None:
    assert verdict(Side(), 9, 80, 5) == "too few to say: 9 of the 10 audits needed"
    low = Side(percents=sample_of([60.0, 62.0] * 10))
    assert verdict(low, 20, 80, None) == "under the pass mark"
    assert verdict(low, 20, 61, None) == "not under the pass mark"
