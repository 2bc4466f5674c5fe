"""How a vendor is organised: sites, teams, agents, and which team an agent was in on which day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from qa_audit.domain.access import Actor
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services.managing import ensure_manages, note
from qa_audit.services.ports import Ports
from qa_audit.storage import organisation as store
from qa_audit.storage import people
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import IntegrityError, Session
from qa_audit.storage.organisation import AgentRow, SiteRow, Stay, TeamRow
from qa_audit.storage.vendors import VendorInfo

__all__ = ["AgentRow", "Organisation", "SiteRow", "Stay", "TeamRow", "VendorInfo", "team_of"]

LONGEST = 100
MOST_ALIASES = 20


@dataclass(frozen=True)
class Organisation:
    """A vendor with its sites, teams and agents; `leads` are names by their team's public id."""

    vendor: VendorInfo
    sites: tuple[SiteRow, ...]
    teams: tuple[TeamRow, ...]
    agents: tuple[AgentRow, ...]
    leads: Mapping[str, tuple[str, ...]]


def team_of(session: Session, agent_id: int, day: date) -> int | None:
    """Return the key of the team that an agent belonged to on a day, None when to none."""
    return store.team_of(session, agent_id, day)


def get(ports: Ports, actor: Actor, slug: str) -> Organisation:
    """Return how a vendor is organised today; raises NotFound."""
    ensure_manages(actor)
    with ports.db.read() as session:
        vendor = _vendor(session, slug)
        return Organisation(
            vendor,
            store.sites(session, vendor.key),
            _teams(session, vendor, ports),
            store.agents(session, vendor.key),
            people.leads(session, vendor.key),
        )


def get_agent(ports: Ports, actor: Actor, slug: str, id: str) -> AgentRow:
    """Return one agent of a vendor by the public id; raises NotFound."""
    ensure_manages(actor)
    with ports.db.read() as session:
        return _agent(session, _vendor(session, slug), id)


def add_site(ports: Ports, actor: Actor, slug: str, name: str) -> None:
    """Add a place where teams sit; raises NotFound, Invalid, Conflict."""
    called = _name(name)
    with _changing(ports, actor, slug, f"site '{called}'") as (session, vendor):
        store.add_site(session, vendor.key, called)
        note(session, ports, actor, "site.added", "vendor", vendor.id)


def rename_site(ports: Ports, actor: Actor, slug: str, was: str, name: str) -> None:
    """Rename a site; raises NotFound for the vendor, Invalid for the site or its new name, Conflict."""
    called = _name(name)
    with _changing(ports, actor, slug, f"site '{called}'") as (session, vendor):
        key = _site(session, vendor, was)
        if key is None:
            raise Invalid("Say which site.", {"was": "is missing"})
        store.rename_site(session, key, called)
        note(session, ports, actor, "site.renamed", "vendor", vendor.id)


def add_team(ports: Ports, actor: Actor, slug: str, name: str, site: str = "") -> str:
    """Add a team and return its public id; `site` is the name of one of the vendor's sites, or empty.

    Raises NotFound, Invalid, Conflict.
    """
    called = _name(name)
    with _changing(ports, actor, slug, f"team '{called}'") as (session, vendor):
        id = store.add_team(session, vendor.key, called, _site(session, vendor, site))
        note(session, ports, actor, "team.added", "team", id)
    return id


def change_team(ports: Ports, actor: Actor, slug: str, id: str, name: str, site: str = "") -> None:
    """Rename a team and say where it sits; raises NotFound, Invalid, Conflict."""
    called = _name(name)
    with _changing(ports, actor, slug, f"team '{called}'") as (session, vendor):
        key = next((team.key for team in _teams(session, vendor, ports) if team.id == id), None)
        if key is None:
            raise NotFound()
        store.change_team(session, key, called, _site(session, vendor, site))
        note(session, ports, actor, "team.changed", "team", id)


def add_agent(ports: Ports, actor: Actor, slug: str, name: str, aliases: str = "") -> str:
    """Add somebody on the phone and return the public id; `aliases` are other names, between commas.

    Raises NotFound, Invalid, Conflict.
    """
    called, others = _name(name), _aliases(aliases)
    with _changing(ports, actor, slug, "agent of that name") as (session, vendor):
        id = store.add_agent(session, vendor.key, called, others)
        note(session, ports, actor, "agent.added", "agent", id)
    return id


def change_agent(ports: Ports, actor: Actor, slug: str, id: str, name: str, aliases: str = "") -> None:
    """Change an agent's name and other names; raises NotFound, Invalid, Conflict."""
    called, others = _name(name), _aliases(aliases)
    with _changing(ports, actor, slug, "agent of that name") as (session, vendor):
        store.change_agent(session, _agent(session, vendor, id).key, called, others)
        note(session, ports, actor, "agent.changed", "agent", id)


def set_stay(
    ports: Ports,
    actor: Actor,
    slug: str,
    id: str,
    team: str,
    since: date,
    until: date | None = None,
    *,
    was: date | None = None,
) -> int:
    """Say that an agent belongs to a team from one day to another, both included, and return the calls moved.

    `team` is a public id or a name, `was` the first day of the time that this replaces. Calls that are not
    published yet go along. Raises NotFound, and Invalid for days that overlap or run backwards.
    """
    if until is not None and until < since:
        words = "The last day is before the first."
        raise Invalid(words, {"until": "is not right"})
    with _changing(ports, actor, slug, "membership on that day") as (session, vendor):
        agent = _agent(session, vendor, id)
        store.lock_agent(session, agent.key)
        agent = _agent(session, vendor, id)
        team_key = _team(session, vendor, team)
        if was is not None and was not in {stay.since for stay in agent.stays}:
            raise NotFound("This membership was changed meanwhile. Load the page again.")
        for stay in agent.stays:
            if stay.since != was and overlap(stay, since, until):
                words = (
                    f"{agent.name} is in {stay.team} {_days(stay)}. End that before, or choose other days."
                )
                raise Invalid(words, {"since": "is not right"})
        if was is not None:
            store.remove_stay(session, agent.key, was)
        store.add_stay(session, agent.key, team_key, since, until)
        moved = store.follow_stays(session, agent.key)
        note(session, ports, actor, "agent.placed", "agent", id, calls=moved)
    return moved


def remove_stay(ports: Ports, actor: Actor, slug: str, id: str, since: date) -> int:
    """Forget that an agent belonged to a team from a day on, and return the calls moved; raises NotFound."""
    with _changing(ports, actor, slug, "membership on that day") as (session, vendor):
        agent = _agent(session, vendor, id)
        store.lock_agent(session, agent.key)
        if since not in {stay.since for stay in agent.stays}:
            raise NotFound("This membership was removed meanwhile. Load the page again.")
        store.remove_stay(session, agent.key, since)
        moved = store.follow_stays(session, agent.key)
        note(session, ports, actor, "agent.placed", "agent", id, calls=moved)
    return moved


@contextmanager
def _changing(ports: Ports, actor: Actor, slug: str, what: str) -> Iterator[tuple[Session, VendorInfo]]:
    """Open a transaction on a vendor; a name that is taken becomes a Conflict that says `what` is there."""
    ensure_manages(actor)
    name = slug
    try:
        with ports.db.write() as session:
            vendor = _vendor(session, slug)
            name = vendor.name
            yield session, vendor
    except IntegrityError as error:
        raise Conflict(f"{name} has a {what} already.") from error


def _vendor(session: Session, slug: str) -> VendorInfo:
    vendor = vendor_store.find(session, slug)
    if vendor is None:
        raise NotFound(f"There is no vendor '{slug}'.")
    return vendor


def _site(session: Session, vendor: VendorInfo, name: str) -> int | None:
    if not name:
        return None
    for site in store.sites(session, vendor.key):
        if site.name == name:
            return site.key
    words = f"{vendor.name} has no site '{name}'."
    raise Invalid(words, {"site": "is not right"})


def _teams(session: Session, vendor: VendorInfo, ports: Ports) -> tuple[TeamRow, ...]:
    return store.teams(session, vendor.key, ports.clock().date())


def _team(session: Session, vendor: VendorInfo, named: str) -> int:
    key = people.team_key(session, vendor.key, named)
    if key is None:
        words = f"{vendor.name} has no such team."
        raise Invalid(words, {"team": "is not right"})
    return key


def _agent(session: Session, vendor: VendorInfo, id: str) -> AgentRow:
    found = store.agents(session, vendor.key, id)
    if not found:
        raise NotFound()
    return found[0]


def overlap(stay: Stay, since: date, until: date | None) -> bool:
    """Say whether a time in a team and the days from `since` to `until` have a day in common."""
    return stay.since <= (until or date.max) and since <= (stay.until or date.max)


def _days(stay: Stay) -> str:
    begin = f"{stay.since.day} {stay.since:%b %Y}"
    return (
        f"from {begin} on" if stay.until is None else f"from {begin} to {stay.until.day} {stay.until:%b %Y}"
    )


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        words = f"A name has 1 to {LONGEST} characters that can be seen."
        raise Invalid(words, {"name": "is not right"})
    return name


def _aliases(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_name(part) for part in text.split(",") if part.strip()))
    if len(names) > MOST_ALIASES:
        words = f"At most {MOST_ALIASES} other names."
        raise Invalid(words, {"aliases": "is not right"})
    return names
