"""Sums that makers of scorecards have published, in our language; where ours differs on purpose, it says so."""

from __future__ import annotations

from typing import Any

import pytest

from qa_audit.domain.findings import Score
from qa_audit.domain.rubric import Rubric, RubricError, build_rubric
from qa_audit.domain.score import Answer, points_of, rounded, total

NA = "not_applicable"


def line(id: str, points: float = 10, **more: Any) -> dict[str, Any]:
    return {"id": id, "title": id, "points": points, "check": {"kind": "manual"}, **more}


def levels(count: int, **passes: bool) -> list[dict[str, Any]]:
    """Make a scale of so many levels; `at1=True` makes level 1 count as passed."""
    named = {int(name.removeprefix("at")): passed for name, passed in passes.items()}
    return [
        {"value": value, "label": f"level {value}", **({"passes": named[value]} if value in named else {})}
        for value in range(count)
    ]


def rubric_of(*sections: tuple[float | None, list[dict[str, Any]]], **changes: Any) -> Rubric:
    data = {
        "id": "published",
        "version": 1,
        "title": "Published",
        "effective_from": "2026-01-01",
        "pass_mark": 80,
        "sections": [
            {
                "id": f"s{place}",
                "title": f"Section {place}",
                "criteria": criteria,
                **({} if weight is None else {"weight": weight}),
            }
            for place, (weight, criteria) in enumerate(sections)
        ],
    }
    return build_rubric({**data, **changes})


def scored(rubric: Rubric, **answers: str) -> Score:
    standing = {
        id: Answer(NA) if answer == NA else Answer("decided", answer) for id, answer in answers.items()
    }
    return total(rubric, standing)


# Genesys Cloud, "Evaluation form scoring", https://help.mypurecloud.com/?p=144862:
# group A has two questions and weight 40, group B one question and weight 20; one point each; A loses one:
# (1·40 + 1·20) / (2·40 + 1·20) = 60 %. Their weight multiplies points, so that a group's pull is weight times points.
# Ours is the section's share of the score whatever its points are, so their form is written with 80 and 20.


def genesys() -> Rubric:
    return rubric_of((80, [line("a1", 1), line("a2", 1)]), (20, [line("b1", 1)]))


def test_genesys_weighted_groups() -> None:
    assert scored(genesys(), a1="yes", a2="no", b1="yes").percent == 60.0


def test_genesys_weights_of_40_and_20_mean_another_score_with_us() -> None:
    rubric = rubric_of((40, [line("a1", 1), line("a2", 1)]), (20, [line("b1", 1)]))
    # (1/2 · 40 + 1/1 · 20) / 60
    assert scored(rubric, a1="yes", a2="no", b1="yes").percent == 66.7


def test_genesys_as_points_without_weights() -> None:
    rubric = rubric_of((None, [line("a1", 40), line("a2", 40)]), (None, [line("b1", 20)]))
    assert scored(rubric, a1="yes", a2="no", b1="yes").percent == 60.0


def test_a_group_that_lost_a_question_to_not_applicable_keeps_its_pull_as_at_frontlinehq() -> None:
    # Genesys: the group's possible points shrink with it, (0·40 + 1·20) / (1·40 + 1·20) = 33.3 %.
    # FrontlineHQ, http://docs.staging.frontlinehq.io/qa/scorecards: the weight is spread over the rest of the
    # section, so the section keeps its pull: 0.8 · 0 + 0.2 · 1. Ours is FrontlineHQ's with weights …
    assert scored(genesys(), a1=NA, a2="no", b1="yes").percent == 20.0
    # … and Genesys's without.
    points = rubric_of((None, [line("a1", 40), line("a2", 40)]), (None, [line("b1", 20)]))
    assert scored(points, a1=NA, a2="no", b1="yes").percent == 33.3


# Genesys Cloud, "Create and publish an evaluation form",
# https://help.mypurecloud.com/articles/create-publish-evaluation-form/: a critical question counts as any other and
# in a critical score besides; a fatal one makes the evaluation fail.


def test_genesys_critical_score_beside_the_total() -> None:
    rubric = rubric_of((None, [line("a", 50), line("b", 30, critical=True), line("c", 20, critical=True)]))
    score = scored(rubric, a="yes", b="no", c="yes")
    assert (score.percent, score.critical_percent) == (70.0, 40.0)
    assert score.suspected_critical == ("b",)


# Zendesk QA, "Understanding scoring", https://support.zendesk.com/hc/en-us/articles/7043701093786:
# a rating is worth (selected - min) / (max - min).


@pytest.mark.parametrize(
    ("count", "worth"),
    [
        (2, [0.0, 100.0]),
        (3, [0.0, 50.0, 100.0]),
        (4, [0.0, 33.3, 66.7, 100.0]),
        (5, [0.0, 25.0, 50.0, 75.0, 100.0]),
    ],
)
def test_zendesk_scales(count: int, worth: list[float]) -> None:
    # Zendesk writes 66.6 where two thirds are cut; we round: 66.7.
    rubric = rubric_of((None, [line("rated", scale=levels(count))]))
    assert [scored(rubric, rated=str(value)).percent for value in range(count)] == worth


def test_zendesk_weighted_categories() -> None:
    # Σ(score · weight) / Σ(weight) over rated categories: (100·50 + 50·30 + 0·20) / 100 = 65.
    lines = [line("tone", 50), line("solution", 30, scale=levels(3)), line("grammar", 20)]
    rubric = rubric_of((None, lines))
    assert scored(rubric, tone="yes", solution="1", grammar="no").percent == 65.0
    # A category that was not rated is in neither sum: (100·50 + 50·30) / 80 = 81.25.
    assert scored(rubric, tone="yes", solution="1", grammar=NA).percent == 81.3


def test_zendesk_critical_category_under_half_zeroes_the_review_and_not_its_categories() -> None:
    # Theirs falls under 50 %; with us a fatal line fails by its answer, so the levels say which of them pass.
    scale = levels(5, at1=False)
    rubric = rubric_of((None, [line("a", 50, scale=scale, fatal=True), line("b", 50)]))
    score = scored(rubric, a="1", b="yes")
    assert (score.percent, score.percent_without_fatal, score.outcome) == (0.0, 62.5, "fail")
    assert [section.percent for section in score.sections] == [62.5]
    assert scored(rubric, a="2", b="yes").percent == 75.0


# evaluagent, "Scoring templates", http://support.evaluagent.com/en/articles/13284840 and
# http://support.evaluagent.com/en/articles/15052420: 2 to 11 outcomes worth 0 to 1; the top passes, the bottom fails,
# each middle one is treated as pass or fail; with an auto-fail the score is zero, or kept as calculated.


@pytest.mark.parametrize(("passes", "suspected"), [(True, ()), (False, ("a",))])
def test_evaluagent_middle_outcomes_pass_or_fail_as_the_scale_says(
    passes: bool, suspected: tuple[str, ...]
) -> None:
    rubric = rubric_of((None, [line("a", scale=levels(3, at1=passes), critical=True), line("b")]))
    score = scored(rubric, a="1", b="yes")
    assert (score.percent, score.suspected_critical) == (75.0, suspected)


def test_evaluagent_outcomes_are_two_to_eleven() -> None:
    assert rubric_of((None, [line("a", scale=levels(11))])).criterion("a").answers[-1] == "10"
    for count in (1, 12):
        with pytest.raises(RubricError, match=r"at (least 2|most 11) items"):
            rubric_of((None, [line("a", scale=levels(count))]))


@pytest.mark.parametrize(("rule", "percent"), [("zero", 0.0), ("kept", 90.0)])
def test_evaluagent_auto_fail_is_zero_or_kept(rule: str, percent: float) -> None:
    rubric = rubric_of((None, [line("a", 10, fatal=True), line("b", 90)]), fatal_score=rule)
    score = scored(rubric, a="no", b="yes")
    assert (score.percent, score.percent_without_fatal, score.outcome) == (percent, 90.0, "fail")


def test_evaluagent_not_applicable_is_removed_and_never_counted_as_one() -> None:
    # Their account switch can also count it as 1, (1 + 0) / 2 = 50 %; ours has no such switch on purpose.
    rubric = rubric_of((None, [line("a"), line("b")]))
    assert scored(rubric, a=NA, b="no").percent == 0.0


# Amazon Connect, EvaluationScore, https://docs.aws.amazon.com/connect/latest/APIReference/API_EvaluationScore.md:
# weights of sections total 100 %, those of questions within a section too; a score is the weighted sum of shares,
# one automatic failure makes it 0; a question that was not applicable leaves its weight to the others.


def connect(**changes: Any) -> Rubric:
    return rubric_of((60, [line("a", 50), line("b", 50)]), (40, [line("c", 25), line("d", 75)]), **changes)


def test_amazon_connect_weights_to_a_hundred() -> None:
    # 0.6 · (0.5 · 1 + 0.5 · 0) + 0.4 · (0.25 · 1 + 0.75 · 1)
    score = scored(connect(), a="yes", b="no", c="yes", d="yes")
    assert score.percent == 70.0
    assert [(one.percent, one.weight) for one in score.sections] == [(50.0, 0.6), (100.0, 0.4)]


def test_amazon_connect_not_applicable_leaves_its_weight_to_the_others() -> None:
    assert scored(connect(), a="yes", b=NA, c="no", d="yes").percent == 90.0
    assert scored(connect(), a=NA, b=NA, c="no", d="yes").percent == 75.0


def test_amazon_connect_automatic_failure_scores_zero() -> None:
    rubric = rubric_of((60, [line("a", 50, fatal=True), line("b", 50)]), (40, [line("c")]))
    assert scored(rubric, a="no", b="yes", c="yes").percent == 0.0


def test_amazon_connect_numbers_are_scored_by_ranges() -> None:
    ranges = [{"up_to": 10, "percent": 100}, {"up_to": 30, "percent": 50}, {"percent": 0}]
    rubric = rubric_of((None, [line("hold", scale={"unit": "seconds", "most": 600, "ranges": ranges})]))
    assert [scored(rubric, hold=answer).percent for answer in ("0", "10", "10.5", "30", "31")] == [
        100.0,
        100.0,
        50.0,
        50.0,
        0.0,
    ]


# FrontlineHQ, http://docs.staging.frontlinehq.io/qa/scorecards: the weight of what does not apply is spread over the
# rest of its section in proportion.


def test_frontlinehq_spreads_the_weight_within_the_section() -> None:
    rubric = rubric_of((50, [line("a", 20), line("b", 30), line("c", 50)]), (50, [line("d", 10)]))
    # 0.5 · 30 / (30 + 20) + 0.5 · 1
    assert scored(rubric, a="no", b="yes", c=NA, d="yes").percent == 80.0


# Scorebuddy, https://intercom.help/scorebuddy-b32c18522ac7/en/articles/9610819: "fail section" and "fail all".


def test_scorebuddy_fail_section_and_fail_all() -> None:
    rubric = rubric_of(
        (50, [line("a", fatal_for_section=True), line("b", 30)]), (50, [line("c", fatal=True)])
    )
    section = scored(rubric, a="no", b="yes", c="yes")
    assert (section.percent, section.percent_without_fatal) == (50.0, 87.5)
    assert section.suspected_fatal_for_section == ("a",)
    assert scored(rubric, a="yes", b="yes", c="no").percent == 0.0


# MaestroQA, https://help.maestroqa.com/en/articles/4537176: bonus points may lift a total over 100 %. Ours stop there.


def test_maestroqa_bonus_adds_and_stops_at_full_marks() -> None:
    rubric = rubric_of((None, [line("a", 60), line("b", 40), line("extra", 10, bonus=True)]))
    assert scored(rubric, a="yes", b="no", extra="yes").percent == 70.0
    assert scored(rubric, a="yes", b="yes", extra="yes").percent == 100.0
    assert points_of(rubric.criterion("extra"), Answer("decided", "yes")) == (10, 0)


# Kibana issue 285441 and others: everything not applicable was counted as 100 %. Ours is no score.


def test_everything_not_applicable_is_no_score() -> None:
    score = scored(connect(), a=NA, b=NA, c=NA, d=NA)
    assert (score.percent, score.outcome) == (None, "undetermined")


def test_rounding_happens_once() -> None:
    # Three thirds are a whole: 3 · 33.3 would not be.
    rubric = rubric_of((None, [line(id, scale=levels(4)) for id in ("a", "b", "c")]))
    score = scored(rubric, a="1", b="1", c="1")
    assert score.percent == 33.3
    assert scored(rubric, a="1", b="2", c="3").percent == 66.7
    assert rounded(rubric.criterion("a").share("1"), percent=True) == 33.3
