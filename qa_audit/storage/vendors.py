"""Vendors and the people on their phones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Agent, Call, Scorecard, TeamMembership, User, Vendor

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
"""What a vendor's short name can be; anything else is not even looked up."""


@dataclass(frozen=True)
class VendorInfo:
    """A company whose calls are audited; `channels` says which side of a stereo recording the agent is on.

    `key` is the integer key for use inside the process only.
    """

    key: int
    id: str
    slug: str
    name: str
    channels: str
    filename_pattern: str | None
    variables: Mapping[str, Any]
    speech_hints: tuple[str, ...]
    is_sample: bool
    calls: int = 0


def find(session: Session, slug: str, vendor_id: int | None = None) -> VendorInfo | None:
    """Find a vendor by its slug; with `vendor_id`, only if it is that one."""
    if not SLUG.fullmatch(slug):
        return None
    query = select(Vendor).where(col(Vendor.slug) == slug)
    if vendor_id is not None:
        query = query.where(col(Vendor.id) == vendor_id)
    row = session.scalars(query).first()
    return _info(row) if row else None


def by_key(session: Session, key: int) -> VendorInfo | None:
    """Find a vendor by its key."""
    row = session.get(Vendor, key)
    return _info(row) if row else None


def all_vendors(session: Session, vendor_id: int | None = None) -> tuple[VendorInfo, ...]:
    """Return the vendors by name, each with the number of its calls; with `vendor_id`, only that one."""
    calls = select(func.count()).where(col(Call.vendor_id) == col(Vendor.id)).scalar_subquery()
    query = select(Vendor, calls).order_by(func.lower(col(Vendor.name)), col(Vendor.slug))
    if vendor_id is not None:
        query = query.where(col(Vendor.id) == vendor_id)
    return tuple(_info(row, number) for row, number in session.execute(query))


def add(session: Session, **values: Any) -> VendorInfo:
    """Insert a vendor; raises IntegrityError when its slug is taken."""
    row = Vendor(**values)
    session.add(row)
    session.flush()
    return _info(row)


def change(session: Session, key: int, values: Mapping[str, Any]) -> None:
    """Change columns of a vendor."""
    session.execute(update(Vendor).where(col(Vendor.id) == key).values(dict(values)))


def agent_key(session: Session, vendor_id: int, name: str) -> int:
    """Return the key of the vendor's agent of that name, who is added when not known yet.

    Raises IntegrityError when another transaction adds the same agent at the same moment.
    """
    query = select(col(Agent.id)).where(col(Agent.vendor_id) == vendor_id, col(Agent.name) == name)
    known = session.scalars(query).first()
    if known is not None:
        return known
    row = Agent(vendor_id=vendor_id, name=name)
    session.add(row)
    session.flush()
    return row.id or 0


def drop_agent_without_traces(session: Session, agent_id: int) -> None:
    """Remove an agent whom nothing refers to: no call, team, account or scorecard."""
    traces = (
        select(column).where(column == agent_id)
        for column in (
            col(Call.agent_id),
            col(TeamMembership.agent_id),
            col(User.agent_id),
            col(Scorecard.agent_id),
        )
    )
    unused = [~query.exists() for query in traces]
    session.execute(delete(Agent).where(col(Agent.id) == agent_id, *unused))


def _info(row: Vendor, calls: int = 0) -> VendorInfo:
    return VendorInfo(
        key=row.id or 0,
        id=row.public_id,
        slug=row.slug,
        name=row.name,
        channels=row.channels,
        filename_pattern=row.filename_pattern,
        variables=dict(row.variables),
        speech_hints=tuple(row.speech_hints),
        is_sample=row.is_sample,
        calls=calls,
    )
