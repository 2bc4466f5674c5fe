"""What recordings offer to the services: a store of blobs, a look at the door, a measurement, derived files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    import numpy

    from qa_audit.domain.transcript import Event

Span = tuple[float, float]


@dataclass(frozen=True)
class Probe:
    """What a recording turned out to be after its first ten seconds were decoded in a child process."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    content_type: str
    decoded_seconds: float


@dataclass(frozen=True)
class Measurement:
    """What decoding the whole recording showed. Times in seconds; `speech` has one tuple of spans per channel.

    `layout_hint` is `mono`, `dual-mono` or `stereo`; `warnings` holds names such as `truncated`, `clipped`,
    `dual_mono`; levels are RMS in dBFS per channel; `events` are the sounds that are no speech, and silences.
    """

    duration: float
    sample_rate: int
    channels: int
    layout_hint: str
    speech: tuple[tuple[Span, ...], ...]
    levels: tuple[float, ...]
    warnings: tuple[str, ...]
    events: tuple[Event, ...] = ()


class Sound(Protocol):
    """Samples of one channel: a file that is read where it is sliced, or an array."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    def __getitem__(self, part: slice) -> numpy.ndarray:
        """Return consecutive samples as float32 in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Samples:
    """Decoded channels at 16 kHz, one per channel, all of one length.

    They lie on disk and are read where they are sliced: only what is asked for comes into memory.
    """

    channels: tuple[Sound, ...]
    rate: int = 16_000


class MediaStore(Protocol):
    """Blobs by opaque key; what `put` returned for is synced to disk."""

    def put_file(self, key: str, path: Path) -> None:
        """Move or copy the file at `path` in under `key`, durable when this returns."""
        ...

    def put_bytes(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, durable when this returns."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Open for reading, seekable; raises NotFound."""
        ...

    def local_path(self, key: str) -> Path:
        """Return a readable local file with the blob's bytes (a cached copy for remote stores); raises NotFound."""
        ...

    def size(self, key: str) -> int:
        """Return the size in bytes; raises NotFound."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob; removing what is not there is no error."""
        ...

    def keys(self) -> Iterator[tuple[str, float]]:
        """Yield every key with its age in seconds."""
        ...

    def incoming(self) -> Path:
        """Return the folder for uploads in progress, on the same disk as the store where it is local."""
        ...

    def free_bytes(self) -> int:
        """Return the free space for new blobs in bytes (a very large number where unlimited)."""
        ...


class Recordings(Protocol):
    """Everything that looks into audio bytes; untrusted bytes are opened only in a limited child process."""

    def probe(self, path: Path, filename: str) -> Probe:
        """Look at an upload; raises Refused (`not_audio`, `broken`)."""
        ...

    def measure(self, path: Path, *, progress: Callable[[float], None] = lambda f: None) -> Measurement:
        """Decode all of it; raises Permanent (`undecodable`, `silent`, `too_short`, `too_many_channels`)."""
        ...

    def samples(self, path: Path) -> Samples:
        """Decode to 16 kHz channels; raises Permanent(`undecodable`)."""
        ...

    def derive(
        self,
        path: Path,
        playback_target: Path | None,
        peaks_target: Path | None,
        silence: Sequence[Span] = (),
        *,
        progress: Callable[[float], None] = lambda f: None,
    ) -> None:
        """Write the playback copy (AAC in M4A, constant rate) and the peaks (JSON) in one decoding pass.

        `silence` spans are zeroed on every channel of both. A target appears whole or not at all.
        """
        ...
