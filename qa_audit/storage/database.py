"""The database: short transactions on SQLite or Postgres, and their migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

__all__ = ["Database", "IntegrityError", "OperationalError", "Session"]

BUSY_SECONDS = 30


class Database:
    """One database address. Nothing connects before the first use."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def is_sqlite(self) -> bool:
        """Say whether this is SQLite (one machine) rather than Postgres."""
        return self.url.startswith("sqlite")

    @cached_property
    def engine(self) -> Engine:
        """The connection pool, made on first use."""
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True, pool_size=5, max_overflow=15)
        path = self.url.removeprefix("sqlite:///")
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @cached_property
    def _writer(self) -> Engine:
        return self.engine.execution_options(write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for one consistent look; what it changes is thrown away."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session that commits at the end of the block, or rolls back when the block raises.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that two writers queue up instead of
        failing.
        """
        with Session(self._writer, expire_on_commit=False) as session:
            yield session
            session.commit()

    def now(self, session: Session) -> float:
        """Return epoch seconds by the database's clock, which is what leases compare."""
        sql = (
            "SELECT (julianday('now') - 2440587.5) * 86400.0"
            if self.is_sqlite
            else "SELECT extract(epoch FROM clock_timestamp())"
        )
        return float(session.connection().execute(text(sql)).scalar_one())

    def ping(self) -> None:
        """Run the smallest query; raises what the driver raises."""
        with self.read() as session:
            session.connection().execute(text("SELECT 1"))

    def upgrade(self) -> None:
        """Bring the schema to the newest migration; safe to call at once from several processes."""
        from qa_audit.storage import schema

        with self._writer.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(7243001)"))
            schema.upgrade(connection)

    def revisions(self) -> tuple[str | None, str | None]:
        """Return the schema's revision and the newest one that this code knows."""
        from qa_audit.storage import schema

        with self.engine.connect() as connection:
            return schema.current(connection), schema.newest()

    def dispose(self) -> None:
        """Close the pooled connections."""
        if "engine" in self.__dict__:
            self.engine.dispose()


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions: _begin_sqlite does
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    write = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
