"""Who may do what: the whole permission matrix in one readable place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qa_audit.errors import Forbidden, NotFound

Role = Literal[
    "admin", "reviewer", "viewer", "manager", "lead", "agent", "upload_token", "read_token", "admin_token"
]
Action = Literal[
    "see_calls",  # that a call of one's scope is there, before publication: its facts and how far it is
    "hear_calls",  # what was said in it: its transcript, its pre-score, its playback copy
    "upload",
    "delete_call",
    "retry_task",
    "see_admin",
    "manage",
]

STAFF: frozenset[Role] = frozenset({"admin", "reviewer", "viewer"})
VENDOR_SIDE: frozenset[Role] = frozenset({"manager", "lead", "agent"})

MATRIX: dict[Action, frozenset[Role]] = {
    "see_calls": frozenset({"admin", "reviewer", "viewer", "read_token", "admin_token", "upload_token"}),
    "hear_calls": frozenset({"admin", "reviewer", "viewer", "read_token", "admin_token"}),
    "upload": frozenset({"admin", "reviewer", "upload_token", "admin_token"}),
    "delete_call": frozenset({"admin", "admin_token"}),
    "retry_task": frozenset({"admin"}),
    "see_admin": frozenset({"admin"}),
    "manage": frozenset({"admin"}),
}


@dataclass(frozen=True)
class Actor:
    """Somebody or something that acts. `id` is the public id; `vendor_id` binds it to one vendor when set."""

    id: str
    role: Role
    name: str = ""
    vendor_id: int | None = None
    team_id: int | None = None
    agent_id: int | None = None


SYSTEM = Actor(id="system", role="admin", name="the system")


def can(actor: Actor, action: Action, vendor_id: int | None = None) -> bool:
    """Say whether the actor may do this; with `vendor_id`, to a thing of that vendor."""
    return actor.role in MATRIX[action] and in_scope(actor, vendor_id)


def in_scope(actor: Actor, vendor_id: int | None) -> bool:
    """Say whether a vendor's things exist for this actor at all."""
    return actor.vendor_id is None or vendor_id is None or actor.vendor_id == vendor_id


def ensure(actor: Actor, action: Action, vendor_id: int | None = None) -> None:
    """Raise unless the actor may do this.

    NotFound outside the actor's scope, and for the vendor's side wherever it may not see the thing, so
    that nobody learns that it exists; Forbidden where the actor may see but not do.
    """
    if not in_scope(actor, vendor_id) or (actor.role in VENDOR_SIDE and actor.role not in MATRIX[action]):
        raise NotFound()
    if actor.role not in MATRIX[action]:
        raise Forbidden("Your role does not allow this.")
