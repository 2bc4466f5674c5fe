"""Listen to the doorbell: RQ's worker loop, kept to what a warm worker needs (RQ 3.0)."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from qa_audit import logs
from qa_audit.queue.names import RUN_TASK
from qa_audit.queue.rq_jobs import RESULT_SECONDS, connect

WORKER_SECONDS = 60
"""How long Redis remembers this worker after its last word, and how often RQ tidies up."""

log = logs.get(__name__)


class BellBroken(Exception):
    """Redis does not answer any more."""


class Overtime(BaseException):
    """RQ's own alarm rang: no `except Exception` in a stage may swallow it."""


class Alarm(UnixSignalDeathPenalty):
    """RQ's alarm, with an exception that only this process's main loop catches."""

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """Raise Overtime in place of the job's time-out, and what RQ wants in every other case."""
        if self._exception is JobTimeoutException:
            raise Overtime()
        raise self._exception("RQ's alarm rang.")


class Listener(SimpleWorker):
    """A worker that does not fork, hears one queue, and looks at the database in between.

    `idle` is called whenever `pause` seconds went by without a ring; `stopping` says whether to end. Signals
    are the process's business: `interrupt` ends the waiting at once, and nothing else.
    """

    death_penalty_class = Alarm
    log_result_lifespan = False

    def __init__(
        self, url: str, queue: str, *, pause: float, idle: Callable[[], None], stopping: Callable[[], bool]
    ) -> None:
        super().__init__(
            [queue],
            connection=connect(url, WORKER_SECONDS),
            serializer="json",
            worker_ttl=WORKER_SECONDS,
            maintenance_interval=WORKER_SECONDS,
            default_result_ttl=RESULT_SECONDS,
            log_job_description=False,
        )
        self._pause = max(1, math.ceil(pause))
        self._idle = idle
        self._stopping = stopping
        self._waiting = False

    def interrupt(self) -> None:
        """End the waiting for a ring; called by a signal handler. Work in hand is not disturbed."""
        if self._waiting:
            raise StopRequested()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for a ring, with a look at the database at the start and after every pause."""
        while True:
            self._idle()
            try:
                self._waiting = True
                if self._stopping():
                    raise StopRequested()
                result = super().dequeue_job_and_maintain_ttl(self._pause, self._pause)
            finally:
                self._waiting = False
            if result is not None:
                return result

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a hint, and no other function that somebody may have put into Redis."""
        if job.func_name != RUN_TASK:
            log.warning("a job that is no hint was thrown away", queue=queue.name)
            job.delete()
            return
        super().execute_job(job, queue)

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Tell Redis that this worker lives; raises BellBroken, which RQ's loop does not try to sit out."""
        try:
            super().heartbeat(*args, **kwargs)
        except RedisError as error:
            raise BellBroken() from error

    def subscribe(self) -> None:
        """Hear no commands: stopping and cancelling go through signals and the database."""

    def teardown(self) -> None:
        """Sign off, if there is anybody to sign off from."""
        with suppress(RedisError, BellBroken):
            super().teardown()  # type: ignore[no-untyped-call]

    def _install_signal_handlers(self) -> None:
        """Leave the process's own signal handlers alone."""
