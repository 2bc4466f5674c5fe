"""The browser's copy and its peaks: times exact, masked spans silent on every channel."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from qa_audit.errors import Permanent
from qa_audit.media.peaks import MAX_POINTS, PeakMeter
from qa_audit.media.playback import sample_spans, silenced

RATE = 16_000


def level(sound):
    """Return the RMS level in dBFS."""
    return 10 * np.log10(float(np.mean(np.square(sound, dtype=np.float64))) + 1e-14)


def copied(recordings, path, tmp_path, silence=()):
    """Make the copy and decode it again; return its channels at 16 kHz."""
    target = tmp_path / "copy.m4a"
    recordings.playback(path, target, silence=silence)
    return [channel[:] for channel in recordings.samples(target).channels]


def test_masked_spans_are_silent_on_both_channels_and_nothing_else_is(recordings, write_wav, tone, tmp_path):
    path = write_wav(tone(8, 500), tone(8, 900))
    spans = [(2.0, 3.0), (5.5, 6.25)]

    channels = copied(recordings, path, tmp_path, spans)

    for channel in channels:
        for start, end in spans:
            assert level(channel[int(start * RATE) : int(end * RATE)]) < -60
        for start, end in ((0.5, 1.97), (3.03, 5.47), (6.28, 7.9)):
            assert level(channel[int(start * RATE) : int(end * RATE)]) == pytest.approx(-13.5, abs=0.5)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_the_copy_keeps_times(recordings, write_wav, tmp_path, rate):
    clicks = np.zeros(10 * rate, np.float32)
    for second in (1, 3, 6, 9):
        clicks[second * rate : second * rate + rate // 200] = 0.8
    path = write_wav(clicks, np.roll(clicks, rate // 2), rate=rate)

    left, right = copied(recordings, path, tmp_path, [(4.0, 5.0)])

    for channel, shift in ((left, 0.0), (right, 0.5)):
        for second in (1, 3, 6, 9):
            at = second + shift
            around = np.abs(channel[int((at - 0.3) * RATE) : int((at + 0.3) * RATE)])
            first = int(np.argmax(around > 0.3)) / RATE - 0.3
            assert first == pytest.approx(0.0, abs=0.03)


def test_the_copy_is_aac_with_its_index_first_and_an_edit_list(recordings, write_wav, tone, tmp_path):
    target = tmp_path / "copy.m4a"
    recordings.playback(write_wav(tone(5), tone(5)), target)
    data = target.read_bytes()

    probe = recordings.probe(target, "copy.m4a")

    assert (probe.container, probe.codec, probe.channels, probe.sample_rate) == ("mov", "aac", 2, 24_000)
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    media_time = struct.unpack(">i", data[data.index(b"elst") + 16 : data.index(b"elst") + 20])[0]
    assert media_time == 1_024


def test_the_copy_has_a_constant_rate(recordings, write_wav, speech, tmp_path):
    for channels, kilobits in (([speech] * 2, 96), ([speech], 48)):
        target = tmp_path / "copy.m4a"
        recordings.playback(write_wav(*channels), target)
        assert target.stat().st_size * 8 / 1000 / (len(speech) / RATE) == pytest.approx(kilobits, rel=0.15)


def test_channels_stay_apart_in_the_copy(recordings, write_wav, speech, tmp_path):
    left, right = copied(recordings, write_wav(speech, np.zeros_like(speech)), tmp_path)

    assert level(left) > -40
    assert level(right) < -80


def test_the_whole_recording_can_be_masked(recordings, write_wav, speech, tmp_path):
    path = write_wav(speech, speech)
    recordings.derive(path, tmp_path / "copy.m4a", tmp_path / "peaks.json", [(-5.0, 1e6)])

    assert all(level(channel[:]) < -90 for channel in recordings.samples(tmp_path / "copy.m4a").channels)
    peaks = json.loads((tmp_path / "peaks.json").read_text())["channels"]
    assert [set(points) for points in peaks] == [{0}, {0}]


def test_peaks_show_each_channel_and_nothing_in_masked_spans(recordings, write_wav, tone, tmp_path):
    target = tmp_path / "peaks.json"
    quiet = np.zeros(4 * RATE, np.float32)

    recordings.peaks(write_wav(tone(4, level=0.5), quiet), target, silence=[(1.0, 2.0)])

    form = json.loads(target.read_text())
    assert (form["version"], form["duration"], form["per_second"]) == (1, 4.0, 50)
    left, right = form["channels"]
    assert len(left) == len(right) == 200
    assert set(left[50:100]) == {0}
    assert all(48 <= point <= 53 for point in left[:50] + left[100:])
    assert set(right) == {0}


def test_peaks_of_a_long_call_are_bounded():
    meter = PeakMeter(1, 1_000)
    for second in range(3_600):
        block = np.zeros((1, 1_000), np.float32)
        block[0, 500] = 1.0 if second == 1_800 else 0.1
        meter.add(block)

    form = json.loads(meter.to_json())

    points = form["channels"][0]
    assert 3_000 < len(points) <= MAX_POINTS
    assert len(points) / form["per_second"] == pytest.approx(3_600, abs=1)
    assert points.index(100) / form["per_second"] == pytest.approx(1_800, abs=1)


def test_peaks_of_odd_pieces_are_those_of_the_whole(tone):
    sound = np.stack([tone(3.21), tone(3.21, 90)])
    whole, pieces = PeakMeter(2, RATE), PeakMeter(2, RATE)

    whole.add(sound)
    for piece in np.split(sound, [1, 400, 401, 20_000], axis=1):
        pieces.add(piece)

    assert whole.to_json() == pieces.to_json()


def test_spans_widen_to_whole_samples():
    assert sample_spans([(1.00001, 2.00001), (-3.0, 0.5)]) == [(24_000, 48_001), (0, 12_000)]


def test_a_block_is_silenced_only_where_it_meets_a_span():
    block = np.ones((2, 10), np.float32)

    quiet = silenced(block, 100, [(90, 102), (105, 107), (110, 120)])

    assert quiet[0].tolist() == quiet[1].tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1]
    assert block.min() == 1


def test_copy_and_peaks_come_out_of_one_pass_with_progress(recordings, write_wav, tone, tmp_path):
    told = []
    path = write_wav(np.tile(tone(10), 6), np.tile(tone(10), 6))

    recordings.derive(path, tmp_path / "a.m4a", tmp_path / "a.json", progress=told.append)

    assert (tmp_path / "a.m4a").exists()
    assert (tmp_path / "a.json").exists()
    assert told == sorted(told)
    assert len(told) > 10
    assert list((tmp_path / "work").iterdir()) == []


def test_nothing_appears_when_the_recording_cannot_be_copied(recordings, write_wav, tone, tmp_path):
    three = write_wav(tone(1), tone(1), tone(1))

    with pytest.raises(Permanent) as caught:
        recordings.derive(three, tmp_path / "a.m4a", tmp_path / "a.json")

    assert caught.value.failure == "too_many_channels"
    assert not (tmp_path / "a.m4a").exists()
    assert not (tmp_path / "a.json").exists()
