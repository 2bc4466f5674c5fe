"""Recordings and actors to test ingest and the API with."""

from __future__ import annotations

import io
import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qa_audit.domain.access import Actor
from qa_audit.runtime import Runtime
from qa_audit.services import ingest, vendors
from qa_audit.services.call_fields import CallFields
from qa_audit.services.receiving import ReceivedFile

ADMIN = Actor(id="the-admin", role="admin")
REVIEWER = Actor(id="the-reviewer", role="reviewer")
UPLOADER = Actor(id="the-uploader", role="upload_token")


def wav(seed: int = 0, seconds: float = 0.2) -> bytes:
    """Make a small WAV of 8 kHz mono; each seed is another tone, so other bytes."""
    samples = (int(9000 * math.sin(n * (0.1 + seed * 0.001))) for n in range(int(8000 * seconds)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


def received(runtime: Runtime, data: bytes) -> ReceivedFile:
    """Receive bytes as the door does."""
    return ingest.receive(runtime, io.BytesIO(data))


def take(
    runtime: Runtime,
    data: bytes,
    vendor: str = "acme",
    *,
    actor: Actor = UPLOADER,
    filename: str = "call.wav",
    key: str | None = None,
    transcript: bytes | None = None,
    **fields: Any,
) -> ingest.Accepted:
    """Receive and accept a recording, maybe with its transcript."""
    file = received(runtime, data)
    upload = ingest.IncomingCall(file, filename, vendor, CallFields(**fields), key, transcript)
    return ingest.accept(runtime, actor, upload)


def add_vendors(runtime: Runtime, *slugs: str) -> None:
    """Add vendors that need nothing special."""
    for slug in slugs:
        vendors.add(runtime, ADMIN, slug, slug.title())


def files_of(runtime: Runtime) -> list[Path]:
    """List every file below the media store, those of uploads in progress included."""
    root = Path(runtime.settings.media.removeprefix("file://"))
    return [path for path in root.rglob("*") if path.is_file()]


def counted(runtime: Runtime, *tables: Any) -> list[int]:
    """Count the rows of tables."""
    from sqlalchemy import func, select

    with runtime.db.read() as session:
        return [
            int(session.execute(select(func.count()).select_from(table)).scalar_one()) for table in tables
        ]


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    """Cut bytes into pieces."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
