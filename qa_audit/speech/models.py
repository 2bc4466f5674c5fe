"""Find a speech model: the bundled demo model, a file in OpenAI's format, or a named one, fetched once.

The whisper package can fetch its models too, but with neither time-out nor lock and in place: two workers
would write one file, and a silent firewall would hang them. So the fetching is done here.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa_audit.errors import Permanent, Temporary
from qa_audit.speech import whisper_files
from qa_audit.speech.demo_model import ensure_demo_checkpoint, is_demo_checkpoint

if TYPE_CHECKING:
    from whisper.model import Whisper

DEMO = "demo"
NAMES = [
    "tiny.en",
    "tiny",
    "base.en",
    "base",
    "small.en",
    "small",
    "medium.en",
    "medium",
    "large-v1",
    "large-v2",
    "large-v3",
    "large",
    "large-v3-turbo",
    "turbo",
]
"""The named models of the whisper package, known without importing it; a test compares the two."""

_FILES = {"large": "large-v3.pt", "turbo": "large-v3-turbo.pt"}
CONNECT_SECONDS = 10.0
_CHUNK = 1 << 20

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Source:
    """Where a named model comes from, and the checksum its file must have."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Found:
    """A model's file, what to call it in transcripts, and its checksum."""

    path: Path
    label: str
    sha256: str

    @property
    def is_demo(self) -> bool:
        """Tell whether this is the bundled demo model."""
        return self.label == DEMO or is_demo_checkpoint(self.path)


def find(name: str, cache_dir: Path, *, progress: Progress = lambda fraction: None) -> Found:
    """Return the model called `name`: `demo`, a path to a checkpoint, or one of `NAMES`, fetched if need be.

    Raises Temporary when fetching failed in a way that may pass, Permanent("model_unavailable") when the
    name means nothing or the file is missing.
    """
    if name == DEMO:
        path = ensure_demo_checkpoint(cache_dir)
        return Found(path, DEMO, path.with_suffix(".sha256").read_text(encoding="ascii").strip())
    path = Path(name).expanduser()
    if path.is_file():
        return Found(path, path.name, _file_digest(path))
    if name in NAMES:
        source = source_of(name)
        return Found(fetch(source, cache_dir, progress=progress), name, source.sha256)
    raise Permanent(
        "model_unavailable",
        f"There is no speech model {name!r}: give the path of a checkpoint in OpenAI's format, or one of "
        f"{', '.join(NAMES)}.",
    )


def is_cached(name: str, cache_dir: Path) -> bool:
    """Tell whether `name` can be used without fetching anything; reads no file and imports nothing heavy."""
    if name == DEMO or Path(name).expanduser().is_file():
        return True
    return (
        name in NAMES
        and _record(_cached_path(name, cache_dir)).exists()
        and _cached_path(name, cache_dir).exists()
    )


def source_of(name: str) -> Source:
    """Look a named model up in the whisper package's own table; the checksum is part of its address."""
    url = str(whisper_files.constant("_MODELS")[name])
    return Source(name, url, url.split("/")[-2])


def fetch(
    source: Source,
    cache_dir: Path,
    *,
    progress: Progress = lambda fraction: None,
    timeout: float = CONNECT_SECONDS,
) -> Path:
    """Return the file of a named model, downloading it once however many processes ask.

    `timeout` (seconds) bounds connecting and every single wait for data. Raises Temporary or Permanent with
    what to do in words.
    """
    from filelock import FileLock

    target = _cached_path(source.name, cache_dir)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(str(target) + ".lock"):
            if not _is_whole(target, source.sha256):
                _download(source, target, progress, timeout)
    except OSError as error:
        raise Temporary(
            f"The speech model cannot be kept in {cache_dir}: {error.strerror or error}."
        ) from error
    return target


def load(found: Found, device: str = "cpu") -> Whisper:
    """Load a checkpoint through whisper; a broken one is Permanent("model_unavailable"), in one line."""
    import whisper

    try:
        model = whisper.load_model(str(found.path), device=device)
    except Exception as error:  # whatever a broken file makes torch raise
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise Permanent(
            "model_unavailable", f"The speech model {found.path.name} cannot be loaded: {reason[0][:200]}"
        ) from error
    for name, url in whisper._MODELS.items():
        if url.split("/")[-2] == found.sha256:
            model.set_alignment_heads(whisper._ALIGNMENT_HEADS[name])
    return model.eval()


def _cached_path(name: str, cache_dir: Path) -> Path:
    return cache_dir / _FILES.get(name, f"{name}.pt")


def _record(target: Path) -> Path:
    return target.with_suffix(".sha256")


def _is_whole(target: Path, sha256: str) -> bool:
    """Tell whether the file was verified before; a file put there by hand is verified now."""
    if not target.is_file():
        return False
    record = _record(target)
    if record.is_file() and record.read_text(encoding="ascii").strip() == sha256:
        return True
    if _file_digest(target) != sha256:
        return False
    record.write_text(sha256 + "\n", encoding="ascii")
    return True


def _file_digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _download(source: Source, target: Path, progress: Progress, timeout: float) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with _readable_errors(source, target):
            digest = _receive(source.url, temporary, progress, timeout)
        if digest != source.sha256:
            raise Temporary(
                f"The speech model {source.name!r} arrived damaged (its checksum is wrong). Nothing was "
                f"kept; it will be fetched again. {_advice(target)}"
            )
        temporary.replace(target)
        _record(target).write_text(source.sha256 + "\n", encoding="ascii")
    finally:
        temporary.unlink(missing_ok=True)


def _receive(url: str, temporary: Path, progress: Progress, timeout: float) -> str:
    """Stream a URL into a synced file; returns the sha256 of what came."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=timeout) as answer, temporary.open("wb") as out:
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(_CHUNK):
            out.write(block)
            digest.update(block)
            done += len(block)
            progress(done / total if total else 0.0)
        if done < total:
            raise http.client.IncompleteRead(b"", total - done)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


@contextlib.contextmanager
def _readable_errors(source: Source, target: Path) -> Iterator[None]:
    """Turn what the network raises into a sentence that says what to do."""
    host = urllib.parse.urlsplit(source.url).hostname
    try:
        yield
    except urllib.error.HTTPError as error:
        message = (
            f"The speech model {source.name!r} was refused by {host} (HTTP {error.code}). {_advice(target)}"
        )
        if error.code in (404, 410):
            raise Permanent("model_unavailable", message) from error
        raise Temporary(message) from error
    except urllib.error.URLError as error:
        raise Temporary(
            f"The speech model {source.name!r} cannot be fetched from {host} ({error.reason}). "
            f"{_advice(target)}"
        ) from error
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise Temporary(
            f"Fetching the speech model {source.name!r} from {host} broke off ({error}). {_advice(target)}"
        ) from error


def _advice(target: Path) -> str:
    return (
        f"Check the connection, put the file at {target} by hand, or set QA_AUDIT_WHISPER_MODEL to the path "
        "of a checkpoint."
    )
