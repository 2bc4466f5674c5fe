"""Rubric versions, what machine and people answered under them, scorecards, mails and events."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Float,
    Index,
    String,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from qa_audit.storage.tables.columns import (
    json_column,
    key,
    long_text,
    moment,
    one_of,
    public_key,
    reference,
)


class RubricVersion(SQLModel, table=True):
    """A published rubric version: its YAML text never changes. `bundled` ones came with the software."""

    __tablename__ = "rubric_version"
    __table_args__ = (
        UniqueConstraint("rubric", "version"),
        one_of("state", "draft", "published", "archived"),
    )
    id: int | None = key()
    rubric: str = Field(sa_column=Column(String(100), nullable=False))
    version: int
    title: str
    sha256: str = Field(sa_column=Column(String(64), nullable=False))
    source: str = long_text(nullable=False)
    effective_from: date
    state: str = Field(default="published", sa_column=Column(String(16), nullable=False))
    bundled: bool = False
    published_by: int | None = reference("user_account.id", nullable=True)
    created_at: datetime = moment(nullable=False)


class RubricDraft(SQLModel, table=True):
    """The one draft of a rubric, which may be invalid; `seen` grows with every save, so that none is overwritten."""

    __tablename__ = "rubric_draft"
    id: int | None = key()
    rubric: str = Field(sa_column=Column(String(100), nullable=False, unique=True))
    title: str
    base_version: int | None = None
    source: str = long_text(nullable=False)
    seen: int = 1
    begun_by: int | None = reference("user_account.id", nullable=True)
    begun_at: datetime = moment(nullable=False)
    saved_by: int | None = reference("user_account.id", nullable=True)
    saved_at: datetime = moment(nullable=False)


class PreScoreRow(SQLModel, table=True):
    """All machine answers of one call under one rubric version; `result` is the pre-score JSON, masked."""

    __tablename__ = "prescore"
    __table_args__ = (UniqueConstraint("call_id", "rubric_version_id"),)
    id: int | None = key()
    call_id: int = reference("call.id", ondelete="CASCADE")
    rubric_version_id: int = reference("rubric_version.id")
    result: dict[str, Any] = json_column(dict)
    percent: float | None = None
    outcome: str
    open: int = 0
    suspected_fatal: int = 0
    created_at: datetime = moment(nullable=False)


class Audit(SQLModel, table=True):
    """A reviewer's pass over one call: one per call, with answers under each rubric version it pins.

    `speakers` names who speaks, by segment id, where the recording could not tell.
    """

    __table_args__ = (one_of("state", "draft", "submitted", "published"),)
    id: int | None = key()
    public_id: str = public_key()
    call_id: int = reference("call.id", unique=True)
    reviewer_id: int | None = reference("user_account.id", nullable=True)
    state: str = Field(default="draft", sa_column=Column(String(16), nullable=False))
    version: int = 0
    speakers: dict[str, str] = json_column(dict)
    started_at: datetime = moment(nullable=False)
    submitted_at: datetime | None = moment()


class Answer(SQLModel, table=True):
    """The human's answer to one criterion; the machine's stays in its pre-score, untouched.

    `batch` names the one act by which several answers of the machine were accepted, so that it can be undone.
    """

    __table_args__ = (
        UniqueConstraint("audit_id", "rubric_version_id", "criterion"),
        one_of("origin", "human", "accepted"),
    )
    id: int | None = key()
    audit_id: int = reference("audit.id", ondelete="CASCADE")
    rubric_version_id: int = reference("rubric_version.id")
    criterion: str = Field(sa_column=Column(String(100), nullable=False))
    answer: str | None = None
    origin: str = Field(default="human", sa_column=Column(String(16), nullable=False))
    batch: str | None = Field(default=None, sa_column=Column(String(32)))
    note: str | None = long_text()
    private_note: str | None = long_text()
    pinned_start: float | None = None
    pinned_end: float | None = None
    answered_by: int | None = reference("user_account.id", nullable=True)
    answered_at: datetime = moment(nullable=False)
    version: int = 0


class AuditScore(SQLModel, table=True):
    """An audit's score under one rubric version."""

    __tablename__ = "audit_score"
    __table_args__ = (UniqueConstraint("audit_id", "rubric_version_id"),)
    id: int | None = key()
    audit_id: int = reference("audit.id", ondelete="CASCADE")
    rubric_version_id: int = reference("rubric_version.id")
    percent: float | None = None
    percent_without_fatal: float | None = None
    points: float = 0
    possible: float = 0
    outcome: str = "undetermined"
    fatal: int = 0
    critical: int = 0


class Scorecard(SQLModel, table=True):
    """What the vendor sees: one per call; `snapshot` is frozen at publication, rubric versions inside."""

    __table_args__ = (one_of("state", "published", "acknowledged", "disputed", "withdrawn"),)
    id: int | None = key()
    public_id: str = public_key()
    call_id: int = reference("call.id", unique=True)
    audit_id: int = reference("audit.id", unique=True)
    vendor_id: int = reference("vendor.id")
    team_id: int | None = reference("team.id", nullable=True)
    agent_id: int | None = reference("agent.id", nullable=True)
    state: str = Field(default="published", sa_column=Column(String(16), nullable=False))
    snapshot: dict[str, Any] = json_column(dict)
    published_by: int | None = reference("user_account.id", nullable=True)
    published_at: datetime = moment(nullable=False, index=True)
    answer_by: datetime = moment(nullable=False)
    acknowledged_by: int | None = reference("user_account.id", nullable=True)
    acknowledged_at: datetime | None = moment()
    comment: str | None = long_text()


class Mail(SQLModel, table=True):
    """A mail to be sent, written in the transaction of what it tells of; `lease_until` is by the database's clock."""

    __table_args__ = (one_of("state", "queued", "sent", "failed"), Index(None, "state", "run_after"))
    id: int | None = key()
    public_id: str = public_key()
    recipient_id: int = reference("user_account.id", ondelete="CASCADE")
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    thing: str = Field(sa_column=Column(String(64), nullable=False))
    state: str = Field(default="queued", sa_column=Column(String(16), nullable=False))
    attempt: int = 0
    run_after: float = Field(default=0, sa_column=Column(Float, nullable=False))
    lease_until: float | None = Field(default=None, sa_column=Column(Float))
    error: str | None = long_text()
    created_at: datetime = moment(nullable=False)
    sent_at: datetime | None = moment()


class Event(SQLModel, table=True):
    """Who did what to which thing, and when: rows are only ever added, and hold no personal data."""

    __table_args__ = (Index(None, "kind", "thing"),)
    id: int | None = key()
    at: datetime = moment(nullable=False)
    actor: str = Field(sa_column=Column(String(64), nullable=False))
    action: str = Field(sa_column=Column(String(64), nullable=False))
    kind: str = Field(sa_column=Column(String(32), nullable=False))
    thing: str = Field(sa_column=Column(String(64), nullable=False))
    detail: dict[str, Any] = json_column(dict)
