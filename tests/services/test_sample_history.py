"""The drawn history has the properties that the demo's story promises, is the same everywhere, and can be left out."""

from __future__ import annotations

import time
from datetime import date
from functools import cache
from statistics import fmean

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from qa_audit.domain.access import SYSTEM
from qa_audit.domain.rubric import Rubric
from qa_audit.domain.score import total
from qa_audit.domain.statistics import Rate, sample_of, shift
from qa_audit.runtime import Runtime, bundled
from qa_audit.services import demo_data, demo_story, rubrics, sample_history
from qa_audit.services.bundled_calls import load_bundle
from qa_audit.services.figure_filters import FigureFilter
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.sample_history import AUDITS, BEGINS, VENDORS, WEEKS, Drawn
from qa_audit.services.vendor_figures import overview
from qa_audit.storage.tables import Answer, Audit, AuditScore, Call, Recording, Scorecard, Team

BRAND, SERVICE = "brand_consistency", "service_quality"


@cache
def rubric(name: str) -> Rubric:
    return load_rubric((bundled("rubrics") / f"{name}.yaml").read_text(encoding="utf-8"))


@cache
def drawn(slug: str) -> tuple[Drawn, ...]:
    agents = sorted(agent for team in demo_story.TEAMS[slug].values() for agent in team)
    return sample_history.draw(VENDORS[slug], agents, [rubric(BRAND), rubric(SERVICE)])


def scores(slug: str, name: str) -> list[float]:
    found = [
        total(
            rubric(name),
            {c.id: sample_history.standing(one.answers[c.code]) for c in rubric(name).criteria if c.code},
        ).percent_without_fatal
        for one in drawn(slug)
    ]
    assert all(value is not None for value in found)
    return [value for value in found if value is not None]


def fatal(slug: str) -> Rate:
    codes = [c.code for name in (BRAND, SERVICE) for c in rubric(name).criteria if c.fatal]
    return Rate(sum(any(one.answers[code or ""] == "no" for code in codes) for one in drawn(slug)), AUDITS)


@pytest.fixture
def demo(runtime: Runtime) -> Runtime:
    rubrics.sync_bundled(runtime)
    demo_data.add_vendors(runtime, load_bundle())
    demo_story.organise(runtime)
    return runtime


@pytest.mark.parametrize("slug", VENDORS)
def test_it_is_half_a_year_on_weekdays_before_the_bundled_calls(slug: str) -> None:
    days = [one.started_at.date() for one in drawn(slug)]
    assert len(days) == AUDITS
    assert BEGINS <= min(days) < date(2026, 5, 9)
    assert date(2026, 10, 26) <= max(days) < date(2026, 11, 2)
    assert all(day.weekday() < 5 for day in days)
    per_week = {week: sum((day - BEGINS).days // 7 == week for day in days) for week in range(WEEKS)}
    assert set(per_week.values()) <= {11, 12}
    assert days == sorted(days)


def test_the_survey_says_the_same_of_kestrel_and_brightline() -> None:
    means = {slug: fmean(one.survey for one in drawn(slug) if one.survey) for slug in VENDORS}
    assert means == pytest.approx({"brightline": 4.5, "kestrel": 4.5, "sollent": 3.5})


def test_kestrel_breaks_rules_over_its_limit_and_the_others_do_not() -> None:
    kestrel = fatal("kestrel")
    assert kestrel.share is not None
    assert 0.04 <= kestrel.share <= 0.06
    assert kestrel.range[0] > demo_story.FATAL_LIMIT / 100
    assert fatal("brightline").count == 0
    assert (fatal("sollent").share or 0) < demo_story.FATAL_LIMIT / 100


@pytest.mark.parametrize("last", [23, 46, 69])
def test_only_sollents_brand_line_falls_beyond_noise(last: int) -> None:
    directions = {
        (slug, name): shift(
            sample_of(scores(slug, name)[:-last]), sample_of(scores(slug, name)[-last:])
        ).direction
        for slug in VENDORS
        for name in (BRAND, SERVICE)
    }
    assert directions.pop(("sollent", BRAND)) == "falls"
    assert set(directions.values()) == {"steady"}


def test_brightline_passes_both_rubrics() -> None:
    for name in (BRAND, SERVICE):
        low, _ = sample_of(scores("brightline", name)).range(0, 100)
        assert low > rubric(name).pass_mark


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    agents = ["Leo", "Sara"]
    both = [rubric(BRAND), rubric(SERVICE)]
    first = sample_history.draw(VENDORS["kestrel"], agents, both)
    assert sample_history.draw(VENDORS["kestrel"], agents, both) == first
    other = sample_history.Habits(seed=1, offset=1, marks=sample_history.LIKED)
    assert sample_history.draw(other, agents, both) != first


def test_it_is_stored_whole_marked_and_without_sound(demo: Runtime) -> None:
    began = time.perf_counter()
    assert demo_story.add_history(demo) == 3 * AUDITS
    assert time.perf_counter() - began < 30
    with demo.db.read() as session:
        number = {
            table: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Call, Audit, AuditScore, Recording, Scorecard)
        }
        assert number == {Call: 900, Audit: 900, AuditScore: 1800, Recording: 0, Scorecard: 0}
        assert (
            session.execute(select(func.count()).where(col(Answer.origin) == "human")).scalar_one() == 18_000
        )
        is_marked = (col(Call.is_sample).is_(True), col(Call.title) == sample_history.TITLE)
        marked = select(func.count()).where(*is_marked)
        assert session.execute(marked).scalar_one() == 900
        joined = select(col(Team.id)).join(Call, col(Call.team_id) == col(Team.id)).distinct()
        teams = session.execute(joined)
        assert len(teams.all()) == 6


def test_a_second_start_adds_nothing_and_leaving_it_out_takes_only_it_away(demo: Runtime) -> None:
    demo_story.add_history(demo)
    assert demo_story.add_history(demo) == 0
    assert sample_history.remove(demo) == 900
    assert sample_history.remove(demo) == 0
    assert all(one.figures.counts.audits == 0 for one in overview(demo, SYSTEM, FigureFilter()).vendors)
    assert demo_story.add_history(demo) == 900


def test_vendors_that_are_not_the_demos_get_none(runtime: Runtime) -> None:
    rubrics.sync_bundled(runtime)
    assert demo_story.add_history(runtime) == 0
