"""Bytes on their way in: streamed to disk, counted and hashed, and gone again unless somebody takes them."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from qa_audit.errors import NoSpace, Refused
from qa_audit.services.ports import Ports

CHUNK = 1 << 18
LOOK_EVERY = 8 << 20
"""Bytes between two looks at the free space: uploads that run at once all saw the same space at first."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class ReceivedFile:
    """A recording that arrived whole and is synced to disk, in the folder for uploads in progress."""

    path: Path
    size: int
    sha256: str


class Receiver:
    """Takes a recording in pieces and writes it to disk, never holding more than a piece.

    Raises Refused(`too_large`) as soon as it grows beyond the limit, NoSpace when the disk gets too full.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        with no_space():
            self.path = ports.media.incoming() / f"{secrets.token_hex(16)}.part"
            self._file: IO[bytes] | None = self.path.open("xb")
        self._hash = hashlib.sha256()
        self._size = 0
        self._next_look = LOOK_EVERY

    def write(self, data: bytes | bytearray) -> int:
        """Append a piece; returns its length."""
        if self._file is None:
            raise ValueError("This recording is complete already.")
        self._size += len(data)
        if self._size > self._ports.settings.max_upload_bytes:
            raise too_large(self._ports)
        if self._size > self._next_look:
            ensure_room(self._ports)
            self._next_look = self._size + LOOK_EVERY
        self._hash.update(data)
        with no_space():
            self._file.write(data)
        return len(data)

    def finish(self) -> ReceivedFile:
        """Sync what was written to disk and return it."""
        if self._file is not None:
            with no_space():
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
            self._file = None
        return ReceivedFile(self.path, self._size, self._hash.hexdigest())

    def discard(self) -> None:
        """Remove what was written, unless it was taken over; never raises for what is gone already."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError:
            pass  # a full disk: the last piece could not be written, and nobody wants it any more
        finally:
            self._file = None
            self.path.unlink(missing_ok=True)


def receive(ports: Ports, stream: IO[bytes], expected: int | None = None) -> ReceivedFile:
    """Write a stream to disk and return it synced, with its hash; `expected` is its size in bytes if known.

    The caller owns the file from then on: `ingest.accept` takes it over or removes it. Raises Refused and
    NoSpace.
    """
    check_size(ports, expected)
    ensure_room(ports, expected or 0)
    receiver = Receiver(ports)
    try:
        while piece := stream.read(CHUNK):
            receiver.write(piece)
        return receiver.finish()
    except BaseException:
        receiver.discard()
        raise


def check_size(ports: Ports, expected: int | None) -> None:
    """Refuse an upload that says itself that it is too large, before a byte of it is read."""
    if expected is not None and expected > ports.settings.max_upload_bytes:
        raise too_large(ports)


def ensure_room(ports: Ports, expected: int = 0) -> None:
    """Raise NoSpace unless `expected` bytes fit beside the reserve that lets states still be written."""
    with no_space():
        incoming = ports.media.incoming()
    free = min(ports.media.free_bytes(), shutil.disk_usage(incoming).free)
    if free < expected + ports.settings.reserve_bytes:
        raise _too_full()
    if ports.db.is_sqlite and shutil.disk_usage(ports.settings.data_dir).free < ports.settings.reserve_bytes:
        raise _too_full()


def too_large(ports: Ports) -> Refused:
    """Build the refusal of a recording that is larger than the installation takes."""
    limit = ports.settings.max_upload_bytes
    shown = f"{limit // (1 << 20)} MiB" if limit >= 1 << 20 else f"{limit} bytes"
    return Refused("too_large", f"The recording is larger than {shown}, the most that is taken here.")


@contextmanager
def no_space() -> Iterator[None]:
    """Turn the system's 'no space left' into NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _too_full() from error
        raise


def _too_full() -> NoSpace:
    return NoSpace("The server's disk is almost full. Nothing was stored; send it again once there is room.")
