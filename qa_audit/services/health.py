"""Whether this installation can do its work, part by part, and how much work there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qa_audit import logs
from qa_audit.services.ports import Ports
from qa_audit.services.receiving import ensure_room
from qa_audit.storage import gauges

_log = logs.get(__name__)


@dataclass(frozen=True)
class Readiness:
    """Each part's state in a word. Without Redis work goes on, only slower: uploads are still accepted."""

    database: str
    media: str
    redis: str

    @property
    def accepts_uploads(self) -> bool:
        """Say whether a recording that arrives now would be kept."""
        return self.database == self.media == "ok"

    @property
    def status(self) -> str:
        """Sum up: ok, degraded or down."""
        if not self.accepts_uploads:
            return "down"
        return "ok" if self.redis == "ok" else "degraded"


@dataclass(frozen=True)
class Work:
    """Counts of calls and tasks, and the age in seconds of the oldest task that waits (0 when none does)."""

    calls: Mapping[str, int]
    tasks: Mapping[str, int]
    oldest_queued: float


def readiness(ports: Ports) -> Readiness:
    """Try each part once."""
    return Readiness(
        database=_state(ports.db.ping, "away"),
        media=_state(lambda: ensure_room(ports), "full or not writable"),
        redis="ok" if bell_rings(ports) else "away",
    )


def bell_rings(ports: Ports) -> bool:
    """Say whether workers hear of new work at once; if not, the sweep finds it a little later."""
    try:
        return ports.jobs.ping()
    except Exception:
        return False


def work(ports: Ports) -> Work:
    """Count the work there is."""
    with ports.db.read() as session:
        found = gauges.read(session)
    oldest = found.oldest_queued
    age = max(0.0, (ports.clock() - oldest).total_seconds()) if oldest else 0.0
    return Work(found.calls, found.tasks, age)


def _state(attempt: Callable[[], None], otherwise: str) -> str:
    try:
        attempt()
    except Exception as error:
        _log.warning("a part is not ready", error=type(error).__name__)
        return otherwise
    return "ok"
