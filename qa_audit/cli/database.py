"""`qa-audit db`: bring the database's schema up to date, and check that database and recordings agree."""

from __future__ import annotations

import click

from qa_audit.errors import Invalid
from qa_audit.runtime import Runtime, build_runtime
from qa_audit.services import consistency

_MOST_NAMED = 20


@click.group()
def db() -> None:
    """Bring the database up to date, or check it.

    Example: qa-audit db upgrade
    """


@db.command("upgrade")
def upgrade_database() -> None:
    """Bring the schema to what this version needs; safe to run at any time, also several times at once.

    Example: qa-audit db upgrade
    """
    runtime = build_runtime()
    before, _ = runtime.db.revisions()
    runtime.db.upgrade()
    after, _ = runtime.db.revisions()
    moved = "was up to date" if before == after else f"went from {before or 'empty'} to {after}"
    click.echo(f"The database {moved}.")


@db.command("check")
def check_database() -> None:
    """Check the schema, the database file, and that every row has its file and every file its row.

    Exits 1 when something is wrong. Files that came in the last hour may belong to running uploads and are
    left out.

    Example: qa-audit db check
    """
    found = consistency.check(build_runtime())
    for line in found.problems:
        click.echo(f"Database: {line}")
    _name("rows without their file", [f"call {row.call_id}: {row.key}" for row in found.rows_without_file])
    _name("files without a row", found.files_without_row)
    if not found.is_sound:
        raise click.exceptions.Exit(1)
    click.echo(f"Schema {found.revision}, {found.files} files: everything is where it belongs.")


def ready_runtime() -> Runtime:
    """Return this process's runtime; raises Invalid that says what to do when the schema is not there yet."""
    runtime = build_runtime()
    current, newest = runtime.db.revisions()
    if current != newest:
        state = "is not set up yet" if current is None else "is of another version"
        raise Invalid(f"The database {state}. Run this first: qa-audit db upgrade")
    return runtime


def _name(what: str, things: list[str] | tuple[str, ...]) -> None:
    if not things:
        return
    click.echo(f"{len(things)} {what}:")
    for thing in things[:_MOST_NAMED]:
        click.echo(f"  {thing}")
    if len(things) > _MOST_NAMED:
        click.echo(f"  … and {len(things) - _MOST_NAMED} more")
