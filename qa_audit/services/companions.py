"""Short calls that wait for transcription, to be heard in the room that another call leaves in its last batch.

What is heard of them is kept as their own turn would keep it, and their own turn only joins it. Nothing else of
them is touched: they are not claimed, and whatever goes wrong with them is left for their own turn to tell.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial

from qa_audit import logs
from qa_audit.services import measuring
from qa_audit.services.speech_input import (
    code_of,
    needs_real_model,
    seconds_for,
    speech_channels,
    spoken_code,
)
from qa_audit.services.stage import Work
from qa_audit.speech.protocol import Companion, Part, SpeechChannel
from qa_audit.storage import results, tasks
from qa_audit.storage.tasks import Queued

SECONDS_PER_WINDOW = 120.0
"""Only calls that last no longer than this for each window of room are looked at: who speaks less is rare."""

CONSIDERED = 64
LOOKED_AT = 8
"""So many of the calls that are due first are considered, and so many of those that are alike looked at.

They are drawn by lot, so that two workers seldom hear the same call at the same time.
"""

log = logs.get(__name__)


class WaitingCalls:
    """The calls that may be heard along with one that is at work (see `speech.protocol.Companions`)."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __call__(self, room: int) -> Iterator[Companion]:
        """Yield calls that may fill `room` windows; their sound is not decoded yet."""
        for task in self._drawn(room):
            try:
                companion = self._companion(task)
            except Exception as error:
                _leave_out(task, error)
                continue
            if companion:
                yield companion

    def _drawn(self, room: int) -> Sequence[Queued]:
        """Draw from the calls that wait and want the same language and hints.

        None when this call failed before: then nobody else can be the reason.
        """
        db, settings, subject = self._work.ports.db, self._work.ports.settings, self._work.subject
        longest = room * SECONDS_PER_WINDOW
        try:
            with db.read() as session:
                due = tasks.companions(
                    session, self._work.lease, now=db.now(session), most_seconds=longest, limit=CONSIDERED
                )
        except Exception as error:
            log.debug("calls that wait cannot be looked up", error=type(error).__name__)
            return ()
        alike = [
            task
            for task in due
            if task.hints == subject.vendor_hints
            and spoken_code(task.language or settings.language) == code_of(settings, subject)
        ]
        return random.sample(alike, min(len(alike), LOOKED_AT))

    def _companion(self, task: Queued) -> Companion | None:
        """Describe a call to the engine; None when its own turn would not ask the engine."""
        ports = self._work.ports
        with ports.db.read() as session:
            subject = results.subject(session, task.call_id)
            measured = measuring.from_facts(results.measurement(session, task.call_id))
        if subject.transcript_key is not None or needs_real_model(ports.settings, subject):
            return None
        layout = measuring.layout_of(subject, measured)

        def open_channels() -> list[SpeechChannel]:
            self._work.extend(seconds_for(measured))
            samples = ports.recordings.samples(ports.media.local_path(subject.media_key))
            return speech_channels(samples, measured, layout)

        return Companion(
            spans=measured.speech[: len(measuring.SPEAKERS[layout])],
            language=code_of(ports.settings, subject),
            hints=subject.vendor_hints,
            open=open_channels,
            keep=partial(self._keep, task),
        )

    def _keep(self, task: Queued, plan: str, number: int, part: Part) -> None:
        """Keep a part of a call that still waits as it did and of which nobody has kept any."""
        try:
            with self._work.ports.db.write() as session:
                waits = tasks.lock_queued(session, task)
                if waits and not results.has_transcript_parts(session, task.call_id):
                    results.keep_transcript_part(session, task.call_id, plan, number, part)
        except Exception as error:
            _leave_out(task, error)


def _leave_out(task: Queued, error: Exception) -> None:
    log.debug("a call that waits is left out", companion=task.task_id, error=type(error).__name__)
