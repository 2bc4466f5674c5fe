"""Who listens for the doorbell: the workers that signed on in Redis, and when each last said that it lives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from qa_audit.queue.rq_jobs import SOCKET_SECONDS, connect


@dataclass(frozen=True)
class Listener:
    """A worker: the queues it hears, whether it has a task in hand, and its last word (None: none yet)."""

    name: str
    host: str
    queues: tuple[str, ...]
    is_busy: bool
    heard_at: datetime | None


def listeners(url: str) -> tuple[Listener, ...] | None:
    """Return the workers that Redis knows, by host; None without a Redis that answers."""
    if not url:
        return None
    from rq import Worker

    try:
        found = Worker.all(connection=connect(url, SOCKET_SECONDS), serializer="json")
    except Exception:
        return None
    return tuple(sorted(map(_listener, found), key=lambda one: (one.host, one.queues, one.name)))


def _listener(worker: object) -> Listener:
    heard = getattr(worker, "last_heartbeat", None)
    if heard is not None and heard.tzinfo is None:
        heard = heard.replace(tzinfo=UTC)
    return Listener(
        name=str(getattr(worker, "name", "")),
        host=str(getattr(worker, "hostname", None) or "an unknown machine"),
        queues=tuple(queue.name for queue in getattr(worker, "queues", ())),
        is_busy=str(getattr(worker, "_state", "")).rsplit(".", 1)[-1].lower() == "busy",
        heard_at=heard,
    )
