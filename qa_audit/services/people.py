"""Accounts and tokens on the pages of administrators: everybody, one person, and what can be changed."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.domain.access import Actor
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import accounts, grants
from qa_audit.services.grants import Asked
from qa_audit.services.managing import ensure_manages, note
from qa_audit.services.ports import Ports
from qa_audit.storage import accounts as account_store
from qa_audit.storage import organisation as organisation_store
from qa_audit.storage import people as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import Session
from qa_audit.storage.organisation import Member
from qa_audit.storage.people import Named, Person, TokenLine

__all__ = ["Choices", "Member", "Named", "Person", "TokenLine"]

LONGEST_NAME = 100


@dataclass(frozen=True)
class Choices:
    """What an account can be bound to; each team and agent names its vendor."""

    vendors: tuple[Named, ...]
    teams: tuple[Member, ...]
    agents: tuple[Member, ...]


def everybody(ports: Ports, actor: Actor) -> tuple[Person, ...]:
    """Return all accounts: those that can sign in first, by address."""
    ensure_manages(actor)
    with ports.db.read() as session:
        return store.people(session)


def get(ports: Ports, actor: Actor, id: str) -> Person:
    """Return one account by its public id; raises NotFound."""
    ensure_manages(actor)
    with ports.db.read() as session:
        return _known(session, id)


def choices(ports: Ports, actor: Actor) -> Choices:
    """Return what accounts can be bound to, by name."""
    ensure_manages(actor)
    with ports.db.read() as session:
        vendors = vendor_store.all_vendors(session)
        return Choices(
            tuple(Named(vendor.slug, vendor.name) for vendor in vendors),
            organisation_store.all_teams(session),
            organisation_store.all_agents(session),
        )


def change(ports: Ports, actor: Actor, id: str, name: str, asked: Asked) -> bool:
    """Change an account's name, role and scope; says whether its sign-ins were ended by that.

    Raises NotFound, Invalid, and Conflict when nobody would be admin any more.
    """
    ensure_manages(actor)
    called = " ".join(name.split())
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        words = f"A name has 1 to {LONGEST_NAME} characters that can be seen."
        raise Invalid(words, {"name": "is not right"})
    with ports.db.write() as session:
        account = account_store.account_by_id(session, id)
        if account is None:
            raise NotFound()
        grant = grants.read(session, asked)
        if grant.role != "admin":
            accounts.ensure_admin_left(session, account)
        moved = grant != account.grant
        account_store.change_account(session, account.key, name=called, grant=grant if moved else None)
        note(
            session, ports, actor, "user.changed", "user", id, was=account.role, role=grant.role, moved=moved
        )
    return moved


def disable(ports: Ports, actor: Actor, id: str) -> None:
    """Shut somebody out at once; raises NotFound, and Conflict for the last admin."""
    accounts.disable_user(ports, get(ports, actor, id).email, actor=actor)


def enable(ports: Ports, actor: Actor, id: str) -> None:
    """Let somebody in again who was shut out; raises NotFound."""
    ensure_manages(actor)
    with ports.db.write() as session:
        person = _known(session, id)
        account_store.enable_account(session, person.key)
        note(session, ports, actor, "user.enabled", "user", id)


def new_link(ports: Ports, actor: Actor, id: str) -> str:
    """Return the token of a new password link; those given before stop working. Raises NotFound, Conflict."""
    return accounts.new_link(ports, get(ports, actor, id).email, actor=actor)


def tokens(ports: Ports, actor: Actor) -> tuple[TokenLine, ...]:
    """Return all tokens of scripts: those that work first, newest first."""
    ensure_manages(actor)
    with ports.db.read() as session:
        return store.tokens(session)


def _known(session: Session, id: str) -> Person:
    person = store.person(session, id)
    if person is None:
        raise NotFound()
    return person
