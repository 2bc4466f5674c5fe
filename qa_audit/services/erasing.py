"""Deleting a call that should not have been uploaded, with everything that was made from it."""

from __future__ import annotations

from qa_audit import logs
from qa_audit.domain.access import Actor, ensure
from qa_audit.errors import Conflict, NotFound
from qa_audit.services.calls import seen_call
from qa_audit.services.ports import Ports
from qa_audit.storage import erasing as store
from qa_audit.storage.database import IntegrityError
from qa_audit.storage.uploads import add_event

LOCKED = frozenset({"in_review", "audited", "published"})
"""From here on people have worked on the call: deleting it would delete their work."""

_TRIES = 3
_log = logs.get(__name__)


def delete_call(ports: Ports, actor: Actor, public_id: str) -> None:
    """Delete a call: recording, playback copy, peaks, transcript, pre-scores, tasks; a note with ids stays.

    The rows go first, in one transaction; a file that is left behind by a crash is an orphan, which the sweep
    removes. Raises NotFound, Forbidden, Conflict once an audit has begun.
    """
    for last in (False,) * (_TRIES - 1) + (True,):
        try:
            keys = _delete_rows(ports, actor, public_id)
            break
        except IntegrityError:
            if last:
                raise
            # An upload brought a new call of the same agent at this moment: look again who still names them.
    for key in keys:
        try:
            ports.media.delete(key)
        except Exception as error:
            _log.warning("file of a deleted call left to the sweep", key=key, error=type(error).__name__)


def _delete_rows(ports: Ports, actor: Actor, public_id: str) -> tuple[str, ...]:
    """Delete the rows and return the keys of the files to remove."""
    with ports.db.write() as session:
        call = seen_call(session, actor, public_id)
        ensure(actor, "delete_call", call.vendor_id)
        status = store.lock_status(session, call.key)
        if status is None:
            raise NotFound()
        if status in LOCKED or store.is_audited(session, call.key):
            raise Conflict(
                "An audit of this call has begun, so it cannot be deleted: its scores would lose their proof."
            )
        keys = store.media_keys(session, call.key)
        store.drop_call(session, call.key, call.id)
        add_event(session, actor.id, "call.deleted", call.id, {"vendor": call.vendor}, ports.clock())
    return keys
