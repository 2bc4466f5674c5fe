"""Compute what whisper hears, a log mel spectrogram, in numpy alone (whisper's own needs torch)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from qa_audit.speech.recogniser import WINDOW_SECONDS
from qa_audit.speech.whisper_files import mel_filters

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

SAMPLES = int(WINDOW_SECONDS * 16_000)
FFT, HOP = 400, 160
FRAMES = SAMPLES // HOP


def log_mel(sound: NDArray[float32], n_mels: int) -> NDArray[float32]:
    """Return the spectrogram (n_mels, 3000) of a sound at 16 kHz, filled up with silence or cut to 30 s.

    Equal to `whisper.audio.log_mel_spectrogram` on the padded sound: Hann window, frames centred on their
    time, the ends mirrored, at most 8 powers of ten below the loudest.
    """
    import numpy as np

    heard = np.asarray(sound[:SAMPLES], np.float32)
    frames = min((len(heard) + FFT // 2) // HOP + 1, FRAMES)
    reach = SAMPLES if frames == FRAMES else (frames - 1) * HOP + FFT // 2 + 1
    padded = np.pad(np.pad(heard, (0, reach - len(heard))), FFT // 2, mode="reflect")
    parts = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:frames]
    spectrum = np.fft.rfft(parts * _hann(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    mel = np.full((n_mels, FRAMES), 1e-10, np.float32)
    mel[:, :frames] = np.maximum(mel_filters(n_mels) @ power.T.astype(np.float32, copy=False), 1e-10)
    levels = np.log10(mel)
    return np.asarray((np.maximum(levels, levels.max() - 8.0) + 4.0) / 4.0, np.float32)


@lru_cache(maxsize=1)
def _hann() -> NDArray[float32]:
    import numpy as np

    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)
