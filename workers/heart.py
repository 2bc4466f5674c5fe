"""The heart of a warm worker: a thread that keeps the lease alive and tells the supervisor how things stand.

It proves only that the interpreter runs. So it never keeps a task alive past its deadline: the supervisor
knows the deadline too, and ends a worker that beats on and on.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress

from qa_audit import logs
from qa_audit.config import Settings
from qa_audit.errors import LeaseLost, Stopped
from qa_audit.storage import tasks
from qa_audit.storage.database import Database
from qa_audit.storage.tasks import Lease
from workers.parent import has_parent

LEAVING = 0.8
"""The part of the grace time after which a worker that is still busy lets go and leaves."""

TICK = 1.0
"""Seconds between two words to the supervisor, less where leases are short."""

log = logs.get(__name__)


class Heart:
    """Watch over one task at a time (see `services.stage.Watch`), on a database connection of its own.

    `pipe` is the supervisor's end of a pipe, `parent` its process id; both None without a supervisor.
    `wakeup_fd` is for `signal.set_wakeup_fd`: so it hears SIGTERM even while the main thread is deep in C
    code and no Python handler can run.
    """

    def __init__(self, settings: Settings, *, pipe: int | None = None, parent: int | None = None) -> None:
        self._settings = settings
        self._pipe = pipe
        self._parent = parent
        self._db = Database(settings.database)
        self._lock = threading.Lock()
        self._stopped_at: float | None = None
        self._stop_read, self._stop_write = os.pipe()
        self._signal_read, self.wakeup_fd = os.pipe()
        os.set_blocking(self.wakeup_fd, False)
        self._renewed_at = 0.0
        self._finished = False
        self._lease: Lease | None = None
        self._lost = False
        self._deadline: float | None = None
        self._ended = 0

    @property
    def stopping(self) -> bool:
        """Say whether the process was asked to stop."""
        return self._stopped_at is not None

    def start(self) -> None:
        """Begin to beat."""
        threading.Thread(target=self._beat_on, name="heart", daemon=True).start()

    def finish(self) -> None:
        """Beat no more, now that all work is done."""
        self._finished = True

    def stop(self) -> None:
        """Take note that the process is to stop: `check` raises from now on.

        Safe in a signal handler, which may interrupt a thread that holds any lock: so a pipe, no event.
        """
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            os.write(self._stop_write, b".")

    def pause(self, seconds: float) -> None:
        """Wait, but not when the process is to stop."""
        select.select([self._stop_read], [], [], seconds)

    def begin(self, lease: Lease) -> None:
        """Take note that work on a task begins, and tell the supervisor before it does."""
        self._lost, self._deadline, self._renewed_at = False, None, time.monotonic()
        self._lease = lease
        self._tell()

    def limit(self, seconds: float | None) -> None:
        """Take note that the work must end within so many seconds."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._tell()

    def check(self) -> None:
        """Raise LeaseLost when the lease is gone, Stopped when the process is to stop."""
        if self._lost:
            raise LeaseLost()
        if self.stopping:
            raise Stopped()

    def end(self) -> None:
        """Take note that the work has ended."""
        self._lease, self._deadline = None, None
        self._ended += 1
        self._tell()

    def _beat_on(self) -> None:
        tick = min(TICK, self._settings.beat_seconds / 3)
        while not self._finished:
            self._tell()
            if not has_parent(self._parent):
                os._exit(1)
            if time.monotonic() - self._renewed_at >= self._settings.beat_seconds:
                self._renew()
            if self._stopped_at is not None and time.monotonic() > self._stopped_at + self._patience:
                self._leave()
            self._sleep(tick)

    def _sleep(self, seconds: float) -> None:
        """Sleep, and take note of a signal that the main thread could not handle yet."""
        if select.select([self._signal_read], [], [], seconds)[0]:
            numbers = os.read(self._signal_read, 1024)
            if signal.SIGTERM in numbers or signal.SIGINT in numbers:
                self.stop()

    @property
    def _patience(self) -> float:
        return LEAVING * self._settings.grace_seconds

    def _renew(self) -> None:
        """Extend the lease. A database that is away is no reason to stop: the fence decides in the end."""
        lease = self._lease
        if lease is None or self._lost:
            return
        self._renewed_at = time.monotonic()
        try:
            with self._db.write() as session:
                now = self._db.now(session)
                kept = tasks.beat(session, lease, now=now, seconds=self._settings.lease_seconds)
        except Exception as error:
            log.warning("beat failed", task=lease.task_id, error=type(error).__name__)
            return
        if not kept and lease is self._lease:
            self._lost, self._deadline = True, time.monotonic()
            log.warning("lease lost", task=lease.task_id)
            self._tell()

    def _leave(self) -> None:
        """Put the task back and end the process in the middle of its work, before it is killed."""
        lease = self._lease
        if lease is not None:
            with suppress(Exception):
                with self._db.write() as session:
                    tasks.let_go(session, lease, now=self._db.now(session))
                self._lease = None
                self._tell()
            log.info("stage ended", task=lease.task_id, outcome="stopped")
        sys.stderr.flush()
        os._exit(0)

    def _tell(self) -> None:
        if self._pipe is None:
            return
        with self._lock:
            lease = self._lease
            line = {
                "at": time.monotonic(),
                "task": lease.task_id if lease else None,
                "token": lease.token if lease else None,
                "deadline": self._deadline,
                "ended": self._ended,
            }
            try:
                os.write(self._pipe, json.dumps(line).encode() + b"\n")
            except OSError:
                self._pipe = None
