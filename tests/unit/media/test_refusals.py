"""What is refused at the door, and in which words."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest

from qa_audit.errors import Permanent, Refused

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(range(256)) * 4


def refused(recordings, path, name=None):
    with pytest.raises(Refused) as caught:
        recordings.probe(path, name or path.name)
    return caught.value


def test_a_picture_named_wav_is_not_audio_and_is_named(recordings, tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(JPEG)

    error = refused(recordings, path)

    assert error.kind == "not_audio"
    assert "JPEG" in error.message
    assert "WAV" in error.message
    assert error.fields == {"audio": error.message}


def test_an_empty_file_is_broken(recordings, tmp_path):
    path = tmp_path / "call.mp3"
    path.touch()

    assert refused(recordings, path).kind == "broken"


@pytest.mark.parametrize(
    "start",
    [
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"OggS" + bytes(60),
        b"fLaC" + bytes(60),
        b"#!AMR\n",
        b"\x1a\x45\xdf\xa3" + bytes(90),
    ],
    ids=["wav", "ogg", "flac", "amr", "webm"],
)
def test_a_file_that_only_starts_right_is_broken(recordings, tmp_path, start):
    path = tmp_path / "call.wav"
    path.write_bytes(start)

    assert refused(recordings, path).kind == "broken"


def test_a_wav_without_sound_is_broken(recordings, write_wav):
    assert refused(recordings, write_wav(np.zeros(0, np.float32))).kind == "broken"


@pytest.mark.parametrize("name", ["call.txt", "call", "call.wav.exe", "call.mkv", ".wav/call"])
def test_a_name_that_is_no_recordings_name_is_refused(recordings, write_wav, tone, name):
    error = refused(recordings, write_wav(tone(1)), name)

    assert error.kind == "not_audio"
    assert "name" in error.message


@pytest.mark.parametrize("name", ["call.wav", "CALL.WAV", "C:\\calls\\call.Mp3", "folder/call.m4a"])
def test_an_audio_name_of_another_kind_is_accepted(recordings, encode, tone, name):
    path = encode("x.mp3", "libmp3lame", tone(1, rate=16_000)[None, :], 16_000)

    assert recordings.probe(path, name).container == "mp3"


@pytest.mark.parametrize("rate", [4_000, 96_000, 192_000])
def test_a_sample_rate_out_of_range_is_refused_and_named(recordings, write_wav, tone, rate):
    error = refused(recordings, write_wav(tone(1, rate=rate), rate=rate))

    assert error.kind == "not_audio"
    assert str(rate) in error.message


def test_a_coding_that_is_not_on_the_list_is_refused_and_named(recordings, encode, tone):
    error = refused(recordings, encode("a.m4a", "alac", tone(1)[None, :], 16_000, form="ipod"))

    assert error.kind == "not_audio"
    assert "alac" in error.message


def video(path, *, sound=False):
    import av

    with av.open(str(path), "w") as file:
        pictures = file.add_stream("mpeg4", rate=10)
        pictures.width = pictures.height = 64
        tracks = [file.add_stream("aac", rate=16_000)] if sound else []
        for number in range(20):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number, np.uint8), format="rgb24")
            file.mux(pictures.encode(picture))
            for track in tracks:
                frame = av.AudioFrame.from_ndarray(
                    np.full((1, 1_600), 0.1, np.float32), format="fltp", layout="mono"
                )
                frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1_600, Fraction(1, 16_000)
                file.mux(track.encode(frame))
        for stream in (pictures, *tracks):
            file.mux(stream.encode(None))
    return path


def test_a_video_without_sound_is_refused(recordings, tmp_path):
    error = refused(recordings, video(tmp_path / "call.mp4"))

    assert error.kind == "not_audio"
    assert "video" in error.message


def test_of_a_video_with_sound_the_sound_is_taken(recordings, tmp_path):
    probe = recordings.probe(video(tmp_path / "call.mp4", sound=True), "call.mp4")

    assert (probe.codec, probe.decoded_seconds) == ("aac", pytest.approx(2.0, abs=0.2))


def test_more_than_two_channels_pass_the_door_and_fail_by_name(recordings, write_wav, tone):
    path = write_wav(tone(2), tone(2), tone(2))

    assert recordings.probe(path, "call.wav").channels == 3
    for look in (recordings.measure, recordings.samples):
        with pytest.raises(Permanent, match="3 channels") as caught:
            look(path)
        assert caught.value.failure == "too_many_channels"


def test_two_sound_tracks_fail_as_too_many_channels(recordings, tmp_path, tone):
    import av

    path = tmp_path / "call.m4a"
    with av.open(str(path), "w", format="ipod") as file:
        tracks = [file.add_stream("aac", rate=16_000) for _ in range(2)]
        for track in tracks:
            track.codec_context.layout = "mono"
        for track in tracks:
            frame = av.AudioFrame.from_ndarray(tone(2)[None, :], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, 0, Fraction(1, 16_000)
            file.mux(track.encode(frame))
            file.mux(track.encode(None))

    assert recordings.probe(path, "call.m4a").channels == 2
    with pytest.raises(Permanent, match="2 separate sound tracks") as caught:
        recordings.measure(path)
    assert caught.value.failure == "too_many_channels"


@pytest.mark.parametrize("name", ["call.wav", "call.mp3", "call.m4a"])
def test_a_playlist_that_names_another_file_is_refused_unread(recordings, write_wav, tone, tmp_path, name):
    other = write_wav(tone(2), name="other.wav")
    path = tmp_path / name
    path.write_text(f"ffconcat version 1.0\nfile '{other}'\nfile 'other.wav'\n")

    assert refused(recordings, path).kind == "not_audio"


def test_a_playlist_that_names_an_address_is_refused_and_nothing_is_fetched(recordings, tmp_path):
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path = tmp_path / "call.mp3"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}\n#EXT-X-ENDLIST\n")

        error = refused(recordings, path)

        with pytest.raises(TimeoutError):
            server.accept()
    assert error.kind == "not_audio"
    assert "playlist" in error.message


def test_a_cut_m4a_has_lost_its_index_and_is_broken(recordings, encode, tone, tmp_path):
    whole = encode("whole.m4a", "aac", tone(5, rate=16_000)[None, :], 16_000, form="ipod").read_bytes()
    path = tmp_path / "cut.m4a"
    path.write_bytes(whole[: len(whole) // 2])

    assert refused(recordings, path).kind == "broken"


def test_a_wav_that_is_cut_in_its_header_is_broken(recordings, write_wav, tone, tmp_path):
    path = tmp_path / "cut.wav"
    path.write_bytes(write_wav(tone(1)).read_bytes()[:30])

    assert refused(recordings, path).kind == "broken"


def test_a_riff_file_that_is_no_wav_is_named(recordings, tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF" + struct.pack("<I", 400) + b"AVI LIST" + bytes(400))

    error = refused(recordings, path)

    assert error.kind == "not_audio"
    assert "AVI" in error.message
