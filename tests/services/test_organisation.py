"""Sites, teams, agents, and who was in which team on which day, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import accounts, organisation
from qa_audit.services.organisation import Organisation, team_of
from qa_audit.storage import tables
from tests.factories import make_call, make_vendor

JAN, MARCH, APRIL, MAY = date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def acme(runtime: Runtime) -> str:
    """A vendor with the teams North and South and one agent."""
    with runtime.db.write() as session:
        make_vendor(session, slug="acme", name="Acme")
    for name in ("North", "South"):
        organisation.add_team(runtime, SYSTEM, "acme", name)
    return organisation.add_agent(runtime, SYSTEM, "acme", "Dana Fox", "Dana, Dani , Dana")


def place(
    runtime: Runtime, agent: str, team: str, since: date, until: date | None = None, **more: date
) -> int:
    return organisation.set_stay(runtime, SYSTEM, "acme", agent, team, since, until, **more)


def look(runtime: Runtime) -> Organisation:
    return organisation.get(runtime, SYSTEM, "acme")


def team_on(runtime: Runtime, day: date) -> str | None:
    with runtime.db.read() as session:
        agent = session.exec(select(tables.Agent)).one().id
        key = team_of(session, agent or 0, day)
        return None if key is None else session.get_one(tables.Team, key).name


def test_a_vendor_gets_sites_teams_and_agents(runtime: Runtime, acme: str) -> None:
    organisation.add_site(runtime, SYSTEM, "acme", "Leeds")
    organisation.add_team(runtime, SYSTEM, "acme", " East  side ", "Leeds")
    organisation.rename_site(runtime, SYSTEM, "acme", "Leeds", "York")
    north = next(team for team in look(runtime).teams if team.name == "North")
    organisation.change_team(runtime, SYSTEM, "acme", north.id, "Far North", "York")
    organisation.change_agent(runtime, SYSTEM, "acme", acme, "Dana Wolf", "")
    accounts.create_user(runtime, "lee@example.org", "lead", name="Lee", vendor_slug="acme", team="South")
    found = look(runtime)
    assert [(site.name, site.teams) for site in found.sites] == [("York", 2)]
    teams = [(team.name, team.site, found.leads.get(team.id, ())) for team in found.teams]
    assert teams == [("East side", "York", ()), ("Far North", "York", ()), ("South", None, ("Lee",))]
    assert [(agent.name, agent.aliases) for agent in found.agents] == [("Dana Wolf", ())]


def test_other_names_are_kept_once_each(runtime: Runtime, acme: str) -> None:
    assert look(runtime).agents[0].aliases == ("Dana", "Dani")
    with pytest.raises(Invalid, match="At most 20"):
        organisation.change_agent(runtime, SYSTEM, "acme", acme, "Dana", ",".join(map(str, range(21))))


def test_names_are_taken_once_within_a_vendor(runtime: Runtime, acme: str) -> None:
    organisation.add_site(runtime, SYSTEM, "acme", "Leeds")
    attempts = (
        lambda: organisation.add_team(runtime, SYSTEM, "acme", "North"),
        lambda: organisation.add_site(runtime, SYSTEM, "acme", "Leeds"),
        lambda: organisation.add_agent(runtime, SYSTEM, "acme", "Dana Fox"),
        lambda: organisation.change_team(runtime, SYSTEM, "acme", look(runtime).teams[0].id, "South"),
    )
    for attempt in attempts:
        with pytest.raises(Conflict, match=r"Acme has a .+ already"):
            attempt()


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x07b"])
def test_a_name_that_cannot_be_read_is_refused(runtime: Runtime, acme: str, name: str) -> None:
    for add in (organisation.add_site, organisation.add_team, organisation.add_agent):
        with pytest.raises(Invalid, match="A name has"):
            add(runtime, SYSTEM, "acme", name)


def test_what_is_not_there_or_not_of_this_vendor_is_not_found(runtime: Runtime, acme: str) -> None:
    with runtime.db.write() as session:
        make_vendor(session, slug="zenith")
    with pytest.raises(NotFound):
        organisation.get(runtime, SYSTEM, "nobody")
    with pytest.raises(NotFound):
        organisation.get_agent(runtime, SYSTEM, "zenith", acme)
    with pytest.raises(NotFound):
        organisation.change_team(runtime, SYSTEM, "zenith", look(runtime).teams[0].id, "Mine")
    with pytest.raises(Invalid, match="no site 'Leeds'"):
        organisation.rename_site(runtime, SYSTEM, "acme", "Leeds", "York")
    with pytest.raises(Invalid, match="no site 'Leeds'"):
        organisation.add_team(runtime, SYSTEM, "acme", "East", "Leeds")
    organisation.add_team(runtime, SYSTEM, "zenith", "Theirs")
    with pytest.raises(Invalid, match="no such team"):
        place(runtime, acme, "Theirs", JAN)


def test_both_days_belong_to_a_time_in_a_team(runtime: Runtime, acme: str) -> None:
    place(runtime, acme, "North", JAN, MARCH)
    place(runtime, acme, "South", APRIL)
    days = (date(2025, 12, 31), JAN, MARCH, APRIL, date(2030, 1, 1))
    assert [team_on(runtime, day) for day in days] == [None, "North", "North", "South", "South"]


@pytest.mark.parametrize(
    ("since", "until"), [(MARCH, None), (MARCH, APRIL), (date(2025, 1, 1), JAN), (date(2025, 1, 1), None)]
)
def test_an_agent_is_in_one_team_at_a_time(
    runtime: Runtime, acme: str, since: date, until: date | None
) -> None:
    place(runtime, acme, "North", JAN, MARCH)
    with pytest.raises(Invalid, match="Dana Fox is in North from 1 Jan 2026 to 31 Mar 2026"):
        place(runtime, acme, "South", since, until)
    assert len(look(runtime).agents[0].stays) == 1


def test_days_do_not_run_backwards(runtime: Runtime, acme: str) -> None:
    with pytest.raises(Invalid, match="before the first"):
        place(runtime, acme, "North", MAY, JAN)


def test_a_time_in_a_team_is_changed_and_removed(runtime: Runtime, acme: str) -> None:
    place(runtime, acme, "North", JAN)
    place(runtime, acme, "North", JAN, MARCH, was=JAN)
    place(runtime, acme, "South", APRIL)
    assert [team_on(runtime, day) for day in (MARCH, APRIL)] == ["North", "South"]
    organisation.remove_stay(runtime, SYSTEM, "acme", acme, JAN)
    assert team_on(runtime, JAN) is None
    for attempt in (
        lambda: organisation.remove_stay(runtime, SYSTEM, "acme", acme, JAN),
        lambda: place(runtime, acme, "North", JAN, was=JAN),
    ):
        with pytest.raises(NotFound, match="meanwhile"):
            attempt()


def test_of_two_who_place_an_agent_at_once_one_wins(runtime: Runtime, acme: str) -> None:
    def try_it(team: str) -> bool:
        try:
            place(runtime, acme, team, JAN)
        except Invalid:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(try_it, ("North", "South", "North", "South")))
    assert won.count(True) == 1


def test_calls_go_along_until_they_are_published(runtime: Runtime, acme: str) -> None:
    with runtime.db.write() as session:
        vendor = session.exec(select(tables.Vendor)).one()
        agent = session.exec(select(tables.Agent)).one()
        late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
        for title, values in {
            "before": {"started_at": datetime(2025, 12, 31, 12, tzinfo=UTC)},
            "in march": {"started_at": late},
            "in april where it was": {"started_at": late, "utc_offset": 60},
            "published": {"started_at": late, "status": "published"},
            "of somebody else": {"agent_id": None, "started_at": late},
        }.items():
            make_call(session, vendor, **{"agent_id": agent.id, "title": title, **values})
    assert place(runtime, acme, "North", JAN, MARCH) == 1
    assert place(runtime, acme, "South", APRIL) == 1
    with runtime.db.read() as session:
        query = select(tables.Call.title, tables.Team.name).join(tables.Team, isouter=True)
        teams = dict(session.exec(query).all())
    assert teams == {
        "before": None,
        "in march": "North",
        "in april where it was": "South",
        "published": None,
        "of somebody else": None,
    }
    assert organisation.remove_stay(runtime, SYSTEM, "acme", acme, JAN) == 1


@given(
    st.lists(
        st.tuples(st.integers(1, 28), st.integers(0, 27), st.sampled_from(["North", "South"])), max_size=6
    )
)
def test_whatever_is_asked_for_no_day_has_two_teams(tries: list[tuple[int, int, str]]) -> None:
    kept: list[organisation.Stay] = []
    for first, length, team in tries:
        since, last = date(2026, 1, first), min(28, first + length)
        stay = organisation.Stay(team, team, since, date(2026, 1, last))
        if not any(organisation.overlap(one, stay.since, stay.until) for one in kept):
            kept.append(stay)
    for day in (date(2026, 1, number) for number in range(1, 29)):
        assert sum(one.since <= day <= (one.until or date.max) for one in kept) <= 1


@pytest.mark.parametrize(("role", "error"), [("reviewer", Forbidden), ("manager", NotFound)])
def test_only_admins_organise(runtime: Runtime, acme: str, role: str, error: type[Exception]) -> None:
    actor = Actor("x", role, vendor_id=1 if role == "manager" else None)  # type: ignore[arg-type]
    with pytest.raises(error):
        organisation.get(runtime, actor, "acme")
    with pytest.raises(error):
        organisation.add_team(runtime, actor, "acme", "Mine")
    with pytest.raises(error):
        organisation.set_stay(runtime, actor, "acme", acme, "North", JAN)


def test_every_change_is_noted_and_names_nobody(runtime: Runtime, acme: str) -> None:
    place(runtime, acme, "North", JAN)
    organisation.change_agent(runtime, SYSTEM, "acme", acme, "Dana Wolf", "Dee")
    with runtime.db.read() as session:
        found = session.exec(select(tables.Event).order_by(tables.Event.id)).all()  # type: ignore[arg-type]
    assert [event.action for event in found] == [
        *("team.added", "team.added", "agent.added", "agent.placed", "agent.changed")
    ]
    written = " ".join(f"{event.thing} {event.detail}" for event in found)
    assert not [word for word in ("Dana", "Fox", "Wolf", "Dee") if word in written]
