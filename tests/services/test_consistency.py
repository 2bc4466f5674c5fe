"""The check finds every row without its file and every file without its row, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from qa_audit.config import Settings
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import consistency
from tests.api.helping import add_vendors, files_of, take, wav


@pytest.fixture(autouse=True)
def ready(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme")


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_an_installation_as_it_should_be_is_sound(runtime: Runtime) -> None:
    take(runtime, wav())
    age(files_of(runtime)[0], 1e6)
    found = consistency.check(runtime)
    assert found.is_sound
    assert (found.files, found.revision is None) == (1, False)


def test_what_misses_its_other_half_is_named(runtime: Runtime) -> None:
    lost = take(runtime, wav(1))
    take(runtime, wav(2))
    path = next(path for path in files_of(runtime) if path.read_bytes() == wav(1))
    path.unlink()
    runtime.media.put_bytes("playback/orphan", b"x")
    runtime.media.put_bytes("playback/fresh", b"x")
    age(next(path for path in files_of(runtime) if path.name == "orphan"), 2 * consistency.YOUNG_SECONDS)
    found = consistency.check(runtime)
    assert [row.call_id for row in found.rows_without_file] == [lost.id]
    assert found.files_without_row == ("playback/orphan",)
    assert not found.is_sound


def test_a_database_without_a_schema_is_named(tmp_path: Path) -> None:
    empty = Runtime(Settings(data_dir=tmp_path / "new"))
    found = consistency.check(empty)
    assert not found.is_sound
    assert "db upgrade" in found.problems[0]
    empty.db.dispose()


def test_a_row_that_points_nowhere_is_found_in_a_sqlite_file(tmp_path: Path, sqlite_url: str) -> None:
    lite = Runtime(Settings(data_dir=tmp_path / "lite", database_url=sqlite_url))
    connection = lite.db.engine.raw_connection()
    connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]
    connection.execute("INSERT INTO site (vendor_id, name) VALUES (7, 'North')")  # type: ignore[attr-defined]
    connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]
    connection.close()
    assert consistency.check(lite).problems == ("a row of site points nowhere",)
    lite.db.dispose()
