"""The demo's people and the audits that its reviewer did, staged by the ways that people take."""

from __future__ import annotations

import pytest

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.errors import NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import bundled_calls, calls, demo_data, demo_story, organisation, reviewing, scorecards
from qa_audit.services.bundled_calls import BundledCall
from qa_audit.services.reviewing import Change
from qa_audit.storage import accounts
from tests import seeding

CALLS = {call.id: call for call in bundled_calls.load_bundle().calls}


def call(id: str) -> BundledCall:
    return CALLS[id]


def staff(runtime: Runtime) -> Actor:
    with runtime.db.read() as session:
        account = accounts.account_by_email(session, demo_data.REVIEWER)
    assert account is not None
    return Actor(account.id, account.role, account.name)


def person(runtime: Runtime, role: str) -> Actor:
    with runtime.db.read() as session:
        found = accounts.account_by_email(session, f"{role}@{demo_data.DOMAIN}")
    assert found is not None
    return Actor(found.id, found.role, found.name, found.vendor_id, found.team_id, found.agent_id)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite alone: the services that the story uses are tested on both kinds of database."""
    return sqlite_url


@pytest.fixture
def demo(runtime: Runtime) -> Runtime:
    """The demo's vendors and people, without calls."""
    demo_data.add_vendors(runtime, bundled_calls.load_bundle())
    demo_story.organise(runtime)
    demo_data.add_people(runtime)
    return runtime


def test_each_vendor_has_two_teams_and_every_bundled_agent_is_in_one(demo: Runtime) -> None:
    for bundled in CALLS.values():
        found = organisation.get(demo, SYSTEM, bundled.vendor)
        assert len(found.teams) == 2
        assert demo_story.team_of(demo, bundled.vendor, bundled.agent) in {team.name for team in found.teams}
        assert found.vendor.variables["fatal_limit"] == 1


def test_one_sign_in_per_role_with_the_scope_of_the_story(demo: Runtime) -> None:
    people = demo_data.add_people(demo)
    assert [one.role for one in people] == ["admin", "reviewer", "viewer", "manager", "lead", "agent"]
    assert people[4].about == "of Leo's team at Kestrel"
    vendor = organisation.get(demo, SYSTEM, "kestrel").vendor.key
    manager, lead, agent = (person(demo, role) for role in ("manager", "lead", "agent"))
    assert (manager.vendor_id, manager.team_id, manager.agent_id) == (vendor, None, None)
    assert lead.vendor_id == vendor
    assert lead.team_id is not None
    assert agent.agent_id is not None


def test_what_a_person_changed_in_the_organisation_stays(demo: Runtime) -> None:
    found = organisation.get(demo, SYSTEM, "kestrel")
    team = next(team for team in found.teams if team.name == "Refunds 1")
    organisation.change_team(demo, SYSTEM, "kestrel", team.id, "Night shift")
    demo_story.organise(demo)
    assert {team.name for team in organisation.get(demo, SYSTEM, "kestrel").teams} == {
        "Night shift",
        "Refunds 2",
    }
    assert demo_data.add_people(demo)[4].role == "lead"


def test_the_promise_is_published_as_a_fatal_that_a_person_heard(demo: Runtime) -> None:
    id = seeding.bundled(demo, "call-10")["call-10"]
    assert demo_story.stage(demo, call("call-10"), id, demo_data.REVIEWER) is not None
    assert calls.progress(demo, SYSTEM, id).status == "published"
    view = reviewing.show(demo, staff(demo), id)
    line = next(line for part in view.parts for line in part.lines if line.criterion.code == "S8")
    fault = next(fault for fault in call("call-10").faults if fault.criterion == "S8")
    assert line.human is not None
    assert (line.human.answer, line.human.origin) == ("no", "human")
    assert line.human.pin == pytest.approx((fault.start, fault.end), abs=0.01)
    assert line.human.note
    scores = {part.rubric.id: part.score for part in view.parts}
    assert scores["service-quality"].percent == 0
    assert scores["service-quality"].percent_without_fatal == 76.0
    assert scores["brand-consistency"].percent == 100.0


def test_the_lead_reads_the_card_of_the_own_team_only(demo: Runtime) -> None:
    ids = seeding.bundled(demo, "call-10", "call-07")
    for name, id in ids.items():
        demo_story.stage(demo, call(name), id, demo_data.REVIEWER)
    cards = {name: scorecards.publish(demo, staff(demo), id) for name, id in ids.items()}
    lead, agent = person(demo, "lead"), person(demo, "agent")
    for actor in (lead, agent, person(demo, "manager")):
        assert scorecards.show(demo, actor, cards["call-10"]).id == cards["call-10"]
        with pytest.raises(NotFound):
            scorecards.show(demo, actor, cards["call-07"])


def test_calls_of_the_queue_stay_there_and_one_is_in_review(demo: Runtime) -> None:
    ids = seeding.bundled(demo, "call-11", "call-04", "call-09")
    for name, id in ids.items():
        demo_story.stage(demo, call(name), id, demo_data.REVIEWER)
    states = {name: calls.progress(demo, SYSTEM, id).status for name, id in ids.items()}
    assert states == {"call-11": "prescored", "call-04": "in_review", "call-09": "audited"}
    suspected = {
        id
        for score in calls.get_call(demo, SYSTEM, ids["call-11"]).prescores
        for id in score.score.suspected_fatal
    }
    assert suspected == {"card-safe"}


def test_a_call_that_somebody_touched_is_left_alone(demo: Runtime) -> None:
    id = seeding.bundled(demo, "call-10")["call-10"]
    actor = staff(demo)
    reviewing.answer(
        demo, actor, id, "service-quality", "no-unsafe-promise", Change("yes", "I hear it otherwise.")
    )
    before = reviewing.show(demo, actor, id)
    assert demo_story.stage(demo, call("call-10"), id, demo_data.REVIEWER) is None
    assert reviewing.show(demo, actor, id).parts == before.parts


def test_a_second_start_changes_nothing(demo: Runtime) -> None:
    id = seeding.bundled(demo, "call-05")["call-05"]
    assert demo_story.stage(demo, call("call-05"), id, demo_data.REVIEWER) is not None
    view = reviewing.show(demo, staff(demo), id)
    assert demo_story.stage(demo, call("call-05"), id, demo_data.REVIEWER) is None
    assert reviewing.show(demo, staff(demo), id) == view


def test_every_state_of_the_story_is_there_and_every_no_has_a_note() -> None:
    left = [id for id, found in CALLS.items() if id not in demo_story.STATES and not found.shown_only]
    assert left == ["call-02", "call-11", "call-12"]
    assert set(demo_story.STATES.values()) == {"in_review", "audited", "published"}
    for id, state in demo_story.STATES.items():
        if state != "in_review":
            noes = {code for code, answer in call(id).answers.items() if answer == "no"}
            assert noes <= set(demo_story.NOTES), id
            manual = {code for code, answer in call(id).answers.items() if answer == "manual"}
            assert manual == set(demo_story.MANUAL[id]), id
