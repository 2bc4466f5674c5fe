"""The sweep: mend what was left lying, and ring where nobody heard. Safe in several copies at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path

from qa_audit import logs
from qa_audit.domain.workflow import STAGES, Stage
from qa_audit.queue.names import QUEUE_OF_STAGE, QUEUES
from qa_audit.services import tasks
from qa_audit.services.ports import Ports
from qa_audit.services.tasks import bury, ring, show_queued
from qa_audit.services.transcription import speech_settings
from qa_audit.storage import results, uploads
from qa_audit.storage import tasks as store

STEP = 5.0
"""Seconds that the database's clock may run apart from ours between two passes without having stepped."""

RING_AGAIN = 1 / 6
"""A bell that nobody answered is rung again after so many lengths of a lease: 10 s if that is a minute."""

MOST_RINGS = 500
TEMPORARY_SECONDS = 3600.0
ORPHAN_SECONDS = 24 * 3600.0
KEYS_LIVE = timedelta(hours=24)
TIDY_EVERY = 600.0
"""Seconds between two looks through all files, which are many."""

_BATCH = 500

log = logs.get(__name__)


@dataclass(frozen=True)
class Swept:
    """What one pass did. `bell` says whether the doorbell works."""

    ended: int = 0
    requeued: int = 0
    rung: int = 0
    removed: int = 0
    bell: bool = True


class ClockGuard:
    """Notice when the database's clock steps: for a lease's length from then on no lease may be ended.

    Workers that live renew their leases meanwhile by the new time.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._quiet_until = float("-inf")

    def steady(self, wall: float, monotonic: float, lease: float) -> bool:
        """Say whether leases can be trusted, given the database's time and a clock that never steps."""
        if self._last is not None:
            drift = (wall - self._last[0]) - (monotonic - self._last[1])
            if abs(drift) > STEP:
                log.warning("the database's clock stepped", seconds=round(drift))
                self._quiet_until = monotonic + lease
        self._last = wall, monotonic
        return monotonic >= self._quiet_until


@dataclass
class Sweeper:
    """What one process remembers from pass to pass: how the clocks ran, when it last looked at the files."""

    clock: ClockGuard = field(default_factory=ClockGuard)
    tidied_at: float | None = None


def sweep_once(ports: Ports, sweeper: Sweeper | None = None) -> Swept:
    """Make one pass; `sweeper` carries what a process remembers between its passes."""
    sweeper = sweeper or Sweeper()
    ended = _end_leases(ports, sweeper.clock)
    requeued = _requeue_waiting(ports)
    rung = [_ring_again(ports, queue) for queue in QUEUES]
    removed = _tidy(ports, sweeper)
    swept = Swept(ended, requeued, sum(n or 0 for n in rung), removed, all(n is not None for n in rung))
    if ended or requeued or removed:
        log.info("swept", ended=ended, requeued=requeued, rung=swept.rung, removed=removed)
    return swept


def idle_queues(ports: Ports, *, patiently: bool = True) -> tuple[str, ...]:
    """Return the queues that nobody works on, if something is due in one of them; else none.

    `patiently`: due for two sweeps already, so that workers without a bell had time to find it themselves.
    """
    wait = 2 * ports.settings.sweep_seconds if patiently else 0.0
    with ports.db.read() as session:
        idle = [queue for queue in QUEUES if not store.is_anybody_working(session, stages_of(queue))]
        stages = [stage for queue in idle for stage in stages_of(queue)]
        waits = store.count_due(session, stages, now=ports.db.now(session) - wait)
    return tuple(idle) if waits else ()


def stages_of(queue: str) -> tuple[Stage, ...]:
    """Return the stages whose tasks are rung for in a queue."""
    return tuple(stage for stage in STAGES if QUEUE_OF_STAGE[stage] == queue)


def _end_leases(ports: Ports, clock: ClockGuard) -> int:
    """End the leases that ran out, unless the clock has just stepped."""
    lease = ports.settings.lease_seconds
    with ports.db.write() as session:
        now = ports.db.now(session)
        store.cut_leases(session, now=now, seconds=lease, pause=max(tasks.ERROR_PAUSES) * lease)
        over = store.expired(session, now=now)
    if not clock.steady(now, time.monotonic(), lease):
        return 0
    return sum(bury(ports, task_id, token) for task_id, token in over)


def _requeue_waiting(ports: Ports) -> int:
    """Let the calls go on that wait for another speech model, once one is configured.

    A call that the new one cannot know either waits again, under the new settings.
    """
    with ports.db.write() as session:
        under = speech_settings(ports.settings)
        requeued = store.requeue_waiting(session, under, now=ports.db.now(session))
        for task in requeued:
            show_queued(session, task)
    return len(requeued)


def _ring_again(ports: Ports, queue: str) -> int | None:
    """Ring for due tasks that no hint in the queue can stand for; None when the bell is out of order."""
    waiting = ports.jobs.waiting(queue)
    if waiting is None:
        return None
    stages = stages_of(queue)
    with ports.db.read() as session:
        now = ports.db.now(session)
        shortfall = min(store.count_due(session, stages, now=now) - waiting, MOST_RINGS)
        since = now - RING_AGAIN * ports.settings.lease_seconds
        silent = store.unanswered(session, stages, now=now, since=since, limit=max(shortfall, 0))
    for task_id in silent:
        ring(ports, task_id)
    return len(silent)


def _tidy(ports: Ports, sweeper: Sweeper) -> int:
    """Delete uploads that broke off and files that no row points at; returns how many files went."""
    now = time.monotonic()
    if sweeper.tidied_at is not None and now - sweeper.tidied_at < TIDY_EVERY:
        return 0
    sweeper.tidied_at = now
    with ports.db.write() as session:
        uploads.drop_old_keys(session, ports.clock() - KEYS_LIVE, ports.db.now(session))
    return _remove_old_files(ports.media.incoming()) + _remove_orphans(ports)


def _remove_old_files(folder: Path) -> int:
    removed = 0
    for entry in os.scandir(folder):
        try:
            if entry.is_file() and time.time() - entry.stat().st_mtime > TEMPORARY_SECONDS:
                os.unlink(entry.path)
                removed += 1
        except FileNotFoundError:
            continue  # its upload ended in this moment
    return removed


def _remove_orphans(ports: Ports) -> int:
    removed, stored = 0, ports.media.keys()
    for keys in _batches(key for key, age in stored if age > ORPHAN_SECONDS):
        with ports.db.read() as session:
            known = results.known_keys(session, keys)
        for key in keys:
            if key not in known:
                ports.media.delete(key)
                removed += 1
    return removed


def _batches(keys: Iterable[str]) -> Iterable[Sequence[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, _BATCH)):
        yield batch
