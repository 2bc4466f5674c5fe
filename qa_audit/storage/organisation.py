"""A vendor's sites, teams and agents, and who belonged to which team on which days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Select, delete, func, or_, select, update
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Agent, Call, Site, Team, TeamMembership, Vendor


@dataclass(frozen=True)
class Member:
    """A team or an agent of a vendor; `id` is its public id."""

    id: str
    name: str
    vendor: str
    vendor_name: str


@dataclass(frozen=True)
class SiteRow:
    """A place where teams sit. `key` is for use inside the process only."""

    key: int
    name: str
    teams: int


@dataclass(frozen=True)
class TeamRow:
    """A team; `agents` counts those who belong to it on the day that was asked for."""

    key: int
    id: str
    name: str
    site: str | None
    agents: int


@dataclass(frozen=True)
class Stay:
    """An agent's time in a team: both days belong to it, and it goes on without `until`."""

    team_id: str
    team: str
    since: date
    until: date | None


@dataclass(frozen=True)
class AgentRow:
    """Somebody on the phone, with the names they may give and their teams, newest first."""

    key: int
    id: str
    name: str
    aliases: tuple[str, ...]
    stays: tuple[Stay, ...]
    calls: int


def team_of(session: Session, agent_id: int, day: date) -> int | None:
    """Return the key of the team that an agent belonged to on a day, None when to none."""
    query = (
        select(col(TeamMembership.team_id))
        .where(
            col(TeamMembership.agent_id) == agent_id,
            col(TeamMembership.since) <= day,
            or_(col(TeamMembership.until).is_(None), col(TeamMembership.until) >= day),
        )
        .order_by(col(TeamMembership.since).desc())
    )
    return session.scalars(query).first()


def sites(session: Session, vendor_id: int) -> tuple[SiteRow, ...]:
    """Return a vendor's sites by name."""
    teams = select(func.count()).where(col(Team.site_id) == col(Site.id)).scalar_subquery()
    query = select(Site, teams).where(col(Site.vendor_id) == vendor_id).order_by(func.lower(col(Site.name)))
    return tuple(SiteRow(row.id, row.name, number) for row, number in session.execute(query))


def teams(session: Session, vendor_id: int, day: date) -> tuple[TeamRow, ...]:
    """Return a vendor's teams by name, with the number of their agents on a day."""
    counted = (
        select(func.count())
        .where(
            col(TeamMembership.team_id) == col(Team.id),
            col(TeamMembership.since) <= day,
            or_(col(TeamMembership.until).is_(None), col(TeamMembership.until) >= day),
        )
        .scalar_subquery()
    )
    query = (
        select(Team, col(Site.name), counted)
        .outerjoin(Site, col(Site.id) == col(Team.site_id))
        .where(col(Team.vendor_id) == vendor_id)
        .order_by(func.lower(col(Team.name)))
    )
    return tuple(
        TeamRow(row.id, row.public_id, row.name, site, number) for row, site, number in session.execute(query)
    )


def agents(session: Session, vendor_id: int, id: str | None = None) -> tuple[AgentRow, ...]:
    """Return a vendor's agents by name; with a public id, only that one."""
    calls = select(func.count()).where(col(Call.agent_id) == col(Agent.id)).scalar_subquery()
    query = (
        select(Agent, calls).where(col(Agent.vendor_id) == vendor_id).order_by(func.lower(col(Agent.name)))
    )
    if id is not None:
        query = query.where(col(Agent.public_id) == id)
    found = session.execute(query).all()
    stays = _stays(session, [row.id for row, _ in found])
    return tuple(
        AgentRow(row.id, row.public_id, row.name, tuple(row.aliases), stays[row.id], number)
        for row, number in found
    )


def all_teams(session: Session) -> tuple[Member, ...]:
    """Return the teams of all vendors, by vendor and name."""
    return _members(
        session,
        select(col(Team.public_id), col(Team.name), Vendor)
        .join(Vendor, col(Vendor.id) == col(Team.vendor_id))
        .order_by(func.lower(col(Vendor.name)), func.lower(col(Team.name))),
    )


def all_agents(session: Session) -> tuple[Member, ...]:
    """Return the agents of all vendors, by vendor and name."""
    return _members(
        session,
        select(col(Agent.public_id), col(Agent.name), Vendor)
        .join(Vendor, col(Vendor.id) == col(Agent.vendor_id))
        .order_by(func.lower(col(Vendor.name)), func.lower(col(Agent.name))),
    )


def add_site(session: Session, vendor_id: int, name: str) -> None:
    """Insert a site; raises IntegrityError when the vendor has one of that name."""
    session.add(Site(vendor_id=vendor_id, name=name))
    session.flush()


def rename_site(session: Session, key: int, name: str) -> None:
    """Rename a site; raises IntegrityError when the vendor has another of that name."""
    session.execute(update(Site).where(col(Site.id) == key).values(name=name))


def add_team(session: Session, vendor_id: int, name: str, site_id: int | None) -> str:
    """Insert a team and return its public id; raises IntegrityError when the name is taken."""
    row = Team(vendor_id=vendor_id, name=name, site_id=site_id)
    session.add(row)
    session.flush()
    return row.public_id


def change_team(session: Session, key: int, name: str, site_id: int | None) -> None:
    """Rename a team and say where it sits; raises IntegrityError when the name is taken."""
    session.execute(update(Team).where(col(Team.id) == key).values(name=name, site_id=site_id))


def add_agent(session: Session, vendor_id: int, name: str, aliases: Iterable[str]) -> str:
    """Insert an agent and return the public id; raises IntegrityError when the name is taken."""
    row = Agent(vendor_id=vendor_id, name=name, aliases=list(aliases))
    session.add(row)
    session.flush()
    return row.public_id


def change_agent(session: Session, key: int, name: str, aliases: Iterable[str]) -> None:
    """Change an agent's name and aliases; raises IntegrityError when the name is taken."""
    session.execute(update(Agent).where(col(Agent.id) == key).values(name=name, aliases=list(aliases)))


def lock_agent(session: Session, key: int) -> None:
    """Let concurrent changes of one agent's teams wait for each other until this transaction ends."""
    session.execute(select(col(Agent.id)).where(col(Agent.id) == key).with_for_update())


def add_stay(session: Session, agent_id: int, team_id: int, since: date, until: date | None) -> None:
    """Insert an agent's time in a team."""
    session.add(TeamMembership(agent_id=agent_id, team_id=team_id, since=since, until=until))
    session.flush()


def remove_stay(session: Session, agent_id: int, since: date) -> None:
    """Delete the time in a team that began on a day: an agent has at most one such."""
    session.execute(
        delete(TeamMembership).where(
            col(TeamMembership.agent_id) == agent_id, col(TeamMembership.since) == since
        )
    )


def follow_stays(session: Session, agent_id: int) -> int:
    """Give the agent's calls the team of their day, and return how many changed.

    Published calls stay with the team that has their scorecard.
    """
    query = select(
        col(Call.id), col(Call.started_at), col(Call.utc_offset), col(Call.created_at), col(Call.team_id)
    ).where(col(Call.agent_id) == agent_id, col(Call.status) != "published")
    stays = session.execute(
        select(col(TeamMembership.since), col(TeamMembership.until), col(TeamMembership.team_id)).where(
            col(TeamMembership.agent_id) == agent_id
        )
    ).all()
    moved: dict[int | None, list[int]] = defaultdict(list)
    for call in session.execute(query):
        day = _day_of(call.started_at or call.created_at, call.utc_offset if call.started_at else 0)
        fitting = (team for since, until, team in stays if since <= day and (until is None or day <= until))
        team = next(fitting, None)
        if team != call.team_id:
            moved[team].append(call.id)
    for team, ids in moved.items():
        for at in range(0, len(ids), 500):
            session.execute(update(Call).where(col(Call.id).in_(ids[at : at + 500])).values(team_id=team))
    return sum(len(ids) for ids in moved.values())


def _day_of(moment: datetime, offset: int | None) -> date:
    """Return the day by the uploader's clock, which was `offset` minutes ahead of UTC."""
    return (moment + timedelta(minutes=offset or 0)).date()


def _stays(session: Session, agent_ids: list[int]) -> dict[int, tuple[Stay, ...]]:
    found: dict[int, tuple[Stay, ...]] = defaultdict(tuple)
    query = (
        select(TeamMembership, Team)
        .join(Team, col(Team.id) == col(TeamMembership.team_id))
        .where(col(TeamMembership.agent_id).in_(agent_ids))
        .order_by(col(TeamMembership.since).desc())
    )
    for row, team in session.execute(query):
        stay = Stay(team.public_id, team.name, row.since, row.until)
        found[row.agent_id] = (*found[row.agent_id], stay)
    return found


def _members(session: Session, query: Select[*tuple[Any, ...]]) -> tuple[Member, ...]:
    return tuple(
        Member(cast(str, id), cast(str, name), vendor.slug, vendor.name)
        for id, name, vendor in session.execute(query)
    )
