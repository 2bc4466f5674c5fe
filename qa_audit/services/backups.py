"""Copies of a whole installation, and putting one back: database first, recordings second, checked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from qa_audit.errors import Conflict, Invalid, NotFound, QaAuditError
from qa_audit.services import consistency
from qa_audit.services.consistency import Found
from qa_audit.services.ports import Ports
from qa_audit.storage import schema, snapshots
from qa_audit.storage.snapshots import MediaRow, Snapshot

SCHEMA = "qa-audit/backup@1"
MANIFEST = "manifest.json"
MEDIA = "media"
ATTEMPTS = 5
"""How often a copy is begun anew because calls were deleted while it ran."""

_CHUNK = 1 << 20

Progress = Callable[[int, int], None]
"""Gets the number of files done and of all files."""


@dataclass(frozen=True)
class Backup:
    """A finished copy: its calls, files and bytes, and what is not as it was uploaded any more."""

    calls: int
    files: int
    bytes: int
    damaged: tuple[str, ...]


class _Moved(Exception):
    """A file of the snapshot went meanwhile: its call was deleted, or its playback copy made anew."""


def backup(ports: Ports, target: Path, *, progress: Progress = lambda done, total: None) -> Backup:
    """Copy the database and every recording it points at into an empty folder, while uploads go on.

    The database is copied as of one moment, then the files it names. If one of them goes meanwhile because
    its call was deleted, the copy begins anew, so that it never holds what was deleted. The manifest, with
    the checksum of every file, is written last: without it a folder is no backup. Raises Invalid for a folder
    that is not empty, QaAuditError when something cannot be copied; then nothing is left behind.
    """
    target = target.absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Invalid(f"{target} is not an empty folder. A backup goes into a new one.")
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o700)
    try:
        for _ in range(ATTEMPTS):
            with suppress(_Moved):
                return _copy(ports, target, progress)
            _empty(target)
        raise Conflict("Calls were deleted all the time while the copy ran. Try again when it is quieter.")
    except BaseException as error:
        _empty(target)
        if isinstance(error, OSError):
            raise QaAuditError(f"The backup could not be written: {error.strerror or error}.") from error
        raise


def restore(ports: Ports, source: Path, *, progress: Progress = lambda done, total: None) -> Found:
    """Put a backup into an empty installation, bring its tables up to date, and check it.

    Every file's checksum is verified before anything is written; recordings come before the database, so that
    no row ever stands without its file. Raises Invalid for a folder that is no whole backup or was changed,
    Conflict when the installation already holds data.
    """
    manifest = read_manifest(source)
    _ensure_fits(ports, manifest)
    _ensure_unchanged(source, manifest["files"], progress)
    _ensure_empty(ports, manifest["files"])
    for name in manifest["files"]:
        if name.startswith(f"{MEDIA}/"):
            ports.media.put_file(name.removeprefix(f"{MEDIA}/"), source / name)
    snapshots.put_back(ports.db, source / snapshots.FILES[snapshots.kind_of(ports.db)])
    ports.db.upgrade()
    return consistency.check(ports)


def read_manifest(source: Path) -> dict[str, Any]:
    """Read what a backup says it holds; raises Invalid when the folder is no whole backup."""
    try:
        manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        if manifest["schema"] == SCHEMA and all(_is_inside(name) for name in manifest["files"]):
            return dict(manifest)
    except OSError as error:
        raise Invalid(f"{source} is no backup, or one that was broken off: it has no {MANIFEST}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{source} is no backup: its {MANIFEST} cannot be read.") from error
    raise Invalid(f"{source} is no backup of the kind {SCHEMA}.")


def _copy(ports: Ports, target: Path, progress: Progress) -> Backup:
    snapshot = snapshots.take(ports.db, target)
    snapshot.path.chmod(0o600)
    files = {snapshot.path.name: _describe(snapshot.path)}
    damaged = []
    for done, row in enumerate(snapshot.media):
        progress(done, len(snapshot.media))
        name = f"{MEDIA}/{row.key}"
        files[name] = _copy_blob(ports, row, target / name)
        if row.sha256 is not None and files[name]["sha256"] != row.sha256:
            damaged.append(_name(row))
    progress(len(snapshot.media), len(snapshot.media))
    _write_manifest(ports, target, snapshot, files)
    return Backup(
        calls=len({row.call for row in snapshot.media}),
        files=len(files),
        bytes=sum(int(entry["size"]) for entry in files.values()),
        damaged=tuple(damaged),
    )


def _copy_blob(ports: Ports, row: MediaRow, target: Path) -> dict[str, Any]:
    _private_folder(target.parent)
    try:
        with ports.media.open(row.key) as blob, _private(target) as out:
            return _pour(blob, out)
    except NotFound as error:
        if row not in snapshots.media_rows(ports.db):
            raise _Moved from error
        raise QaAuditError(
            f"The file of {_name(row)} is missing from the media store; mend that before making a backup."
        ) from error


def _pour(blob: BinaryIO, out: BinaryIO) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    while chunk := blob.read(_CHUNK):
        digest.update(chunk)
        size += out.write(chunk)
    out.flush()
    os.fsync(out.fileno())
    return {"size": size, "sha256": digest.hexdigest()}


def _private_folder(folder: Path) -> None:
    if not folder.is_dir():
        _private_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _write_manifest(ports: Ports, target: Path, snapshot: Snapshot, files: Mapping[str, Any]) -> None:
    manifest = {
        "schema": SCHEMA,
        "made_at": ports.clock().isoformat(timespec="seconds"),
        "version": version("qa-audit"),
        "database": snapshot.kind,
        "revision": snapshot.revision,
        "files": files,
    }
    temporary = target / f".{MANIFEST}"
    with _private(temporary) as out:
        out.write(json.dumps(manifest, indent=1).encode())
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(target / MANIFEST)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _ensure_fits(ports: Ports, manifest: Mapping[str, Any]) -> None:
    kind, revision = snapshots.kind_of(ports.db), manifest.get("revision")
    if manifest.get("database") != kind:
        raise Invalid(
            f"The backup is of a {manifest.get('database')} database, this installation uses {kind}."
        )
    if not isinstance(revision, str) or not schema.knows(revision):
        raise Invalid("The backup was made by a newer version of QA Audit. Install that one first.")


def _ensure_unchanged(source: Path, files: Mapping[str, Any], progress: Progress) -> None:
    wrong = []
    for done, (name, written) in enumerate(files.items()):
        progress(done, len(files))
        if not (source / name).is_file() or _describe(source / name) != written:
            wrong.append(name)
    progress(len(files), len(files))
    if wrong:
        listed = ", ".join(wrong[:5]) + (" and others" if len(wrong) > 5 else "")
        raise Invalid(f"The backup is not what was written: {listed}. Nothing was restored.")


def _ensure_empty(ports: Ports, files: Mapping[str, Any]) -> None:
    filled = snapshots.filled_tables(ports.db)
    if filled:
        raise Conflict(
            f"This installation already holds data ({', '.join(filled)}). Restore into an empty one: another "
            "QA_AUDIT_DATA_DIR, or another database and media store."
        )
    strange = [key for key, _ in _stored(ports) if f"{MEDIA}/{key}" not in files]
    if strange:
        raise Conflict(
            f"The media store already holds {len(strange)} other files. Restore into an empty one."
        )


def _stored(ports: Ports) -> Iterator[tuple[str, float]]:
    return ports.media.keys()


def _is_inside(name: str) -> bool:
    """Say whether a file's name in a manifest stays in the backup's folder."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _name(row: MediaRow) -> str:
    return f"call {row.call} ({row.kind})"


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
