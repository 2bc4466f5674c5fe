"""Copies of the whole database as of one moment, for backups, and putting them back."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, inspect, make_url, select, text
from sqlmodel import SQLModel, col

from qa_audit.errors import QaAuditError
from qa_audit.storage import schema
from qa_audit.storage.database import BUSY_SECONDS, Database
from qa_audit.storage.tables import Call, Recording

Kind = Literal["sqlite", "postgres"]
FILES: dict[Kind, str] = {"sqlite": "database.sqlite3", "postgres": "database.dump"}
_KEPT_ANYWAY = frozenset({"rubric_version"})
"""Tables that a new installation fills by itself: they do not make it one that holds data."""


@dataclass(frozen=True)
class MediaRow:
    """A blob that a recording points at; `sha256` is known of what was uploaded only."""

    call: str
    kind: Literal["original", "transcript", "playback", "peaks"]
    key: str
    sha256: str | None


@dataclass(frozen=True)
class Snapshot:
    """A copy of the database, and which blobs it points at, as of the same moment."""

    kind: Kind
    path: Path
    revision: str | None
    media: tuple[MediaRow, ...]


def kind_of(db: Database) -> Kind:
    """Say which kind of database this is; copies can go back only into the same kind."""
    return "sqlite" if db.is_sqlite else "postgres"


def take(db: Database, folder: Path) -> Snapshot:
    """Copy the database into a folder while others go on writing.

    Raises QaAuditError when Postgres' own programs are missing or fail.
    """
    path = folder / FILES[kind_of(db)]
    return _take_sqlite(db, path) if db.is_sqlite else _take_postgres(db, path)


def put_back(db: Database, path: Path) -> None:
    """Replace the content of the database by a copy's; raises QaAuditError."""
    if db.is_sqlite:
        _put_back_sqlite(db, path)
    else:
        command = ["--exit-on-error", "--single-transaction", "--clean", "--if-exists", "--no-owner"]
        _run("pg_restore", db, [*command, "--no-privileges", str(path)])
    db.dispose()


def media_rows(db: Database) -> tuple[MediaRow, ...]:
    """Return every blob that the database points at now."""
    with db.read() as session:
        return _media(session.connection())


def filled_tables(db: Database) -> tuple[str, ...]:
    """Name the tables that hold anything besides what a new installation fills by itself."""
    with db.read() as session:
        connection = session.connection()
        there = set(inspect(connection).get_table_names())
        wanted = (
            t for t in SQLModel.metadata.sorted_tables if t.name in there and t.name not in _KEPT_ANYWAY
        )
        return tuple(t.name for t in wanted if connection.execute(select(text("1")).select_from(t)).first())


def _take_sqlite(db: Database, path: Path) -> Snapshot:
    with closing(sqlite3.connect(_file_of(db), timeout=BUSY_SECONDS)) as live:
        live.execute("VACUUM INTO ?", (str(path),))
    _sync(path)
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))
    with engine.connect() as connection:
        found = Snapshot("sqlite", path, schema.current(connection), _media(connection))
    engine.dispose()
    return found


def _take_postgres(db: Database, path: Path) -> Snapshot:
    """Let pg_dump see exactly what this transaction sees, through an exported snapshot."""
    engine = db.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        shared = str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={shared}"]
        _run("pg_dump", db, [*options, f"--file={path}"])
        found = Snapshot("postgres", path, schema.current(connection), _media(connection))
    _sync(path)
    return found


def _put_back_sqlite(db: Database, path: Path) -> None:
    target = _file_of(db)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    with (
        closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as copy,
        closing(sqlite3.connect(target, timeout=BUSY_SECONDS)) as live,
    ):
        live.execute("PRAGMA synchronous=FULL")
        copy.backup(live)


def _media(connection: Connection) -> tuple[MediaRow, ...]:
    query = select(
        col(Call.public_id),
        col(Recording.media_key),
        col(Recording.sha256),
        col(Recording.playback_key),
        col(Recording.peaks_key),
        col(Recording.transcript_key),
        col(Recording.transcript_sha256),
    ).join_from(Recording, Call, col(Call.id) == col(Recording.call_id))
    rows = []
    for call, original, sha256, playback, peaks, transcript, sent_sha256 in connection.execute(query):
        rows.append(MediaRow(call, "original", original, sha256))
        rows += [MediaRow(call, "transcript", transcript, sent_sha256)] if transcript else []
        rows += [MediaRow(call, "playback", playback, None)] if playback else []
        rows += [MediaRow(call, "peaks", peaks, None)] if peaks else []
    return tuple(rows)


def _file_of(db: Database) -> str:
    return db.url.removeprefix("sqlite:///")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _run(program: str, db: Database, options: list[str]) -> None:
    """Run one of Postgres' own programs on the database; the password goes through the environment only."""
    url = make_url(db.url)
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = {**os.environ, **({"PGPASSWORD": str(url.password)} if url.password else {})}
    command = [str(_find(program)), "--no-password", f"--dbname={address}", *options]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        words = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise QaAuditError(f"{program} failed: {words}")


def _find(program: str) -> Path:
    found = shutil.which(program)
    if found:
        return Path(found)
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / program).is_file():
            return folder / program
    raise QaAuditError(
        f"{program} is needed to copy a Postgres database and is not here: install the package "
        "postgresql-client."
    )
