"""A warm worker with scripted ears, as a process: `python -m tests.faults.entry --queues NAME`.

The data folder's `plan.json` says how long a transcription takes and what goes wrong in it; every
transcription that begins adds a line with the process's id to `begun`, every group of windows that it begins
one with the group's number to `decoded`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qa_audit.config import Settings
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.media.protocol import Measurement
from qa_audit.runtime import Runtime
from qa_audit.speech.protocol import Heard, SpeechChannel
from qa_audit.speech.scripted import ScriptedTranscriber
from tests.fakes import HELLO, REAL_MODEL
from workers.worker import _leave, main

POISON = b"poison"


class PoisonedRecordings(ScriptedRecordings):
    """Recordings of which some kill the process that measures them."""

    def measure(self, path: Path, **options: Any) -> Measurement:
        if path.read_bytes().startswith(POISON):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().measure(path, **options)


class PlannedTranscriber(ScriptedTranscriber):
    """Ears that note every beginning, and then do what the plan says."""

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        super().__init__(
            HELLO, seconds=plan.get("seconds", 0.0), info=REAL_MODEL, groups=plan.get("groups", 10)
        )
        self._folder = folder
        self.decoded = lambda number: self._note("decoded", number)
        self._trouble = plan.get("trouble")

    def transcribe(self, channels: Sequence[SpeechChannel], **options: Any) -> Heard:
        self._note("begun", os.getpid())
        if self._trouble == "deaf":
            time.sleep(60)
        if self._trouble == "silent":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self._trouble == "unchecked":
            options["check"] = lambda: None
            options["progress"] = lambda fraction: None
        return super().transcribe(channels, **options)

    def _note(self, name: str, number: int) -> None:
        with (self._folder / name).open("a") as file:
            file.write(f"{number}\n")


def build(settings: Settings) -> Runtime:
    """Build a runtime whose recordings and words are scripted."""
    runtime = Runtime(settings)
    plan = json.loads((settings.data_dir / "plan.json").read_text())
    runtime.recordings = PoisonedRecordings()
    runtime.speech = PlannedTranscriber(settings.data_dir, plan)
    return runtime


if __name__ == "__main__":
    _leave(main(build=build))
