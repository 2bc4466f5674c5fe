"""`qa-audit upload`: recordings from files and folders to a server, as many as there are."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from qa_audit.cli.database import ready_runtime
from qa_audit.config import Settings, load_settings
from qa_audit.errors import Invalid, NotFound
from qa_audit.services import accounts, bulk_upload
from qa_audit.services.bulk_upload import Outcome, Plan, Report, Watcher
from qa_audit.services.upload_client import Server, is_loopback

MOST_PARALLEL = 32
INTERRUPTED = 130

_HOW = "Make one with 'qa-audit token create --scope upload' and give it with --token or QA_AUDIT_TOKEN."
_WORDS = {"accepted": "accepted", "existing": "already there", "skipped": "skipped", "refused": "refused"}


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--vendor", required=True, help="The vendor's slug; it must be there already.")
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV table: file, agent, external_id, started_at, direction, queue, language, channels, "
    "transcript (a file), custom.…",
)
@click.option("--url", help="The server; QA_AUDIT_URL or this machine unless given.")
@click.option("--token", help="An API token of scope upload; QA_AUDIT_TOKEN unless given.")
@click.option("--parallel", type=click.IntRange(1, MOST_PARALLEL), default=4, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of words.")
def upload(
    paths: tuple[Path, ...],
    vendor: str,
    manifest: Path | None,
    url: str | None,
    token: str | None,
    parallel: int,
    as_json: bool,
) -> None:
    """Upload recordings: files, and what is in folders. Running it again sends nothing twice.

    Exits 0 when every file is accepted, there already or skipped, 1 when some were refused, 2 for wrong use.

    Example: qa-audit upload recordings/ --vendor acme --manifest calls.csv
    """
    if not paths and manifest is None:
        raise click.UsageError("Name files or folders to upload, or a manifest.")
    settings = load_settings()
    address = _address(url or settings.url or f"http://127.0.0.1:{settings.port}")
    plan = bulk_upload.plan(paths, manifest, datetime.now(UTC))
    given = token or settings.token
    with nullcontext(given) if given else _local_token(settings, address, vendor) as used:
        report = _run(plan, address, used, vendor, parallel, quiet=as_json)
    _print(report, as_json)
    if report.stopped is not None:
        click.echo(f"qa-audit: {report.stopped.message}", err=True)
    raise click.exceptions.Exit(_exit_code(report))


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise Invalid(f"'{url}' is no address of a server: it must begin with http:// or https://.")
    return url


@contextmanager
def _local_token(settings: Settings, url: str, vendor: str) -> Iterator[str]:
    """Give a token of this vendor for the length of the block, made in the database and revoked afterwards.

    Whoever can write to the database of the server on this very machine could make a token anyway: asking the
    operator to do so by hand would protect nothing.
    """
    if not is_loopback(url):
        raise Invalid(f"A token is needed for {url}. {_HOW}")
    if not settings.database_url and not Path(settings.database.removeprefix("sqlite:///")).is_file():
        raise Invalid(f"A token is needed: there is no database in '{settings.data_dir.name}'. {_HOW}")
    runtime = ready_runtime()
    made = accounts.create_token(runtime, "upload", vendor)
    try:
        yield made
    finally:
        with suppress(NotFound):  # somebody revoked it first
            accounts.revoke_token(runtime, made)
        runtime.db.dispose()


def _run(plan: Plan, url: str, token: str, vendor: str, parallel: int, *, quiet: bool) -> Report:
    stop = threading.Event()
    server = Server(url, token, vendor, stop=stop, connections=parallel)
    try:
        server.check()
        with _watching(plan, quiet) as watcher:
            return bulk_upload.run(plan, server, watcher, datetime.now(UTC), parallel=parallel, stop=stop)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    finally:
        server.close()


class _Lines:
    """Says what became of each file in a line of its own: for logs and pipes."""

    def advance(self, bytes_done: int) -> None:
        """Bytes alone are not worth a line."""

    def settled(self, outcome: Outcome) -> None:
        """Write the file's line."""
        click.echo(f"{_WORDS[outcome.result]:<13}  {outcome.file}", err=True)


class _Silent:
    """Says nothing while the work goes on."""

    def advance(self, bytes_done: int) -> None:
        """Nothing."""

    def settled(self, outcome: Outcome) -> None:
        """Nothing."""


def _watching(plan: Plan, quiet: bool) -> AbstractContextManager[Watcher]:
    """Return what watches the work: a bar on a terminal, a line per file elsewhere."""
    if quiet or not plan.items:
        return nullcontext(_Silent())
    return _bar(plan) if sys.stderr.isatty() else nullcontext(_Lines())


@contextmanager
def _bar(plan: Plan) -> Iterator[Watcher]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.fields[files]} of {task.fields[of]} files"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    total = sum(item.path.stat().st_size for item in plan.items if item.path.is_file())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("upload", total=total, files=0, of=len(plan.items))
        lock = threading.Lock()
        done = 0

        class Bar:
            def advance(self, bytes_done: int) -> None:
                progress.advance(task, bytes_done)

            def settled(self, outcome: Outcome) -> None:
                nonlocal done
                with lock:
                    done += 1
                    progress.update(task, files=done)

        yield Bar()


def _print(report: Report, as_json: bool) -> None:
    counts = {result: report.count(result) for result in bulk_upload.RESULTS}
    if as_json:
        stopped = report.stopped.message if report.stopped else None
        files = [asdict(outcome) for outcome in report.outcomes]
        click.echo(json.dumps({**counts, "stopped": stopped, "files": files}, ensure_ascii=False, indent=1))
        return
    for outcome in report.outcomes:
        if line := _line(outcome):
            click.echo(line)
    for result, number in counts.items():
        click.echo(f"{_WORDS[result]:<13}  {number}")


def _line(outcome: Outcome) -> str:
    """Write the line of a file about which there is something to say; empty for the others."""
    row = f" (row {outcome.row})" if outcome.row is not None else ""
    notes = [outcome.reason] if outcome.reason else []
    if outcome.differences:
        notes.append(f"stored otherwise, and left so: {', '.join(outcome.differences)}")
    return f"{_WORDS[outcome.result]:<13}  {outcome.file}{row}: {'; '.join(notes)}" if notes else ""


def _exit_code(report: Report) -> int:
    if report.stopped is None:
        return 1 if report.count("refused") else 0
    return 2 if isinstance(report.stopped, Invalid) else INTERRUPTED if report.interrupted else 1
