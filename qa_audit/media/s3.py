"""Recordings in an S3 bucket (AWS, MinIO, Ceph …), with the extra `s3` installed.

Credentials, region and endpoint come from boto3's usual places: variables `AWS_…`, its configuration files,
or the role of the machine.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from qa_audit.errors import Invalid, NotFound, Temporary
from qa_audit.media.store import INCOMING, check_key, free_bytes

CACHE_BYTES = 2 << 30
"""Local copies are removed, the longest unused first, when together they take more than this."""

KEEP_SECONDS = 3_600.0
"""A copy used this recently stays, because somebody may still be reading it."""


class S3MediaStore:
    """Blobs as objects below a prefix; what is read passes through a bounded folder of local copies.

    Every put sends the sha256, which the server checks, and asks afterwards whether all of it is there.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        cache_dir: Path,
        *,
        cache_bytes: int = CACHE_BYTES,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._folder = cache_dir
        self._cache_bytes = cache_bytes
        self._keep_seconds = keep_seconds
        self._made: Any = None

    def put_file(self, key: str, path: Path) -> None:
        """Copy the file in and remove it if it lies in `incoming()`; durable when this returns."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            self._put(key, file, digest, path.stat().st_size)
        if path.parent.absolute() == self.incoming().absolute():
            path.unlink()

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, durable when this returns."""
        self._put(key, data, hashlib.sha256(data).digest(), len(data))

    def open(self, key: str) -> BinaryIO:
        """Open the local copy for reading; raises NotFound."""
        return self.local_path(key).open("rb")

    def local_path(self, key: str) -> Path:
        """Return a local copy of the blob, fetched if there is none; raises NotFound."""
        copy = self._copy_of(key)
        if copy.is_file():
            with suppress(FileNotFoundError):
                os.utime(copy)
                return copy
        self._fetch(key, copy)
        self._make_room()
        return copy

    def size(self, key: str) -> int:
        """Return the size in bytes; raises NotFound."""
        return int(self._call("head_object", key)["ContentLength"])

    def delete(self, key: str) -> None:
        """Remove the blob and its local copy; removing what is not there is no error."""
        self._call("delete_object", key)
        self._copy_of(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, float]]:
        """Yield every key with its age in seconds."""
        now, client = time.time(), self._client
        try:
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Contents", []):
                    yield found["Key"].removeprefix(self._prefix), now - found["LastModified"].timestamp()
        except _errors() as error:
            raise _unreachable(error) from error

    def incoming(self) -> Path:
        """Return a local folder for uploads in progress."""
        return self._made_folder(INCOMING)

    def free_bytes(self) -> int:
        """Return the free space for uploads in progress: the bucket has no end, the local disk has."""
        return free_bytes(self.incoming())

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = _boto3().client("s3")
        return self._made

    def _put(self, key: str, body: object, digest: bytes, size: int) -> None:
        checksum = base64.b64encode(digest).decode()
        self._call("put_object", key, Body=body, ChecksumSHA256=checksum)
        found = self._call("head_object", key, ChecksumMode="ENABLED")
        if found["ContentLength"] != size or found.get("ChecksumSHA256", checksum) != checksum:
            raise Temporary("The media store did not keep what was sent. It is tried again.")
        self._copy_of(key).unlink(missing_ok=True)

    def _fetch(self, key: str, copy: Path) -> None:
        temporary = copy.with_name(f"{secrets.token_hex(8)}.part")
        try:
            found = self._call("get_object", key)
            with temporary.open("wb") as file:
                shutil.copyfileobj(found["Body"], file, 1 << 20)
            if temporary.stat().st_size != found["ContentLength"]:
                raise Temporary("The media store broke off while it sent a recording. It is tried again.")
            temporary.replace(copy)
        except _errors() as error:
            raise _unreachable(error) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _call(self, method: str, key: str, **arguments: object) -> dict[str, Any]:
        name, client = self._prefix + check_key(key), self._client
        try:
            answer: dict[str, Any] = getattr(client, method)(Bucket=self._bucket, Key=name, **arguments)
            return answer
        except _errors() as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                raise NotFound("This recording is not in the media store.") from error
            raise _unreachable(error) from error

    def _copy_of(self, key: str) -> Path:
        name = hashlib.sha256(check_key(key).encode()).hexdigest()
        return self._made_folder("copies") / name

    def _made_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _make_room(self) -> None:
        copies = []
        for path in self._made_folder("copies").iterdir():
            with suppress(FileNotFoundError):
                facts = path.stat()
                copies.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in copies)
        for used, size, path in sorted(copies):
            if total <= self._cache_bytes or time.time() - used < self._keep_seconds:
                return
            path.unlink(missing_ok=True)
            total -= size


def _boto3() -> Any:
    try:
        return importlib.import_module("boto3")
    except ImportError as error:
        raise Invalid("An s3:// media store needs boto3: install QA Audit with its extra 's3'.") from error


def _errors() -> tuple[type[Exception], ...]:
    exceptions = importlib.import_module("botocore.exceptions")
    return (exceptions.ClientError, exceptions.BotoCoreError)


def _code(error: Exception) -> str:
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _unreachable(error: Exception) -> Temporary:
    """Name the trouble by its code or kind; the library's own text may hold addresses and keys."""
    return Temporary(f"The media store cannot be used now ({_code(error) or type(error).__name__}).")
