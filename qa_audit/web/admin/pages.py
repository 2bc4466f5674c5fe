"""What the templates of the administration get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from qa_audit.web.pages import Choice, NavItem, Tone


@dataclass(frozen=True)
class Figure:
    """A number with its name."""

    label: str
    value: str
    tone: Tone


@dataclass(frozen=True)
class TaskLine:
    """One stage of work that is not done; `age` in seconds."""

    id: str
    address: str
    title: str
    vendor: str
    stage: str
    state: str
    tone: Tone
    age: float
    tries: str
    words: str
    retry: str | None


@dataclass(frozen=True)
class TasksPage:
    """Template admin/tasks.html. `poll` is its own address while something is being worked on."""

    tabs: tuple[NavItem, ...]
    figures: tuple[Figure, ...]
    rows: tuple[TaskLine, ...]
    trouble: str
    model: str
    poll: str | None
    demo_model: bool


@dataclass(frozen=True)
class Secret:
    """Something that is shown this once: what it is, and what to do with it."""

    label: str
    value: str
    hint: str


@dataclass(frozen=True)
class PersonForm:
    """What can be said of somebody: `scopes` is what they see."""

    email: str
    name: str
    roles: tuple[Choice, ...]
    scopes: tuple[Choice, ...]


@dataclass(frozen=True)
class PersonLine:
    """Somebody in the list of people."""

    id: str
    address: str
    name: str
    email: str
    role: str
    scope: str
    state: str
    tone: Tone


@dataclass(frozen=True)
class UsersPage:
    """Template admin/users.html. `secret` is the link of somebody who was just added."""

    tabs: tuple[NavItem, ...]
    rows: tuple[PersonLine, ...]
    form: PersonForm
    error: str
    secret: Secret | None


@dataclass(frozen=True)
class UserPage:
    """Template admin/user.html: one person. `is_me` says that it is who looks at it."""

    tabs: tuple[NavItem, ...]
    id: str
    title: str
    state: str
    tone: Tone
    is_disabled: bool
    is_me: bool
    form: PersonForm
    error: str
    secret: Secret | None


@dataclass(frozen=True)
class TokenRow:
    """A token in the list; `revoke` is where it is made worthless, None when it is."""

    id: str
    scope: str
    vendor: str
    created: datetime
    last_used: datetime | None
    revoke: str | None


@dataclass(frozen=True)
class TokensPage:
    """Template admin/tokens.html."""

    tabs: tuple[NavItem, ...]
    rows: tuple[TokenRow, ...]
    scopes: tuple[Choice, ...]
    vendors: tuple[Choice, ...]
    error: str
    secret: Secret | None


@dataclass(frozen=True)
class VendorLine:
    """A vendor in the list."""

    slug: str
    address: str
    name: str
    side: str
    calls: int
    is_sample: bool


@dataclass(frozen=True)
class VendorForm:
    """What can be said of a vendor; `hints` has one name to expect per line."""

    slug: str
    name: str
    channels: tuple[Choice, ...]
    pattern: str
    hints: str


@dataclass(frozen=True)
class VendorsPage:
    """Template admin/vendors.html."""

    tabs: tuple[NavItem, ...]
    rows: tuple[VendorLine, ...]
    form: VendorForm
    error: str


@dataclass(frozen=True)
class SiteLine:
    """A site of a vendor."""

    number: int
    name: str
    teams: int


@dataclass(frozen=True)
class TeamLine:
    """A team of a vendor; `sites` are the places where it may sit."""

    id: str
    name: str
    address: str
    agents: int
    leads: tuple[str, ...]
    sites: tuple[Choice, ...]


@dataclass(frozen=True)
class AgentLine:
    """An agent of a vendor; `team` is where they belong today."""

    id: str
    address: str
    name: str
    aliases: str
    team: str
    calls: int


@dataclass(frozen=True)
class VendorPage:
    """Template admin/vendor.html: one vendor with its sites, teams and agents. `here` is its own address."""

    tabs: tuple[NavItem, ...]
    here: str
    title: str
    form: VendorForm
    sites: tuple[SiteLine, ...]
    site_choices: tuple[Choice, ...]
    teams: tuple[TeamLine, ...]
    agents: tuple[AgentLine, ...]
    error: str


@dataclass(frozen=True)
class StayForm:
    """An agent's time in a team; `was` is its first day as it is stored, empty for a new one."""

    number: int
    was: str
    since: str
    until: str
    team: str
    teams: tuple[Choice, ...]


@dataclass(frozen=True)
class AgentPage:
    """Template admin/agent.html: one agent with the times in teams. `here` is its own address."""

    tabs: tuple[NavItem, ...]
    here: str
    back: str
    vendor: str
    title: str
    name: str
    aliases: str
    calls: int
    stays: tuple[StayForm, ...]
    new: StayForm
    error: str


@dataclass(frozen=True)
class PartLine:
    """A part of the installation: how it is, and what to do."""

    name: str
    mark: str
    tone: Tone
    state: str
    todo: str


@dataclass(frozen=True)
class WorkerRow:
    """A worker: where it runs, what it hears, and when it last said that it lives."""

    number: int
    host: str
    queues: str
    state: str
    tone: Tone
    heard: str


@dataclass(frozen=True)
class SystemPage:
    """Template admin/system.html."""

    tabs: tuple[NavItem, ...]
    summary: str
    tone: Tone
    parts: tuple[PartLine, ...]
    workers: tuple[WorkerRow, ...]
    versions: tuple[tuple[str, str], ...]
