"""Recordings for real: every look into untrusted bytes happens in a child process (see `child`)."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_audit.errors import Permanent, Refused
from qa_audit.media import child, formats
from qa_audit.media.judge import Facts, check_sound, facts_of, judge
from qa_audit.media.pcm import RATE, PcmFile
from qa_audit.media.protocol import Measurement, Probe, Samples, Span

if TYPE_CHECKING:
    from qa_audit.media.vad import Listened, SpeechDetector

DECODE_SHARE = 0.4
"""The part of a measurement's progress that decoding gets; finding speech gets the rest."""

WORKSPACE = "decode-"
STALE_SECONDS = 86_400.0


class AvRecordings:
    """Recordings decoded with FFmpeg's libraries (PyAV).

    `tmp_dir` takes decoded sound while it is worked on (32 kB per second and channel); `limits` bind each
    child process.
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
            facts, files = self._decode(path, work, lambda done: progress(done * DECODE_SHARE))
            check_sound(facts)
            found = self._listen(
                facts, files, lambda done: progress(DECODE_SHARE + done * (1 - DECODE_SHARE))
            )
            facts = self._compared(facts, files, found)
            progress(1.0)
            return self._judged(facts, found)

    def samples(self, path: Path) -> Samples:
        """Decode to 16 kHz channels, as many as the file has; raises Permanent(`undecodable`), ChildDied.

        The sound lies in files that are gone from the folder already and is read where it is sliced.
        """
        with self._workspace() as work:
            facts, files = self._decode(path, work, lambda done: None)
            if not facts.good_seconds:
                raise Permanent("undecodable", "No sound in the recording can be decoded.")
            return Samples(tuple(files))

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
        self, path: Path, work: Path, progress: Callable[[float], None]
    ) -> tuple[Facts, list[PcmFile]]:
        targets = [work / "0.pcm", work / "1.pcm"]
        request = {
            "path": _absolute(path),
            "targets": [str(target) for target in targets],
            "max_seconds": self._limits.max_seconds,
        }
        facts = facts_of(self._run_long("decode", path, request, progress))
        return facts, [PcmFile(target) for target in targets[: facts.channels]]

    def _run_long(
        self, operation: str, path: Path, request: Mapping[str, object], progress: Callable[[float], None]
    ) -> dict[str, object]:
        seconds = self._limits.deadline(path.stat().st_size)
        try:
            return child.run(operation, request, limits=self._limits, seconds=seconds, progress=progress)
        except Refused as error:
            # The door let it in, so this is a failure of the call by now.
            raise Permanent("undecodable", error.message) from error

    def _listen(
        self, facts: Facts, files: Sequence[PcmFile], progress: Callable[[float], None]
    ) -> list[Listened | None]:
        """Return what each channel holds, None for silence; both channels of dual mono hold the same."""
        sounding = [number for number in range(len(files)) if number not in facts.silent_channels]
        heard = sounding[:1] if facts.dual_mono else sounding
        found: list[Listened | None] = [None] * len(files)
        for place, number in enumerate(heard):

            def tell(samples: int, place: int = place) -> None:
                progress((place + min(1.0, samples / (facts.seconds * RATE))) / len(heard))

            found[number] = self._detector.listen(files[number].blocks(), progress=tell)
        return [found[heard[0]]] * len(files) if facts.dual_mono else found

    def _compared(self, facts: Facts, files: Sequence[PcmFile], found: Sequence[Listened | None]) -> Facts:
        """Add to the facts whether both channels carry the same people."""
        one, *rest = found
        if facts.dual_mono or one is None or not rest or rest[0] is None:
            return facts
        from qa_audit.media.alike import likeness

        return replace(facts, likeness=likeness(files, [one.speech, rest[0].speech]))

    def _judged(self, facts: Facts, found: Sequence[Listened | None]) -> Measurement:
        from qa_audit.media.events import events_of

        channels = found[:1] if facts.is_one_voice_track else found
        speech = [_within(one.speech, facts.seconds) if one else () for one in found]
        if facts.is_one_voice_track:
            speech = speech[:1] * len(found)
        return judge(facts, speech, events_of(channels, facts.seconds))

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


def _within(spans: Sequence[Span], seconds: float) -> tuple[Span, ...]:
    return tuple((start, min(end, seconds)) for start, end in spans)


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
