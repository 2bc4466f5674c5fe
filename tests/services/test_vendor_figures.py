"""Figures of vendors: counted alike on both databases, in everybody's scope, and led back to their audits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.domain.statistics import Rate, Sample
from qa_audit.errors import Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import audits_behind, vendor_figures
from qa_audit.services.audits_behind import behind
from qa_audit.services.figure_filters import FigureFilter, parse_filter, period_of, query_of
from qa_audit.services.vendor_figures import Figures, overview, vendor_detail
from qa_audit.services.vendor_sentences import rate_words
from qa_audit.storage import tables
from qa_audit.storage.database import Session
from tests.factories import make_agent, make_call, make_rubric_version, make_vendor

LAST = datetime(2026, 10, 29, 12, tzinfo=UTC)
RUBRIC = """\
id: manners
version: 1
title: Manners
effective_from: 2026-01-01
pass_mark: 80
fatal_score: zero
sections:
  - id: only
    title: Only section
    criteria:
      - {id: polite, title: Is polite, points: 6, check: {kind: manual}}
      - {id: lawful, title: Is lawful, points: 4, fatal: true, check: {kind: manual}}
"""
OTHER = """\
id: speed
version: 1
title: Speed
effective_from: 2026-01-01
pass_mark: 50
sections:
  - id: only
    title: Only section
    criteria:
      - {id: quick, title: Is quick, points: 1, critical: true, check: {kind: manual}}
"""


class World:
    """Two vendors with teams, whose audits the tests add one by one."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.manners = key(make_rubric_version(session, rubric="manners", title="Manners", source=RUBRIC))
        self.speed = key(make_rubric_version(session, rubric="speed", title="Speed", source=OTHER))
        self.ours = make_vendor(session, slug="ours", name="Ours")
        self.theirs = make_vendor(session, slug="theirs", name="Theirs")
        self.team = self.add(tables.Team(vendor_id=key(self.ours), name="Early"))
        self.agent = make_agent(session, self.ours, name="Ana")

    def add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def audit(self, percent: float, *, quick: str = "yes", lawful: str = "yes", **values: Any) -> tables.Call:
        """Add an audited call with a score of `percent` in manners, the rest from the answers."""
        vendor = values.pop("vendor", self.ours)
        state = values.pop("state", "published")
        usual = {
            "status": "published" if state == "published" else "audited",
            "started_at": LAST,
            "survey": 4,
        }
        call = make_call(self.session, vendor, **{**usual, **values})
        audit = self.add(tables.Audit(call_id=key(call), state=state))
        fatal = lawful == "no"
        failed = fatal or percent < 80
        polite = "yes" if percent >= 80 else "no"
        for rubric, criterion, answer in (
            (self.manners, "polite", polite),
            (self.manners, "lawful", lawful),
            (self.speed, "quick", quick),
        ):
            self.add(
                tables.Answer(audit_id=audit.id, rubric_version_id=rubric, criterion=criterion, answer=answer)
            )
        self.add(
            tables.AuditScore(
                audit_id=audit.id, rubric_version_id=self.manners, percent=0.0 if fatal else percent,
                percent_without_fatal=percent, points=1, possible=10, fatal=int(fatal),
                outcome="fail" if failed else "pass",
            )
        )  # fmt: skip
        self.add(
            tables.AuditScore(
                audit_id=audit.id, rubric_version_id=self.speed, percent=100.0, percent_without_fatal=100.0,
                points=1, possible=1, critical=int(quick == "no"), outcome="pass",
            )
        )  # fmt: skip
        return call

    def scored(self, manners: str, manners_possible: int, speed: str, speed_possible: int) -> None:
        """Add a submitted audit with these outcomes and possible points."""
        call = make_call(self.session, self.ours, status="audited", started_at=LAST)
        audit = self.add(tables.Audit(call_id=key(call), state="submitted"))
        for version, outcome, possible in (
            (self.manners, manners, manners_possible),
            (self.speed, speed, speed_possible),
        ):
            self.add(
                tables.AuditScore(
                    audit_id=audit.id, rubric_version_id=version, outcome=outcome, possible=possible
                )
            )


def key(row: Any) -> int:
    """Return a stored row's key."""
    assert row.id is not None
    return int(row.id)


def ours(runtime: Runtime, actor: Actor = SYSTEM, filter: FigureFilter | None = None) -> Figures:
    found = overview(runtime, actor, filter or FigureFilter()).vendors
    return next(vendor.figures for vendor in found if vendor.slug == "ours")


def manager(vendor: tables.Vendor) -> Actor:
    return Actor("manager", "manager", vendor_id=vendor.id)


@pytest.fixture
def world(runtime: Runtime) -> World:
    """Three audits of ours, one of them sample history, one of theirs, and calls that nobody audited."""
    with runtime.db.write() as session:
        world = World(session)
        world.audit(90.0, agent_id=world.agent.id, team_id=world.team.id)
        world.audit(70.0, lawful="no", survey=5)
        world.audit(95.5, quick="no", is_sample=True, survey=None, started_at=LAST - timedelta(weeks=8))
        world.audit(10.0, lawful="no", vendor=world.theirs)
        make_call(session, world.ours, status="prescored", started_at=LAST, survey=1)
    return world


def test_everything_is_counted_once(runtime: Runtime, world: World) -> None:
    found = ours(runtime)
    assert found.counts.calls == 4
    assert (found.counts.audits, found.counts.samples) == (3, 1)
    assert found.not_passed == Rate(1, 3)
    assert (found.fatal, found.critical) == (Rate(1, 3), Rate(1, 3))
    assert found.undetermined == 0
    assert found.counts.survey == Sample(3, 10, 42, 190)


def test_the_zero_of_a_fatal_stays_out_of_the_mean(runtime: Runtime, world: World) -> None:
    manners, speed = ours(runtime).rubrics
    assert (manners.id, speed.id) == ("manners", "speed")
    assert manners.scores.n == 3
    assert manners.scores.mean == pytest.approx((90 + 70 + 95.5) / 3)
    assert manners.pass_mark == 80


def test_the_sample_history_can_be_left_out(runtime: Runtime, world: World) -> None:
    found = ours(runtime, filter=FigureFilter(with_sample=False))
    assert (found.counts.calls, found.counts.audits, found.counts.samples) == (3, 2, 0)


def test_an_open_outcome_is_neither_passed_nor_not(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        _joined(world, session).scored("undetermined", 6, "undetermined", 0)
    found = ours(runtime)
    assert (found.undetermined, found.not_passed) == (1, Rate(1, 3))


def test_a_rubric_of_which_nothing_applied_does_not_keep_a_call_from_passing(
    runtime: Runtime, world: World
) -> None:
    with runtime.db.write() as session:
        _joined(world, session).scored("pass", 6, "undetermined", 0)
    assert ours(runtime).not_passed == Rate(1, 4)


def test_a_draft_counts_nowhere(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        World.audit(_joined(world, session), 20.0, state="draft", status="in_review")
    assert ours(runtime).counts.audits == 3


def test_the_vendors_side_counts_only_what_is_published(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        World.audit(_joined(world, session), 20.0, state="submitted")
    assert ours(runtime).counts.audits == 4
    found = ours(runtime, manager(world.ours))
    assert (found.counts.calls, found.counts.audits) == (3, 3)


def test_a_manager_sees_the_own_vendor_and_compares_it_with_nobody(runtime: Runtime, world: World) -> None:
    found = overview(runtime, manager(world.ours), FigureFilter())
    assert [vendor.slug for vendor in found.vendors] == ["ours"]
    assert not found.compared
    assert vendor_detail(runtime, manager(world.ours), "ours", FigureFilter()).others == ()
    for read in (vendor_detail, behind):
        with pytest.raises(NotFound):
            read(runtime, manager(world.ours), "theirs", FigureFilter())
        with pytest.raises(NotFound):
            read(runtime, manager(world.ours), "nobody", FigureFilter())


@pytest.mark.parametrize("role", ["lead", "agent"])
def test_leads_and_agents_see_no_figures(runtime: Runtime, world: World, role: Any) -> None:
    actor = Actor("somebody", role, vendor_id=world.ours.id, team_id=world.team.id, agent_id=world.agent.id)
    with pytest.raises(NotFound):
        overview(runtime, actor, FigureFilter())
    with pytest.raises(NotFound):
        vendor_detail(runtime, actor, "ours", FigureFilter())
    with pytest.raises(NotFound):
        behind(runtime, actor, "ours", FigureFilter())


def test_a_manager_without_a_vendor_and_a_token_see_nothing(runtime: Runtime, world: World) -> None:
    with pytest.raises(NotFound):
        overview(runtime, Actor("manager", "manager"), FigureFilter())
    with pytest.raises(Forbidden):
        overview(runtime, Actor("script", "read_token"), FigureFilter())


def test_teams_and_agents_have_their_own_rows(runtime: Runtime, world: World) -> None:
    found = vendor_detail(runtime, SYSTEM, "ours", FigureFilter())
    assert [(team.name, team.counts.audits) for team in found.teams] == [("Early", 1)]
    assert [(agent.name, agent.counts.audits) for agent in found.agents] == [("Ana", 1)]
    assert [other.slug for other in found.others] == ["theirs"]


def test_weeks_hold_the_audits_of_their_days(runtime: Runtime, world: World) -> None:
    found = vendor_detail(runtime, SYSTEM, "ours", FigureFilter())
    assert found.period.weeks == tuple(date(2026, 8, 31) + timedelta(weeks=week) for week in range(9))
    course = found.courses[0]
    assert [sample.n for sample in course.weeks] == [1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert course.weeks[0].mean == pytest.approx(95.5)
    assert course.weeks[8].mean == pytest.approx(80.0)


def test_the_last_weeks_are_held_against_those_before(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        joined = _joined(world, session)
        for number in range(60):
            recent = number >= 38
            begun = LAST - timedelta(days=number % 20 if recent else 40 + number)
            joined.audit(84.0 + number % 3 if recent else 96.0 + number % 3, started_at=begun)
    change = ours(runtime).rubrics[0].change
    assert (change.before.n, change.recent.n) == (39, 24)
    assert change.direction == "falls"


def test_failing_lines_are_counted_with_their_base(runtime: Runtime, world: World) -> None:
    lines = ours(runtime).failing
    assert [(line.rubric, line.criterion, line.grave, line.failed) for line in lines] == [
        ("manners", "lawful", "fatal", Rate(1, 3)),
        ("manners", "polite", None, Rate(1, 3)),
        ("speed", "quick", "critical", Rate(1, 3)),
    ]


def test_each_figure_leads_to_as_many_audits_as_it_counts(runtime: Runtime, world: World) -> None:
    found = ours(runtime)
    wanted = {
        FigureFilter(): found.counts.audits,
        FigureFilter(show="not_passed"): found.not_passed.count,
        FigureFilter(show="fatal"): found.fatal.count,
        FigureFilter(show="critical"): found.critical.count,
        FigureFilter(team=world.team.public_id): 1,
        FigureFilter(agent="Ana"): 1,
        FigureFilter(agent="Ana", show="fatal"): 0,
        FigureFilter(with_sample=False): 2,
        **{FigureFilter(line=f"{line.rubric}/{line.criterion}"): line.failed.count for line in found.failing},
    }
    for filter, number in wanted.items():
        page = behind(runtime, SYSTEM, "ours", filter)
        assert (page.total, len(page.rows)) == (number, number), filter


def test_the_audits_say_what_failed_gravest_first(runtime: Runtime, world: World) -> None:
    page = behind(runtime, SYSTEM, "ours", FigureFilter(show="fatal"))
    assert page.failing == (("Is lawful (fatal)", "Is polite"),)
    assert page.rows[0].percents == {"manners": 70.0, "speed": 100.0}
    assert (page.rows[0].fatal, page.rows[0].critical, page.rows[0].is_sample) == (1, 0, False)


def test_the_list_has_pages(runtime: Runtime, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits_behind, "PAGE", 2)
    first = behind(runtime, SYSTEM, "ours", FigureFilter())
    second = behind(runtime, SYSTEM, "ours", FigureFilter(page=2))
    assert (len(first.rows), len(second.rows), first.total) == (2, 1, 3)
    assert len({row.id for row in (*first.rows, *second.rows)}) == 3
    assert second.rows[0].is_sample


def test_another_vendors_team_and_an_unknown_line_do_not_exist(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        foreign = tables.Team(vendor_id=key(world.theirs), name="Late")
        session.add(foreign)
    for filter in (FigureFilter(team=foreign.public_id), FigureFilter(line="manners/no-such-line")):
        with pytest.raises(NotFound):
            behind(runtime, SYSTEM, "ours", filter)


def test_days_choose_the_calls_of_these_days(runtime: Runtime, world: World) -> None:
    day = LAST.date()
    assert ours(runtime, filter=FigureFilter(since=day, until=day)).counts.audits == 2
    assert ours(runtime, filter=FigureFilter(until=day - timedelta(days=1))).counts.audits == 1
    assert ours(runtime, filter=FigureFilter(period="4")).counts.audits == 2
    assert ours(runtime, filter=FigureFilter(period="all")).counts.audits == 3


def test_a_limit_is_read_from_the_vendors_variables(runtime: Runtime, world: World) -> None:
    with runtime.db.write() as session:
        vendor = session.get(tables.Vendor, world.ours.id)
        assert vendor is not None
        vendor.variables = {vendor_figures.LIMIT: 1}
        session.add(vendor)
    limits = {vendor.slug: vendor.limit for vendor in overview(runtime, SYSTEM, FigureFilter()).vendors}
    assert limits == {"ours": 1.0, "theirs": None}


def test_an_empty_installation_has_no_figures(runtime: Runtime) -> None:
    found = overview(runtime, SYSTEM, FigureFilter())
    assert found.vendors == ()
    assert found.period.weeks == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("period", "5"),
        ("from", "yesterday"),
        ("from", "0001-01-01"),
        ("to", "9999-12-31"),
        ("sample", "maybe"),
        ("show", "worst"),
        ("line", "manners"),
        ("team", "'; --"),
        ("agent", "x" * 201),
        ("page", "0"),
        ("page", "1e9"),
        ("colour", "red"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(Invalid) as error:
        parse_filter([(name, value)])
    assert set(error.value.fields) == {name}


def test_a_filter_survives_its_own_address() -> None:
    pairs = [("period", "13"), ("from", "2026-10-01"), ("sample", "no"), ("show", "fatal"), ("page", "2")]
    filter = parse_filter(pairs)
    assert query_of(filter) == dict(pairs)
    assert parse_filter(query_of(filter).items()) == filter
    assert query_of(FigureFilter()) == {}
    assert parse_filter([("sample", "yes"), ("agent", " ")]) == FigureFilter()


def test_a_period_ends_with_the_week_of_the_last_audit() -> None:
    found = period_of(FigureFilter(period="4"), date(2026, 1, 7), date(2026, 11, 12))
    assert (found.since, found.until) == (date(2026, 10, 19), date(2026, 11, 15))
    assert found.weeks == tuple(date(2026, 10, 19) + timedelta(weeks=week) for week in range(4))
    assert period_of(FigureFilter(since=date(2030, 1, 1)), date(2026, 1, 7), date(2026, 11, 12)).weeks == ()


def test_a_rate_is_said_so_that_one_can_picture_it() -> None:
    assert rate_words(Rate(0, 304)) == "none of 304"
    assert rate_words(Rate(15, 300)) == "5 in 100"
    assert rate_words(Rate(1, 300)) == "1 of 300"
    assert rate_words(Rate(2, 4)) == "2 of 4"


def _joined(world: World, session: Session) -> World:
    """Return the same world for another session."""
    world.session = session
    return world
