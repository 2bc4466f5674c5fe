"""Decode a recording piece by piece with FFmpeg's libraries. Runs only in the child process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from qa_audit.errors import Refused
from qa_audit.media import formats

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    from qa_audit.media.levels import Block

BLOCK_SAMPLES = 16_384
"""Small frames are gathered into blocks of about this many samples."""

MAX_FILL_SECONDS = 1.0
"""Silence put in place of one packet that cannot be decoded is at most this long."""

JUMP_SECONDS = {"flac": 0.02, "ogg": 0.1, "mov": 0.25, "matroska": 0.25}
"""From which size on a jump of the time stamps is missing sound; other containers carry no stamps."""

MAX_JUMP_SECONDS = 60.0
"""A longer jump, or one back, means that the stamps started anew."""

MAX_PAUSE_SHARE = 3.0
"""Pauses in which nothing was sent are believed up to so many times the sound that is there."""

UNKNOWN_SECONDS = 0.02
"""What cannot be decoded and does not say how long it is counts as one usual packet."""

MAX_RESTARTS = 100
"""How often reading is taken up again after the container itself was broken."""

_TAG_MARKS = (b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"TAG")

_SCALES = {"u1": 128.0, "i2": 32_768.0, "i4": 2_147_483_648.0}


class Recording:
    """One opened file of an accepted kind; a context manager.

    Attributes: `container` (FFmpeg's name), `codec`, `rate` (Hz), `tracks` and `channels` (over all tracks);
    after reading, `good` and `bad` hold the seconds that were decoded and those that had to be filled with
    silence, and `ends_badly` says that the last packets could not be decoded. Opening raises Refused
    (`not_audio`, `broken`).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.good = self.bad = 0.0
        self.ends_badly = False
        self._input, self.container = _open(path)
        try:
            self._stream, self.tracks = _choose_stream(self._input, self.container)
            context = self._stream.codec_context
            self.codec = context.codec.canonical_name
            self.rate = context.sample_rate
            self._track_channels = context.channels
            self.channels = sum(track.codec_context.channels for track in self._input.streams.audio)
            context.thread_count = 1
        except BaseException:
            self._input.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()

    @property
    def claimed_seconds(self) -> float | None:
        """Return the length that the file claims to have, or None where it claims none that means anything.

        FFmpeg works out the others from the size of the file, which is no claim.
        """
        if self.container == "mp3":
            with self.path.open("rb") as file:
                return formats.mp3_claimed_seconds(file)
        if self.container not in ("flac", "mov", "matroska"):
            return None
        if self._stream.duration is not None and self._stream.time_base is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self.container == "matroska" and self._input.duration is not None:
            return self._input.duration / 1_000_000
        return None

    def look(self, seconds: float) -> float:
        """Decode the first `seconds`, keep nothing, and return how many of them could be decoded.

        Needs no numpy, whose loading would take half of the time at the door.
        """
        passed = 0.0
        for found in self._frames(lambda fraction: None):
            if isinstance(found, float):
                passed += found
            else:
                length = found.samples / max(1, found.sample_rate)
                passed += length
                self.good += length if self._fits(found) else 0.0
            if passed >= seconds:
                break
        return min(self.good, seconds)

    def blocks(
        self, progress: Callable[[float], None] = lambda fraction: None
    ) -> Iterator[tuple[int, Block]]:
        """Yield (sample rate, block) to the end; what is missing becomes silence of the same length.

        Stretches that cannot be decoded at the very end are left out, so that the last block is real sound.
        """
        import numpy as np

        pending: list[Block] = []
        rate = held = 0
        for piece_rate, piece in self._pieces(progress):
            if pending and (piece_rate != rate or held >= BLOCK_SAMPLES):
                yield rate, np.concatenate(pending, axis=1)
                pending, held = [], 0
            rate = piece_rate
            pending.append(piece)
            held += piece.shape[1]
        if pending:
            yield rate, np.concatenate(pending, axis=1)

    def _pieces(self, progress: Callable[[float], None]) -> Iterator[tuple[int, Block]]:
        """Yield the sound frame by frame, with silence where something is missing."""
        clock = _Clock(self.container)
        position = gap = 0.0
        for found in self._frames(progress):
            if isinstance(found, float):
                gap += found
                continue
            jump = clock.missing(found.time, position)
            if not clock.exact and clock.filled + jump > MAX_PAUSE_SHARE * self.good + MAX_JUMP_SECONDS:
                jump = 0.0
            clock.filled += jump
            self.bad += max(gap, jump) if clock.exact else gap
            missing, gap = max(gap, jump), 0.0
            position += missing
            while missing > 0:
                seconds, missing = min(missing, MAX_FILL_SECONDS), missing - MAX_FILL_SECONDS
                yield self.rate, self._silence(seconds)
            rate, block = self._checked(found)
            position += block.shape[1] / rate
            yield rate, block
        self.ends_badly = gap > 0

    def _frames(self, progress: Callable[[float], None]) -> Iterator[AudioFrame | float]:
        """Yield decoded frames, and the seconds of each packet that could not be decoded."""
        import av

        for packet in self._packets():
            if packet is None:
                yield UNKNOWN_SECONDS
                continue
            if packet.pos is not None and self.size:
                progress(min(1.0, packet.pos / self.size))
            try:
                yield from packet.decode()
            except av.MemoryError:
                raise
            except (av.FFmpegError, ValueError):
                if not _is_tag(packet):
                    yield self._seconds_of(packet)

    def _packets(self) -> Iterator[Packet[AudioStream] | None]:
        """Yield the track's packets, and None where the container itself could not be read on."""
        import av

        for _ in range(MAX_RESTARTS):
            moved = False
            try:
                for packet in self._input.demux(self._stream):
                    moved = True
                    yield packet
                return
            except av.MemoryError:
                raise
            except (av.FFmpegError, ValueError):
                yield None
            if not moved:
                return

    def _seconds_of(self, packet: Packet[AudioStream]) -> float:
        if packet.duration and packet.time_base:
            return min(MAX_FILL_SECONDS, max(0.001, float(packet.duration * packet.time_base)))
        return UNKNOWN_SECONDS

    def _checked(self, frame: AudioFrame) -> tuple[int, Block]:
        """Return the frame's sound; silence of its length when it does not fit the rest of the file.

        A frame with other channels is not folded into ours: nobody could say any more who speaks on which.
        """
        rate = frame.sample_rate
        if self._fits(frame):
            self.good += frame.samples / rate
            return rate, _to_float(frame, self._track_channels)
        seconds = min(MAX_FILL_SECONDS, frame.samples / max(1, rate))
        self.bad += seconds
        return self.rate, self._silence(seconds)

    def _fits(self, frame: AudioFrame) -> bool:
        in_range = formats.MIN_RATE <= frame.sample_rate <= formats.MAX_RATE
        return in_range and frame.layout.nb_channels == self._track_channels

    def _silence(self, seconds: float) -> Block:
        import numpy as np

        return np.zeros((self._track_channels, round(seconds * self.rate)), np.float32)


class _Clock:
    """Notice where a container's time stamps jump over sound that is missing.

    `exact` says that a jump can only be damage; elsewhere it may be a pause in which nothing was sent.
    `filled` counts the seconds of jumps that were filled.
    """

    def __init__(self, container: str) -> None:
        self._tolerance = JUMP_SECONDS.get(container)
        self.exact = container in ("flac", "ogg")
        self.filled = 0.0
        self._origin: float | None = None

    def missing(self, time: float | None, position: float) -> float:
        """Return the seconds missing before a frame stamped `time` that would be put at `position`."""
        if time is None or self._tolerance is None:
            return 0.0
        jump = 0.0 if self._origin is None else time - self._origin - position
        if self._origin is None or jump < 0 or jump > MAX_JUMP_SECONDS:
            self._origin = time - position
            return 0.0
        return jump if jump > self._tolerance else 0.0


def _open(path: Path) -> tuple[InputContainer, str]:
    import av

    kinds = formats.kinds_of(path)
    name = formats.CONTAINER_NAMES[kinds[0]]
    options = {
        "format_whitelist": ",".join(kinds),
        "protocol_whitelist": "file,pipe",
        "codec_whitelist": ",".join(formats.DECODERS),
    }
    known = kinds[0] if len(kinds) == 1 else None
    try:
        opened = av.open(
            f"file:{os.fspath(path)}", "r", format=known, options=options, metadata_errors="replace"
        )
    except av.MemoryError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise Refused("broken", f"The file starts like {name} but is broken: it cannot be opened.") from error
    container = next((kind for kind in kinds if kind in opened.format.name.split(",")), "")
    if not container:
        opened.close()
        raise Refused(
            "not_audio", f"The file is not what its first bytes say. Accepted are {formats.ACCEPTED}."
        )
    return opened, container


def _choose_stream(opened: InputContainer, container: str) -> tuple[AudioStream, int]:
    """Return the sound track to read and how many there are; all other tracks are skipped unread."""
    import av

    name = formats.CONTAINER_NAMES[container]
    tracks = opened.streams.audio
    if not tracks:
        if opened.streams.video:
            raise Refused("not_audio", f"The file is a video without sound. Accepted are {formats.ACCEPTED}.")
        raise Refused("broken", f"The file starts like {name} but holds no sound.")
    for track in tracks:
        _check_codec(track, name)
    for stream in opened.streams:
        if stream is not tracks[0]:
            with suppress(av.FFmpegError, ValueError):
                stream.discard = av.stream.Discard.all
    return tracks[0], len(tracks)


def _check_codec(track: AudioStream, name: str) -> None:
    context = track.codec_context
    if context is None:
        raise Refused(
            "not_audio", f"The {name} file's sound has an unknown coding. Accepted are {formats.ACCEPTED}."
        )
    codec = context.codec.canonical_name
    if codec not in formats.CODECS:
        raise Refused(
            "not_audio", f"The {name} file's sound is coded as {codec}. Accepted are {formats.ACCEPTED}."
        )
    if context.channels < 1 or context.sample_rate < 1:
        raise Refused("broken", f"The file starts like {name} but does not say how its sound is stored.")
    if not formats.MIN_RATE <= context.sample_rate <= formats.MAX_RATE:
        accepted = f"{formats.MIN_RATE} to {formats.MAX_RATE} Hz"
        raise Refused(
            "not_audio",
            f"The recording has {context.sample_rate} samples per second. Accepted are {accepted}.",
        )


def _is_tag(packet: Packet[AudioStream]) -> bool:
    """Say whether the packet is no sound but a tag that some programs put at the end of MP3 and AAC files."""
    return any(mark in bytes(packet)[:512] for mark in _TAG_MARKS)


def _to_float(frame: AudioFrame, channels: int) -> Block:
    import numpy as np

    raw = frame.to_ndarray()
    if not frame.format.is_planar:
        raw = raw.reshape(-1, channels).T
    scale = _SCALES.get(raw.dtype.str[1:])
    if scale is None:
        return np.nan_to_num(raw.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    block = raw.astype(np.float32)
    if raw.dtype == np.uint8:
        block -= scale
    return block / np.float32(scale)
