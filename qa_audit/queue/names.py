"""Names that stand in Redis: a wire format, so they only ever grow."""

from __future__ import annotations

from qa_audit.domain.workflow import Stage

RUN_TASK = "workers.jobs.run_task"

DEFAULT = "default"
TRANSCRIPTION = "transcription"
QUEUES = (DEFAULT, TRANSCRIPTION)

QUEUE_OF_STAGE: dict[Stage, str] = {"measure": DEFAULT, "transcribe": TRANSCRIPTION, "prescore": DEFAULT}
