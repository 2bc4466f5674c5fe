"""What first bytes say, and what a file's own structure says about its end."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_audit.media import formats
from qa_audit.media.cut import is_cut


@pytest.mark.parametrize(
    ("name", "codec", "how", "expected"),
    [
        ("a.wav", "pcm_s16le", {}, ("wav",)),
        ("a.flac", "flac", {}, ("flac",)),
        ("a.ogg", "libopus", {}, ("ogg",)),
        ("a.webm", "libopus", {}, ("matroska",)),
        ("a.m4a", "aac", {"form": "ipod"}, ("mov",)),
        ("a.aac", "aac", {"form": "adts"}, ("aac",)),
        ("a.amr", "libopencore_amrnb", {"bits": 12_200}, ("amr",)),
        ("a.mp3", "libmp3lame", {}, ("mp3", "aac", "flac")),
    ],
)
def test_first_bytes_tell_the_kind(encode, tone, name, codec, how, expected):
    path = encode(name, codec, tone(1, rate=8_000)[None, :], 8_000, **how)

    assert formats.sniff(path.read_bytes()[: formats.HEAD_BYTES]) == expected


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_an_mp3_without_tag_is_known_by_two_frames_in_a_row_also_after_rubbish(encode, tone, rate):
    data = encode("a.mp3", "libmp3lame", tone(1, rate=rate)[None, :], rate).read_bytes()
    frames = data[data.index(b"\xff") :]

    assert formats.sniff(frames[: formats.HEAD_BYTES]) == ("mp3",)
    assert formats.sniff(b"\xff\xfbrubbish\xff" + frames[: formats.HEAD_BYTES]) == ("mp3",)


@given(st.binary(max_size=2_000))
def test_any_bytes_have_a_name_and_reading_them_never_fails(data):
    assert formats.name_of(data)
    assert set(formats.sniff(data)) <= set(formats.CONTENT_TYPES)
    formats.mp3_claimed_seconds(io.BytesIO(data))
    for kind in formats.CONTENT_TYPES:
        assert is_cut(io.BytesIO(data), kind, len(data)) in (True, False)


@given(
    st.sampled_from([b"RIFF\0\0\0\0WAVE", b"OggS", b"\0\0\0\x18ftyp", b"\x1a\x45\xdf\xa3", b"ID3\4\0\0"]),
    st.binary(),
)
def test_any_end_after_a_good_start_never_fails(start, data):
    data = start + data
    for kind in formats.CONTENT_TYPES:
        assert is_cut(io.BytesIO(data), kind, len(data)) in (True, False)
    formats.mp3_claimed_seconds(io.BytesIO(data))


@pytest.mark.parametrize(
    ("filename", "expected"),
    [("a.WAV", "wav"), ("a", ""), ("a.b/c", ""), ("C:\\x.y\\call.Mp3", "mp3"), ("a.", ""), (".wav", "wav")],
)
def test_the_ending_is_that_of_the_last_part(filename, expected):
    assert formats.extension(filename) == expected


def test_an_mp3_header_tells_the_length(encode, tone):
    path = encode("a.mp3", "libmp3lame", tone(5)[None, :], 16_000)

    with path.open("rb") as file:
        assert formats.mp3_claimed_seconds(file) == pytest.approx(5.0, abs=0.15)


def wav(claimed, size):
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + bytes(16) + b"data" + struct.pack("<I", claimed) + bytes(size)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (wav(100, 100), False),
        (wav(100, 99), True),
        (wav(100, 200), False),
        (wav(0, 100), False),
        (wav(0xFFFFFFFF, 100), False),
        (
            b"RF64\xff\xff\xff\xffWAVEds64\x18\0\0\0"
            + struct.pack("<QQQ", 0, 50, 0)
            + b"data\xff\xff\xff\xff",
            True,
        ),
    ],
)
def test_a_wav_is_cut_when_its_data_is_shorter_than_claimed(data, expected):
    assert is_cut(io.BytesIO(data), "wav", len(data)) is expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0\0\0\x10ftyp" + bytes(8) + b"\0\0\0\x10mdat" + bytes(8), False),
        (b"\0\0\0\x10ftyp" + bytes(8) + b"\0\0\0\x10mdat" + bytes(7), True),
        (b"\0\0\0\x10ftyp" + bytes(8) + b"\0\0\0\0mdat" + bytes(7), False),
        (b"\0\0\0\1mdat" + struct.pack(">Q", 1 << 40) + bytes(50), True),
    ],
)
def test_an_mp4_is_cut_when_its_last_box_is_longer_than_the_file(data, expected):
    assert is_cut(io.BytesIO(data), "mov", len(data)) is expected
