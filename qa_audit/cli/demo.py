"""`demo`: everything in one process tree, with the bundled calls, for somebody who wants to see it work."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
from filelock import FileLock, Timeout

from qa_audit import logs
from qa_audit.cli.children import Children
from qa_audit.cli.processes import sweep_command, web_command, worker_command
from qa_audit.config import Settings, load_settings
from qa_audit.domain.access import SYSTEM
from qa_audit.errors import Invalid, QaAuditError
from qa_audit.queue import names, private_redis
from qa_audit.runtime import Runtime
from qa_audit.services import bundled_calls, calls, demo_data, demo_story, rubrics, sample_history
from qa_audit.services.bundled_calls import BundledCall
from qa_audit.services.calls import CallProgress
from qa_audit.services.demo_data import Report, SignIn
from qa_audit.speech import models

HOST = "127.0.0.1"
READY_SECONDS = 60.0
STUCK_SECONDS = 900.0
"""`--once` gives up when nothing has moved for so long."""

GRACE_SECONDS = 8.0
"""Ctrl-C ends the processes of a demo within so many seconds: unfinished work goes on at the next start."""

Loaded = dict[str, BundledCall]
"""The bundled calls by the public id that they got."""


class Asked(BaseException):
    """Somebody asked the demo to stop."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The port of the pages. [default: QA_AUDIT_PORT]")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Where everything is kept.")
@click.option(
    "--sample-history/--no-sample-history", "history", default=True, help="Half a year of drawn audits."
)
@click.option("--once", is_flag=True, help="Score the bundled calls, print what was found, and stop.")
def demo(port: int | None, data_dir: Path | None, history: bool, once: bool) -> None:
    """Run everything with the bundled calls; Ctrl-C stops all of it.

    Example: qa-audit demo --port 8001
    """
    settings = demo_settings(load_settings(), port, data_dir)
    logs.configure(level=logging.ERROR)
    children = Children(settings.data_dir / "log")
    with _ending_on_signals(children), ExitStack() as stack:
        if _is_first(settings, stack):
            if not once:
                ensure_port_free(settings.port)
            settings = _start(settings, children, stack, with_pages=not once, with_history=history)
        elif once:
            click.echo("A demo is running here already: its workers do the work.")
            address = private_redis.private_url(settings.data_dir) or settings.redis_url
            settings = settings.model_copy(update={"redis_url": address})
        else:
            raise Invalid(
                f"A demo is running in {settings.data_dir} already. Stop it first, or choose another folder "
                "with --data-dir and another port with --port."
            )
        runtime = Runtime(settings)
        loaded = load(runtime)
        if once:
            wait_scored(runtime, loaded, children)
            raise SystemExit(0 if show_reports(reports(runtime, loaded)) else 1)
        _wait_ready(settings.port, children)
        welcome(settings, demo_data.add_people(runtime))
        wait_scored(runtime, loaded, children, patience=None, scored=lambda id: _stage(runtime, loaded, id))
        click.echo(f"Bundled calls pre-scored: {len(_scored(runtime, loaded))}.")
        while True:
            _ensure_running(children)
            time.sleep(0.5)


def demo_settings(settings: Settings, port: int | None = None, data_dir: Path | None = None) -> Settings:
    """Return the settings of a demo: the demo model unless a real one is set or already here."""
    changes: dict[str, object] = {"grace_seconds": min(settings.grace_seconds, GRACE_SECONDS)}
    if port is not None:
        changes["port"] = port
    if data_dir is not None:
        changes["data_dir"] = data_dir.expanduser().absolute()
    changed = settings.model_copy(update=changes)
    if "whisper_model" in settings.model_fields_set:
        return changed
    return changed.model_copy(update={"whisper_model": choose_model(changed)})


def choose_model(settings: Settings) -> str:
    """Return the first real model that is here already, the usual one first, else the demo model."""
    for name in (settings.whisper_model, *models.NAMES):
        if models.is_cached(name, settings.model_cache):
            return name
    return models.DEMO


def ensure_port_free(port: int) -> None:
    """Raise Invalid when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            other = port + 1 if port < 65535 else 8000
            raise Invalid(
                f"Port {port} is taken by another program, or not allowed. Choose another one: "
                f"qa-audit demo --port {other}"
            ) from error


def prepare(runtime: Runtime, *, with_history: bool = True) -> str:
    """Bring the tables up to date and add rubrics, vendors with teams, accounts and the sample history.

    Safe to repeat; returns what became of the sample history, in words.
    """
    runtime.db.upgrade()
    rubrics.sync_bundled(runtime)
    demo_data.add_vendors(runtime, bundled_calls.load_bundle())
    demo_story.organise(runtime)
    demo_data.add_people(runtime)
    if not with_history:
        removed = sample_history.remove(runtime)
        return f"left out, {removed} drawn audits removed" if removed else "left out"
    added = demo_story.add_history(runtime)
    return f"{added} drawn audits added, marked as sample history" if added else "there already"


def load(runtime: Runtime) -> Loaded:
    """Take in the bundled calls, those that are there already included."""
    loaded, new = {}, 0
    for call in bundled_calls.load_bundle().calls:
        accepted = demo_data.load(runtime, call)
        loaded[accepted.id] = call
        new += accepted.created
    click.echo(f"  calls     {len(loaded)} bundled, {new} of them new")
    return loaded


def wait_scored(
    runtime: Runtime,
    loaded: Loaded,
    children: Children,
    patience: float | None = STUCK_SECONDS,
    scored: Callable[[str], object] = bool,
) -> None:
    """Wait until each call with expected answers got as far as it gets, saying so for those that do so now.

    `scored` is called with the public id of each one that is there. Raises QaAuditError when a process ended, or
    when nothing has moved for `patience` seconds.
    """
    expected = [id for id, call in loaded.items() if not call.shown_only]
    waiting = [id for id in expected if not calls.progress(runtime, SYSTEM, id).finished]
    for id in expected:
        if id not in waiting:
            scored(id)
    total, seen, moved = len(expected), None, time.monotonic()
    while waiting:
        _ensure_running(children)
        now = [calls.progress(runtime, SYSTEM, id) for id in waiting]
        for place, done in enumerate((found for found in now if found.finished), total - len(waiting) + 1):
            click.echo(f"  {loaded[done.id].id}   {_state(done)} ({place} of {total})")
            scored(done.id)
        waiting = [found.id for found in now if not found.finished]
        if now != seen:
            seen, moved = now, time.monotonic()
        elif patience is not None and time.monotonic() - moved > patience:
            raise QaAuditError(
                f"Nothing has moved for {patience / 60:.0f} minutes; {len(waiting)} calls wait."
            )
        time.sleep(0.25)


def reports(runtime: Runtime, loaded: Loaded) -> list[Report]:
    """Report on every bundled call, those that are only shown last."""
    return [demo_data.report(runtime, call, id) for id, call in loaded.items()]


def show_reports(found: list[Report]) -> bool:
    """Print what was found beside what was written; says whether all of it is as expected."""
    expected = [report for report in found if not report.call.shown_only]
    click.echo("\n" + "\n".join(demo_data.table(expected)) + "\n")
    for report in expected:
        for line in report.comparison.lines:
            if line.verdict != "agree":
                click.echo(f"{report.call.id} {line.code}: expected {line.expected}, found {line.found}")
        for fault in report.comparison.faults:
            if not fault.found:
                place = f"{fault.fault.start:.1f} to {fault.fault.end:.1f} s"
                click.echo(f"{report.call.id} {fault.fault.criterion}: the fault at {place} was not found")
    faults = [fault for report in expected for fault in report.comparison.faults]
    counts = {v: sum(r.comparison.count(v) for r in expected) for v in ("agree", "unsure", "opposite")}
    lines = sum(counts.values())
    shares = ", ".join(f"{name} {n} ({100 * n / lines:.1f} %)" for name, n in counts.items())
    click.echo(
        f"Answers: {shares}, of {lines}. Planted faults found: {sum(f.found for f in faults)} of "
        f"{len(faults)}."
    )
    for report in found:
        if report.call.shown_only:
            click.echo(f"Only shown: {report.call.id}: {report.failure or report.status}")
    return all(report.as_expected for report in expected)


def _start(
    settings: Settings, children: Children, stack: ExitStack, *, with_pages: bool, with_history: bool
) -> Settings:
    """Start what a demo needs, in order; returns the settings with the address of its Redis."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    click.echo(f"QA Audit demo, in {_shown(folder)}")
    if not settings.redis_url:
        address = stack.enter_context(private_redis.running(folder, children.log("redis")))
        settings = settings.model_copy(update={"redis_url": address})
        click.echo("  redis     a private one, started")
    runtime = Runtime(settings)
    samples = prepare(runtime, with_history=with_history)
    runtime.db.dispose()
    click.echo("  database  up to date")
    click.echo(f"  history   {samples}")
    click.echo(f"  speech    {_about_model(settings)}")
    stack.callback(_stop, children)
    environment = {
        "QA_AUDIT_DATA_DIR": str(folder),
        "QA_AUDIT_REDIS_URL": settings.redis_url,
        "QA_AUDIT_WHISPER_MODEL": settings.whisper_model,
        "QA_AUDIT_PORT": str(settings.port),
        "QA_AUDIT_GRACE_SECONDS": str(settings.grace_seconds),
    }
    children.start("worker", worker_command(names.QUEUES), environment)
    children.start("sweep", sweep_command(), environment)
    if with_pages:
        children.start("web", web_command(settings, HOST, processes=1), environment)
    return settings


def _is_first(settings: Settings, stack: ExitStack) -> bool:
    """Take the data folder for this demo, unless another one has it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        stack.enter_context(FileLock(settings.data_dir / "demo.lock", timeout=0))
    except Timeout:
        return False
    return True


def _stop(children: Children) -> None:
    with contextlib.suppress(OSError):
        click.echo("Stopping.")
    children.stop(GRACE_SECONDS + 2)


@contextmanager
def _ending_on_signals(children: Children) -> Iterator[None]:
    """Leave the block on Ctrl-C, SIGTERM or a closed terminal; a second one ends everything at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            children.kill()
            os._exit(128 + number)
        asked = True
        raise Asked

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with contextlib.suppress(Asked):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_ready(port: int, children: Children) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        _ensure_running(children)
        if _answers(f"http://{HOST}:{port}/healthz"):
            return
        time.sleep(0.1)
    raise QaAuditError(
        f"The pages did not come up within {READY_SECONDS:.0f} seconds. See {children.log('web')}."
    )


def _stage(runtime: Runtime, loaded: Loaded, id: str) -> None:
    """Take the audit of a call as far as the demo's story wants, and say so."""
    staged = demo_story.stage(runtime, loaded[id], id, demo_data.REVIEWER)
    if staged is not None:
        click.echo(f"  {staged.call}   {staged.state.replace('_', ' ')} by the demo's reviewer")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _scored(runtime: Runtime, loaded: Loaded) -> list[str]:
    states = (calls.progress(runtime, SYSTEM, id) for id, call in loaded.items() if not call.shown_only)
    return [found.id for found in states if found.status not in ("failed", "waiting")]


def _ensure_running(children: Children) -> None:
    ended = children.ended()
    if ended is not None:
        raise QaAuditError(f"The {ended.name} process ended (exit {ended.status}). See {_shown(ended.log)}.")


def welcome(settings: Settings, people: tuple[SignIn, ...]) -> None:
    """Print the address and how to sign in as each role."""
    click.echo(f"\nReady: http://{HOST}:{settings.port}\n\nSign in as")
    for person in people:
        click.echo(f"  {person.role:<9} {person.email:<24} {person.password}   {person.about}")
    click.echo(f"\nCtrl-C stops all of it. Logs: {_shown(settings.data_dir / 'log')}\n")


def _about_model(settings: Settings) -> str:
    if settings.whisper_model == models.DEMO:
        return (
            "the demo model, which understands the bundled calls only "
            "(for other calls: QA_AUDIT_WHISPER_MODEL=base.en make demo)"
        )
    if models.is_cached(settings.whisper_model, settings.model_cache):
        return settings.whisper_model
    return f"{settings.whisper_model}, which is fetched when the first call needs it"


def _state(progress: CallProgress) -> str:
    return "pre-scored" if progress.status == "prescored" else progress.failure or progress.status


def _shown(path: Path) -> str:
    """Return a path the way one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
