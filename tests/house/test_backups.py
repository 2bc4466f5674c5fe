"""A backup made while calls come and go is restored whole, and a damaged one is refused."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from qa_audit.config import Settings
from qa_audit.errors import Conflict, Invalid, QaAuditError
from qa_audit.runtime import Runtime
from qa_audit.services import backups
from qa_audit.storage import snapshots
from qa_audit.storage.tables import Call, Recording
from tests import postgres
from tests.conftest import missing
from tests.factories import make_call, make_recording, make_vendor


@pytest.fixture(autouse=True)
def postgres_programs(runtime: Runtime) -> None:
    """Skip by name on Postgres where its own programs for copies are not installed."""
    if not runtime.db.is_sqlite and not (shutil.which("pg_dump") and shutil.which("pg_restore")):
        missing("pg_dump", "install the package postgresql-client")


@pytest.fixture
def empty(runtime: Runtime, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runtime]:
    """Another installation without data, of the same kind of database."""
    if runtime.db.is_sqlite:
        built = Runtime(Settings(data_dir=tmp_path / "other", secret_key="for tests only"))
        yield built
        built.db.dispose()
        return
    server = request.getfixturevalue("postgres_server")
    name = f"qa_{secrets.token_hex(6)}"
    postgres.execute(f"{server}/postgres", f"CREATE DATABASE {name}")
    settings = Settings(
        data_dir=tmp_path / "other", database_url=f"{server}/{name}", secret_key="for tests only"
    )
    built = Runtime(settings)
    yield built
    built.db.dispose()
    postgres.execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def add_call(runtime: Runtime, *, playback: bool = True) -> tuple[str, dict[str, bytes]]:
    """Store a call as an upload does: files first, then the rows; returns its public id and its files."""
    original = os.urandom(3_000)
    sha256 = hashlib.sha256(original).hexdigest()
    files = {f"original/{sha256}": original}
    keys = {}
    if playback:
        files |= {f"playback/{sha256}.m4a": os.urandom(2_000), f"peaks/{sha256}.json": b"[1, 2]"}
        keys = {"playback_key": f"playback/{sha256}.m4a", "peaks_key": f"peaks/{sha256}.json"}
    for key, data in files.items():
        runtime.media.put_bytes(key, data)
    with runtime.db.write() as session:
        vendor = make_vendor(session, slug=f"v-{sha256[:12]}")
        call = make_call(session, vendor)
        make_recording(session, call, sha256=sha256, media_key=f"original/{sha256}", **keys)
        return call.public_id, files


def delete_call(runtime: Runtime, public_id: str) -> None:
    """Erase a call: its rows first, then its files."""
    rows = [row for row in snapshots.media_rows(runtime.db) if row.call == public_id]
    with runtime.db.write() as session:
        key = session.scalars(select(Call.id).where(Call.public_id == public_id)).one()
        session.execute(delete(Recording).where(Recording.call_id == key))
        session.execute(delete(Call).where(Call.id == key))
    for row in rows:
        runtime.media.delete(row.key)


def stored(runtime: Runtime) -> dict[str, bytes]:
    found, keys = {}, runtime.media.keys()
    for key, _ in keys:
        with runtime.media.open(key) as blob:
            found[key] = blob.read()
    return found


def test_what_was_backed_up_comes_back(runtime: Runtime, empty: Runtime, tmp_path: Path) -> None:
    wanted: dict[str, bytes] = {}
    for number in range(5):
        wanted |= add_call(runtime, playback=number % 2 == 0)[1]
    made = backups.backup(runtime, tmp_path / "copy")
    assert (made.calls, made.files, made.damaged) == (5, len(wanted) + 1, ())
    found = backups.restore(empty, tmp_path / "copy")
    assert found.is_sound
    assert stored(empty) == wanted
    assert sorted(snapshots.media_rows(empty.db), key=str) == sorted(
        snapshots.media_rows(runtime.db), key=str
    )
    assert empty.db.revisions() == runtime.db.revisions()


def test_calls_that_come_and_go_meanwhile_leave_a_sound_copy(
    runtime: Runtime, empty: Runtime, tmp_path: Path
) -> None:
    before = {add_call(runtime)[0] for _ in range(30)}
    stop, errors = threading.Event(), []

    def uploads() -> None:
        try:
            while not stop.is_set():
                add_call(runtime)
        except Exception as error:
            errors.append(error)

    doomed = sorted(before)[:5]
    progress = iter(doomed)

    def one_goes(done: int, total: int) -> None:
        public_id = next(progress, None)
        if public_id is not None:
            delete_call(runtime, public_id)

    thread = threading.Thread(target=uploads)
    thread.start()
    try:
        made = backups.backup(runtime, tmp_path / "copy", progress=one_goes)
    finally:
        stop.set()
        thread.join()
    assert not errors
    assert made.damaged == ()
    assert backups.restore(empty, tmp_path / "copy").is_sound
    calls = {row.call for row in snapshots.media_rows(empty.db)}
    assert before - set(doomed) <= calls
    assert len(calls) == made.calls


def test_a_call_deleted_meanwhile_is_not_in_the_copy(
    runtime: Runtime, empty: Runtime, tmp_path: Path
) -> None:
    kept, doomed = add_call(runtime)[0], add_call(runtime)[0]
    calls = iter([doomed])

    def it_goes(done: int, total: int) -> None:
        public_id = next(calls, None)
        if public_id:
            delete_call(runtime, public_id)

    backups.backup(runtime, tmp_path / "copy", progress=it_goes)
    backups.restore(empty, tmp_path / "copy")
    assert {row.call for row in snapshots.media_rows(empty.db)} == {kept}


@pytest.mark.parametrize("which", ["database", "recording"])
def test_a_changed_file_is_refused_and_nothing_is_restored(
    runtime: Runtime, empty: Runtime, tmp_path: Path, which: str
) -> None:
    add_call(runtime)
    copy = tmp_path / "copy"
    backups.backup(runtime, copy)
    names = {"database": "database.", "recording": "media/original/"}
    name = next(name for name in backups.read_manifest(copy)["files"] if name.startswith(names[which]))
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(Invalid, match="Nothing was restored"):
        backups.restore(empty, copy)
    assert stored(empty) == {}
    assert snapshots.filled_tables(empty.db) == ()


def test_a_missing_file_is_refused(runtime: Runtime, empty: Runtime, tmp_path: Path) -> None:
    add_call(runtime)
    backups.backup(runtime, tmp_path / "copy")
    victim = next((tmp_path / "copy" / "media").rglob("*.m4a"))
    victim.unlink()
    with pytest.raises(Invalid, match="not what was written"):
        backups.restore(empty, tmp_path / "copy")


def test_restoring_over_data_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    add_call(runtime)
    backups.backup(runtime, tmp_path / "copy")
    with pytest.raises(Conflict, match="already holds data"):
        backups.restore(runtime, tmp_path / "copy")


def test_a_strange_file_in_the_media_store_is_refused(
    runtime: Runtime, empty: Runtime, tmp_path: Path
) -> None:
    add_call(runtime)
    backups.backup(runtime, tmp_path / "copy")
    empty.media.put_bytes("original/strange", b"x")
    with pytest.raises(Conflict, match="other files"):
        backups.restore(empty, tmp_path / "copy")


def test_a_folder_that_is_not_empty_is_left_alone(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine.txt").write_text("mine")
    with pytest.raises(Invalid, match="not an empty folder"):
        backups.backup(runtime, tmp_path / "copy")
    assert (tmp_path / "copy" / "mine.txt").read_text() == "mine"


def test_a_recording_without_file_is_named_and_no_half_copy_stays(runtime: Runtime, tmp_path: Path) -> None:
    public_id, files = add_call(runtime)
    runtime.media.delete(next(iter(files)))
    with pytest.raises(QaAuditError, match=public_id):
        backups.backup(runtime, tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []


def test_an_original_that_changed_on_disk_is_named(runtime: Runtime, tmp_path: Path) -> None:
    public_id, files = add_call(runtime)
    runtime.media.put_bytes(next(iter(files)), b"rotten")
    assert backups.backup(runtime, tmp_path / "copy").damaged == (f"call {public_id} (original)",)


def test_only_the_owner_can_read_a_backup(runtime: Runtime, tmp_path: Path) -> None:
    add_call(runtime)
    backups.backup(runtime, tmp_path / "copy")
    for path in [tmp_path / "copy", *(tmp_path / "copy").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_broken_off_copy_is_no_backup(empty: Runtime, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(Invalid, match="broken off"):
        backups.restore(empty, tmp_path / "copy")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "media/../../outside"])
def test_a_manifest_that_points_outside_is_refused(empty: Runtime, tmp_path: Path, name: str) -> None:
    (tmp_path / "copy").mkdir()
    manifest = {"schema": backups.SCHEMA, "files": {name: {"size": 1, "sha256": "x"}}}
    (tmp_path / "copy" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Invalid, match="no backup"):
        backups.restore(empty, tmp_path / "copy")


def test_a_copy_of_a_newer_version_or_another_kind_is_refused(
    runtime: Runtime, empty: Runtime, tmp_path: Path
) -> None:
    backups.backup(runtime, tmp_path / "copy")
    path = tmp_path / "copy" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "revision": "9999_from_the_future"}))
    with pytest.raises(Invalid, match="newer version"):
        backups.restore(empty, tmp_path / "copy")
    path.write_text(json.dumps({**manifest, "database": "oracle"}))
    with pytest.raises(Invalid, match="oracle"):
        backups.restore(empty, tmp_path / "copy")
