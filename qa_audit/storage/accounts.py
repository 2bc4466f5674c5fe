"""People who sign in, their one-time links, their failed tries, and the tokens of scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, text, update
from sqlmodel import col

from qa_audit.domain.access import Role
from qa_audit.storage.database import Session
from qa_audit.storage.tables import ApiToken, LoginFailure, PasswordLink, User, Vendor, new_public_id

_TOUCHED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Grant:
    """A role with the keys of what it is bound to."""

    role: Role
    vendor_id: int | None = None
    team_id: int | None = None
    agent_id: int | None = None


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in, with what is needed to check that it is them."""

    key: int
    id: str
    email: str
    name: str
    role: Role
    vendor_id: int | None
    team_id: int | None
    agent_id: int | None
    password_hash: str | None
    session_key: str
    disabled: bool

    @property
    def grant(self) -> Grant:
        """What the account may do, and with what."""
        return Grant(self.role, self.vendor_id, self.team_id, self.agent_id)


@dataclass(frozen=True)
class Token:
    """A script's token that is still good."""

    id: str
    scope: str
    vendor_id: int | None


@dataclass(frozen=True)
class Failures:
    """How often one subject failed to sign in since a moment, and when it last did."""

    count: int
    last: datetime | None


def account_by_email(session: Session, email: str) -> Account | None:
    """Find an account by its address, which is stored in lower case."""
    return _account(session.scalars(select(User).where(col(User.email) == email)).first())


def account_by_id(session: Session, id: str) -> Account | None:
    """Find an account by its public id."""
    return _account(session.scalars(select(User).where(col(User.public_id) == id)).first())


def accounts(session: Session) -> tuple[Account, ...]:
    """Return every account by address."""
    rows = session.scalars(select(User).order_by(col(User.email))).all()
    return tuple(found for row in rows if (found := _account(row)))


def add_account(session: Session, *, email: str, name: str, grant: Grant) -> Account:
    """Insert an account without a password; raises IntegrityError when the address is taken."""
    row = User(email=email, name=name, **asdict(grant))
    session.add(row)
    session.flush()
    return cast(Account, _account(row))


def change_account(
    session: Session, key: int, *, name: str | None = None, grant: Grant | None = None
) -> None:
    """Change an account's name, or what it may do: that ends all of its sign-ins."""
    values: dict[str, Any] = {"name": name} if name is not None else {}
    if grant is not None:
        values |= {**asdict(grant), "session_key": new_public_id()}
    session.execute(update(User).where(col(User.id) == key).values(values))


def set_password_hash(session: Session, key: int, hashed: str, *, end_sessions: bool = True) -> None:
    """Store a password's hash; a new session key makes every earlier sign-in worthless."""
    values: dict[str, Any] = {"password_hash": hashed}
    if end_sessions:
        values["session_key"] = new_public_id()
    session.execute(update(User).where(col(User.id) == key).values(values))


def renew_session_key(session: Session, id: str) -> None:
    """Make every sign-in of an account worthless."""
    session.execute(update(User).where(col(User.public_id) == id).values(session_key=new_public_id()))


def disable_account(session: Session, key: int, now: datetime) -> None:
    """Shut an account out and end its sign-ins."""
    values = {"disabled_at": now, "session_key": new_public_id()}
    session.execute(update(User).where(col(User.id) == key).values(values))


def enable_account(session: Session, key: int) -> None:
    """Let an account sign in again."""
    values = {"disabled_at": None, "session_key": new_public_id()}
    session.execute(update(User).where(col(User.id) == key).values(values))


def vendor_key(session: Session, slug: str) -> int | None:
    """Return a vendor's key, or None when there is no such vendor."""
    return session.scalars(select(col(Vendor.id)).where(col(Vendor.slug) == slug)).first()


def vendor_words(session: Session) -> Sequence[str]:
    """Return the slugs and names of all vendors, which no password may contain."""
    rows = session.execute(select(col(Vendor.slug), col(Vendor.name))).all()
    return [word for row in rows for word in row]


def add_link(session: Session, account_key: int, token_hash: str, expires_at: datetime) -> None:
    """Store a one-time link, and take back the account's earlier ones that were not used."""
    unused = delete(PasswordLink).where(
        col(PasswordLink.user_id) == account_key,
        col(PasswordLink.used_at).is_(None),
    )
    session.execute(unused)
    session.add(PasswordLink(user_id=account_key, token_hash=token_hash, expires_at=expires_at))


def account_by_link(session: Session, token_hash: str, now: datetime) -> Account | None:
    """Find the account that a link is for, while the link is unused and has not run out."""
    query = (
        select(User)
        .join(PasswordLink, col(PasswordLink.user_id) == col(User.id))
        .where(
            col(PasswordLink.token_hash) == token_hash,
            col(PasswordLink.used_at).is_(None),
            col(PasswordLink.expires_at) > now,
            col(User.disabled_at).is_(None),
        )
    )
    return _account(session.scalars(query).first())


def use_link(session: Session, token_hash: str, now: datetime) -> bool:
    """Mark a link as used; False when somebody used it before or it ran out."""
    change = (
        update(PasswordLink)
        .where(
            col(PasswordLink.token_hash) == token_hash,
            col(PasswordLink.used_at).is_(None),
            col(PasswordLink.expires_at) > now,
        )
        .values(used_at=now)
    )
    return cast("CursorResult[Any]", session.execute(change)).rowcount == 1


def lock_subjects(session: Session, *subjects: str) -> None:
    """Let concurrent tries of the same subjects wait for each other until this transaction ends.

    SQLite's write transactions queue up anyway.
    """
    if session.connection().dialect.name == "postgresql":
        for subject in sorted(subjects):
            key = int.from_bytes(bytes.fromhex(subject)[:7], "big")
            session.connection().execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def failures(session: Session, subject: str, since: datetime) -> Failures:
    """Count a subject's failed sign-ins since a moment."""
    query = select(func.count(), func.max(col(LoginFailure.at))).where(
        col(LoginFailure.subject) == subject,
        col(LoginFailure.at) >= since,
    )
    count, last = session.execute(query).one()
    return Failures(count, last)


def add_failure(session: Session, subjects: Sequence[str], now: datetime) -> None:
    """Count a failed sign-in for each subject."""
    session.add_all([LoginFailure(subject=subject, at=now) for subject in subjects])


def forget_failures(session: Session, subject: str) -> None:
    """Forget a subject's failed sign-ins."""
    session.execute(delete(LoginFailure).where(col(LoginFailure.subject) == subject))


def forget_failure(session: Session, subject: str, at: datetime) -> None:
    """Take back a try of this moment that turned out to be right."""
    same = (col(LoginFailure.subject) == subject, col(LoginFailure.at) == at)
    session.execute(delete(LoginFailure).where(*same))


def drop_old_failures(session: Session, before: datetime) -> None:
    """Delete failed sign-ins that no longer count for anybody."""
    session.execute(delete(LoginFailure).where(col(LoginFailure.at) < before))


def add_token(session: Session, token_hash: str, scope: str, vendor_id: int | None) -> str:
    """Store a token and return its public id."""
    row = ApiToken(token_hash=token_hash, scope=scope, vendor_id=vendor_id)
    session.add(row)
    session.flush()
    return row.public_id


def token_by_hash(session: Session, token_hash: str) -> tuple[Token, datetime | None] | None:
    """Find a token that was not revoked, with when it was last used."""
    query = select(ApiToken).where(
        col(ApiToken.token_hash) == token_hash,
        col(ApiToken.revoked_at).is_(None),
    )
    row = session.scalars(query).first()
    return None if row is None else (Token(row.public_id, row.scope, row.vendor_id), row.last_used_at)


def needs_touch(last_used_at: datetime | None, now: datetime) -> bool:
    """Say whether a token's last use is worth writing down again."""
    return last_used_at is None or now - last_used_at >= _TOUCHED_EVERY


def touch_token(session: Session, id: str, now: datetime) -> None:
    """Write down that a token was used."""
    session.execute(update(ApiToken).where(col(ApiToken.public_id) == id).values(last_used_at=now))


def revoke_token(session: Session, id: str, now: datetime) -> bool:
    """Make a token worthless; False when there is no such token, or it was revoked before."""
    change = (
        update(ApiToken)
        .where(col(ApiToken.public_id) == id, col(ApiToken.revoked_at).is_(None))
        .values(revoked_at=now)
    )
    return cast("CursorResult[Any]", session.execute(change)).rowcount == 1


def _account(row: User | None) -> Account | None:
    if row is None:
        return None
    assert row.id is not None
    return Account(
        key=row.id,
        id=row.public_id,
        email=row.email,
        name=row.name,
        role=cast(Role, row.role),
        vendor_id=row.vendor_id,
        team_id=row.team_id,
        agent_id=row.agent_id,
        password_hash=row.password_hash,
        session_key=row.session_key,
        disabled=row.disabled_at is not None,
    )
