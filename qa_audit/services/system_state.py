"""How the installation is: each part in plain words, with what to do when something is off."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Literal

from qa_audit.domain.access import Actor
from qa_audit.queue.listeners import Listener, listeners
from qa_audit.queue.names import QUEUES
from qa_audit.services import health
from qa_audit.services.managing import ensure_manages
from qa_audit.services.ports import Ports
from qa_audit.speech import models
from qa_audit.storage import gauges

Mood = Literal["good", "person", "bad"]
"""All is well, somebody should look, something does not work."""

SILENT = timedelta(seconds=90)
"""A worker that said nothing for so long has probably ended: it speaks up every minute at least."""

LONG_WAIT = 600.0
"""Seconds after which work that nobody began is worth a look."""

_GIGABYTE = 1_000_000_000


@dataclass(frozen=True)
class Part:
    """One part of the installation: how it is, in words, and what to do about it (empty: nothing)."""

    name: str
    mood: Mood
    state: str
    todo: str = ""


@dataclass(frozen=True)
class WorkerLine:
    """A worker that signed on; `silent` seconds went by since its last word, None when it said none yet."""

    host: str
    queues: tuple[str, ...]
    is_busy: bool
    silent: float | None
    is_lost: bool


@dataclass(frozen=True)
class SystemState:
    """All parts, the workers, and what runs here by its version."""

    parts: tuple[Part, ...]
    workers: tuple[WorkerLine, ...]
    versions: tuple[tuple[str, str], ...]

    @property
    def mood(self) -> Mood:
        """Sum up: the worst that any part says."""
        moods = {part.mood for part in self.parts}
        return "bad" if "bad" in moods else "person" if "person" in moods else "good"


def read(ports: Ports, actor: Actor) -> SystemState:
    """Look at every part once; raises Forbidden or NotFound for whoever does not look after it."""
    ensure_manages(actor)
    ready = health.readiness(ports)
    known = listeners(ports.settings.redis_url)
    workers = tuple(_worker(ports, one) for one in known or ())
    parts = [_database(ports, ready.database), _media(ports, ready.media), _redis(ready.redis)]
    if ready.database == "ok":
        parts += [_workers(ports, workers, known is not None), _queue(ports), _mail(ports)]
    parts += [_speech(ports), _disk(ports)]
    return SystemState(tuple(parts), workers, _versions(ports))


def _database(ports: Ports, state: str) -> Part:
    kind = "SQLite, for one machine" if ports.db.is_sqlite else "Postgres"
    if state != "ok":
        return Part(
            "Database", "bad", f"{kind}: it does not answer", "Start it, or mend QA_AUDIT_DATABASE_URL."
        )
    current, newest = ports.db.revisions()
    if current != newest:
        return Part(
            "Database", "bad", f"{kind}: its tables are of another version", "Run: qa-audit db upgrade"
        )
    return Part("Database", "good", f"{kind}: answers, tables are up to date")


def _media(ports: Ports, state: str) -> Part:
    if state != "ok":
        todo = "Make room, or let the web process write there. Until then nothing can be uploaded."
        return Part("Recordings", "bad", state, todo)
    where = "in S3" if ports.settings.media.startswith("s3://") else "in a folder"
    return Part("Recordings", "good", f"kept {where}, can be written")


def _redis(state: str) -> Part:
    if state == "ok":
        return Part("Redis", "good", "answers: workers hear of new work at once")
    todo = "Start it, or mend QA_AUDIT_REDIS_URL. Nothing is lost: workers look for work by themselves."
    return Part("Redis", "person", "does not answer: work goes on, only slower", todo)


def _workers(ports: Ports, workers: tuple[WorkerLine, ...], can_see: bool) -> Part:
    with ports.db.read() as session:
        at_work, overdue = gauges.leases(session, now=ports.db.now(session))
    busy = f"{at_work} {'task' if at_work == 1 else 'tasks'} in hand"
    if overdue:
        todo = "The sweep puts their work back within a minute or so. If this stays, run: qa-audit sweep"
        return Part("Workers", "person", f"{overdue} went silent in the middle of a task", todo)
    if not can_see:
        said = f"{busy}; idle ones cannot be seen without Redis"
        todo = "" if at_work else "If calls do not move on, start one: qa-audit worker"
        return Part("Workers", "good" if at_work else "person", said, todo)
    alive = [one for one in workers if not one.is_lost]
    deaf = [queue for queue in QUEUES if not any(queue in one.queues for one in alive)]
    if deaf:
        names = " and ".join(f"'{queue}'" for queue in deaf)
        todo = f"Start some: qa-audit worker --queues {','.join(deaf)}"
        return Part("Workers", "bad", f"nobody works on {names}", todo)
    number = f"{len(alive)} {'worker is' if len(alive) == 1 else 'workers are'} there"
    return Part("Workers", "good", f"{number}, {busy}")


def _queue(ports: Ports) -> Part:
    work = health.work(ports)
    waiting, age = work.tasks.get("queued", 0), work.oldest_queued
    stuck = work.tasks.get("failed", 0) + work.tasks.get("parked", 0)
    said = "nothing waits" if not waiting else f"{waiting} waiting, the oldest for {_span(age)}"
    if age > LONG_WAIT:
        return Part("Queue of work", "person", said, "Start more workers, or look at the page 'Work'.")
    if stuck:
        said = f"{said}; {stuck} failed"
        return Part("Queue of work", "person", said, "See why on the page 'Work'; each can be tried again.")
    return Part("Queue of work", "good", said)


def _mail(ports: Ports) -> Part:
    with ports.db.read() as session:
        states = gauges.mails(session)
    failed, queued = states.get("failed", 0), states.get("queued", 0)
    if failed:
        said = f"{failed} could not be sent"
        return Part(
            "Mail", "person", said, "Check QA_AUDIT_SMTP_URL and the address that it could not reach."
        )
    return Part("Mail", "good", f"{queued} to be sent" if queued else "nothing waits to be sent")


def _speech(ports: Ports) -> Part:
    name = ports.settings.whisper_model
    if name == models.DEMO:
        todo = "For your own recordings set QA_AUDIT_WHISPER_MODEL=base.en and restart."
        return Part("Speech model", "person", "the demo model: it only understands the bundled calls", todo)
    if models.is_cached(name, ports.settings.model_cache):
        return Part("Speech model", "good", f"{name}, is here")
    if name in models.NAMES:
        todo = "It is fetched when the first call needs it. Without a connection, put the file there by hand."
        return Part("Speech model", "person", f"{name}, is not here yet", todo)
    todo = "QA_AUDIT_WHISPER_MODEL must be a model's name or the path of a file that is there."
    return Part("Speech model", "bad", "the file that is set cannot be found", todo)


def _disk(ports: Ports) -> Part:
    settings = ports.settings
    free = _least((ports.media.free_bytes, lambda: shutil.disk_usage(settings.data_dir).free))
    if free is None:
        return Part(
            "Disk", "person", "how much is free cannot be seen", "Check that the data folder is there."
        )
    said = f"{free / _GIGABYTE:,.1f} GB free"
    if free < settings.reserve_bytes:
        return Part("Disk", "bad", said, "Uploads are refused until there is room. Move old backups away.")
    if free < settings.reserve_bytes + 10 * settings.max_upload_bytes:
        return Part("Disk", "person", said, "Make room soon: below the reserve uploads are refused.")
    return Part("Disk", "good", said)


def _worker(ports: Ports, one: Listener) -> WorkerLine:
    silent = (ports.clock() - one.heard_at).total_seconds() if one.heard_at else None
    lost = not one.is_busy and silent is not None and silent > SILENT.total_seconds()
    return WorkerLine(one.host, one.queues, one.is_busy, silent, lost)


def _versions(ports: Ports) -> tuple[tuple[str, str], ...]:
    return (
        ("QA Audit", metadata.version("qa-audit")),
        ("Python", platform.python_version()),
        ("Speech engine", f"{ports.settings.speech_engine} {_version('openai-whisper')}"),
        ("System", f"{platform.system()} {platform.machine()}"),
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "is not installed"


def _least(sources: tuple[Callable[[], int], ...]) -> int | None:
    found = []
    for source in sources:
        try:
            found.append(source())
        except Exception:
            return None
    return min(found)


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
