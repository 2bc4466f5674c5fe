"""Vendors and their people, accounts, and what signs in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    String,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from qa_audit.storage.tables.columns import (
    json_column,
    key,
    long_text,
    moment,
    new_public_id,
    one_of,
    public_key,
    reference,
)


class Vendor(SQLModel, table=True):
    """A company whose calls are audited. `channels` says which side of a stereo recording the agent is on.

    `speech_hints` are names that its calls are likely to hold, for the speech recogniser.
    """

    __table_args__ = (one_of("channels", "agent-left", "agent-right"),)
    id: int | None = key()
    public_id: str = public_key()
    slug: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    name: str = Field(sa_column=Column(String(200), nullable=False))
    channels: str = Field(default="agent-left", sa_column=Column(String(16), nullable=False))
    filename_pattern: str | None = long_text()
    variables: dict[str, Any] = json_column(dict)
    speech_hints: list[str] = json_column(list)
    is_sample: bool = False
    created_at: datetime = moment(nullable=False)


class Site(SQLModel, table=True):
    """A place where a vendor's teams sit."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = key()
    vendor_id: int = reference("vendor.id")
    name: str


class Team(SQLModel, table=True):
    """A vendor's team, led by one or more leads."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = key()
    public_id: str = public_key()
    vendor_id: int = reference("vendor.id")
    site_id: int | None = reference("site.id", nullable=True)
    name: str


class Agent(SQLModel, table=True):
    """A person on the phone; `aliases` are other names they may give."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = key()
    public_id: str = public_key()
    vendor_id: int = reference("vendor.id")
    name: str
    aliases: list[str] = json_column(list)


class TeamMembership(SQLModel, table=True):
    """Which team an agent belonged to from when to when (dates inclusive, open without `until`)."""

    __tablename__ = "team_membership"
    id: int | None = key()
    agent_id: int = reference("agent.id")
    team_id: int = reference("team.id")
    since: date
    until: date | None = None


class User(SQLModel, table=True):
    """Somebody who signs in; the vendor's side is bound to a vendor and maybe a team or an agent."""

    __tablename__ = "user_account"
    __table_args__ = (one_of("role", "admin", "reviewer", "viewer", "manager", "lead", "agent"),)
    id: int | None = key()
    public_id: str = public_key()
    email: str = Field(sa_column=Column(String(320), nullable=False, unique=True))
    name: str = ""
    role: str = Field(sa_column=Column(String(16), nullable=False))
    vendor_id: int | None = reference("vendor.id", nullable=True)
    team_id: int | None = reference("team.id", nullable=True)
    agent_id: int | None = reference("agent.id", nullable=True)
    password_hash: str | None = long_text()
    session_key: str = Field(default_factory=new_public_id)
    disabled_at: datetime | None = moment()
    created_at: datetime = moment(nullable=False)


class PasswordLink(SQLModel, table=True):
    """A link, good once, to set a password; only its hash is kept."""

    __tablename__ = "password_link"
    id: int | None = key()
    user_id: int = reference("user_account.id", ondelete="CASCADE")
    token_hash: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    expires_at: datetime = moment(nullable=False)
    used_at: datetime | None = moment()


class LoginFailure(SQLModel, table=True):
    """A failed sign-in, counted per account and per address; `subject` is a hash, never the address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "subject", "at"),)
    id: int | None = key()
    subject: str = Field(sa_column=Column(String(64), nullable=False))
    at: datetime = moment(nullable=False)


class ApiToken(SQLModel, table=True):
    """A token for scripts; only its hash is kept. Without a vendor it serves all vendors."""

    __tablename__ = "api_token"
    __table_args__ = (one_of("scope", "upload", "read", "admin"),)
    id: int | None = key()
    public_id: str = public_key()
    token_hash: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    scope: str = Field(sa_column=Column(String(16), nullable=False))
    vendor_id: int | None = reference("vendor.id", nullable=True)
    created_at: datetime = moment(nullable=False)
    last_used_at: datetime | None = moment()
    revoked_at: datetime | None = moment()
