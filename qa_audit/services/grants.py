"""What a role is bound to: the vendor's side to a vendor, a lead to a team besides, an agent to a person."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.domain.access import VENDOR_SIDE, Role
from qa_audit.errors import Invalid
from qa_audit.storage import people as store
from qa_audit.storage.accounts import Grant, vendor_key
from qa_audit.storage.database import Session

__all__ = ["BOUND_TO", "ROLES", "Asked", "Grant", "read", "vendor_of"]

ROLES: tuple[Role, ...] = ("admin", "reviewer", "viewer", "manager", "lead", "agent")
"""The roles that people can have; the others are for tokens."""

BOUND_TO = {"lead": "team", "agent": "agent"}
"""What a role needs besides its vendor; no other role takes it."""


@dataclass(frozen=True)
class Asked:
    """What somebody asked for: a role, a vendor's short name, a team and an agent by name or public id."""

    role: str
    vendor: str = ""
    team: str = ""
    agent: str = ""


def read(session: Session, asked: Asked) -> Grant:
    """Look up what was asked for; raises Invalid that says what is missing, unknown or too much."""
    role = _role(asked.role)
    if role == "admin" and asked.vendor:
        raise _wrong("vendor", "An admin looks after everything and cannot be bound to a vendor.")
    if role in VENDOR_SIDE and not asked.vendor:
        raise _wrong("vendor", f"{_a(role)} belongs to a vendor: say which.")
    for field, value in (("team", asked.team), ("agent", asked.agent)):
        if value and BOUND_TO.get(role) != field:
            raise _wrong(field, f"{_a(role)} is not bound to {_a(field).lower()}: leave that out.")
        if not value and BOUND_TO.get(role) == field:
            raise _wrong(field, _MISSING[role])
    vendor_id = vendor_of(session, asked.vendor)
    team_id = agent_id = None
    if asked.team and vendor_id is not None:
        team_id = store.team_key(session, vendor_id, asked.team)
        if team_id is None:
            raise _wrong(
                "team", f"This vendor has no team '{asked.team}'. Add it on the vendor's page first."
            )
    if asked.agent and vendor_id is not None:
        agent_id = store.agent_key(session, vendor_id, asked.agent)
        if agent_id is None:
            raise _wrong(
                "agent", f"This vendor has no agent '{asked.agent}'. Add them on the vendor's page first."
            )
    return Grant(role, vendor_id, team_id, agent_id)


def vendor_of(session: Session, slug: str | None) -> int | None:
    """Return the key of the vendor with a short name, None without one; raises Invalid when it is unknown."""
    if not slug:
        return None
    key = vendor_key(session, slug)
    if key is None:
        raise _wrong("vendor", f"There is no vendor '{slug}'. Add it first: qa-audit vendor add.")
    return key


_MISSING = {
    "lead": "A lead sees one team: say which.",
    "agent": "An agent sees their own scorecards: say which agent of the vendor this is.",
}


def _role(role: str) -> Role:
    for known in ROLES:
        if known == role:
            return known
    raise _wrong("role", f"'{role}' is no role that can be given. Use one of: {', '.join(ROLES)}.")


def _a(noun: str) -> str:
    return f"{'An' if noun[0] in 'aeiou' else 'A'} {noun}"


def _wrong(field: str, words: str) -> Invalid:
    return Invalid(words, {field: "is not right"})
