"""Accounts and tokens as administrators see them, with the names of what they are bound to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, func, select
from sqlmodel import col

from qa_audit.domain.access import Role
from qa_audit.storage.database import Session
from qa_audit.storage.tables import Agent, ApiToken, Team, User, Vendor


@dataclass(frozen=True)
class Named:
    """Something with a public id (a vendor: its slug) and a name."""

    id: str
    name: str


@dataclass(frozen=True)
class Person:
    """An account without anything secret; `key` is for use inside the process only."""

    key: int
    id: str
    email: str
    name: str
    role: Role
    vendor: Named | None
    team: Named | None
    agent: Named | None
    has_password: bool
    is_disabled: bool


@dataclass(frozen=True)
class TokenLine:
    """A script's token without anything secret."""

    id: str
    scope: str
    vendor: str | None
    created_at: datetime
    last_used_at: datetime | None
    is_revoked: bool


def people(session: Session) -> tuple[Person, ...]:
    """Return everybody: those who can sign in before those who are shut out, by address."""
    order = (col(User.disabled_at).is_not(None), col(User.email))
    return tuple(_people(session, _query().order_by(*order)))


def person(session: Session, id: str) -> Person | None:
    """Find somebody by the account's public id."""
    return next(_people(session, _query().where(col(User.public_id) == id)), None)


def leads(session: Session, vendor_id: int) -> dict[str, tuple[str, ...]]:
    """Return the names of the leads who can sign in, by their team's public id."""
    found: dict[str, tuple[str, ...]] = {}
    query = _query().where(
        col(User.vendor_id) == vendor_id, col(User.role) == "lead", col(User.disabled_at).is_(None)
    )
    for one in _people(session, query.order_by(col(User.name))):
        if one.team is not None:
            found[one.team.id] = (*found.get(one.team.id, ()), one.name or one.email)
    return found


def other_admins(session: Session, key: int) -> int:
    """Count the admins besides this account who can sign in, and keep them admins until the transaction ends.

    Locking all of them lets two admins who demote each other at once wait for each other.
    """
    query = (
        select(col(User.id), col(User.password_hash).is_not(None))
        .where(col(User.role) == "admin", col(User.disabled_at).is_(None))
        .order_by(col(User.id))
        .with_for_update()
    )
    return sum(1 for id, has_password in session.execute(query) if has_password and id != key)


def tokens(session: Session) -> tuple[TokenLine, ...]:
    """Return all tokens: those that work before those that were revoked, newest first."""
    query = (
        select(ApiToken, col(Vendor.name))
        .outerjoin(Vendor, col(Vendor.id) == col(ApiToken.vendor_id))
        .order_by(
            col(ApiToken.revoked_at).is_not(None), col(ApiToken.created_at).desc(), col(ApiToken.id).desc()
        )
    )
    return tuple(
        TokenLine(
            row.public_id, row.scope, vendor, row.created_at, row.last_used_at, row.revoked_at is not None
        )
        for row, vendor in session.execute(query)
    )


def user_key(session: Session, public_id: str | None) -> int | None:
    """Return the key of somebody who signs in; None for nobody, and for the system itself."""
    if public_id is None:
        return None
    return session.scalars(select(col(User.id)).where(col(User.public_id) == public_id)).first()


def team_key(session: Session, vendor_id: int, named: str) -> int | None:
    """Find a vendor's team by its name (capitals do not matter) or its public id."""
    return _key(session, Team, vendor_id, named)


def agent_key(session: Session, vendor_id: int, named: str) -> int | None:
    """Find a vendor's agent by name (capitals do not matter) or public id; adds nobody."""
    return _key(session, Agent, vendor_id, named)


def _key(session: Session, table: type[Team] | type[Agent], vendor_id: int, named: str) -> int | None:
    matches: tuple[ColumnElement[bool], ...] = (
        col(table.name) == named,
        func.lower(col(table.name)) == named.lower(),
        col(table.public_id) == named,
    )
    for match in matches:
        found = session.scalars(select(col(table.id)).where(col(table.vendor_id) == vendor_id, match)).all()
        if len(found) == 1:
            return found[0]
    return None


def _query() -> Select[*tuple[Any, ...]]:
    return (
        select(User, Vendor, Team, Agent)
        .outerjoin(Vendor, col(Vendor.id) == col(User.vendor_id))
        .outerjoin(Team, col(Team.id) == col(User.team_id))
        .outerjoin(Agent, col(Agent.id) == col(User.agent_id))
    )


def _people(session: Session, query: Select[*tuple[Any, ...]]) -> Iterator[Person]:
    for row, vendor, team, agent in session.execute(query):
        yield Person(
            key=row.id,
            id=row.public_id,
            email=row.email,
            name=row.name,
            role=cast(Role, row.role),
            vendor=Named(vendor.slug, vendor.name) if vendor else None,
            team=Named(team.public_id, team.name) if team else None,
            agent=Named(agent.public_id, agent.name) if agent else None,
            has_password=row.password_hash is not None,
            is_disabled=row.disabled_at is not None,
        )
