"""Every accepted kind of recording decodes, with its channels apart and its length right."""

from __future__ import annotations

import numpy as np
import pytest

SECONDS = 3.0

STEREO = [
    ("a.wav", "pcm_u8", 8_000, {}, "wav", "pcm_u8"),
    ("a.wav", "pcm_s16le", 8_000, {}, "wav", "pcm_s16le"),
    ("a.wave", "pcm_s16le", 44_100, {"form": "wav"}, "wav", "pcm_s16le"),
    ("a.wav", "pcm_s24le", 48_000, {}, "wav", "pcm_s24le"),
    ("a.wav", "pcm_s32le", 16_000, {}, "wav", "pcm_s32le"),
    ("a.wav", "pcm_f32le", 16_000, {}, "wav", "pcm_f32le"),
    ("a.wav", "pcm_mulaw", 8_000, {}, "wav", "pcm_mulaw"),
    ("a.wav", "pcm_alaw", 8_000, {}, "wav", "pcm_alaw"),
    ("a.mp3", "libmp3lame", 44_100, {"bits": 128_000}, "mp3", "mp3"),
    ("a.mp3", "libmp3lame", 16_000, {"bits": 64_000}, "mp3", "mp3"),
    ("a.m4a", "aac", 44_100, {"form": "ipod", "bits": 128_000}, "mov", "aac"),
    ("a.mp4", "aac", 16_000, {"bits": 96_000}, "mov", "aac"),
    ("a.aac", "aac", 48_000, {"form": "adts", "bits": 128_000}, "aac", "aac"),
    ("a.ogg", "libopus", 48_000, {"bits": 64_000}, "ogg", "opus"),
    ("a.opus", "libopus", 16_000, {"form": "ogg", "bits": 64_000}, "ogg", "opus"),
    ("a.oga", "vorbis", 44_100, {"form": "ogg", "bits": 128_000}, "ogg", "vorbis"),
    ("a.flac", "flac", 16_000, {}, "flac", "flac"),
    ("a.webm", "libopus", 48_000, {"bits": 64_000}, "matroska", "opus"),
]

MONO = [
    ("a.wav", "pcm_u8", 8_000, {}, "wav", "pcm_u8"),
    ("a.wav", "pcm_mulaw", 8_000, {}, "wav", "pcm_mulaw"),
    ("a.mp3", "libmp3lame", 8_000, {"bits": 24_000}, "mp3", "mp3"),
    ("a.m4a", "aac", 8_000, {"form": "ipod", "bits": 24_000}, "mov", "aac"),
    ("a.opus", "libopus", 8_000, {"form": "ogg", "bits": 24_000}, "ogg", "opus"),
    ("a.flac", "flac", 48_000, {}, "flac", "flac"),
    ("a.amr", "libopencore_amrnb", 8_000, {"bits": 12_200}, "amr", "amr_nb"),
    ("a.3gp", "libopencore_amrnb", 8_000, {"bits": 12_200}, "mov", "amr_nb"),
    ("a.webm", "libopus", 16_000, {"bits": 32_000}, "matroska", "opus"),
]


def halves(tone, rate, channels):
    """Sound on the first channel in the first half, on the last channel in the second half."""
    sound = np.zeros((channels, round(SECONDS * rate)), np.float32)
    middle = sound.shape[1] // 2
    sound[0, :middle] = tone(SECONDS, 500, rate)[:middle]
    sound[-1, middle:] = tone(SECONDS, 900, rate)[middle : sound.shape[1]]
    return sound


def rms(sound):
    return float(np.sqrt(np.mean(np.square(sound)))) + 1e-9


@pytest.mark.parametrize(
    ("name", "codec", "rate", "how", "container", "found"), STEREO, ids=lambda value: str(value)[:12]
)
def test_stereo_decodes_with_channels_apart(
    recordings, encode, tone, name, codec, rate, how, container, found
):
    path = encode(name, codec, halves(tone, rate, 2), rate, **how)

    probe = recordings.probe(path, name)
    left, right = (channel[:] for channel in recordings.samples(path).channels)

    assert (probe.container, probe.codec, probe.channels) == (container, found, 2)
    assert probe.content_type.startswith("audio/")
    assert len(left) == len(right) == pytest.approx(SECONDS * 16_000, abs=2_000)
    assert left.dtype == np.float32
    first, second = slice(4_000, 20_000), slice(28_000, 44_000)
    assert rms(left[first]) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert rms(right[second]) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert 20 * np.log10(rms(right[first]) / rms(left[first])) < -30
    assert 20 * np.log10(rms(left[second]) / rms(right[second])) < -30


@pytest.mark.parametrize(
    ("name", "codec", "rate", "how", "container", "found"), MONO, ids=lambda value: str(value)[:12]
)
def test_mono_decodes_with_the_right_length(
    recordings, encode, tone, name, codec, rate, how, container, found
):
    path = encode(name, codec, tone(SECONDS, 500, rate)[None, :], rate, **how)

    probe = recordings.probe(path, name)
    (only,) = recordings.samples(path).channels

    assert (probe.container, probe.codec, probe.channels) == (container, found, 1)
    assert len(only) == pytest.approx(SECONDS * 16_000, abs=2_000)
    assert rms(only[8_000:40_000]) == pytest.approx(0.3 / np.sqrt(2), rel=0.25)


def test_times_survive_resampling(recordings, write_wav):
    for rate in (8_000, 11_025, 44_100, 48_000):
        clicks = np.zeros(4 * rate, np.float32)
        clicks[rate] = clicks[3 * rate] = 0.9
        (only,) = recordings.samples(write_wav(clicks, rate=rate)).channels
        loud = np.abs(only[:])
        assert int(loud[:32_000].argmax()) == pytest.approx(16_000, abs=3)
        assert 32_000 + int(loud[32_000:].argmax()) == pytest.approx(48_000, abs=3)


def test_a_ten_second_look_decodes_ten_seconds(recordings, write_wav, tone):
    probe = recordings.probe(write_wav(tone(14, rate=8_000), rate=8_000), "call.wav")

    assert probe.decoded_seconds == 10.0
    assert probe.sample_rate == 8_000


def test_samples_leave_no_file_behind(recordings, write_wav, tone, tmp_path):
    samples = recordings.samples(write_wav(tone(2), tone(2, 700)))

    assert list((tmp_path / "work").iterdir()) == []
    assert float(np.abs(samples.channels[1][:]).max()) == pytest.approx(0.3, abs=0.02)
