"""The parts of an installation, one process each: `serve`, `worker`, `sweep`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from qa_audit.config import Settings
from qa_audit.errors import Invalid, QaAuditError
from qa_audit.queue import names
from qa_audit.queue.private_redis import private_url
from qa_audit.runtime import Runtime, build_runtime

APPLICATION = "qa_audit.web.app:create_app()"
ACCESS_FORMAT = "%(t)s %(m)s %(U)s %(s)s %(B)s bytes %(D)s us"
"""Method, path without its query, status, size, time: no address, no name, no search words."""

NO_REDIS = (
    "No Redis answers, so every step waits for the next sweep. Set QA_AUDIT_REDIS_URL to a Redis or Valkey "
    "to have work begin at once."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on. [default: QA_AUDIT_PORT]")
@click.option("--processes", type=click.IntRange(1, 64), default=2, show_default=True, help="Web processes.")
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True, help="Threads in each.")
@click.option("--proxy", help="Addresses of the proxy in front, whose X-Forwarded-Proto is to be believed.")
def serve(host: str, port: int | None, processes: int, threads: int, proxy: str | None) -> None:
    """Serve the pages and the API.

    Example: qa-audit serve --host 0.0.0.0 --port 8000
    """
    runtime = _ready_runtime()
    command = web_command(runtime.settings, host, port, processes, threads)
    become([*command, *(["--forwarded-allow-ips", proxy] if proxy else [])])


@click.command()
@click.option("--queues", help="The queues to serve, separated by commas. [default: all]")
@click.option("--burst", is_flag=True, help="Stop once there is nothing left to do.")
@click.option("--check", is_flag=True, help="Only say whether work could be done here, for health checks.")
def worker(queues: str | None, burst: bool, check: bool) -> None:
    """Work on calls: decode, transcribe, score.

    Example: qa-audit worker --queues transcription
    """
    chosen = queue_names(queues)
    _ready_runtime()
    if not check:
        become(worker_command(chosen, burst=burst))


@click.command()
@click.option("--once", is_flag=True, help="Make one pass and stop.")
@click.option("--check", is_flag=True, help="Only say whether work could be done here, for health checks.")
def sweep(once: bool, check: bool) -> None:
    """Mend what was left lying: tasks of dead workers, lost hints, leftover files.

    Where no Redis answers and no worker works, it has what is due worked off too. Several may run at once.

    Example: qa-audit sweep
    """
    _ready_runtime()
    if not check:
        become(sweep_command(once=once))


def web_command(
    settings: Settings, host: str, port: int | None = None, processes: int = 2, threads: int = 8
) -> list[str]:
    """Return the command that serves the application with gunicorn."""
    memory = Path("/dev/shm")
    options = {
        "--bind": f"[{host}]:{port or settings.port}" if ":" in host else f"{host}:{port or settings.port}",
        "--worker-class": "gthread",
        "--workers": str(processes),
        "--threads": str(threads),
        "--graceful-timeout": str(round(settings.grace_seconds)),
        "--access-logfile": "-",
        "--access-logformat": ACCESS_FORMAT,
        **({"--worker-tmp-dir": str(memory)} if os.access(memory, os.W_OK) else {}),
    }
    flat = [part for option in options.items() for part in option]
    return [sys.executable, "-m", "gunicorn", *flat, "--no-control-socket", APPLICATION]


def worker_command(queues: tuple[str, ...], *, burst: bool = False) -> list[str]:
    """Return the command that runs the workers of these queues."""
    command = [sys.executable, "-m", "workers", "--queues", ",".join(queues)]
    return [*command, "--burst"] if burst else command


def sweep_command(*, once: bool = False) -> list[str]:
    """Return the command that runs the sweep."""
    command = [sys.executable, "-m", "workers.sweep"]
    return [*command, "--once"] if once else command


def queue_names(listed: str | None) -> tuple[str, ...]:
    """Read a list of queues; nothing means all. Raises Invalid for a name that is none."""
    if listed is None:
        return names.QUEUES
    chosen = tuple(dict.fromkeys(part.strip() for part in listed.split(",") if part.strip()))
    unknown = [name for name in chosen if name not in names.QUEUES]
    if unknown or not chosen:
        wrong = ", ".join(unknown) or "an empty list"
        raise Invalid(f"There is no queue called {wrong}. The queues are {', '.join(names.QUEUES)}.")
    return chosen


def ensure_schema(runtime: Runtime) -> None:
    """Refuse to work on a database whose tables are not those of this version."""
    current, newest = runtime.db.revisions()
    if current != newest:
        raise QaAuditError(
            f"The database's tables are at version {current or 'none'}, this program needs {newest}. Bring "
            "them up to date with: qa-audit db upgrade"
        )


def become(command: list[str]) -> NoReturn:
    """Replace this process by another program, which then gets the signals itself."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def _ready_runtime() -> Runtime:
    runtime = build_runtime()
    ensure_schema(runtime)
    runtime.db.dispose()
    if not runtime.settings.redis_url and private_url(runtime.settings.data_dir) is None:
        click.echo(NO_REDIS, err=True)
    return runtime
