"""Recordings for real: every look into untrusted bytes happens in a child process (see `child`)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qa_audit.errors import Permanent, Refused
from qa_audit.media import child, formats
from qa_audit.media.judge import Facts, check_sound, facts_of, judge
from qa_audit.media.protocol import Measurement, Probe, Samples, Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_audit.media.vad import SpeechDetector

RATE = 16_000
"""The rate in Hz at which speech is looked for and transcribed."""

DECODE_SHARE = 0.4
"""The part of a measurement's progress that decoding gets; finding speech gets the rest."""

WORKSPACE = "decode-"
STALE_SECONDS = 86_400.0

_BLOCK = 1 << 18


class AvRecordings:
    """Recordings decoded with FFmpeg's libraries (PyAV).

    `tmp_dir` takes decoded sound while it is worked on (32 kB per second and channel for `measure`, twice
    that for `samples`); `limits` bind each child process.
    """

    def __init__(self, tmp_dir: Path, limits: child.Limits | None = None, *, vad_threads: int = 1) -> None:
        self._tmp_dir = tmp_dir
        self._limits = limits or child.Limits()
        self._vad_threads = vad_threads
        self._vad: SpeechDetector | None = None

    def probe(self, path: Path, filename: str) -> Probe:
        """Look at an upload; raises Refused (`not_audio`, `broken`), ChildDied when looking went wrong."""
        _check_name(filename)
        found = child.run(
            "probe", {"path": _absolute(path)}, limits=self._limits, seconds=self._limits.probe_seconds
        )
        return Probe(
            container=str(found["container"]),
            codec=str(found["codec"]),
            sample_rate=int(found["sample_rate"]),
            channels=int(found["channels"]),
            content_type=formats.CONTENT_TYPES[found["container"]],
            decoded_seconds=float(found["decoded_seconds"]),
        )

    def measure(self, path: Path, *, progress: Callable[[float], None] = lambda f: None) -> Measurement:
        """Decode all of it and find the speech; `progress` may raise to stop.

        Raises Permanent (`undecodable`, `silent`, `too_short`, `too_many_channels`) and ChildDied.
        """
        with self._workspace() as work:
            facts, files = self._decode(path, work, "int16", lambda done: progress(done * DECODE_SHARE))
            check_sound(facts)
            speech = self._speech(
                facts, files, lambda done: progress(DECODE_SHARE + done * (1 - DECODE_SHARE))
            )
            progress(1.0)
            return judge(facts, speech)

    def samples(self, path: Path) -> Samples:
        """Decode to 16 kHz channels, as many as the file has; raises Permanent(`undecodable`), ChildDied.

        The arrays lie in files that are gone from the folder already, so that the system may drop from memory
        what is not being read.
        """
        import numpy as np

        with self._workspace() as work:
            facts, files = self._decode(path, work, "float32", lambda done: None)
            if not facts.good_seconds:
                raise Permanent("undecodable", "No sound in the recording can be decoded.")
            if not files[0].stat().st_size:
                return Samples(tuple(np.zeros(0, np.float32) for _ in files))
            return Samples(tuple(np.memmap(file, dtype=np.float32, mode="c") for file in files))

    def playback(self, path: Path, target: Path, *, silence: Sequence[Span] = ()) -> None:
        """Write the browser's copy to `target`; see `derive`."""
        self.derive(path, target, None, silence)

    def peaks(self, path: Path, target: Path, *, silence: Sequence[Span] = ()) -> None:
        """Write the waveform's peaks to `target`; see `derive`."""
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
        """Write playback copy and peaks in one pass over the recording; a target that is None is left out.

        Within `silence` (seconds) every channel is zero. Targets appear complete or not at all. Raises
        Permanent (`undecodable`, `too_many_channels`), ChildDied.
        """
        with self._workspace() as work:
            copy, peaks = work / "copy.m4a", work / "peaks.json"
            request = {
                "path": _absolute(path),
                "copy": str(copy) if playback_target else None,
                "peaks": str(peaks) if peaks_target else None,
                "silence": [[float(start), float(end)] for start, end in silence],
                "max_seconds": self._limits.max_seconds,
            }
            self._run_long("derive", path, request, progress)
            for made, target in ((copy, playback_target), (peaks, peaks_target)):
                if target is not None:
                    _move(made, target)

    def _decode(
        self, path: Path, work: Path, dtype: str, progress: Callable[[float], None]
    ) -> tuple[Facts, list[Path]]:
        targets = [work / "0.pcm", work / "1.pcm"]
        request = {
            "path": _absolute(path),
            "targets": [str(target) for target in targets],
            "dtype": dtype,
            "max_seconds": self._limits.max_seconds,
        }
        facts = facts_of(self._run_long("decode", path, request, progress))
        return facts, targets[: facts.channels]

    def _run_long(
        self, operation: str, path: Path, request: Mapping[str, object], progress: Callable[[float], None]
    ) -> dict[str, object]:
        seconds = self._limits.deadline(path.stat().st_size)
        try:
            return child.run(operation, request, limits=self._limits, seconds=seconds, progress=progress)
        except Refused as error:
            # The door let it in, so this is a failure of the call by now.
            raise Permanent("undecodable", error.message) from error

    def _speech(
        self, facts: Facts, files: Sequence[Path], progress: Callable[[float], None]
    ) -> list[tuple[Span, ...]]:
        """Return each channel's spans; the second channel of dual mono has those of the first."""
        if facts.dual_mono:
            spans = self._speech_in(facts, files[0], progress)
            return [spans, spans]
        found = []
        for number, file in enumerate(files):
            share = 1 / len(files)

            def tell(done: float, before: float = number * share, share: float = share) -> None:
                progress(before + done * share)

            quiet = number in facts.silent_channels
            found.append(() if quiet else self._speech_in(facts, file, tell))
        return found

    def _speech_in(self, facts: Facts, file: Path, progress: Callable[[float], None]) -> tuple[Span, ...]:
        total = facts.seconds * RATE
        spans = self._detector.spans(_blocks(file), progress=lambda done: progress(min(1.0, done / total)))
        return tuple((start, min(end, facts.seconds)) for start, end in spans)

    @property
    def _detector(self) -> SpeechDetector:
        if self._vad is None:
            from qa_audit.media.vad import SpeechDetector

            self._vad = SpeechDetector(self._vad_threads)
        return self._vad

    @contextmanager
    def _workspace(self) -> Iterator[Path]:
        self._tmp_dir.mkdir(parents=True, exist_ok=True)
        _remove_stale(self._tmp_dir)
        with tempfile.TemporaryDirectory(prefix=WORKSPACE, dir=self._tmp_dir) as name:
            yield Path(name)


def _check_name(filename: str) -> None:
    ending = formats.extension(filename)
    if ending not in formats.EXTENSIONS:
        shown = f"ends in '.{ending[:20]}'" if ending else "has no ending"
        raise Refused("not_audio", f"The file's name {shown}. Accepted are {formats.ACCEPTED}.")


def _absolute(path: Path) -> str:
    return str(path.absolute())


def _blocks(file: Path) -> Iterator[NDArray[np.float32]]:
    """Yield a channel that was written as int16 in float32 pieces, so that it never fills the memory."""
    import numpy as np

    with file.open("rb") as opened:
        while data := opened.read(_BLOCK):
            yield np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32_767)


def _move(made: Path, target: Path) -> None:
    """Put the finished file at `target` in one step, also from another disk."""
    try:
        os.replace(made, target)
    except OSError:
        beside = target.with_name(f".{target.name}.part")
        shutil.copyfile(made, beside)
        os.replace(beside, target)


def _remove_stale(folder: Path) -> None:
    """Remove what processes that were killed a day ago or earlier left behind."""
    for left in folder.glob(f"{WORKSPACE}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
