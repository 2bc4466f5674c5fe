"""Recordings of many kinds, made from the voices of a bundled call."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from qa_audit.media.recordings import AvRecordings
from qa_audit.services.bundled_calls import FOLDER

Sound = NDArray[np.float32]

CALL = FOLDER / "calls" / "call-01.opus"
RATE = 16_000
SECONDS = 20


@cache
def voices(folder: Path) -> Sound:
    """Return the first seconds of a bundled call at 16 kHz: the agent's channel and the customer's."""
    found = AvRecordings(folder).samples(CALL)
    return np.stack([np.asarray(channel[: SECONDS * RATE]) for channel in found.channels])


def at_rate(sound: Sound, rate: int) -> Sound:
    """Bring sound at 16 kHz to another rate, well enough for tests."""
    places = np.arange(0, sound.shape[1] - 1, RATE / rate)
    return np.stack([np.interp(places, np.arange(sound.shape[1]), channel) for channel in sound]).astype(
        np.float32
    )


def write_wav(path: Path, sound: Sound, rate: int = 8_000, width: int = 2) -> Path:
    """Write a WAV file with 8-bit (`width` 1) or 16-bit samples."""
    shown = np.clip(at_rate(sound, rate).T, -1, 1)
    data = (shown * 32_767).astype("<i2") if width == 2 else (shown * 127 + 128).astype(np.uint8)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(sound.shape[0])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return path


def encode(path: Path, sound: Sound, codec: str, rate: int) -> Path:
    """Write a compressed file; its ending says which container."""
    layout = "mono" if sound.shape[0] == 1 else "stereo"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        form = stream.codec_context.codec.audio_formats[0].name
        resampler = av.AudioResampler(form, layout, rate, frame_size=stream.codec_context.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(at_rate(sound, rate), format="fltp", layout=layout)
        frame.sample_rate = rate
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path
