"""A small installation in its own processes, with leases of seconds, to be hurt."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from qa_audit.queue import private_redis
from qa_audit.runtime import Runtime
from qa_audit.services import sweeping, tasks
from qa_audit.storage import tables
from tests.factories import make_call, make_recording, make_task

ROOT = Path(__file__).resolve().parents[2]
LEASE = 4.0
GRACE = 4.0


@dataclass
class Installation:
    """A data folder with a database, and the processes that were started on it."""

    runtime: Runtime
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    rubrics: int = 0

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.runtime.settings.data_dir

    def plan(self, **plan: Any) -> None:
        """Say how transcriptions go in workers that are started from now on."""
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def start(self, module: str, *options: str, log: str = "log") -> subprocess.Popen[bytes]:
        """Start `python -m tests.faults.MODULE` in a process group of its own; it dies with the tests."""
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", f"tests.faults.{module}", *options],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=private_redis.die_with_parent(),
            )
        self.processes.append(process)
        return process

    def upload(self, number: int, data: bytes = b"RIFF") -> list[int]:
        """Accept recordings as an upload does, rings included; returns the calls' keys."""
        calls = []
        for _ in range(number):
            with self.runtime.db.write() as session:
                call = make_call(session)
                recording = make_recording(session, call)
                self.runtime.media.put_bytes(recording.media_key, data + recording.sha256.encode())
                task = make_task(session, call)
            assert call.id is not None
            assert task.id is not None
            tasks.ring(self.runtime, task.id)
            calls.append(call.id)
        return calls

    def begun(self) -> list[int]:
        """Return the process ids of all transcriptions that were begun."""
        return self._noted("begun")

    def decoded(self) -> list[int]:
        """Return the numbers of all groups of windows whose recognition was begun, in that order."""
        return self._noted("decoded")

    def parts(self) -> int:
        """Count the finished groups of windows that are kept."""
        with self.runtime.db.read() as session:
            return session.scalar(select(func.count()).select_from(tables.TranscriptPartRow)) or 0

    def _noted(self, name: str) -> list[int]:
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def statuses(self) -> list[str]:
        """Return the status of every call."""
        with self.runtime.db.read() as session:
            return list(session.scalars(select(tables.Call.status).order_by(tables.Call.id)))

    def tasks(self, stage: str) -> list[tables.Task]:
        """Return all tasks of a stage."""
        with self.runtime.db.read() as session:
            found = list(session.scalars(select(tables.Task).where(tables.Task.stage == stage)))
            session.expunge_all()
            return found

    def wait(self, until: Callable[[], object], seconds: float = 90.0) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                log = (self.folder / "log").read_text()[-6000:] if (self.folder / "log").exists() else ""
                raise AssertionError(f"still not so after {seconds} s: {self.statuses()}\n{log}")
            time.sleep(0.05)

    def wait_for_all(self, number: int, status: str = "prescored") -> None:
        """Wait until so many calls have reached a status."""
        self.wait(lambda: self.statuses().count(status) == number)

    def check_each_done_once(self, calls: list[int]) -> None:
        """Check that every call has one current transcript and one pre-score per rubric, and say how many."""
        with self.runtime.db.read() as session:
            transcripts = dict(
                session.execute(
                    select(tables.TranscriptRow.call_id, func.count()).group_by(tables.TranscriptRow.call_id)
                ).all()
            )
            prescores = dict(
                session.execute(
                    select(tables.PreScoreRow.call_id, func.count()).group_by(tables.PreScoreRow.call_id)
                ).all()
            )
        assert self.rubrics > 0
        assert transcripts == dict.fromkeys(calls, 1)
        assert prescores == dict.fromkeys(calls, self.rubrics)
        total = sum(prescores.values())
        print(f"accepted {len(calls)}, transcripts {len(transcripts)}, pre-scores {total}: each exactly once")

    @contextlib.contextmanager
    def sweeping(self) -> Iterator[None]:
        """Sweep in the background, as the sweep's process would."""
        stop, sweeper = threading.Event(), sweeping.Sweeper()

        def sweep() -> None:
            while not stop.wait(self.runtime.settings.sweep_seconds):
                sweeping.sweep_once(self.runtime, sweeper)

        thread = threading.Thread(target=sweep)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def end(self) -> None:
        """Kill what is left."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pid in set(self.begun()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.runtime.db.dispose()
