"""Sound for the tests of the media layer: made here, spoken by espeak-ng, or calls beside the repository."""

from __future__ import annotations

import shutil
import subprocess
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_audit.media.recordings import AvRecordings

Sound = NDArray[np.float32]

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def recordings(tmp_path: Path) -> AvRecordings:
    """Recordings that work in the test's own folder."""
    return AvRecordings(tmp_path / "work")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the repository; skips where it is absent."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "hostile").is_dir() or not (folder / "calls").is_dir():
        pytest.skip("the folder 'shared' with test data is not beside the repository")
    return folder


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """About eight seconds of speech, mono at 16 kHz."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    text = (
        "Thank you for calling. My name is Dana. How can I help you today? Please tell me your booking code."
    )
    subprocess.run([program, "-v", "en-us", "-s", "150", "-w", str(path), text], check=True)
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32_768
        rate = file.getframerate()
    at = np.arange(0, len(raw) - 1, rate / 16_000)
    return (0.5 * np.interp(at, np.arange(len(raw)), raw)).astype(np.float32)


@pytest.fixture
def write_wav(tmp_path: Path) -> Callable[..., Path]:
    """Write channels (float arrays) as 16-bit PCM and return the file."""

    def write(*channels: Sound, rate: int = 16_000, name: str = "call.wav") -> Path:
        path = tmp_path / name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(len(channels))
            file.setsampwidth(2)
            file.setframerate(rate)
            sound = np.clip(np.stack(channels, axis=1), -1, 1)
            file.writeframes((sound * 32_767).astype("<i2").tobytes())
        return path

    return write


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """Encode a float array (channels, samples) with any codec and return the file."""

    def write(
        name: str, codec: str, sound: Sound, rate: int, *, form: str | None = None, bits: int = 0
    ) -> Path:
        import av

        path = tmp_path / name
        layout = "mono" if len(sound) == 1 else "stereo"
        with av.open(str(path), "w", format=form) as file:
            stream = file.add_stream(codec, rate=rate)
            stream.codec_context.layout = layout
            if codec == "vorbis":
                stream.codec_context.options = {"strict": "experimental"}
            if bits:
                stream.codec_context.bit_rate = bits
            for start in range(0, sound.shape[1], 4_096):
                block = np.ascontiguousarray(sound[:, start : start + 4_096])
                frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def tone() -> Callable[..., Sound]:
    """Make a sine wave."""

    def make(seconds: float, hertz: float = 440, rate: int = 16_000, level: float = 0.3) -> Sound:
        return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(
            np.float32
        )

    return make
