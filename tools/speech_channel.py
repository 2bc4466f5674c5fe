"""Make clean speech sound as it does on a telephone: band, level, codec, and a little noise."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from tools.speech_voices import SAMPLE_RATE, resample


@dataclass(frozen=True)
class Line:
    """Describe one telephone line: band edges in hertz, width of their slopes, sampled at 8 kHz or not."""

    low: float = 300.0
    high: float = 3400.0
    slope: float = 150.0
    narrow: bool = False


def random_line(rng: np.random.Generator) -> Line:
    """Draw a line near the standard telephone band."""
    return Line(
        low=float(rng.uniform(240, 340)),
        high=float(rng.uniform(3250, 3550)),
        slope=float(rng.uniform(80, 300)),
        narrow=bool(rng.random() < 0.3),
    )


def telephone(samples: np.ndarray, line: Line = Line()) -> np.ndarray:
    """Limit speech at 16 kHz to the band of the line, with raised-cosine slopes outside of it."""
    if not len(samples):
        return samples
    padded = np.concatenate([samples, np.zeros(320, np.float32)])
    spectrum = np.fft.rfft(padded)
    hertz = np.fft.rfftfreq(len(padded), 1 / SAMPLE_RATE)
    rise = np.clip((hertz - (line.low - line.slope)) / line.slope, 0, 1)
    fall = np.clip(((line.high + line.slope) - hertz) / line.slope, 0, 1)
    gain = (0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall))
    out = np.fft.irfft(spectrum * gain, len(padded))[: len(samples)].astype(np.float32)
    if line.narrow:
        out = resample(resample(out, SAMPLE_RATE, 8000), 8000, SAMPLE_RATE)
        out = np.pad(out, (0, max(len(samples) - len(out), 0)))[: len(samples)]
    return out


def level(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Scale speech so that its loudest tenth has the given level in dBFS (root mean square)."""
    if not len(samples):
        return samples
    squares = np.sort(samples.astype(np.float64) ** 2)
    loud = np.sqrt(np.mean(squares[int(len(squares) * 0.9) :]) + 1e-12)
    return (samples * (10 ** (decibels / 20) / loud)).astype(np.float32)


def encode_opus(channels: np.ndarray, bit_rate: int) -> bytes:
    """Encode float samples (channels x samples, 16 kHz, one or two channels) as Ogg Opus."""
    import av

    layout = "stereo" if channels.shape[0] == 2 else "mono"
    target = io.BytesIO()
    with av.open(target, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000, layout=layout)
        stream.bit_rate = bit_rate
        stream.codec_context.options = {"application": "audio", "vbr": "on"}
        pcm = np.stack(
            [resample(np.ascontiguousarray(c, dtype=np.float32), SAMPLE_RATE, 48000) for c in channels]
        )
        packed = np.clip(pcm.T.reshape(1, -1), -1, 1).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate = 48000
        fifo = av.AudioFifo()
        fifo.write(frame)
        while chunk := fifo.read(960, partial=True):
            container.mux(stream.encode(chunk))
        container.mux(stream.encode(None))
    return target.getvalue()


def decode(data: bytes | str) -> np.ndarray:
    """Decode a recording to float samples, channels x samples at 16 kHz."""
    import av

    source: io.BytesIO | str = io.BytesIO(data) if isinstance(data, bytes) else data
    parts = []
    with av.open(source) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", rate=SAMPLE_RATE)
        for frame in container.decode(stream):
            parts.extend(f.to_ndarray() for f in resampler.resample(frame))
        parts.extend(f.to_ndarray() for f in resampler.resample(None))
    return np.concatenate(parts, axis=1).astype(np.float32)
