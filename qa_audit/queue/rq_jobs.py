"""The doorbell on RQ and Redis, and a silent one for installations without Redis.

Hints carry three numbers as JSON. The worker runs no other function than the one for hints, and that one only
looks into the database: writing to Redis makes nobody run code.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from qa_audit import logs
from qa_audit.queue.names import DEFAULT, RUN_TASK, TRANSCRIPTION

if TYPE_CHECKING:
    from redis import Redis
    from rq import Queue

SOCKET_SECONDS = 1.0
RESULT_SECONDS = 60
FAILURE_SECONDS = 3 * 24 * 3600

ALARM_SECONDS = {DEFAULT: 3600 + 120, TRANSCRIPTION: 6 * 4 * 3600 + 120}
"""When RQ's own alarm rings, in seconds: two minutes after the longest deadline of a stage in the queue (six
times four hours of sound), so that it is never first. The stage's deadline and the supervisor end a hang."""

log = logs.get(__name__)


class RqJobs:
    """Ring by enqueueing a job in Redis; `url` is `redis://`, `rediss://` or `unix://`.

    Nothing connects before the first ring, and nothing is ever raised.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
        """Enqueue a hint; one that is there already counts as rung."""
        from rq.exceptions import DuplicateJobError

        try:
            self._queue(queue).enqueue_call(
                RUN_TASK,
                kwargs={"task_id": task_id, "attempt": attempt, "ring": ring},
                job_id=f"{task_id}-{attempt}-{ring}",
                unique=True,
                timeout=ALARM_SECONDS[queue],
                result_ttl=RESULT_SECONDS,
                failure_ttl=FAILURE_SECONDS,
                description=f"task {task_id}",
            )
        except DuplicateJobError:
            return True
        except Exception as error:
            log.warning("the bell is out of order", queue=queue, error=type(error).__name__)
            return False
        return True

    def waiting(self, queue: str) -> int | None:
        """Count the hints that no worker has taken yet; None when Redis does not answer."""
        try:
            return int(self._queue(queue).count)
        except Exception:
            return None

    def ping(self) -> bool:
        """Say whether Redis answers within a second."""
        try:
            return bool(self._redis.ping())
        except Exception:
            return False

    def _queue(self, name: str) -> Queue:
        from rq import Queue

        return Queue(name, connection=self._redis, serializer="json")

    @cached_property
    def _redis(self) -> Redis:
        return connect(self._url, SOCKET_SECONDS)


class NoJobs:
    """The silent bell: workers look into the database by themselves."""

    def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
        """Do nothing."""
        return False

    def waiting(self, queue: str) -> int | None:
        """Say that there is no bell."""
        return None

    def ping(self) -> bool:
        """Say that there is no bell."""
        return False


def connect(url: str, socket_seconds: float) -> Redis:
    """Return a client that gives up after `socket_seconds` and does not try again by itself."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        url,
        socket_timeout=socket_seconds,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
