"""Make Ogg files reproducible: encoders draw a random serial number for every stream."""

from __future__ import annotations

import struct


def fix_serial(data: bytes, serial: int) -> bytes:
    """Give every Ogg page a fixed stream serial number, so that the same sound gives the same file.

    Page checksums are computed anew: CRC-32 with polynomial 0x04c11db7, not reflected (RFC 3533, section 6).
    """
    out = bytearray(data)
    at = 0
    while at < len(out):
        count = out[at + 26]
        size = 27 + count + sum(out[at + 27 : at + 27 + count])
        struct.pack_into("<I", out, at + 14, serial)
        struct.pack_into("<I", out, at + 22, 0)
        struct.pack_into("<I", out, at + 22, _ogg_checksum(bytes(out[at : at + size])))
        at += size
    return bytes(out)


def _ogg_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _ogg_table()


def _ogg_checksum(page: bytes) -> int:
    value = 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ _TABLE[(value >> 24) ^ byte]
    return value
