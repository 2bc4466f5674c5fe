"""Working on tasks: ring for one, run one under a lease, try one again by hand.

A stage's work lies between two short transactions: one that claims the task, and one that closes it together
with the stage's results. What a worker does without holding the lease any more is thrown away.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, TypeVar

from qa_audit import logs
from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.workflow import CallStatus, Stage
from qa_audit.errors import (
    Conflict,
    LeaseLost,
    NoSpace,
    NotFound,
    Permanent,
    QaAuditError,
    Stopped,
    Temporary,
    Waiting,
)
from qa_audit.media.child import ChildDied
from qa_audit.queue.names import QUEUE_OF_STAGE
from qa_audit.services import measuring, prescoring, speech_input, transcription
from qa_audit.services.ports import Ports
from qa_audit.services.stage import Outcome, Unwatched, Watch, Work
from qa_audit.services.transcription import ModelTrouble
from qa_audit.storage import results
from qa_audit.storage import tasks as store
from qa_audit.storage.database import OperationalError, Session
from qa_audit.storage.tasks import Requeued

Ran = Literal["not_ours", "done", "waiting", "again", "failed", "stopped", "lost", "broken"]
"""What became of a run. `broken`: an error that nobody foresaw; the process should be replaced."""

ERROR_PAUSES = (1 / 6, 1.0, 5.0)
"""How long to wait after the first, second and third temporary error, in lengths of a lease of a minute."""

STAGES: Mapping[Stage, Callable[[Work], Outcome]] = {
    "measure": measuring.run,
    "transcribe": transcription.run,
    "prescore": prescoring.run,
}

BEGUN: Mapping[Stage, CallStatus] = {
    "measure": "received",
    "transcribe": "transcribing",
    "prescore": "transcribed",
}
"""The status of a call whose stage was begun."""

QUEUED: Mapping[Stage, CallStatus] = {
    "measure": "received",
    "transcribe": "received",
    "prescore": "transcribed",
}
"""The status of a call whose stage was put back to the queue."""

Value = TypeVar("Value")

log = logs.get(__name__)


def ring(ports: Ports, task_id: int) -> None:
    """Tell the workers about a task, after the commit that added it. Never raises: the sweep rings again."""
    try:
        with ports.db.write() as session:
            bell = store.note_ring(session, task_id, now=ports.db.now(session))
        if bell:
            ports.jobs.ring(QUEUE_OF_STAGE[bell.stage], bell.task_id, bell.attempt, bell.number)
    except Exception as error:
        log.warning("bell not rung", task=task_id, error=type(error).__name__)


def run(ports: Ports, task_id: int, *, watch: Watch | None = None) -> Ran:
    """Work on a task if it is queued and due, and say what became of it.

    Raises what the database raises when it does not answer for a lease's length, and MemoryError; the lease
    then runs out by itself and counts as a crash.
    """
    watch = watch or Unwatched()
    work = _claim(ports, task_id, watch)
    if work is None:
        return "not_ours"
    with logs.bind(call_id=work.subject.public_id, task=task_id, stage=work.lease.stage):
        watch.begin(work.lease)
        try:
            ran = _work(work)
        except MemoryError:
            raise  # the process is about to leave with the task in hand, and is watched until it has
        except Exception:
            watch.end()
            raise
        watch.end()
        log.info("stage ended", outcome=ran, attempt=work.lease.attempt)
    return ran


def retry(ports: Ports, actor: Actor, call_id: str) -> None:
    """Put a call's failed stage back to the queue, with all its tries anew; `call_id` is the public id.

    Raises NotFound, Forbidden, and Conflict when nothing of the call has failed.
    """
    with ports.db.write() as session:
        found = store.call_of(session, call_id)
        if found is None:
            raise NotFound()
        key, vendor_id = found
        ensure(actor, "retry_task", vendor_id)
        again = store.retry(session, key, now=ports.db.now(session))
        if again is None:
            raise Conflict("Nothing of this call has failed, so there is nothing to try again.")
        show_queued(session, again)
    ring(ports, again.task_id)


def bury(ports: Ports, task_id: int, token: str, weight: int = 1) -> bool:
    """End the lease of a worker that died (`weight` 1) or hung (2) and put its task back, or park it.

    Returns whether the lease was still there.
    """
    with ports.db.write() as session:
        now, pause = ports.db.now(session), ports.settings.lease_seconds
        ended = store.end_lease(session, task_id, token, now=now, pause=pause, weight=weight)
        if ended is None:
            return False
        if ended.parked:
            text = "Working on this recording ended the worker three times. An admin can try it again."
            show_failed(session, ended.call_id, "crashed_worker", text)
        else:
            show_queued(session, Requeued(task_id, ended.call_id, ended.stage))
    log.warning("lease ended", task=task_id, stage=ended.stage, parked=ended.parked)
    if not ended.parked:
        ring(ports, task_id)
    return True


def show_queued(session: Session, task: Requeued) -> None:
    """Let the call of a task that was put back to the queue look like it."""
    results.advance(
        session,
        task.call_id,
        QUEUED[task.stage],
        stage=task.stage,
        progress=0,
        failure=None,
        status_text=None,
    )


def show_failed(session: Session, call_id: int, failure: str, text: str) -> None:
    """Let a call look failed, with words for a person."""
    results.advance(session, call_id, "failed", stage=None, progress=0, failure=failure, status_text=text)


def _claim(ports: Ports, task_id: int, watch: Watch) -> Work | None:
    """Take the task and look up its call, in one transaction."""
    with ports.db.write() as session:
        now, seconds = ports.db.now(session), ports.settings.lease_seconds
        lease = store.claim(session, task_id, now=now, seconds=seconds)
        if lease is None:
            return None
        try:
            subject = results.subject(session, lease.call_id)
        except NotFound as error:
            store.fail(session, lease, error.message)
            show_failed(session, lease.call_id, "undecodable", error.message)
            return None
        status = BEGUN[lease.stage]
        if lease.stage == "transcribe" and speech_input.needs_real_model(ports.settings, subject):
            status = "received"
        begun = {"stage": lease.stage, "progress": 0, "failure": None, "status_text": None}
        results.advance(session, lease.call_id, status, **begun)
    return Work(ports, lease, subject, watch)


def _work(work: Work) -> Ran:
    """Run the stage and store what it leaves behind, or what became of it instead."""
    try:
        outcome = STAGES[work.lease.stage](work)
        work.limit(None)
        return _store(work, outcome)
    except MemoryError:
        raise
    except Stopped:
        _let_go(work)
        return "stopped"
    except LeaseLost:
        return "lost"
    except Permanent as error:
        return _fail(work, error.failure, error.message)
    except (Temporary, NoSpace, NotFound) as error:
        return _again(work, error)
    except Waiting as error:
        return _put_back(work, error, max(ERROR_PAUSES), counted=False)
    except OperationalError:
        raise
    except Exception as error:
        log.error("unforeseen error", error=type(error).__name__, where=_where(error))
        text = (
            f"Working on this recording failed in a way nobody foresaw ({type(error).__name__}). See the log."
        )
        ran = _again(work, Temporary(text))
        return "broken" if ran in ("again", "failed") else ran


def _let_go(work: Work) -> None:
    """Put the task back to the queue because this process stops."""
    lease = work.lease

    def let_go(session: Session, now: float) -> None:
        if store.let_go(session, lease, now=now):
            show_queued(session, Requeued(lease.task_id, lease.call_id, lease.stage))

    _patiently(work.ports, let_go)


def _store(work: Work, outcome: Outcome) -> Ran:
    """Close the task, write its results and add the next task, all or nothing."""
    lease, stage = work.lease, outcome.next_stage
    following: list[int] = []

    def close(session: Session, now: float) -> bool:
        following.clear()
        if not _settle(session, work, outcome):
            return False
        outcome.store(session)
        shown = {"stage": stage, "progress": 0 if stage or outcome.state == "waiting" else 100}
        results.advance(
            session, lease.call_id, outcome.status, failure=None, status_text=outcome.status_text, **shown
        )
        if stage:
            following.append(store.add(session, lease.call_id, stage, lease.input_version, now=now))
        return True

    if not _patiently(work.ports, close):
        outcome.dropped()
        return "lost"
    outcome.settled()
    for task_id in following:
        ring(work.ports, task_id)
    return outcome.state


def _settle(session: Session, work: Work, outcome: Outcome) -> bool:
    """Close the task, or let it wait for other speech settings; False when the lease is gone."""
    if outcome.state == "waiting":
        under = transcription.speech_settings(work.ports.settings)
        return store.wait(session, work.lease, under, outcome.status_text)
    return store.settle(session, work.lease)


def _again(work: Work, error: QaAuditError) -> Ran:
    """Put the task back for another try, or fail the call when there were enough."""
    tries = 2 if isinstance(error, ChildDied) else 1 + len(ERROR_PAUSES)
    count = work.lease.error_count + 1
    if count >= tries:
        return _fail(work, _failure_of(error), f"{error.message} It was tried {count} times.")
    return _put_back(work, error, ERROR_PAUSES[count - 1])


def _put_back(work: Work, error: QaAuditError, pause: float, *, counted: bool = True) -> Ran:
    """Put the task back to the queue for `pause` lengths of a lease, with the words of the error."""
    seconds = pause * work.ports.settings.lease_seconds
    log.warning("put back", error=type(error).__name__, pause=seconds)

    def put_back(session: Session, now: float) -> bool:
        lease, text = work.lease, error.message
        if not store.postpone(session, lease, now=now, pause=seconds, error=text, counted=counted):
            return False
        results.advance(session, lease.call_id, QUEUED[lease.stage], status_text=text)
        return True

    return "again" if _patiently(work.ports, put_back) else "lost"


def _fail(work: Work, failure: str, text: str) -> Ran:
    """Close the task and the call as failed.

    A call that only lacks a model gets a playback copy, so that a person can audit it by hand.
    """
    derived = None
    if failure == "model_unavailable":
        with suppress(QaAuditError):
            derived = transcription.playable(work)

    def close(session: Session, now: float) -> bool:
        if not store.fail(session, work.lease, text):
            return False
        show_failed(session, work.lease.call_id, failure, text)
        if derived:
            transcription.point_at(session, work.lease.call_id, derived, unmasked=True)
        return True

    if _patiently(work.ports, close):
        return "failed"
    if derived:
        transcription.discard(work.ports, derived.playback, derived.peaks)
    return "lost"


def _failure_of(error: QaAuditError) -> str:
    if isinstance(error, ModelTrouble):
        return "model_unavailable"
    return "undecodable" if isinstance(error, ChildDied | NotFound) else "crashed_worker"


def _patiently(ports: Ports, action: Callable[[Session, float], Value]) -> Value:
    """Do the action in one transaction; try again for a lease's length while the database does not answer."""
    until = time.monotonic() + ports.settings.lease_seconds
    while True:
        try:
            with ports.db.write() as session:
                return action(session, ports.db.now(session))
        except OperationalError:
            if time.monotonic() > until:
                raise
            log.warning("the database does not answer; trying again")
            time.sleep(min(1.0, ports.settings.lease_seconds / 10))


def _where(error: Exception) -> list[str]:
    """Return the places that an error passed, without its message, which may hold what people said."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
