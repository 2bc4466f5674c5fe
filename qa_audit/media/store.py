"""Where the bytes of recordings lie: a folder, or an S3 bucket (see `s3`)."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from qa_audit.errors import Invalid, NoSpace, NotFound
from qa_audit.media.protocol import MediaStore

INCOMING = "incoming"
"""The folder for uploads in progress; no key may begin with it."""

_PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"
_KEY = re.compile(rf"{_PART}(/{_PART}){{0,7}}")


def open_store(url: str, cache_dir: Path) -> MediaStore:
    """Return the store at `file://<folder>` or `s3://<bucket>/<prefix>`.

    `cache_dir` takes local copies and uploads in progress of a store that is elsewhere. Raises Invalid.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "file" and rest:
        return LocalMediaStore(Path(rest).absolute())
    bucket, _, prefix = rest.partition("/")
    if scheme == "s3" and bucket:
        from qa_audit.media.s3 import S3MediaStore

        return S3MediaStore(bucket, prefix.strip("/"), cache_dir)
    raise Invalid("QA_AUDIT_MEDIA_URL must be file:// and a folder, or s3:// with a bucket and a prefix.")


def check_key(key: str) -> str:
    """Return the key if it is well formed; raises Invalid.

    A key is up to eight parts of letters, digits, '_', '-' and '.', joined by '/'; no part begins with a dot,
    so that none can climb out of the store.
    """
    if not _KEY.fullmatch(key) or key.split("/", 1)[0] == INCOMING:
        raise Invalid("This is no key of the media store.")
    return key


class LocalMediaStore:
    """Blobs as files below one folder.

    A blob appears whole or not at all: it is written to `incoming`, synced, renamed; the folders are synced.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_file(self, key: str, path: Path) -> None:
        """Move the file in if it lies in `incoming()`, else copy it; durable when this returns."""
        target = self._path(key)
        if path.parent.absolute() == self.incoming().absolute():
            _settle(path, target)
            return
        with self._temporary() as temporary:
            shutil.copyfile(path, temporary)
            _settle(temporary, target)

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, durable when this returns."""
        target = self._path(key)
        with self._temporary() as temporary:
            temporary.write_bytes(data)
            _settle(temporary, target)

    def open(self, key: str) -> BinaryIO:
        """Open for reading, seekable; raises NotFound."""
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound("This recording is not in the media store.") from error

    def local_path(self, key: str) -> Path:
        """Return the blob's own file, which must not be changed; raises NotFound."""
        path = self._path(key)
        if not path.is_file():
            raise NotFound("This recording is not in the media store.")
        return path

    def size(self, key: str) -> int:
        """Return the size in bytes; raises NotFound."""
        return self.local_path(key).stat().st_size

    def delete(self, key: str) -> None:
        """Remove the blob; removing what is not there is no error."""
        path = self._path(key)
        with suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            _sync_folder(path.parent)

    def keys(self) -> Iterator[tuple[str, float]]:
        """Yield every key with its age in seconds."""
        now = time.time()
        for folder, folders, names in os.walk(self.root):
            if Path(folder) == self.root and INCOMING in folders:
                folders.remove(INCOMING)
            for name in names:
                path = Path(folder, name)
                key = path.relative_to(self.root).as_posix()
                age = _age(path, now)
                if age is not None and _KEY.fullmatch(key):
                    yield key, age

    def incoming(self) -> Path:
        """Return the folder for uploads in progress, on the same disk as the store."""
        folder = self.root / INCOMING
        _make_folder(folder)
        return folder

    def free_bytes(self) -> int:
        """Return the free space of the store's disk in bytes."""
        return free_bytes(self.incoming())

    def _path(self, key: str) -> Path:
        return self.root / check_key(key)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """Give a name in `incoming` whose file is gone afterwards; a full disk becomes NoSpace."""
        path = self.incoming() / f"{secrets.token_hex(16)}.part"
        try:
            yield path
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace("The disk of the media store is full.") from error
            raise
        finally:
            path.unlink(missing_ok=True)


def _settle(path: Path, target: Path) -> None:
    """Sync the file, give it its final name, and sync both folders."""
    _sync_file(path)
    _make_folder(target.parent)
    path.replace(target)
    _sync_folder(target.parent)
    _sync_folder(path.parent)


def _age(path: Path, now: float) -> float | None:
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None


def free_bytes(folder: Path) -> int:
    """Return the bytes that an ordinary user can still write to the disk of `folder`."""
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


def _make_folder(folder: Path) -> None:
    """Make the folder and those above it, each synced into the one above, so that a power cut keeps them."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_sync_folder = _sync_file
