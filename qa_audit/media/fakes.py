"""Recordings by script: the twin of `AvRecordings` for tests that need no sound."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from qa_audit.media.protocol import Measurement, Probe, Samples, Span

Value = TypeVar("Value", Probe, Measurement)

PROBE = Probe(
    container="wav",
    codec="pcm_s16le",
    sample_rate=8_000,
    channels=2,
    content_type="audio/wav",
    decoded_seconds=10.0,
)

MEASUREMENT = Measurement(
    duration=60.0,
    sample_rate=8_000,
    channels=2,
    layout_hint="stereo",
    speech=(((1.0, 20.0),), ((21.0, 55.0),)),
    levels=(-22.0, -24.0),
    warnings=(),
)


@dataclass
class ScriptedRecordings:
    """Say what the script says about every recording; an exception in place of a result is raised.

    `done` lists what was asked for, as (method, path), with the silence of each derived file in `silences`.
    """

    measurement: Measurement | Exception = MEASUREMENT
    found: Probe | Exception = PROBE
    done: list[tuple[str, Path]] = field(default_factory=list)
    silences: list[tuple[Span, ...]] = field(default_factory=list)

    def probe(self, path: Path, filename: str) -> Probe:
        """Return the scripted probe."""
        self.done.append(("probe", path))
        return _or_raise(self.found)

    def measure(self, path: Path, *, progress: Callable[[float], None] = lambda f: None) -> Measurement:
        """Return the scripted measurement after telling half and full progress."""
        self.done.append(("measure", path))
        progress(0.5)
        measured = _or_raise(self.measurement)
        progress(1.0)
        return measured

    def samples(self, path: Path) -> Samples:
        """Return silence of the measurement's length, one array per channel."""
        import numpy as np

        self.done.append(("samples", path))
        measured = _or_raise(self.measurement)
        length = round(measured.duration * 16_000)
        return Samples(tuple(np.zeros(length, np.float32) for _ in range(measured.channels)))

    def playback(self, path: Path, target: Path, *, silence: Sequence[Span] = ()) -> None:
        """Write a few bytes that begin like an M4A file."""
        self.derive(path, target, None, silence)

    def peaks(self, path: Path, target: Path, *, silence: Sequence[Span] = ()) -> None:
        """Write peaks of one point per second."""
        self.derive(path, None, target, silence)

    def derive(
        self,
        path: Path,
        playback_target: Path | None,
        peaks_target: Path | None,
        silence: Sequence[Span] = (),
        *,
        progress: Callable[[float], None] = lambda f: None,
    ) -> None:
        """Write the placeholders that are wanted."""
        self.done.append(("derive", path))
        self.silences.append(tuple(silence))
        measured = _or_raise(self.measurement)
        if playback_target is not None:
            playback_target.write_bytes(b"\0\0\0\x1cftypM4A \0\0\2\0")
        if peaks_target is not None:
            points = [50] * int(measured.duration)
            channels = [points for _ in range(measured.channels)]
            form = {"version": 1, "duration": measured.duration, "per_second": 1.0, "channels": channels}
            peaks_target.write_text(json.dumps(form), encoding="ascii")
        progress(1.0)


def _or_raise(scripted: Value | Exception) -> Value:
    if isinstance(scripted, Exception):
        raise scripted
    return scripted
