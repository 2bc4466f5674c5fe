"""Fixtures that every kind of test shares: a migrated database of each kind, settings, a runtime."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import settings as hypothesis_settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from qa_audit.services import passwords
from qa_audit.storage import database
from qa_audit.storage.database import Database
from tests import postgres

# Several tests run at once: threads that spin while they wait for each other would eat each other's time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# How long one example takes says more about the other tests on the machine than about the code.
hypothesis_settings.register_profile("without a clock", deadline=None)
hypothesis_settings.load_profile("without a clock")

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[1] / "shared"


WAITING = ("faults", "e2e", "cli", "workers")
"""Folders whose tests mostly wait for other processes, those with the longest files first."""
BEGUN_BY = 0.7
"""The share of the other files after which the last waiting file begins, so that none keeps a worker to the end."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Lay the files that wait evenly between those that compute: the processors then always have work.

    The order within a file, and of the files that compute, stays as it was drawn.
    """
    yield
    folders = {item.path: item.path.relative_to(HERE).parts[0] for item in items}
    waiting = [path for path, folder in folders.items() if folder in WAITING]
    waiting.sort(key=lambda path: WAITING.index(folders[path]))
    computing = [path for path, folder in folders.items() if folder not in WAITING]
    place = {path: BEGUN_BY * number / len(waiting) for number, path in enumerate(waiting)}
    place |= {path: number / len(computing) for number, path in enumerate(computing)}
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish() -> None:
    """Leave what the imports made out of the search for garbage, which would else take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def missing(what: str, how: str) -> None:
    """Skip by name, or fail where everything has to be there (CI)."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing: {how}")
    pytest.skip(f"{what} is missing: {how}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with public recordings and hostile files, which stands beside some checkouts only."""
    if not SHARED.is_dir():
        pytest.skip("the folder 'shared' with public recordings is absent")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compile each page template once: hundreds of tests build an application of their own."""
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(tmp_path_factory.mktemp("pages")))}


@pytest.fixture(scope="session", autouse=True)
def _kept_statements() -> Iterator[None]:
    """Keep one engine per Postgres database: each engine would compile the same statements anew."""
    made = database.create_engine
    kept = cache(made)

    def create_engine(url: str, **options: Any) -> Engine:
        return kept(url, **options) if url.startswith("postgresql") else made(url, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_engine", create_engine)
        yield


REAL_HASHER = passwords._HASHER


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hash passwords at next to no cost: it is slow on purpose, and hundreds of tests sign in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def real_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords at the cost that they have in earnest."""
    monkeypatch.setattr(passwords, "_HASHER", REAL_HASHER)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a Postgres, without a database's name."""
    given = os.environ.get("QA_AUDIT_TEST_DATABASE_URL")
    if given:
        yield given.rsplit("/", 1)[0]
        return
    programs = postgres.find_programs()
    if programs is None:
        missing("Postgres", "install the package postgresql")
        return
    with postgres.running(programs) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The address of a migrated database that tests use one after the other; `postgres.empty` between them."""
    name = f"qa_{secrets.token_hex(6)}"
    postgres.execute(f"{postgres_server}/postgres", f"CREATE DATABASE {name}")
    database = Database(f"{postgres_server}/{name}")
    database.upgrade()
    database.dispose()
    yield f"{postgres_server}/{name}"
    postgres.execute(f"{postgres_server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database; every test that uses it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "qa_audit.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    address = request.getfixturevalue("postgres_database")
    yield address
    postgres.empty(address)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite database, for tests that need one kind only."""
    path = tmp_path / "qa_audit.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a throw-away installation on each kind of database."""
    return Settings(data_dir=tmp_path, database_url=database_url, secret_key="for tests only")


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    """A runtime of a throw-away installation; tests replace adapters by setting attributes."""
    built = Runtime(settings)
    yield built
    built.db.dispose()
