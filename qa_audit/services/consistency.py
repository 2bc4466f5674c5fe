"""Whether database and media store agree: the schema, the database file, rows and files."""

from __future__ import annotations

from dataclasses import dataclass

from qa_audit.errors import NotFound
from qa_audit.services.ports import Ports
from qa_audit.storage import integrity as store
from qa_audit.storage.integrity import KeptFile

YOUNG_SECONDS = 3600.0
"""A file younger than this may belong to an upload whose row is about to be written."""


@dataclass(frozen=True)
class Found:
    """What a check found: `problems` of the database itself, and what misses its other half."""

    revision: str | None
    problems: tuple[str, ...]
    rows_without_file: tuple[KeptFile, ...]
    files_without_row: tuple[str, ...]
    files: int

    @property
    def is_sound(self) -> bool:
        """Say whether nothing is wrong."""
        return not (self.problems or self.rows_without_file or self.files_without_row)


def check(ports: Ports) -> Found:
    """Check schema, database, and that rows and files belong together; changes nothing."""
    current, newest = ports.db.revisions()
    if current != newest:
        words = (
            f"the schema is {current or 'not set up'}, this version needs {newest}: run 'qa-audit db upgrade'"
        )
        return Found(current, (words,), (), (), 0)
    files = dict(ports.media.keys())
    with ports.db.read() as session:
        problems = store.problems(session, is_sqlite=ports.db.is_sqlite)
        rows = store.kept_files(session)
    kept = {row.key for row in rows}
    lost = tuple(row for row in rows if row.key not in files and not _is_there(ports, row.key))
    orphans = sorted(key for key, age in files.items() if key not in kept and age > YOUNG_SECONDS)
    return Found(current, problems, lost, tuple(orphans), len(files))


def _is_there(ports: Ports, key: str) -> bool:
    """Look once more: a recording that came after the files were listed is not lost."""
    try:
        ports.media.size(key)
    except NotFound:
        return False
    return True
