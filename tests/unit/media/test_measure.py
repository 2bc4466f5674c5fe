"""What a whole recording turns out to be: a measurement, warnings, or a named failure."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest

from qa_audit.errors import Permanent, Stopped


def failure(recordings, path):
    with pytest.raises(Permanent) as caught:
        recordings.measure(path)
    assert caught.value.message
    return caught.value


def call(speech):
    """Two speakers in turn, one per channel."""
    quiet = np.zeros_like(speech)
    return np.concatenate([speech, quiet]), np.concatenate([quiet, 0.7 * speech])


def test_a_stereo_call_is_measured_channel_by_channel(recordings, write_wav, speech):
    left, right = call(speech)
    length = len(speech) / 16_000

    measured = recordings.measure(write_wav(left, right))

    assert measured.duration == pytest.approx(2 * length, abs=0.01)
    assert (measured.channels, measured.sample_rate, measured.layout_hint) == (2, 16_000, "stereo")
    assert measured.warnings == ()
    agent, customer = measured.speech
    assert agent[0][0] < 0.6
    assert agent[-1][1] <= length + 0.2
    assert customer[0][0] >= length - 0.2
    assert customer[-1][1] <= measured.duration
    assert measured.levels[0] - measured.levels[1] == pytest.approx(3.1, abs=0.3)


def test_progress_grows_to_one(recordings, write_wav, speech):
    told = []

    recordings.measure(write_wav(np.tile(speech, 6)), progress=told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 5


def test_what_progress_raises_stops_the_measurement(recordings, write_wav, speech, tmp_path):
    def stop(fraction):
        raise Stopped

    with pytest.raises(Stopped):
        recordings.measure(write_wav(np.tile(speech, 6)), progress=stop)
    assert list((tmp_path / "work").iterdir()) == []


def test_silence_is_named(recordings, write_wav):
    quiet = np.zeros(48_000, np.float32)

    assert failure(recordings, write_wav(quiet, quiet)).failure == "silent"


def test_a_constant_offset_is_silence_too(recordings, write_wav):
    assert failure(recordings, write_wav(np.full(48_000, 0.1, np.float32))).failure == "silent"


def test_sound_without_speech_is_silent_and_the_message_says_which(recordings, write_wav, tone):
    error = failure(recordings, write_wav(tone(5)))

    assert error.failure == "silent"
    assert "no speech" in error.message


def test_noise_without_speech_is_silent(recordings, write_wav):
    noise = np.random.default_rng(1).normal(0, 0.05, 80_000).astype(np.float32)

    assert failure(recordings, write_wav(noise)).failure == "silent"


def test_half_a_second_is_too_short(recordings, write_wav, tone):
    error = failure(recordings, write_wav(tone(0.5)))

    assert error.failure == "too_short"
    assert "0.50 seconds" in error.message


def test_four_samples_are_handled_by_every_method(recordings, write_wav, tmp_path):
    path = write_wav(np.full(4, 0.5, np.float32), rate=48_000)

    assert recordings.probe(path, "call.wav").decoded_seconds == pytest.approx(4 / 48_000)
    assert failure(recordings, path).failure == "too_short"
    assert len(recordings.samples(path).channels[0]) <= 4
    with pytest.raises(Permanent) as caught:
        recordings.derive(path, tmp_path / "a.m4a", tmp_path / "a.json")
    assert caught.value.failure == "undecodable"
    assert not (tmp_path / "a.m4a").exists()


def test_half_a_second_of_speech_is_too_short(recordings, write_wav, speech):
    word = speech[2_000:8_000]
    sound = np.concatenate([np.zeros(32_000, np.float32), word, np.zeros(32_000, np.float32)])

    error = failure(recordings, write_wav(sound))

    assert error.failure == "too_short"
    assert "of speech" in error.message


def test_the_same_sound_on_both_channels_is_dual_mono(recordings, write_wav, speech):
    measured = recordings.measure(write_wav(speech, 0.9 * speech))

    assert measured.layout_hint == "dual-mono"
    assert measured.warnings == ("dual_mono",)
    assert measured.speech[0] == measured.speech[1] != ()
    assert len(recordings.samples(write_wav(speech, 0.9 * speech)).channels) == 2


def test_an_echo_far_below_is_not_dual_mono(recordings, write_wav, speech):
    assert recordings.measure(write_wav(speech, 0.1 * speech)).layout_hint == "stereo"


def test_a_channel_without_sound_is_warned_of(recordings, write_wav, speech):
    measured = recordings.measure(write_wav(speech, np.zeros_like(speech)))

    assert measured.warnings == ("silent_channel",)
    assert measured.speech[1] == ()


def test_distortion_is_warned_of_also_where_the_coding_ends_below_full_scale(recordings, encode, speech):
    loud = np.clip(8 * speech, -1, 1)[None, :]

    for codec in ("pcm_s16le", "pcm_mulaw", "pcm_alaw"):
        path = encode(f"{codec}.wav", codec, loud, 16_000)
        assert "clipped" in recordings.measure(path).warnings


def test_a_very_quiet_call_is_warned_of(recordings, write_wav, speech):
    assert recordings.measure(write_wav(0.02 * speech)).warnings == ("low_level",)


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


CUT_SHORT = [
    ("a.wav", "pcm_s16le", {}),
    ("a.mp3", "libmp3lame", {"bits": 64_000}),
    ("a.flac", "flac", {}),
    ("a.opus", "libopus", {"form": "ogg", "bits": 32_000}),
    ("a.webm", "libopus", {"bits": 32_000}),
    ("a.amr", "libopencore_amrnb", {"bits": 12_200}),
    ("a.aac", "aac", {"form": "adts", "bits": 64_000}),
]


@pytest.mark.parametrize(("name", "codec", "how"), CUT_SHORT, ids=[row[0][2:] for row in CUT_SHORT])
def test_a_file_cut_in_the_middle_is_used_up_to_the_cut_and_says_so(
    recordings, encode, speech, name, codec, how
):
    rate = 8_000 if name == "a.amr" else 16_000
    sound = np.tile(speech, 2)[:: 16_000 // rate]
    whole = encode(name, codec, sound[None, :], rate, **how)
    length = recordings.measure(whole)

    half = recordings.measure(cut(whole))

    assert length.warnings == ()
    assert half.warnings == ("truncated",)
    assert half.duration == pytest.approx(length.duration / 2, rel=0.25)


def test_an_m4a_with_its_index_first_is_used_up_to_the_cut(recordings, write_wav, speech, tmp_path):
    copy = tmp_path / "copy.m4a"
    recordings.playback(write_wav(np.tile(speech, 2)), copy)

    half = recordings.measure(cut(copy))

    assert half.warnings == ("truncated",)
    assert half.duration == pytest.approx(len(speech) / 16_000, rel=0.25)


@pytest.mark.parametrize("claimed", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_a_wav_whose_recorder_did_not_know_the_length_is_not_cut(recordings, write_wav, speech, claimed):
    path = write_wav(speech)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", claimed)
    path.write_bytes(data)

    measured = recordings.measure(path)

    assert measured.warnings == ()
    assert measured.duration == pytest.approx(len(speech) / 16_000, abs=0.01)


def test_a_wav_that_claims_hours_has_the_length_that_decodes(recordings, write_wav, speech):
    path = write_wav(speech)
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 0x70000000)
    path.write_bytes(data)

    measured = recordings.measure(path)

    assert measured.duration == pytest.approx(len(speech) / 16_000, abs=0.01)
    assert measured.warnings == ("truncated",)


def spoiled(path, start, end):
    """Overwrite a part of the file with noise."""
    data = bytearray(path.read_bytes())
    a, b = int(start * len(data)), int(end * len(data))
    data[a:b] = np.random.default_rng(7).bytes(b - a)
    path.write_bytes(data)
    return path


def test_damage_in_the_middle_becomes_silence_and_a_warning(recordings, encode, speech):
    whole = encode("a.flac", "flac", np.tile(speech, 3)[None, :], 16_000)
    length = recordings.measure(whole).duration

    measured = recordings.measure(spoiled(whole, 0.5, 0.55))

    assert "damaged" in measured.warnings
    assert measured.duration == pytest.approx(length, abs=0.01)


def test_lost_pages_of_an_ogg_file_become_silence_and_a_warning(recordings, encode, speech):
    whole = encode("a.opus", "libopus", np.tile(speech, 3)[None, :], 16_000, form="ogg", bits=32_000)
    length = recordings.measure(whole).duration

    measured = recordings.measure(spoiled(whole, 0.5, 0.55))

    assert measured.warnings == ("damaged",)
    assert measured.duration == pytest.approx(length, abs=0.1)


def test_a_pause_in_which_the_recorder_sent_nothing_keeps_its_length(recordings, speech, tmp_path):
    import av

    path = tmp_path / "a.webm"
    pause = 10.0
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libopus", rate=16_000)
        stream.codec_context.layout = "mono"
        for start in (0, len(speech) + round(pause * 16_000)):
            frame = av.AudioFrame.from_ndarray(speech[None, :], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
            encoder = av.CodecContext.create("libopus", "w")
            encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "flt"
            for packet in [*encoder.encode(frame), *encoder.encode(None)]:
                packet.stream = stream
                file.mux(packet)

    measured = recordings.measure(path)

    assert measured.warnings == ()
    assert measured.duration == pytest.approx(2 * len(speech) / 16_000 + pause, abs=0.3)


def test_a_file_that_is_mostly_damage_is_undecodable(recordings, encode, speech):
    path = spoiled(encode("a.m4a", "aac", np.tile(speech, 3)[None, :], 16_000, form="ipod"), 0.05, 0.85)

    assert failure(recordings, path).failure == "undecodable"


def test_what_the_door_would_refuse_is_undecodable_later(recordings, tmp_path):
    path = tmp_path / "blob"
    path.write_bytes(b"RIFF\0\0\0\0WAVEnonsense")

    for look in (recordings.measure, recordings.samples):
        with pytest.raises(Permanent) as caught:
            look(path)
        assert caught.value.failure == "undecodable"


def test_a_change_of_sample_rate_in_the_middle_keeps_times(recordings, encode, speech, tmp_path):
    first = encode("a.mp3", "libmp3lame", speech[None, :], 16_000, bits=64_000)
    second = encode("b.mp3", "libmp3lame", np.repeat(speech, 2)[None, :], 32_000, bits=64_000)
    both = tmp_path / "both.mp3"
    both.write_bytes(first.read_bytes() + second.read_bytes())

    measured = recordings.measure(both)

    assert measured.duration == pytest.approx(2 * len(speech) / 16_000, abs=0.5)
    assert len(recordings.samples(both).channels[0]) == pytest.approx(measured.duration * 16_000, abs=100)


def test_a_change_of_channels_in_the_middle_is_undecodable(recordings, encode, speech, tmp_path):
    first = encode("a.mp3", "libmp3lame", speech[None, :], 16_000, bits=64_000)
    second = encode("b.mp3", "libmp3lame", np.stack([speech, speech]), 16_000, bits=64_000)
    both = tmp_path / "both.mp3"
    both.write_bytes(first.read_bytes() + second.read_bytes())

    error = failure(recordings, both)

    assert error.failure == "undecodable"
    assert "channels" in error.message


def test_a_real_stereo_call_is_measured(recordings, shared):
    path = shared / "calls" / "lca_Auto_Repairs_40_stereo_L-agent_R-caller.wav"

    measured = recordings.measure(path)

    assert measured.duration == pytest.approx(245.38, abs=0.01)
    assert (measured.layout_hint, measured.warnings) == ("stereo", ())
    talk = [sum(end - start for start, end in spans) for spans in measured.speech]
    assert 184 - 25 < sum(talk) < 184 + 40


def test_a_real_mono_call_of_eight_bits_is_measured(recordings, shared):
    path = next((shared / "calls").glob("Auto0*_Mono.wav"))

    measured = recordings.measure(path)

    assert measured.duration == pytest.approx(277.66, abs=0.01)
    assert (measured.layout_hint, measured.sample_rate, measured.warnings) == ("mono", 8_000, ())
    assert len(measured.speech[0]) > 30
