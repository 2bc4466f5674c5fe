"""The finished parts of a transcription, kept in the database until the whole is there."""

from __future__ import annotations

from collections.abc import Sequence

from qa_audit import logs
from qa_audit.errors import LeaseLost
from qa_audit.services.stage import Work
from qa_audit.speech.protocol import Part
from qa_audit.storage import results, tasks
from qa_audit.storage.database import OperationalError

log = logs.get(__name__)


class StoredParts:
    """Where an engine keeps what it has finished of a call (see `speech.protocol.Parts`).

    A call that fails keeps its parts, so that trying again goes on where it ended.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._unwritten: list[tuple[str, int, Part]] = []

    def load(self, plan: str) -> Sequence[Part]:
        """Return what earlier attempts finished under this plan."""
        with self._work.ports.db.read() as session:
            return results.transcript_parts(session, self._work.lease.call_id, plan)

    def keep(self, plan: str, number: int, part: Part) -> None:
        """Keep a part; raises LeaseLost when the task is somebody else's by now.

        While the database does not answer the work goes on, and what it missed is written with the next part.
        """
        self._unwritten.append((plan, number, part))
        lease = self._work.lease
        try:
            with self._work.ports.db.write() as session:
                if not tasks.note_advance(session, lease):
                    raise LeaseLost()
                for item in self._unwritten:
                    results.keep_transcript_part(session, lease.call_id, *item)
        except OperationalError:
            log.warning("a part is not kept yet: the database does not answer")
        else:
            self._unwritten.clear()
