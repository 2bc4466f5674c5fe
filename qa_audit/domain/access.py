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
    "review",  # answer the lines of an audit, submit and publish it
    "see_scorecards",  # published ones of one's scope, with their sound
    "acknowledge",
    "see_vendors",  # rates and scores per vendor and team
    "rubric.read",  # rubrics, their drafts, and what reviewers made of the machine's answers
    "rubric.edit",  # drafts, publishing, archiving, backtests
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
    "review": frozenset({"admin", "reviewer"}),
    "see_scorecards": frozenset(
        {"admin", "reviewer", "viewer", "manager", "lead", "agent", "read_token", "admin_token"}
    ),
    "acknowledge": frozenset({"manager", "lead"}),
    "see_vendors": frozenset({"admin", "reviewer", "viewer", "manager"}),
    "rubric.read": STAFF,
    "rubric.edit": frozenset({"admin"}),
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


def sees_scorecard(actor: Actor, vendor_id: int, team_id: int | None, agent_id: int | None) -> bool:
    """Say whether a published scorecard of this vendor, team and agent (on the day of the call) is in scope.

    A manager sees the vendor, a lead the own team, an agent the own cards; without a team or an agent in
    the account, a lead or an agent sees none.
    """
    if actor.role not in MATRIX["see_scorecards"]:
        return False
    if actor.role in VENDOR_SIDE and actor.vendor_id is None:
        return False
    if not in_scope(actor, vendor_id):
        return False
    if actor.role == "lead":
        return actor.team_id is not None and actor.team_id == team_id
    if actor.role == "agent":
        return actor.agent_id is not None and actor.agent_id == agent_id
    return True


def ensure(actor: Actor, action: Action, vendor_id: int | None = None) -> None:
    """Raise unless the actor may do this.

    NotFound outside the actor's scope, and for the vendor's side wherever it may not see the thing, so
    that nobody learns that it exists; Forbidden where the actor may see but not do.
    """
    if not in_scope(actor, vendor_id) or (actor.role in VENDOR_SIDE and actor.role not in MATRIX[action]):
        raise NotFound()
    if actor.role not in MATRIX[action]:
        raise Forbidden("Your role does not allow this.")
