"""The tables. They never validate input (SQLModel does not for tables): CHECK constraints are the last net.

Times of day are timezone-aware UTC; leases are epoch seconds by the database's own clock. Integer keys never
leave storage and queue: outside, a thing is known by its `public_id`.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


def new_public_id() -> str:
    """Make an opaque id of 128 random bits, safe in addresses."""
    return secrets.token_urlsafe(16)


def utc_now() -> datetime:
    """Return the time now, with its zone."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """A moment, stored as UTC and read back with its zone on every database. Refuses naive times."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A stored time needs a zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _key() -> Any:
    return Field(default=None, primary_key=True)


def _public() -> Any:
    return Field(default_factory=new_public_id, sa_column=Column(String(32), nullable=False, unique=True))


def _time(*, nullable: bool = True, index: bool = False) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {"default_factory": utc_now}
    return Field(sa_column=Column(UtcTime, nullable=nullable, index=index), **default)


def _reference(
    target: str, *, nullable: bool = False, ondelete: str | None = None, unique: bool = False
) -> Any:
    column = Column(
        Integer, ForeignKey(target, ondelete=ondelete), nullable=nullable, unique=unique, index=not unique
    )
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=column, **default)


def _json(empty: type) -> Any:
    return Field(default_factory=empty, sa_column=Column(JSON, nullable=False))


def _text(*, nullable: bool = True) -> Any:
    default: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_column=Column(Text, nullable=nullable), **default)


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Vendor(SQLModel, table=True):
    """A company whose calls are audited. `channels` says which side of a stereo recording the agent is on."""

    __table_args__ = (_one_of("channels", "agent-left", "agent-right"),)
    id: int | None = _key()
    public_id: str = _public()
    slug: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    name: str = Field(sa_column=Column(String(200), nullable=False))
    channels: str = Field(default="agent-left", sa_column=Column(String(16), nullable=False))
    filename_pattern: str | None = _text()
    variables: dict[str, Any] = _json(dict)
    is_sample: bool = False
    created_at: datetime = _time(nullable=False)


class Site(SQLModel, table=True):
    """A place where a vendor's teams sit."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = _key()
    vendor_id: int = _reference("vendor.id")
    name: str


class Team(SQLModel, table=True):
    """A vendor's team, led by one or more leads."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = _key()
    public_id: str = _public()
    vendor_id: int = _reference("vendor.id")
    site_id: int | None = _reference("site.id", nullable=True)
    name: str


class Agent(SQLModel, table=True):
    """A person on the phone; `aliases` are other names they may give."""

    __table_args__ = (UniqueConstraint("vendor_id", "name"),)
    id: int | None = _key()
    public_id: str = _public()
    vendor_id: int = _reference("vendor.id")
    name: str
    aliases: list[str] = _json(list)


class TeamMembership(SQLModel, table=True):
    """Which team an agent belonged to from when to when (dates inclusive, open without `until`)."""

    __tablename__ = "team_membership"
    id: int | None = _key()
    agent_id: int = _reference("agent.id")
    team_id: int = _reference("team.id")
    since: date
    until: date | None = None


class User(SQLModel, table=True):
    """Somebody who signs in; the vendor's side is bound to a vendor and maybe a team or an agent."""

    __tablename__ = "user_account"
    __table_args__ = (_one_of("role", "admin", "reviewer", "viewer", "manager", "lead", "agent"),)
    id: int | None = _key()
    public_id: str = _public()
    email: str = Field(sa_column=Column(String(320), nullable=False, unique=True))
    name: str = ""
    role: str = Field(sa_column=Column(String(16), nullable=False))
    vendor_id: int | None = _reference("vendor.id", nullable=True)
    team_id: int | None = _reference("team.id", nullable=True)
    agent_id: int | None = _reference("agent.id", nullable=True)
    password_hash: str | None = _text()
    session_key: str = Field(default_factory=new_public_id)
    disabled_at: datetime | None = _time()
    created_at: datetime = _time(nullable=False)


class PasswordLink(SQLModel, table=True):
    """A link, good once, to set a password; only its hash is kept."""

    __tablename__ = "password_link"
    id: int | None = _key()
    user_id: int = _reference("user_account.id", ondelete="CASCADE")
    token_hash: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    expires_at: datetime = _time(nullable=False)
    used_at: datetime | None = _time()


class LoginFailure(SQLModel, table=True):
    """A failed sign-in, counted per account and per address; `subject` is a hash, never the address."""

    __tablename__ = "login_failure"
    __table_args__ = (Index(None, "subject", "at"),)
    id: int | None = _key()
    subject: str = Field(sa_column=Column(String(64), nullable=False))
    at: datetime = _time(nullable=False)


class ApiToken(SQLModel, table=True):
    """A token for scripts; only its hash is kept. Without a vendor it serves all vendors."""

    __tablename__ = "api_token"
    __table_args__ = (_one_of("scope", "upload", "read", "admin"),)
    id: int | None = _key()
    public_id: str = _public()
    token_hash: str = Field(sa_column=Column(String(64), nullable=False, unique=True))
    scope: str = Field(sa_column=Column(String(16), nullable=False))
    vendor_id: int | None = _reference("vendor.id", nullable=True)
    created_at: datetime = _time(nullable=False)
    last_used_at: datetime | None = _time()
    revoked_at: datetime | None = _time()


class Call(SQLModel, table=True):
    """One conversation. `started_at` is UTC, `utc_offset` (minutes) what the uploader's clock said.

    `is_sample` marks drawn history: it has answers and no sound.
    """

    __table_args__ = (
        _one_of(
            "status",
            *("received", "transcribing", "transcribed", "prescored", "in_review"),
            *("audited", "published", "waiting", "failed"),
        ),
        Index(None, "vendor_id", "created_at", "id"),
        Index(None, "status"),
    )
    id: int | None = _key()
    public_id: str = _public()
    vendor_id: int = _reference("vendor.id")
    agent_id: int | None = _reference("agent.id", nullable=True)
    team_id: int | None = _reference("team.id", nullable=True)
    external_id: str | None = Field(default=None, sa_column=Column(String(200), index=True))
    title: str | None = None
    started_at: datetime | None = _time(index=True)
    utc_offset: int | None = None
    direction: str | None = None
    queue: str | None = None
    language: str | None = None
    channels: str | None = None
    custom: dict[str, Any] = _json(dict)
    survey: int | None = None
    picked: str | None = None
    is_demo: bool = False
    is_sample: bool = False
    status: str = Field(default="received", sa_column=Column(String(16), nullable=False))
    stage: str | None = None
    progress: int = 0
    failure: str | None = None
    status_text: str | None = _text()
    warnings: list[str] = _json(list)
    duration: float | None = None
    layout: str | None = None
    created_at: datetime = _time(nullable=False)
    updated_at: datetime = _time(nullable=False)


class Recording(SQLModel, table=True):
    """A call's bytes: the original (reachable by no page), the masked playback copy and its peaks."""

    __table_args__ = (UniqueConstraint("vendor_id", "sha256"),)
    id: int | None = _key()
    call_id: int = _reference("call.id", ondelete="CASCADE", unique=True)
    vendor_id: int = _reference("vendor.id")
    sha256: str = Field(sa_column=Column(String(64), nullable=False))
    size: int
    filename: str
    container: str
    codec: str
    sample_rate: int
    channels: int
    media_key: str
    playback_key: str | None = None
    peaks_key: str | None = None


class Upload(SQLModel, table=True):
    """An Idempotency-Key of one token or user: the answer it gave, kept for 24 hours at least."""

    __tablename__ = "upload_key"
    __table_args__ = (UniqueConstraint("owner", "key"), _one_of("state", "running", "done"))
    id: int | None = _key()
    owner: str = Field(sa_column=Column(String(64), nullable=False))
    key: str = Field(sa_column=Column(String(255), nullable=False))
    fingerprint: str | None = None
    state: str = Field(default="running", sa_column=Column(String(16), nullable=False))
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    running_until: float = Field(default=0, sa_column=Column(Float, nullable=False))
    created_at: datetime = _time(nullable=False)


class Task(SQLModel, table=True):
    """One stage of work on one call: the truth about what is to be done, by whom, until when."""

    __table_args__ = (
        UniqueConstraint("call_id", "stage", "input_version"),
        _one_of("state", "queued", "leased", "done", "failed", "parked", "waiting"),
        _one_of("stage", "measure", "transcribe", "prescore"),
        Index(None, "state", "run_after"),
    )
    id: int | None = _key()
    public_id: str = _public()
    call_id: int = _reference("call.id", ondelete="CASCADE")
    stage: str = Field(sa_column=Column(String(16), nullable=False))
    input_version: int = 1
    state: str = Field(default="queued", sa_column=Column(String(16), nullable=False))
    attempt: int = 0
    crash_count: int = 0
    error_count: int = 0
    run_after: float = Field(default=0, sa_column=Column(Float, nullable=False))
    lease_token: str | None = None
    lease_until: float | None = Field(default=None, sa_column=Column(Float))
    rings: int = 0
    rung_at: float | None = Field(default=None, sa_column=Column(Float))
    progress: int = 0
    error: str | None = _text()
    created_at: datetime = _time(nullable=False)
    finished_at: datetime | None = _time()


class MeasurementRow(SQLModel, table=True):
    """What the measure stage found: facts and speech spans, as JSON."""

    __tablename__ = "measurement"
    id: int | None = _key()
    call_id: int = _reference("call.id", ondelete="CASCADE", unique=True)
    facts: dict[str, Any] = _json(dict)
    created_at: datetime = _time(nullable=False)


class TranscriptRow(SQLModel, table=True):
    """A call's current transcript. `sealed` is the unmasked JSON, zlib-packed, for the scorer alone."""

    __tablename__ = "transcript"
    id: int | None = _key()
    call_id: int = _reference("call.id", ondelete="CASCADE", unique=True)
    masked: dict[str, Any] = _json(dict)
    mask_spans: list[Any] = _json(list)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    words: int = 0
    model: str = ""
    created_at: datetime = _time(nullable=False)


class RubricVersion(SQLModel, table=True):
    """A published rubric version: its YAML text never changes."""

    __tablename__ = "rubric_version"
    __table_args__ = (
        UniqueConstraint("rubric", "version"),
        _one_of("state", "draft", "published", "archived"),
    )
    id: int | None = _key()
    rubric: str = Field(sa_column=Column(String(100), nullable=False))
    version: int
    title: str
    sha256: str = Field(sa_column=Column(String(64), nullable=False))
    source: str = _text(nullable=False)
    effective_from: date
    state: str = Field(default="published", sa_column=Column(String(16), nullable=False))
    created_at: datetime = _time(nullable=False)


class PreScoreRow(SQLModel, table=True):
    """All machine answers of one call under one rubric version; `result` is the pre-score JSON, masked."""

    __tablename__ = "prescore"
    __table_args__ = (UniqueConstraint("call_id", "rubric_version_id"),)
    id: int | None = _key()
    call_id: int = _reference("call.id", ondelete="CASCADE")
    rubric_version_id: int = _reference("rubric_version.id")
    result: dict[str, Any] = _json(dict)
    percent: float | None = None
    outcome: str
    open: int = 0
    suspected_fatal: int = 0
    created_at: datetime = _time(nullable=False)


class Audit(SQLModel, table=True):
    """A reviewer's pass over one call: one per call, with answers under each rubric version it pins.

    `speakers` names who speaks, by segment id, where the recording could not tell.
    """

    __table_args__ = (_one_of("state", "draft", "submitted", "published"),)
    id: int | None = _key()
    public_id: str = _public()
    call_id: int = _reference("call.id", unique=True)
    reviewer_id: int | None = _reference("user_account.id", nullable=True)
    state: str = Field(default="draft", sa_column=Column(String(16), nullable=False))
    version: int = 0
    speakers: dict[str, str] = _json(dict)
    started_at: datetime = _time(nullable=False)
    submitted_at: datetime | None = _time()


class Answer(SQLModel, table=True):
    """The human's answer to one criterion; the machine's stays in its pre-score, untouched.

    `batch` names the one act by which several answers of the machine were accepted, so that it can be undone.
    """

    __table_args__ = (
        UniqueConstraint("audit_id", "rubric_version_id", "criterion"),
        _one_of("origin", "human", "accepted"),
    )
    id: int | None = _key()
    audit_id: int = _reference("audit.id", ondelete="CASCADE")
    rubric_version_id: int = _reference("rubric_version.id")
    criterion: str = Field(sa_column=Column(String(100), nullable=False))
    answer: str | None = None
    origin: str = Field(default="human", sa_column=Column(String(16), nullable=False))
    batch: str | None = Field(default=None, sa_column=Column(String(32)))
    note: str | None = _text()
    private_note: str | None = _text()
    pinned_start: float | None = None
    pinned_end: float | None = None
    answered_by: int | None = _reference("user_account.id", nullable=True)
    answered_at: datetime = _time(nullable=False)
    version: int = 0


class AuditScore(SQLModel, table=True):
    """An audit's score under one rubric version."""

    __tablename__ = "audit_score"
    __table_args__ = (UniqueConstraint("audit_id", "rubric_version_id"),)
    id: int | None = _key()
    audit_id: int = _reference("audit.id", ondelete="CASCADE")
    rubric_version_id: int = _reference("rubric_version.id")
    percent: float | None = None
    percent_without_fatal: float | None = None
    points: float = 0
    possible: float = 0
    outcome: str = "undetermined"
    fatal: int = 0
    critical: int = 0


class Scorecard(SQLModel, table=True):
    """What the vendor sees: one per call; `snapshot` is frozen at publication, rubric versions inside."""

    __table_args__ = (_one_of("state", "published", "acknowledged", "disputed", "withdrawn"),)
    id: int | None = _key()
    public_id: str = _public()
    call_id: int = _reference("call.id", unique=True)
    audit_id: int = _reference("audit.id", unique=True)
    vendor_id: int = _reference("vendor.id")
    team_id: int | None = _reference("team.id", nullable=True)
    agent_id: int | None = _reference("agent.id", nullable=True)
    state: str = Field(default="published", sa_column=Column(String(16), nullable=False))
    snapshot: dict[str, Any] = _json(dict)
    published_by: int | None = _reference("user_account.id", nullable=True)
    published_at: datetime = _time(nullable=False, index=True)
    answer_by: datetime = _time(nullable=False)
    acknowledged_by: int | None = _reference("user_account.id", nullable=True)
    acknowledged_at: datetime | None = _time()
    comment: str | None = _text()


class Mail(SQLModel, table=True):
    """A mail to be sent, written in the transaction of what it tells of; `lease_until` is by the database's clock."""

    __table_args__ = (_one_of("state", "queued", "sent", "failed"), Index(None, "state", "run_after"))
    id: int | None = _key()
    public_id: str = _public()
    recipient_id: int = _reference("user_account.id", ondelete="CASCADE")
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    thing: str = Field(sa_column=Column(String(64), nullable=False))
    state: str = Field(default="queued", sa_column=Column(String(16), nullable=False))
    attempt: int = 0
    run_after: float = Field(default=0, sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float))
    error: str | None = _text()
    created_at: datetime = _time(nullable=False)
    sent_at: datetime | None = _time()


class Event(SQLModel, table=True):
    """Who did what to which thing, and when: rows are only ever added, and hold no personal data."""

    __table_args__ = (Index(None, "kind", "thing"),)
    id: int | None = _key()
    at: datetime = _time(nullable=False)
    actor: str = Field(sa_column=Column(String(64), nullable=False))
    action: str = Field(sa_column=Column(String(64), nullable=False))
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    thing: str = Field(sa_column=Column(String(64), nullable=False))
    detail: dict[str, Any] = _json(dict)


LEASED = text("state = 'leased'")
"""For the partial index that the sweep's search for ended leases uses."""

Index("ix_task_leased_until", Task.__table__.c.lease_until, postgresql_where=LEASED, sqlite_where=LEASED)  # type: ignore[attr-defined]
