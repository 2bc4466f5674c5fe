"""Run migrations on the connection that `Database.upgrade` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from qa_audit.storage import tables as tables  # fills the metadata


def run() -> None:
    """Run inside the caller's transaction; SQLite alters tables by copying them (batch)."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    context.run_migrations()


run()
