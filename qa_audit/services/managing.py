"""What all changes by an administrator have in common: who may make them, and what is written down of them."""

from __future__ import annotations

from qa_audit.domain.access import Actor, ensure
from qa_audit.errors import NotFound
from qa_audit.services.ports import Ports
from qa_audit.storage import events
from qa_audit.storage.database import Session


def ensure_manages(actor: Actor) -> None:
    """Raise unless the actor looks after the whole installation: Forbidden by role, NotFound when bound to a vendor.

    People, tokens and settings are of no single vendor: who is bound to one must not hand out more than that.
    """
    ensure(actor, "manage")
    if actor.vendor_id is not None:
        raise NotFound()


def note(
    session: Session, ports: Ports, actor: Actor, action: str, kind: str, thing: str, **detail: object
) -> None:
    """Write an event in the transaction of the change; `detail` must not hold what names a person."""
    events.add(
        session, actor=actor.id, action=action, kind=kind, thing=thing, now=ports.clock(), detail=detail
    )
