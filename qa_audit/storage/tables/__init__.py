"""The tables. They never validate input (SQLModel does not for tables): CHECK constraints are the last net.

Times of day are timezone-aware UTC; leases are epoch seconds by the database's own clock. Integer keys never
leave storage and queue: outside, a thing is known by its `public_id`.
"""

from __future__ import annotations

from sqlmodel import SQLModel

from qa_audit.storage.tables.audits import (
    Answer,
    Audit,
    AuditScore,
    Event,
    Mail,
    PreScoreRow,
    RubricDraft,
    RubricVersion,
    Scorecard,
)
from qa_audit.storage.tables.calls import (
    Call,
    MeasurementRow,
    Recording,
    Task,
    TranscriptPartRow,
    TranscriptRow,
    Upload,
)
from qa_audit.storage.tables.columns import UtcTime, new_public_id, utc_now
from qa_audit.storage.tables.people import (
    Agent,
    ApiToken,
    LoginFailure,
    PasswordLink,
    Site,
    Team,
    TeamMembership,
    User,
    Vendor,
)

__all__ = [
    "Agent",
    "Answer",
    "ApiToken",
    "Audit",
    "AuditScore",
    "Call",
    "Event",
    "LoginFailure",
    "Mail",
    "MeasurementRow",
    "PasswordLink",
    "PreScoreRow",
    "Recording",
    "RubricDraft",
    "RubricVersion",
    "SQLModel",
    "Scorecard",
    "Site",
    "Task",
    "Team",
    "TeamMembership",
    "TranscriptPartRow",
    "TranscriptRow",
    "Upload",
    "User",
    "UtcTime",
    "Vendor",
    "new_public_id",
    "utc_now",
]
