"""The schema's revisions: where a database stands, and how it is brought to the newest.

Loaded only when asked for: Alembic takes a tenth of a process's start, and most processes never need it.
"""

from __future__ import annotations

from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing within the connection's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")


def current(connection: Connection) -> str | None:
    """Return the revision of a database; None when it has no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Say whether a revision is one that this code can bring up to date."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
