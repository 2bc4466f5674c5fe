"""`backup` and `restore`: a consistent copy of everything, and its way back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from qa_audit.runtime import build_runtime
from qa_audit.services import backups


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Copy the database and all recordings into a new folder, while everything goes on.

    The copy holds personal data, unmasked: keep it as safe as the installation.

    Example: qa-audit backup backups/2026-11-22
    """
    with _bar("Copying recordings") as progress:
        done = backups.backup(build_runtime(), folder, progress=progress)
    click.echo(f"Calls: {done.calls}, files: {done.files}, {done.bytes / 1e6:.1f} MB, in {folder}")
    if done.damaged:
        click.echo(f"Not the bytes that were uploaded: {', '.join(done.damaged)}", err=True)
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
def restore(folder: Path) -> None:
    """Put a backup into an empty installation and check that rows and files belong together.

    Example: QA_AUDIT_DATA_DIR=./restored qa-audit restore backups/2026-11-22
    """
    with _bar("Verifying") as progress:
        found = backups.restore(build_runtime(), folder, progress=progress)
    for row in found.rows_without_file:
        click.echo(f"No file: call {row.call_id}: {row.key}", err=True)
    for words in (*found.problems, *(f"No row: {key}" for key in found.files_without_row)):
        click.echo(words, err=True)
    if not found.is_sound:
        raise click.exceptions.Exit(1)
    click.echo(f"Restored, {found.files} recordings and copies: every row has its file, every file its row.")


@contextmanager
def _bar(label: str) -> Iterator[backups.Progress]:
    """Show a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(label, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
