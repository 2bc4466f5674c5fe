"""One attempt at one stage: what the stage gets, what it leaves behind, and who watches over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from qa_audit import logs
from qa_audit.domain.workflow import CallStatus, Stage
from qa_audit.errors import LeaseLost, Temporary
from qa_audit.services.ports import Ports
from qa_audit.services.time_left import TimeLeft
from qa_audit.storage import results, tasks
from qa_audit.storage.database import OperationalError, Session
from qa_audit.storage.results import Subject
from qa_audit.storage.tasks import Lease

PROGRESS_EVERY = 1.0
"""Seconds between two writes of a stage's progress."""

log = logs.get(__name__)


class TooSlow(Temporary):
    """The stage did not end within its time."""


class Watch(Protocol):
    """Somebody who keeps a lease alive while a stage works, and knows when the work must end."""

    def begin(self, lease: Lease) -> None:
        """Take note that work on a task begins."""
        ...

    def limit(self, seconds: float | None) -> None:
        """Take note that the work must end within so many seconds from now; None: no limit yet."""
        ...

    def check(self) -> None:
        """Raise Stopped when the process is to end, LeaseLost when the lease is known to be gone."""
        ...

    def end(self) -> None:
        """Take note that the work has ended."""
        ...


class Unwatched:
    """Nobody watches: for work that is shorter than a lease, and for tests."""

    def begin(self, lease: Lease) -> None:
        """Do nothing."""

    def limit(self, seconds: float | None) -> None:
        """Do nothing."""

    def check(self) -> None:
        """Let the work go on."""

    def end(self) -> None:
        """Do nothing."""


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Outcome:
    """What a stage leaves behind; `store` writes it in the transaction that closes the task.

    `status` is the call's from then on, `next_stage` the task to add. `settled` runs after the commit,
    `dropped` instead of it when the lease was lost; both only tidy up and must not be needed for correctness.
    """

    store: Callable[[Session], None]
    status: CallStatus
    state: Literal["done", "waiting"] = "done"
    next_stage: Stage | None = None
    status_text: str | None = None
    settled: Callable[[], None] = nothing
    dropped: Callable[[], None] = nothing


class Work:
    """One attempt at one stage of one call. `check` is to be called wherever the work can end."""

    def __init__(self, ports: Ports, lease: Lease, subject: Subject, watch: Watch) -> None:
        self.ports = ports
        self.lease = lease
        self.subject = subject
        self._watch = watch
        self._deadline: float | None = None
        self._seconds = 0.0
        self._written_at = 0.0
        self._written: tuple[int, int | None] = (0, None)
        self._time_left = TimeLeft()

    def limit(self, seconds: float | None) -> None:
        """Give the rest of the stage so many seconds; None lifts the limit."""
        self._seconds = seconds or 0.0
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._watch.limit(seconds)

    def extend(self, seconds: float) -> None:
        """Give the rest of the stage so many seconds more, where it has a limit."""
        if self._deadline is not None:
            self._seconds += seconds
            self._deadline += seconds
            self._watch.limit(self._deadline - time.monotonic())

    def check(self) -> None:
        """Raise Stopped, LeaseLost, or TooSlow."""
        self._watch.check()
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TooSlow(f"The work was stopped because it took longer than {self._seconds:.0f} seconds.")

    def progress(self, fraction: float) -> None:
        """Check, and record the finished fraction (0 to 1) of the stage and the time left.

        Written at most once a second.
        """
        self.check()
        fraction, now = min(max(fraction, 0.0), 1.0), time.monotonic()
        found = int(100 * fraction), self._time_left.tell(fraction, now)
        if found == self._written or now - self._written_at < PROGRESS_EVERY:
            return
        self._written, self._written_at = found, now
        try:
            self._write(*found)
        except OperationalError:
            log.warning("progress not recorded: the database does not answer")

    def part(self, begin: float, end: float) -> Callable[[float], None]:
        """Return a progress function for the part of the stage from fraction `begin` to `end`."""
        return lambda fraction: self.progress(begin + fraction * (end - begin))

    def _write(self, percent: int, seconds_left: int | None) -> None:
        with self.ports.db.write() as session:
            if not tasks.put_progress(session, self.lease, percent):
                raise LeaseLost()
            results.put_progress(session, self.lease.call_id, percent, seconds_left)
