"""Whether the database is sound, and which files its rows count on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlmodel import col

from qa_audit.storage.database import Session
from qa_audit.storage.tables import Call, Recording


@dataclass(frozen=True)
class KeptFile:
    """A file that a row counts on; `call_id` is the call's public id."""

    call_id: str
    key: str


def problems(session: Session, *, is_sqlite: bool) -> tuple[str, ...]:
    """Return what SQLite finds wrong with its own file; Postgres checks its pages itself."""
    if not is_sqlite:
        return ()
    connection = session.connection()
    pages = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check"))]
    keys = [
        f"a row of {row[0]} points nowhere" for row in connection.execute(text("PRAGMA foreign_key_check"))
    ]
    return (*(line for line in pages if line != "ok"), *keys)


def kept_files(session: Session) -> tuple[KeptFile, ...]:
    """Return every file that a call counts on."""
    columns = (
        *(col(Recording.media_key), col(Recording.transcript_key)),
        *(col(Recording.playback_key), col(Recording.peaks_key)),
    )
    rows = session.execute(
        select(col(Call.public_id), *columns).join(Call, col(Call.id) == col(Recording.call_id))
    )
    return tuple(KeptFile(call_id, key) for call_id, *keys in rows for key in keys if key is not None)
