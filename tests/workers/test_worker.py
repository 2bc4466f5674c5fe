"""A warm worker works on what is due, stops when told, and leaves when it is worn out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import select

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import tables
from tests.fakes import HELLO, receive, script
from workers import startup, worker
from workers.heart import Heart
from workers.parent import has_parent
from workers.worker import WarmWorker

ROOT = Path(__file__).resolve().parents[2]


class Left(BaseException):
    """The process would have ended here."""


@pytest.fixture
def leaving(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int) -> NoReturn:
        codes.append(code)
        raise Left

    monkeypatch.setattr(worker, "_leave", leave)
    return codes


def warm(runtime: Runtime, *queues: str) -> tuple[WarmWorker, Heart]:
    heart = Heart(runtime.settings)
    return WarmWorker(runtime, queues or ("default", "transcription"), heart), heart


def statuses(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        return list(session.scalars(select(tables.Call.status).order_by(tables.Call.id)))


def test_everything_due_is_worked_off_without_a_bell(runtime: Runtime) -> None:
    script(runtime)
    for _ in range(3):
        receive(runtime)
    warm(runtime)[0].run_due()
    assert statuses(runtime) == ["prescored"] * 3


def test_a_worker_takes_the_tasks_of_its_queue_only(runtime: Runtime) -> None:
    script(runtime)
    receive(runtime)
    warm(runtime, "transcription")[0].run_due()
    assert statuses(runtime) == ["received"]
    warm(runtime, "default")[0].run_due()
    with runtime.db.read() as session:
        found = session.execute(select(tables.Task.stage, tables.Task.state)).all()
    assert [tuple(row) for row in found] == [("measure", "done"), ("transcribe", "queued")]


def test_a_stopping_worker_claims_nothing(runtime: Runtime) -> None:
    script(runtime)
    _, task_id = receive(runtime)
    warm_worker, _ = warm(runtime)
    warm_worker.stop()
    warm_worker.run(task_id)
    warm_worker.serve()
    with runtime.db.read() as session:
        assert session.scalars(select(tables.Task.attempt)).one() == 0


@pytest.mark.parametrize("error", [MemoryError(), KeyError("unforeseen")])
def test_a_worker_in_an_unknown_state_leaves_to_be_replaced(
    runtime: Runtime, leaving: list[int], error: Exception
) -> None:
    script(runtime)
    runtime.speech = ScriptedTranscriber(HELLO, errors=[error])
    receive(runtime)
    with pytest.raises(Left):
        warm(runtime)[0].run_due()
    assert leaving == [worker.WORN_OUT]


def test_a_database_that_is_away_ends_the_round_and_not_the_worker(runtime: Runtime) -> None:
    script(runtime)
    warm_worker, _ = warm(runtime)
    runtime.db.url = "sqlite:////nowhere/at/all.sqlite3"
    runtime.db.__dict__.pop("engine", None)
    runtime.db.__dict__.pop("_writer", None)
    warm_worker.run_due()
    assert warm_worker.run(1) is False


def test_the_private_redis_is_used_where_none_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def private_url(folder: Path) -> str:
        asked.append(folder)
        return "unix:///private"

    monkeypatch.setattr(startup, "private_url", private_url)
    monkeypatch.setattr(startup, "load_settings", lambda: Settings(data_dir=tmp_path))
    assert startup.start().redis_url == "unix:///private"
    assert asked == [tmp_path]
    given = Settings(data_dir=tmp_path, redis_url="redis://elsewhere")
    monkeypatch.setattr(startup, "load_settings", lambda: given)
    assert startup.start().redis_url == "redis://elsewhere"


def test_a_process_whose_parent_is_gone_ends_at_once() -> None:
    program = "from workers.parent import end_with_parent; end_with_parent(1 << 30); print('still here')"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert has_parent(os.getppid())
    assert has_parent(None)


def test_burying_ends_a_lease_from_the_command_line(runtime: Runtime, settings: Settings) -> None:
    from qa_audit.storage import tasks

    _, task_id = receive(runtime)
    with runtime.db.write() as session:
        lease = tasks.claim(session, task_id, now=runtime.db.now(session), seconds=60)
    assert lease is not None
    environment: dict[str, Any] = {
        **os.environ,
        "QA_AUDIT_DATA_DIR": str(settings.data_dir),
        "QA_AUDIT_DATABASE_URL": settings.database_url,
    }
    command = [sys.executable, "-m", "workers.bury", str(task_id), lease.token, "2"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    with runtime.db.read() as session:
        found = session.get_one(tables.Task, task_id)
    assert (found.state, found.crash_count) == ("queued", 2)
