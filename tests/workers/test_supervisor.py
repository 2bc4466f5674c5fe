"""The supervisor starts workers again, kills those that hang, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qa_audit.config import Settings
from workers import supervisor as module
from workers.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
BEAT = 0.5


class Watched:
    """A supervisor in a thread, the stub that it looks after, and the leases that it ended."""

    def __init__(self, folder: Path) -> None:
        self.plan_file = folder / "plan.json"
        self.settings = Settings(data_dir=folder, beat_seconds=BEAT, lease_seconds=1.0, grace_seconds=1.0)
        self.ended: list[tuple[int, str, int]] = []
        self.code: int | None = None

    def run(self, *queues: str, burst: bool = False, **plan: Any) -> None:
        self.plan_file.write_text(json.dumps(plan))
        self.supervisor = Supervisor(self.settings, queues, burst=burst, worker="tests.workers.stub")
        self.supervisor._end_lease = lambda *lease: self.ended.append(lease)  # type: ignore[method-assign]
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        self.code = self.supervisor.run()

    @property
    def starts(self) -> list[int]:
        path = self.plan_file.with_suffix(".starts")
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def stop(self) -> None:
        self.supervisor.stop()
        self.thread.join(timeout=20)
        assert not self.thread.is_alive()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A supervisor that is stopped in the end."""
    built = Watched(tmp_path)
    monkeypatch.setenv("STUB", str(built.plan_file))
    monkeypatch.chdir(ROOT)
    yield built
    built.stop()


def wait(so: Callable[[], object], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_is_small() -> None:
    program = "import sys, workers.supervisor; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    names = found.stdout.decode().split()
    loaded = {name.split(".")[0] for name in names}
    assert not loaded & {"torch", "whisper", "rq", "redis", "sqlalchemy", "sqlmodel", "numpy", "av", "flask"}
    assert "workers.supervisor" in names
    assert "qa_audit.runtime" not in names


def test_each_queue_gets_a_worker_of_its_own(watched: Watched) -> None:
    watched.run("default", "transcription", seconds=30)
    wait(lambda: len(watched.starts) == 2)
    watched.stop()
    assert watched.code == 0
    assert not any(is_running(pid) for pid in watched.starts)


@pytest.mark.parametrize("code", [0, 1])
def test_a_worker_is_started_again_whatever_its_exit_code_but_later_each_time(
    watched: Watched, code: int
) -> None:
    began = time.monotonic()
    watched.run("default", code=code)
    wait(lambda: len(watched.starts) == 3)
    # The second comes a second after the first has ended, the third two seconds after the second.
    assert time.monotonic() - began > 3.0


def test_a_worker_that_got_something_done_is_started_again_soon(watched: Watched) -> None:
    watched.run("default", said={"ended": 1})
    wait(lambda: len(watched.starts) == 3)
    assert watched.supervisor._workers[0].fruitless == 0


def test_a_dead_workers_lease_is_ended_as_one_death(watched: Watched) -> None:
    watched.run("default", said={"task": 7, "token": "abc"}, code=1)
    wait(lambda: watched.ended)
    assert watched.ended[0] == (7, "abc", 1)


def test_a_silent_worker_is_killed_with_its_children_and_counts_twice(watched: Watched) -> None:
    watched.run("default", said={"task": 7, "token": "abc"}, seconds=60, child=True)
    wait(lambda: watched.ended)
    assert watched.ended[0] == (7, "abc", 2)
    assert not is_running(watched.starts[0])
    child = int(watched.plan_file.with_suffix(".child").read_text())
    wait(lambda: not is_running(child), seconds=5)


def test_a_worker_beyond_its_deadline_is_killed_though_it_beats(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    said = {"task": 7, "token": "abc", "at": now + 3600, "deadline": now}
    watched.run("default", said=said, seconds=60)
    wait(lambda: watched.ended)
    assert watched.ended[0] == (7, "abc", 2)


def test_a_worker_that_does_not_stop_in_time_is_killed(watched: Watched) -> None:
    now = time.monotonic()
    watched.run("default", said={"task": 7, "token": "abc", "at": now + 3600}, seconds=60, deaf=True)
    wait(lambda: watched.supervisor._workers[0].said.task == 7)
    watched.stop()
    assert watched.ended == [(7, "abc", 1)]
    assert not is_running(watched.starts[0])


def test_a_burst_ends_when_its_one_worker_is_done(watched: Watched) -> None:
    watched.run("default", "transcription", burst=True)
    wait(lambda: watched.code == 0)
    assert len(watched.starts) == 1


def test_a_burst_starts_a_worker_again_that_did_not_end_well(watched: Watched) -> None:
    watched.run("default", burst=True, code=75)
    wait(lambda: len(watched.starts) == 2)
    watched.plan_file.write_text("{}")
    wait(lambda: watched.code == 0)


def test_after_a_pause_of_its_own_it_gives_the_workers_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    supervisor = Supervisor(Settings(data_dir=tmp_path), ["default"])
    worker = supervisor._workers[0]
    clock[0] += 500
    assert supervisor._trouble(worker, clock[0]) is not None
    supervisor._forgive_own_pause()
    assert supervisor._trouble(worker, clock[0]) is None


def test_the_alarm_is_given_after_five_starts_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Log:
        def info(self, event: str, **values: Any) -> None: ...
        def warning(self, event: str, **values: Any) -> None: ...
        def error(self, event: str, **values: Any) -> None:
            said.append(event)

    monkeypatch.setattr(module, "log", Log())
    supervisor = Supervisor(Settings(data_dir=tmp_path), ["default"])
    worker = supervisor._workers[0]
    for _ in range(5):
        worker.process = subprocess.Popen([sys.executable, "-c", ""], process_group=0)
        worker.pipe = os.open(os.devnull, os.O_RDONLY)
        worker.process.wait()
        supervisor._bury(worker, weight=1)
    assert said == ["workers end before they have done anything"]
    assert worker.start_at - time.monotonic() > 10
