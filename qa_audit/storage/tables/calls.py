"""Calls, their recordings, the work on them, and what its stages leave behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Float,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
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


class Call(SQLModel, table=True):
    """One conversation. `started_at` is UTC, `utc_offset` (minutes) what the uploader's clock said.

    `progress` is the percent of its `stage`, `seconds_left` an estimate of what is left of that stage.
    `is_sample` marks drawn history: it has answers and no sound.
    """

    __table_args__ = (
        one_of(
            "status",
            *("received", "transcribing", "transcribed", "prescored", "in_review"),
            *("audited", "published", "waiting", "failed"),
        ),
        Index(None, "vendor_id", "created_at", "id"),
        Index(None, "status"),
    )
    id: int | None = key()
    public_id: str = public_key()
    vendor_id: int = reference("vendor.id")
    agent_id: int | None = reference("agent.id", nullable=True)
    team_id: int | None = reference("team.id", nullable=True)
    external_id: str | None = Field(default=None, sa_column=Column(String(200), index=True))
    title: str | None = None
    started_at: datetime | None = moment(index=True)
    utc_offset: int | None = None
    direction: str | None = None
    queue: str | None = None
    language: str | None = None
    channels: str | None = None
    custom: dict[str, Any] = json_column(dict)
    survey: int | None = None
    picked: str | None = None
    is_demo: bool = False
    is_sample: bool = False
    status: str = Field(default="received", sa_column=Column(String(16), nullable=False))
    stage: str | None = None
    progress: int = 0
    seconds_left: int | None = None
    failure: str | None = None
    status_text: str | None = long_text()
    warnings: list[str] = json_column(list)
    duration: float | None = None
    layout: str | None = None
    created_at: datetime = moment(nullable=False)
    updated_at: datetime = moment(nullable=False)


class Recording(SQLModel, table=True):
    """A call's bytes: the original (reachable by no page), the masked playback copy and its peaks.

    `transcript_key` is of a transcript that was sent with the original, as it came.
    """

    __table_args__ = (UniqueConstraint("vendor_id", "sha256"),)
    id: int | None = key()
    call_id: int = reference("call.id", ondelete="CASCADE", unique=True)
    vendor_id: int = reference("vendor.id")
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
    transcript_key: str | None = None
    transcript_sha256: str | None = Field(default=None, sa_column=Column(String(64)))


class Upload(SQLModel, table=True):
    """An Idempotency-Key of one token or user: the answer it gave, kept for 24 hours at least."""

    __tablename__ = "upload_key"
    __table_args__ = (UniqueConstraint("owner", "key"), one_of("state", "running", "done"))
    id: int | None = key()
    owner: str = Field(sa_column=Column(String(64), nullable=False))
    key: str = Field(sa_column=Column(String(255), nullable=False))
    fingerprint: str | None = None
    state: str = Field(default="running", sa_column=Column(String(16), nullable=False))
    answer: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    running_until: float = Field(default=0, sa_column=Column(Float, nullable=False))
    created_at: datetime = moment(nullable=False)


class Task(SQLModel, table=True):
    """One stage of work on one call: the truth about what is to be done, by whom, until when.

    `waits_under` names the speech settings that a waiting task cannot be done with.
    """

    __table_args__ = (
        UniqueConstraint("call_id", "stage", "input_version"),
        one_of("state", "queued", "leased", "done", "failed", "parked", "waiting"),
        one_of("stage", "measure", "transcribe", "prescore"),
        Index(None, "state", "run_after"),
    )
    id: int | None = key()
    public_id: str = public_key()
    call_id: int = reference("call.id", ondelete="CASCADE")
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
    waits_under: str | None = long_text()
    error: str | None = long_text()
    created_at: datetime = moment(nullable=False)
    finished_at: datetime | None = moment()


class MeasurementRow(SQLModel, table=True):
    """What the measure stage found: facts and speech spans, as JSON."""

    __tablename__ = "measurement"
    id: int | None = key()
    call_id: int = reference("call.id", ondelete="CASCADE", unique=True)
    facts: dict[str, Any] = json_column(dict)
    created_at: datetime = moment(nullable=False)


class TranscriptRow(SQLModel, table=True):
    """A call's current transcript. `sealed` is the unmasked JSON, zlib-packed, for the scorer alone."""

    __tablename__ = "transcript"
    id: int | None = key()
    call_id: int = reference("call.id", ondelete="CASCADE", unique=True)
    masked: dict[str, Any] = json_column(dict)
    mask_spans: list[Any] = json_column(list)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    words: int = 0
    model: str = ""
    created_at: datetime = moment(nullable=False)


class TranscriptPartRow(SQLModel, table=True):
    """A finished part of a transcription that is not finished: unmasked JSON, zlib-packed, under its plan."""

    __tablename__ = "transcript_part"
    __table_args__ = (UniqueConstraint("call_id", "plan", "number"),)
    id: int | None = key()
    call_id: int = reference("call.id", ondelete="CASCADE")
    plan: str = Field(sa_column=Column(String(64), nullable=False))
    number: int
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = moment(nullable=False)


LEASED = text("state = 'leased'")
"""For the partial index that the sweep's search for ended leases uses."""

Index("ix_task_leased_until", Task.__table__.c.lease_until, postgresql_where=LEASED, sqlite_where=LEASED)  # type: ignore[attr-defined]
