"""`qa-audit db`: up to date, and checked."""

from __future__ import annotations

import pytest

from qa_audit.config import Settings
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from tests.api.helping import add_vendors, files_of, take, wav
from tests.cli.serving import run


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_upgrade_brings_an_empty_database_up_to_date_and_can_be_repeated(
    runtime: Runtime, settings: Settings
) -> None:
    fresh = {"QA_AUDIT_DATABASE_URL": f"sqlite:///{settings.data_dir}/new.sqlite3"}
    first = run(runtime, "db", "upgrade", **fresh)
    assert (first.exit_code, "from empty to" in first.output) == (0, True)
    again = run(runtime, "db", "upgrade", **fresh)
    assert (again.exit_code, "was up to date" in again.output) == (0, True)
    assert run(runtime, "db", "check", **fresh).exit_code == 0


def test_check_names_what_is_lost_and_fails(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme")
    id = take(runtime, wav()).id
    sound = run(runtime, "db", "check")
    assert (sound.exit_code, "1 files" in sound.output) == (0, True)
    files_of(runtime)[0].unlink()
    broken = run(runtime, "db", "check")
    assert broken.exit_code == 1
    assert "1 rows without their file" in broken.output
    assert id in broken.output


def test_check_of_a_database_without_schema_fails_and_says_what_to_do(
    runtime: Runtime, settings: Settings
) -> None:
    result = run(runtime, "db", "check", QA_AUDIT_DATABASE_URL=f"sqlite:///{settings.data_dir}/new.sqlite3")
    assert (result.exit_code, "qa-audit db upgrade" in result.output) == (1, True)


@pytest.mark.parametrize("arguments", [(), ("upgrade",), ("check",)])
def test_every_help_has_an_example(runtime: Runtime, arguments: tuple[str, ...]) -> None:
    assert "Example: qa-audit db" in run(runtime, "db", *arguments, "--help").output
