"""Twins for tests: ports whose recordings and words are scripted, and a memory of what the doorbell rang."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qa_audit.domain.transcript import EngineInfo, Segment
from qa_audit.domain.workflow import STAGES
from qa_audit.media.fakes import MEASUREMENT, ScriptedRecordings
from qa_audit.media.protocol import Measurement
from qa_audit.runtime import Runtime
from qa_audit.services import tasks
from qa_audit.speech.scripted import ScriptedTranscriber, segment
from qa_audit.storage import tables
from qa_audit.storage import tasks as store
from tests.factories import make_call, make_recording, make_task

HELLO: tuple[Segment, ...] = (
    segment("agent", 1.0, "Thank you for calling Northwind, my name is Anna."),
    segment("customer", 21.0, "Hello, I have a question about my bill."),
)

REAL_MODEL = EngineInfo(name="scripted", model="base.en", model_sha256="ab" * 32)


@dataclass
class RememberedJobs:
    """A doorbell that rings nowhere and remembers every ring as (queue, task, attempt, ring)."""

    works: bool = True
    rung: list[tuple[str, int, int, int]] = field(default_factory=list)

    def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
        """Remember the ring."""
        self.rung.append((queue, task_id, attempt, ring))
        return self.works

    def waiting(self, queue: str) -> int | None:
        """Count nothing, as if somebody had taken every hint."""
        return 0 if self.works else None

    def ping(self) -> bool:
        """Say whether it works."""
        return self.works


def script(
    runtime: Runtime,
    words: Sequence[Segment] = HELLO,
    measurement: Measurement | Exception = MEASUREMENT,
    **changes: Any,
) -> Runtime:
    """Replace a runtime's adapters by twins; `changes` replace settings (`whisper_model`, …)."""
    runtime.settings = runtime.settings.model_copy(update=changes)
    twins = {
        "recordings": ScriptedRecordings(measurement),
        "speech": ScriptedTranscriber(words, info=REAL_MODEL),
        "jobs": RememberedJobs(),
    }
    for name, twin in twins.items():
        setattr(runtime, name, twin)
    return runtime


def measured(**values: Any) -> Measurement:
    """Return the usual scripted measurement with some values changed."""
    return replace(MEASUREMENT, **values)


def receive(runtime: Runtime, vendor: tables.Vendor | None = None, **values: Any) -> tuple[tables.Call, int]:
    """Put a call with stored bytes and its first task there, as an upload does; returns call and task id."""
    with runtime.db.write() as session:
        call = make_call(session, vendor, **values)
        recording = make_recording(session, call)
        task = make_task(session, call)
    runtime.media.put_bytes(recording.media_key, b"bytes of " + recording.sha256.encode())
    assert task.id is not None
    return call, task.id


def work_off(runtime: Runtime, most: int = 20) -> list[str]:
    """Run all due tasks one after the other and return what became of each."""
    ran: list[str] = []
    for _ in range(most):
        with runtime.db.read() as session:
            due = store.due(session, STAGES, now=runtime.db.now(session))
        if not due:
            return ran
        ran.append(tasks.run(runtime, due[0]))
    raise AssertionError(f"still not done after {most} runs: {ran}")
