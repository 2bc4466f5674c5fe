"""Whether a file's own structure says that its end is missing. Runs only in the child process."""

from __future__ import annotations

import struct
from typing import BinaryIO

MAX_BLOCKS = 10_000
"""How many chunks or atoms are walked before giving up, so that a hostile file cannot keep the walk busy."""

_OPEN_ENDED = (0, 0x7FFFF000, 0xFFFFFFFF)
"""Sizes that programs write into a WAV's data chunk when they do not know the length."""

_OGG_TAIL = 131_072


def is_cut(file: BinaryIO, container: str, size: int) -> bool:
    """Say whether the file promises more bytes than there are, or lacks its end mark.

    `container` is FFmpeg's name, `size` the file's length in bytes. False for kinds without such a promise.
    """
    checks = {"wav": _wav_is_cut, "ogg": _ogg_is_cut, "mov": _mov_is_cut, "matroska": _matroska_is_cut}
    check = checks.get(container)
    return check is not None and check(file, size)


def _wav_is_cut(file: BinaryIO, size: int) -> bool:
    at, long_size = 12, None
    for _ in range(MAX_BLOCKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return False
        name, length = struct.unpack("<4sI", header)
        if name == b"ds64":
            sizes = file.read(16)
            long_size = struct.unpack("<QQ", sizes)[1] if len(sizes) == 16 else None
        if name == b"data":
            if length == 0xFFFFFFFF and long_size:
                length = long_size
            return length not in _OPEN_ENDED and at + 8 + length > size
        at += 8 + length + length % 2
    return False


def _ogg_is_cut(file: BinaryIO, size: int) -> bool:
    """Say whether the last Ogg page is incomplete or not marked as the end (RFC 3533, section 6)."""
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read(_OGG_TAIL)
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return True
    flags, segments = tail[at + 5], tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    complete = len(table) == segments and at + 27 + segments + sum(table) <= len(tail)
    return not (complete and flags & 4)


def _mov_is_cut(file: BinaryIO, size: int) -> bool:
    at = 0
    for _ in range(MAX_BLOCKS):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return at > size
        length = struct.unpack(">I", header[:4])[0]
        if length == 1 and len(header) == 16:
            length = struct.unpack(">Q", header[8:])[0]
        if length == 0:
            return False
        if length < 8:
            return False
        at += length
        if at > size:
            return True
    return False


def _matroska_is_cut(file: BinaryIO, size: int) -> bool:
    """Say whether the Segment element is longer than the file (RFC 8794: element ids and sizes)."""
    at = 0
    for _ in range(MAX_BLOCKS):
        file.seek(at)
        header = file.read(16)
        id_width = _vint_width(header[:1])
        length_width = _vint_width(header[id_width : id_width + 1])
        if not id_width or not length_width or len(header) < id_width + length_width:
            return False
        name = header[:id_width]
        raw = int.from_bytes(header[id_width : id_width + length_width], "big")
        length = raw & ((1 << (7 * length_width)) - 1)
        unknown = length == (1 << (7 * length_width)) - 1
        if name == b"\x18\x53\x80\x67":
            return not unknown and at + id_width + length_width + length > size
        if unknown:
            return False
        at += id_width + length_width + length
    return False


def _vint_width(first: bytes) -> int:
    """Return how many bytes a variable-length number takes by its first byte; 0 when it is none."""
    return 9 - first[0].bit_length() if first and first[0] else 0
