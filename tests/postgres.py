"""A private Postgres for the tests: started once per test run as an unprivileged user, gone afterwards.

Making and dropping a database takes a tenth of a second and a checkpoint, emptying its few rows a hundredth: tests
share one database and each leaves it empty.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
EMPTY = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    FOR name IN SELECT quote_ident(sequencename) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL
    LOOP PERFORM setval(name::regclass, 1, false); END LOOP;
END $$
"""


def find_programs() -> Path | None:
    """Return the folder that holds `initdb` and `postgres`, newest version first, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _unprivileged() -> dict[str, object]:
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("No unprivileged user to run Postgres as.")


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """Run a server on a unix socket and a free port; yields its address without a database name."""
    who = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="qa-pg-"))
    if who:
        os.chown(folder, int(str(who["user"])), int(str(who["group"])))
    common = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **who}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-A", "trust", "-U", "qa", "--no-sync"], check=True, **common
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-c fsync=off -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    control = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    subprocess.run([*control, "-o", options, "start"], check=True, **common)
    try:
        yield f"postgresql+psycopg://qa@127.0.0.1:{port}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, **common)
        shutil.rmtree(folder, ignore_errors=True)


def execute(address: str, statement: str) -> None:
    """Run a statement outside of any transaction."""
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def empty(address: str) -> None:
    """End all other connections to a database, delete all rows but the schema's version, count from 1 again."""
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text(END_OTHERS))
    with engine.begin() as connection:
        connection.execute(
            text("SET LOCAL session_replication_role = replica")
        )  # triggers and foreign keys rest
        connection.execute(text(EMPTY))
    engine.dispose()
