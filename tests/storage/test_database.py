"""The database itself: migrations, durability settings, short transactions."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from qa_audit.storage import tables
from qa_audit.storage.database import Database, IntegrityError


@pytest.fixture
def db(database_url: str):
    database = Database(database_url)
    yield database
    database.dispose()


def test_migrations_and_tables_agree(db: Database) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.SQLModel.metadata) == []
    current, newest = db.revisions()
    assert current == newest


def test_upgrading_twice_changes_nothing(db: Database) -> None:
    db.upgrade()
    assert db.revisions()[0] == db.revisions()[1]


def test_a_block_that_raises_leaves_nothing_behind(db: Database) -> None:
    def add_and_fail() -> None:
        with db.write() as session:
            session.add(tables.Vendor(slug="acme", name="Acme"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        add_and_fail()
    with db.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM vendor")).scalar_one() == 0


def test_foreign_keys_and_checks_are_enforced(db: Database) -> None:
    with pytest.raises(IntegrityError), db.write() as session:
        session.add(tables.Team(vendor_id=999, name="nobody's"))
    with pytest.raises(IntegrityError), db.write() as session:
        session.add(tables.Vendor(slug="acme", name="Acme", channels="agent-above"))


def test_many_writers_queue_up(db: Database) -> None:
    def add(number: int) -> None:
        with db.write() as session:
            session.add(tables.Vendor(slug=f"vendor-{number}", name="Vendor"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert session.connection().execute(text("SELECT count(*) FROM vendor")).scalar_one() == 12


def test_sqlite_survives_a_power_cut(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.read() as session:
        ask = session.connection().exec_driver_sql
        assert ask("PRAGMA journal_mode").scalar() == "wal"
        assert ask("PRAGMA synchronous").scalar() == 2
        assert ask("PRAGMA foreign_keys").scalar() == 1
    database.dispose()


def test_the_clock_of_the_database_moves(db: Database) -> None:
    with db.read() as session:
        first = db.now(session)
    with db.read() as session:
        assert db.now(session) >= first > 1_700_000_000
