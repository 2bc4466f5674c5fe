"""Look after warm workers: start them, bury those that die or hang, start them again.

Small on purpose: it imports neither torch nor rq nor the database, so that nothing of what kills workers is
in it. Every worker has a process group of its own, says by pipe how it is, and dies with the supervisor.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from qa_audit import logs
from qa_audit.config import Settings, load_settings
from workers.parent import end_with_parent

WORKER = "workers.worker"
SILENT_BEATS = 3
"""After so many beats without a word a worker is taken for hung: 45 s."""

STARTING_SECONDS = 60.0
"""A process has this much longer to say its first word: it loads a lot first."""

LONGEST_PAUSE = 60.0
ALARMING = 5
"""After so many starts without a task ended in between, the log says so as an error."""

OWN_PAUSE = 5.0
"""A longer time between two looks of the supervisor means that it was stopped."""

TICK = 0.5

log = logs.get("workers.supervisor")


@dataclass
class Said:
    """What a worker said last; times by the machine's monotonic clock, which all processes share."""

    at: float
    task: int | None = None
    token: str | None = None
    deadline: float | None = None
    ended: int = 0


@dataclass
class Worker:
    """One worker's process, or the place of one that is to be started at `start_at`."""

    queues: str
    process: subprocess.Popen[bytes] | None = None
    pipe: int = -1
    rest: bytes = b""
    said: Said = field(default_factory=lambda: Said(time.monotonic()))
    fruitless: int = 0
    start_at: float = 0.0
    finished: bool = False


class Supervisor:
    """Run one worker per queue (in a burst one for all) with the module `worker` until stopped."""

    def __init__(
        self, settings: Settings, queues: Sequence[str], *, burst: bool = False, worker: str = WORKER
    ) -> None:
        self._settings = settings
        self._burst = burst
        self._module = worker
        self._workers = [Worker(names) for names in ([",".join(queues)] if burst else queues)]
        self._burials: list[subprocess.Popen[bytes]] = []
        self._stopped_at: float | None = None
        self._looked_at = time.monotonic()

    def stop(self) -> None:
        """Stop soon; safe in a signal handler."""
        self._stopped_at = self._stopped_at or time.monotonic()

    def run(self) -> int:
        """Look after the workers until all have ended for good; returns the exit code."""
        told = False
        while any(self._is_wanted(worker) for worker in self._workers):
            if self._stopped_at is not None and not told:
                told = True
                self._signal_all(signal.SIGTERM)
            self._listen()
            self._forgive_own_pause()
            for worker in self._workers:
                self._look_after(worker)
            self._burials = [burial for burial in self._burials if burial.poll() is None]
        for burial in self._burials:
            with suppress(subprocess.TimeoutExpired):
                burial.wait(timeout=10)
        return 0

    def _forgive_own_pause(self) -> None:
        """Give the workers time to speak when this process was stopped itself, most likely with them."""
        now = time.monotonic()
        if now - self._looked_at > OWN_PAUSE:
            for worker in self._workers:
                worker.said.at = max(worker.said.at, now)
        self._looked_at = now

    def _is_wanted(self, worker: Worker) -> bool:
        return worker.process is not None or not (worker.finished or self._stopped_at is not None)

    def _look_after(self, worker: Worker) -> None:
        now = time.monotonic()
        if worker.process is None:
            if self._is_wanted(worker) and now >= worker.start_at:
                self._start(worker)
        elif _has_ended(worker.process):
            self._bury(worker, weight=1)
        elif (trouble := self._trouble(worker, now)) is not None:
            log.error("worker killed", queues=worker.queues, why=trouble, task=worker.said.task)
            self._bury(worker, weight=1 if self._stopped_at is not None else 2)

    def _trouble(self, worker: Worker, now: float) -> str | None:
        """Say why a living worker has to be killed, or None."""
        if self._stopped_at is not None and now > self._stopped_at + self._settings.grace_seconds:
            return "it did not stop in time"
        if now > worker.said.at + SILENT_BEATS * self._settings.beat_seconds:
            return "it was silent"
        deadline = worker.said.deadline
        if deadline is not None and now > deadline + self._settings.lease_seconds:
            return "it worked beyond its deadline"
        return None

    def _start(self, worker: Worker) -> None:
        """Start a process in a group of its own that holds the writing end of a pipe."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        command = [sys.executable, "-m", self._module, "--queues", worker.queues]
        command += ["--parent", str(os.getpid()), "--pipe", str(writing)]
        command += ["--burst"] if self._burst else []
        worker.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, pass_fds=(writing,), process_group=0
        )
        os.close(writing)
        worker.pipe, worker.rest = reading, b""
        worker.said = Said(time.monotonic() + STARTING_SECONDS)
        log.info("worker started", queues=worker.queues, pid=worker.process.pid)

    def _listen(self) -> None:
        """Wait a tick for what the workers say."""
        pipes = {worker.pipe: worker for worker in self._workers if worker.process is not None}
        tick = min(TICK, self._settings.beat_seconds / 3)
        ready, _, _ = select.select(list(pipes), [], [], tick)
        for pipe in ready:
            if not _hear(pipes[pipe]):
                # The pipe's other end is closed: the process is about to end, and must not keep us spinning.
                time.sleep(tick / 10)

    def _bury(self, worker: Worker, weight: int) -> None:
        """Kill what is left of a worker's group, end its lease, and plan its successor."""
        process = worker.process
        assert process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        while _hear(worker):
            pass
        os.close(worker.pipe)
        worker.process = None
        if worker.said.task is not None and worker.said.token is not None:
            self._end_lease(worker.said.task, worker.said.token, weight)
        worker.finished = self._burst and process.returncode == 0
        worker.fruitless = 0 if worker.said.ended else worker.fruitless + 1
        pause = min(2.0 ** max(worker.fruitless - 1, 0), LONGEST_PAUSE)
        worker.start_at = time.monotonic() + pause
        if self._is_wanted(worker):
            log.warning("worker ended", queues=worker.queues, code=process.returncode, starting_in=pause)
        if worker.fruitless and worker.fruitless % ALARMING == 0:
            log.error(
                "workers end before they have done anything", queues=worker.queues, starts=worker.fruitless
            )

    def _end_lease(self, task: int, token: str, weight: int) -> None:
        command = [sys.executable, "-m", "workers.bury", str(task), token, str(weight)]
        self._burials.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))

    def _signal_all(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process is not None:
                with suppress(ProcessLookupError):
                    os.kill(worker.process.pid, number)


def main(argv: Sequence[str] | None = None, worker: str = WORKER) -> int:
    """Run the workers of some queues until SIGTERM or SIGINT; `worker` is the module of their processes."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--queues", default="default,transcription", help="queues, separated by commas")
    parser.add_argument("--burst", action="store_true", help="end when nothing is due")
    parser.add_argument("--parent", type=int, help="end together with this process")
    options = parser.parse_args(argv)
    logs.configure()
    supervisor = Supervisor(load_settings(), options.queues.split(","), burst=options.burst, worker=worker)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    end_with_parent(options.parent, signal.SIGTERM)
    return supervisor.run()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look whether a process has ended without reaping it: until then its id is nobody else's."""
    found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return found is not None


def _hear(worker: Worker) -> bool:
    """Take in what a worker has said; False when there is nothing more to hear."""
    try:
        data = os.read(worker.pipe, 65_536)
    except BlockingIOError:
        return False
    *lines, worker.rest = (worker.rest + data).split(b"\n")
    for line in lines:
        with suppress(ValueError, TypeError):
            worker.said = Said(**json.loads(line))
    return bool(data)
