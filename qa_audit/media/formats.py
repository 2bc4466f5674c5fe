"""Which kinds of file are taken as recordings, and what the first bytes of any file say that it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from qa_audit.errors import Refused

EXTENSIONS = frozenset(
    (
        "wav",
        "wave",
        "mp3",
        "m4a",
        "mp4",
        "3gp",
        "aac",
        "ogg",
        "oga",
        "opus",
        "flac",
        "amr",
        "awb",
        "webm",
        "weba",
    )
)
"""Endings of file names that are taken, in lower case."""

ACCEPTED = "WAV (PCM, µ-law, A-law), MP3, M4A/AAC, OGG (Opus, Vorbis), FLAC, AMR and WebM"
"""The accepted kinds in words for people."""

MIN_RATE = 8_000
MAX_RATE = 48_000
"""Lowest and highest accepted sample rate in Hz."""

CONTENT_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "mov": "audio/mp4",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "matroska": "audio/webm",
}
"""Each accepted container, by FFmpeg's name, and its media type."""

CONTAINER_NAMES = {
    "wav": "WAV",
    "mp3": "MP3",
    "flac": "FLAC",
    "ogg": "OGG",
    "mov": "MP4",
    "aac": "AAC",
    "amr": "AMR",
    "matroska": "WebM",
}
"""Each accepted container's name for people."""

CODECS = frozenset(
    {
        "pcm_u8",
        "pcm_s16le",
        "pcm_s24le",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_f64le",
        "pcm_mulaw",
        "pcm_alaw",
        "mp3",
        "aac",
        "opus",
        "vorbis",
        "flac",
        "amr_nb",
        "amr_wb",
    }
)
"""Codecs that are decoded, by FFmpeg's canonical name; no other decoder is ever opened."""

DECODERS = (
    *("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_mulaw", "pcm_alaw"),
    *("mp3", "mp3float", "aac", "opus", "vorbis", "flac", "amrnb", "amrwb"),
)
"""The same codecs by the names of FFmpeg's decoders, for its `codec_whitelist`."""

HEAD_BYTES = 65_536
"""How many first bytes `sniff` and `name_of` want to see."""

_MOV_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")

_OTHER_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV", "a Flash video"),
    (0, b"\0\0\1\xba", "an MPEG video"),
    (8, b"AIFF", "an AIFF recording"),
    (8, b"AIFC", "an AIFF recording"),
    (0, b"\x30\x26\xb2\x75", "a Windows Media file"),
    (0, b"MAC ", "a Monkey's Audio recording"),
    (0, b"wvpk", "a WavPack recording"),
    (0, b"TTA", "a True Audio recording"),
    (0, b"MP+", "a Musepack recording"),
    (0, b"MPCK", "a Musepack recording"),
    (0, b"DSD ", "a DSD recording"),
    (0, b"FRM8", "a DSD recording"),
    (0, b"caff", "a Core Audio recording"),
    (0, b".snd", "a Sun audio recording"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"RE~^", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (257, b"ustar", "a TAR archive"),
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"#EXTM3U", "a playlist"),
    (0, b"ffconcat", "a playlist"),
    (0, b"[playlist]", "a playlist"),
)

_MP3_BITRATES = {
    (3, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits per second by (MPEG version, layer); ISO/IEC 11172-3 and 13818-3, section 2.4.2.3."""


def extension(filename: str) -> str:
    """Return the file name's ending in lower case, without the dot; empty where there is none."""
    name = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return name.rpartition(".")[2].lower() if "." in name else ""


def sniff(head: bytes) -> tuple[str, ...]:
    """Say which accepted containers (FFmpeg's names) the first bytes may be; empty when none.

    Only files that pass here ever reach FFmpeg, so its own guessing, which goes by the file name and knows
    playlists, never decides.
    """
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return ("wav",)
    for magic, kind in (
        (b"fLaC", "flac"),
        (b"OggS", "ogg"),
        (b"#!AMR", "amr"),
        (b"\x1a\x45\xdf\xa3", "matroska"),
    ):
        if head.startswith(magic):
            return (kind,)
    if head[4:8] in _MOV_ATOMS:
        return ("mov",)
    if head.startswith(b"ID3"):
        return ("mp3", "aac", "flac")
    if _follows(head, 0, _adts_length):
        return ("aac",)
    if any(_follows(head, at, _mp3_length) for at in _syncs(head)):
        return ("mp3",)
    return ()


def kinds_of(path: Path) -> tuple[str, ...]:
    """Return what `sniff` says of the file; raises Refused (`broken` when empty, `not_audio`)."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise Refused("broken", "The file is empty.")
    kinds = sniff(head)
    if not kinds:
        raise Refused("not_audio", f"This is {name_of(head)}. Accepted are {ACCEPTED}.")
    return kinds


def name_of(head: bytes) -> str:
    """Name the kind of file for a person, such as 'a JPEG picture'."""
    for offset, magic, name in _OTHER_KINDS:
        if head[offset : offset + len(magic)] == magic:
            return name
    start = head[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if start and b"\0" not in head and not any(byte > 126 for byte in start):
        return "a text file"
    return "a file of an unknown kind"


def mp3_claimed_seconds(file: BinaryIO) -> float | None:
    """Return the length that an MP3's Xing or Info header claims, or None where it has none.

    Without that header FFmpeg only guesses from the bit rate, which says nothing about a cut.
    """
    file.seek(0)
    head = file.read(10)
    start = 0
    if head.startswith(b"ID3") and len(head) == 10:
        start = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
    file.seek(start)
    data = file.read(4096)
    for at in _syncs(data):
        if _mp3_length(data, at) is None:
            continue
        frame = data[at : at + 256]
        tag = max(frame.find(b"Xing"), frame.find(b"Info"))
        if tag < 0 or len(frame) < tag + 12 or not frame[tag + 7] & 1:
            return None
        version = (frame[1] >> 3) & 3
        (count,) = struct.unpack(">I", frame[tag + 8 : tag + 12])
        return float(count * (1152 if version == 3 else 576) / _mp3_rate(frame[1], frame[2]))
    return None


def _syncs(data: bytes) -> list[int]:
    found: list[int] = []
    at = data.find(b"\xff")
    while at >= 0 and len(found) < 4096:
        found.append(at)
        at = data.find(b"\xff", at + 1)
    return found


def _follows(data: bytes, at: int, length_of: Callable[[bytes, int], int | None]) -> bool:
    """Say whether a frame starts at `at` and another, or the end of the file, comes right after it."""
    length = length_of(data, at)
    if length is None:
        return False
    return at + length == len(data) or length_of(data, at + length) is not None


def _mp3_rate(version_byte: int, rate_byte: int) -> int:
    base = (44_100, 48_000, 32_000)[(rate_byte >> 2) & 3]
    return base >> {3: 0, 2: 1, 0: 2}[(version_byte >> 3) & 3]


def _mp3_length(data: bytes, at: int) -> int | None:
    """Return the length in bytes of the MPEG audio frame at `at`, or None when there is none.

    Header fields and the formula: ISO/IEC 11172-3, section 2.4.
    """
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[1] >> 3) & 3, 4 - ((head[1] >> 1) & 3)
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    table = _MP3_BITRATES[(3, layer) if version == 3 else (2, min(layer, 2))]
    bits, hertz, padding = table[bitrate - 1] * 1000, _mp3_rate(head[1], head[2]), (head[2] >> 1) & 1
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _adts_length(data: bytes, at: int) -> int | None:
    """Return the length in bytes of the ADTS frame at `at`, or None (ISO/IEC 13818-7, section 6.2)."""
    head = data[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or (head[2] >> 2) & 15 > 12:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else None
