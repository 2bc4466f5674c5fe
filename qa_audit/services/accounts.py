"""Accounts: who signs in, with what, and the tokens of scripts."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from qa_audit import logs
from qa_audit.domain.access import SYSTEM, Actor, Role
from qa_audit.errors import Conflict, Invalid, NotFound, QaAuditError
from qa_audit.services import grants, passwords
from qa_audit.services.grants import ROLES, Asked, vendor_of
from qa_audit.services.managing import ensure_manages, note
from qa_audit.services.ports import Ports
from qa_audit.storage import accounts as store
from qa_audit.storage import people
from qa_audit.storage.accounts import Account
from qa_audit.storage.database import IntegrityError, Session

__all__ = ["ROLES", "SCOPES", "Account", "SignedIn", "TooManyTries"]

SCOPES = ("upload", "read", "admin")

LINK_LIVES = timedelta(days=3)
"""How long somebody who is new has to set a password."""

RESET_LIVES = timedelta(minutes=30)
"""The same where a password is there already: such a link takes an account over."""

TRIES = 10
TRIES_OF_ADDRESS = 100
LOCKED_FOR = timedelta(minutes=30)
_REMEMBERED = timedelta(days=1)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")

_log = logs.get(__name__)


class TooManyTries(QaAuditError):
    """Signing in is locked for a while; `retry_after` seconds from now it is not."""

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many failed tries. Signing in is locked for {minutes} {unit}.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class SignedIn:
    """Somebody who is signed in; `session_key` changes when all of their sign-ins are ended."""

    actor: Actor
    email: str
    session_key: str


def create_user(
    ports: Ports,
    email: str,
    role: str,
    *,
    name: str = "",
    vendor_slug: str | None = None,
    team: str | None = None,
    agent: str | None = None,
    actor: Actor = SYSTEM,
) -> str:
    """Create an account and return the token of the link, good once, that sets its password.

    `team` and `agent` are names within the vendor. Raises Invalid for an unusable address or role and for
    what a role lacks or does not take, Conflict when the address has an account.
    """
    ensure_manages(actor)
    address = _address(email)
    try:
        with ports.db.write() as session:
            grant = grants.read(session, Asked(role, vendor_slug or "", team or "", agent or ""))
            account = store.add_account(session, email=address, name=name or _name_of(address), grant=grant)
            note(session, ports, actor, "user.added", "user", account.id, role=grant.role)
            return _new_link(session, account, ports.clock())
    except IntegrityError as error:
        raise Conflict(f"There is already an account for {address}.") from error


def new_link(ports: Ports, email: str, *, actor: Actor = SYSTEM) -> str:
    """Return the token of a new password link for an account; links given before stop working.

    Raises NotFound for an unknown account, Conflict for one that is shut out.
    """
    ensure_manages(actor)
    with ports.db.write() as session:
        account = _known(session, email)
        if account.disabled:
            raise Conflict(
                "This account is shut out, so a link would not work. Let the person in again first."
            )
        note(session, ports, actor, "user.linked", "user", account.id)
        return _new_link(session, account, ports.clock())


def disable_user(ports: Ports, email: str, *, actor: Actor = SYSTEM) -> None:
    """Shut an account out at once, wherever it is signed in.

    Raises NotFound, and Conflict for the last admin who can sign in.
    """
    ensure_manages(actor)
    with ports.db.write() as session:
        account = _known(session, email)
        ensure_admin_left(session, account)
        store.disable_account(session, account.key, ports.clock())
        note(session, ports, actor, "user.disabled", "user", account.id)


def ensure_admin_left(session: Session, account: Account) -> None:
    """Raise Conflict when nobody could look after this installation without this account."""
    is_admin = account.role == "admin" and not account.disabled
    if is_admin and not people.other_admins(session, account.key):
        raise Conflict("This is the last admin who can sign in. Make somebody else an admin first.")


def list_users(ports: Ports) -> tuple[Account, ...]:
    """Return all accounts by address."""
    with ports.db.read() as session:
        return store.accounts(session)


def link_owner(ports: Ports, token: str) -> str:
    """Return the address of the account that a password link is for; raises NotFound when it is no good."""
    with ports.db.read() as session:
        return _owner(session, token, ports.clock()).email


def set_password(ports: Ports, token: str, password: str) -> None:
    """Set a password by a link, once; ends every sign-in of the account.

    Raises NotFound when the link is no good, Invalid when the password is not.
    """
    with ports.db.read() as session:
        account = _owner(session, token, ports.clock())
        words = [*store.vendor_words(session), account.email.split("@")[0], account.name]
    passwords.check_password(password, words=words)
    hashed = passwords.hash_password(password)
    with ports.db.write() as session:
        if not store.use_link(session, _hash(token), ports.clock()):
            raise _no_link()
        store.set_password_hash(session, account.key, hashed)
        store.forget_failures(session, _subject("account", account.email))


def authenticate(ports: Ports, email: str, password: str, address: str) -> SignedIn:
    """Check a sign-in from a network address and return who it is.

    Raises Invalid with one text whatever was wrong, after the same work for known and unknown accounts, and
    TooManyTries when the account or the address failed too often.
    """
    wanted = email.strip().lower()
    subjects = (_subject("account", wanted), _subject("address", address))
    now = ports.clock()
    with ports.db.write() as session:
        _count_try(session, subjects, now)
        account = store.account_by_email(session, wanted)
    usable = account if account is not None and not account.disabled else None
    if not passwords.matches(usable.password_hash if usable else None, password) or usable is None:
        raise Invalid("E-mail or password is wrong.")
    with ports.db.write() as session:
        store.forget_failures(session, subjects[0])
        store.forget_failure(session, subjects[1], now)
        if passwords.needs_rehash(usable.password_hash or ""):
            hashed = passwords.hash_password(password)
            store.set_password_hash(session, usable.key, hashed, end_sessions=False)
    _log.info("signed in", user=usable.id)
    return _signed_in(usable)


def still_signed_in(ports: Ports, id: str, session_key: str) -> SignedIn | None:
    """Return who a sign-in belongs to, or None once it was ended, here or elsewhere."""
    with ports.db.read() as session:
        account = store.account_by_id(session, id)
    if account is None or account.disabled or not secrets.compare_digest(account.session_key, session_key):
        return None
    return _signed_in(account)


def end_sign_ins(ports: Ports, actor: Actor) -> None:
    """End every sign-in of somebody, on all devices."""
    with ports.db.write() as session:
        store.renew_session_key(session, actor.id)


def ensure_demo_user(
    ports: Ports,
    email: str,
    role: str,
    password: str,
    vendor_slug: str | None = None,
    team: str | None = None,
    agent: str | None = None,
    *,
    name: str = "",
) -> None:
    """Make sure that an account with this role, scope and password exists, and that nothing locks it out.

    For the demo, which prints the password anyway; the rules for passwords do not apply. Raises Conflict when
    the address has another role, Invalid when the scope does not fit the role.
    """
    address = _address(email)
    hashed = passwords.hash_password(password)
    with ports.db.write() as session:
        grant = grants.read(session, Asked(role, vendor_slug or "", team or "", agent or ""))
        account = store.account_by_email(session, address) or store.add_account(
            session, email=address, name=name or grant.role.title(), grant=grant
        )
        if account.role != grant.role:
            raise Conflict(f"{address} has another role already.")
        if account.grant != grant:
            store.change_account(session, account.key, grant=grant)
        if not passwords.matches(account.password_hash, password):
            store.set_password_hash(session, account.key, hashed)
        store.forget_failures(session, _subject("account", address))


def create_token(ports: Ports, scope: str, vendor_slug: str | None = None, *, actor: Actor = SYSTEM) -> str:
    """Create a token for scripts and return it: only its hash is kept, so it is seen this once.

    Raises Invalid for an unknown scope or vendor.
    """
    ensure_manages(actor)
    if scope not in SCOPES:
        raise Invalid(f"'{scope}' is no scope. Use one of: {', '.join(SCOPES)}.", {"scope": "unknown"})
    token = "qa_" + secrets.token_urlsafe(32)
    with ports.db.write() as session:
        id = store.add_token(session, _hash(token), scope, vendor_of(session, vendor_slug))
        note(session, ports, actor, "token.added", "token", id, scope=scope)
    return token


def revoke_token(ports: Ports, token: str) -> None:
    """Make a token worthless at once; raises NotFound when there is no such token."""
    with ports.db.read() as session:
        found = store.token_by_hash(session, _hash(token))
    revoke_token_by_id(ports, SYSTEM, found[0].id if found else "")


def revoke_token_by_id(ports: Ports, actor: Actor, id: str) -> None:
    """Make a token worthless at once; raises NotFound when there is none with this public id that works."""
    ensure_manages(actor)
    with ports.db.write() as session:
        if not store.revoke_token(session, id, ports.clock()):
            raise NotFound("There is no such token, or it was revoked before.")
        note(session, ports, actor, "token.revoked", "token", id)


def authenticate_token(ports: Ports, token: str) -> Actor | None:
    """Return who a script's token acts as, or None when it is unknown or revoked."""
    now = ports.clock()
    with ports.db.read() as session:
        found = store.token_by_hash(session, _hash(token))
    if found is None:
        return None
    known, last_used_at = found
    if store.needs_touch(last_used_at, now):
        with ports.db.write() as session:
            store.touch_token(session, known.id, now)
    role = cast(Role, f"{known.scope}_token")
    return Actor(id=known.id, role=role, name="a script", vendor_id=known.vendor_id)


def _count_try(session: Session, subjects: tuple[str, str], now: datetime) -> None:
    """Count this try as failed before it is checked, so that many at once cannot slip through."""
    store.lock_subjects(session, *subjects)
    store.drop_old_failures(session, now - _REMEMBERED)
    of_account = store.failures(session, subjects[0], now - _REMEMBERED)
    of_address = store.failures(session, subjects[1], now - LOCKED_FOR)
    for found, limit in ((of_account, TRIES), (of_address, TRIES_OF_ADDRESS)):
        if found.count >= limit and found.last is not None and now - found.last < LOCKED_FOR:
            raise TooManyTries(math.ceil((found.last + LOCKED_FOR - now).total_seconds()))
    store.add_failure(session, subjects, now)


def _new_link(session: Session, account: Account, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    lives = RESET_LIVES if account.password_hash else LINK_LIVES
    store.add_link(session, account.key, _hash(token), now + lives)
    return token


def _owner(session: Session, token: str, now: datetime) -> Account:
    account = store.account_by_link(session, _hash(token), now)
    if account is None:
        raise _no_link()
    return account


def _no_link() -> NotFound:
    return NotFound("This link was used before, or it has run out. Ask whoever sent it for a new one.")


def _known(session: Session, email: str) -> Account:
    account = store.account_by_email(session, email.strip().lower())
    if account is None:
        raise NotFound(f"There is no account for {email}.")
    return account


def _address(email: str) -> str:
    address = email.strip().lower()
    if len(address) > 320 or not _EMAIL.fullmatch(address):
        raise Invalid(f"'{email}' is no e-mail address.", {"email": "not an address"})
    return address


def _name_of(address: str) -> str:
    return re.sub(r"[._-]+", " ", address.split("@")[0]).title()


def _signed_in(account: Account) -> SignedIn:
    actor = Actor(
        id=account.id,
        role=account.role,
        name=account.name or account.email,
        vendor_id=account.vendor_id,
        team_id=account.team_id,
        agent_id=account.agent_id,
    )
    return SignedIn(actor, account.email, account.session_key)


def _subject(kind: str, value: str) -> str:
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
