"""What goes wrong: tried again or not, with words, and never twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.errors import Conflict, Forbidden, NotFound, Permanent, Stopped, Temporary, Waiting
from qa_audit.media.child import ChildDied
from qa_audit.runtime import Runtime
from qa_audit.services import speech_input, tasks
from qa_audit.services.stage import Unwatched
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import tables
from qa_audit.storage import tasks as store
from qa_audit.storage.database import OperationalError
from qa_audit.storage.tasks import Lease
from tests.fakes import HELLO, REAL_MODEL, RememberedJobs, receive, script, work_off

DIED = ChildDied("crashed", "The process that decoded the recording crashed.")


def call_row(runtime: Runtime, call: tables.Call) -> tables.Call:
    with runtime.db.read() as session:
        found = session.get_one(tables.Call, call.id)
        session.expunge(found)
        return found


def task_row(runtime: Runtime, stage: str) -> tables.Task:
    with runtime.db.read() as session:
        found = session.scalars(select(tables.Task).where(tables.Task.stage == stage)).one()
        session.expunge(found)
        return found


def end_pauses(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        session.execute(update(tables.Task).values(run_after=0.0))


def ears(runtime: Runtime, *errors: Exception) -> ScriptedTranscriber:
    """Let the engine raise these, one per try, and then hear something."""
    engine = ScriptedTranscriber(HELLO, errors=list(errors), info=REAL_MODEL)
    runtime.speech = engine
    return engine


@pytest.mark.parametrize("failure", ["undecodable", "silent", "too_short", "too_many_channels"])
def test_a_permanent_failure_names_itself_and_is_not_tried_again(runtime: Runtime, failure: str) -> None:
    script(runtime, measurement=Permanent(failure, "Nobody can be heard."))
    call, _ = receive(runtime)
    assert work_off(runtime) == ["failed"]
    failed = call_row(runtime, call)
    assert (failed.status, failed.failure, failed.status_text) == ("failed", failure, "Nobody can be heard.")
    assert (task_row(runtime, "measure").state, task_row(runtime, "measure").error_count) == ("failed", 0)


def test_a_temporary_error_is_tried_again_later_and_later(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, *[Temporary("The model is away.")] * 9)
    call, task_id = receive(runtime)
    tasks.run(runtime, task_id)
    pauses = []
    for count in (1, 2, 3):
        assert work_off(runtime) == ["again"]
        task = task_row(runtime, "transcribe")
        with runtime.db.read() as session:
            pauses.append(round(task.run_after - runtime.db.now(session), -1))
        assert (task.error_count, task.error) == (count, "The model is away.")
        assert call_row(runtime, call).status_text == "The model is away."
        end_pauses(runtime)
    assert pauses == [10, 60, 300]
    assert work_off(runtime) == ["failed"]


def test_a_model_that_cannot_be_had_fails_the_call_by_name_and_leaves_it_playable(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, *[Temporary("The model cannot be fetched. Set QA_AUDIT_WHISPER_MODEL to a file.")] * 9)
    call, _ = receive(runtime)
    for _ in range(4):
        work_off(runtime)
        end_pauses(runtime)
    failed = call_row(runtime, call)
    assert (failed.status, failed.failure) == ("failed", "model_unavailable")
    assert "QA_AUDIT_WHISPER_MODEL" in (failed.status_text or "")
    with runtime.db.read() as session:
        recording = session.scalars(select(tables.Recording)).one()
        facts = session.scalars(select(tables.MeasurementRow.facts)).one()
    assert recording.playback_key
    assert facts["unmasked"] is True


def test_a_passing_error_leaves_no_trace_in_the_call(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, Temporary("The model is away."))
    call, _ = receive(runtime)
    work_off(runtime)
    end_pauses(runtime)
    assert work_off(runtime) == ["done", "done"]
    done = call_row(runtime, call)
    assert (done.status, done.failure, done.status_text) == ("prescored", None, None)


def test_the_decoders_death_is_tried_once_more_and_then_the_recordings_fault(runtime: Runtime) -> None:
    script(runtime, measurement=DIED)
    call, _ = receive(runtime)
    assert work_off(runtime) == ["again"]
    end_pauses(runtime)
    assert work_off(runtime) == ["failed"]
    assert call_row(runtime, call).failure == "undecodable"


def test_an_unforeseen_error_is_tried_again_and_the_process_replaced(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, KeyError("4111111111111111"))
    call, _ = receive(runtime)
    assert work_off(runtime) == ["done", "broken"]
    task = task_row(runtime, "transcribe")
    assert (task.state, task.error_count) == ("queued", 1)
    assert "KeyError" in (task.error or "")
    assert "4111" not in (task.error or "")
    assert "4111" not in (call_row(runtime, call).status_text or "")


def test_a_broken_installation_is_waited_for_and_no_try_is_counted(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, *[Waiting("The speech detector's file is missing: install the package again.")] * 6)
    call, _ = receive(runtime)
    work_off(runtime)
    for _ in range(5):
        end_pauses(runtime)
        assert work_off(runtime) == ["again"]
    task = task_row(runtime, "transcribe")
    assert (task.state, task.error_count) == ("queued", 0)
    assert "install the package" in (call_row(runtime, call).status_text or "")
    end_pauses(runtime)
    assert work_off(runtime) == ["done", "done"]


def test_a_stop_puts_the_task_back_and_counts_nothing(runtime: Runtime) -> None:
    script(runtime)
    _, task_id = receive(runtime)

    class Stopping(Unwatched):
        def check(self) -> None:
            raise Stopped()

    assert tasks.run(runtime, task_id, watch=Stopping()) == "stopped"
    task = task_row(runtime, "measure")
    assert (task.state, task.crash_count, task.error_count) == ("queued", 0, 0)
    assert tasks.run(runtime, task_id) == "done"


def test_memory_running_out_is_left_to_whoever_buries_the_worker(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, MemoryError())
    _, task_id = receive(runtime)
    tasks.run(runtime, task_id)
    transcribing = task_row(runtime, "transcribe").id or 0

    class Following(Unwatched):
        ended = False

        def end(self) -> None:
            self.ended = True

    watch = Following()
    with pytest.raises(MemoryError):
        tasks.run(runtime, transcribing, watch=watch)
    assert not watch.ended
    task = task_row(runtime, "transcribe")
    assert task.lease_token is not None
    assert tasks.bury(runtime, task.id or 0, task.lease_token)
    assert task_row(runtime, "transcribe").crash_count == 1


def test_a_stage_that_takes_too_long_stops_itself(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_input, "LEAST_SECONDS", 0.05)
    monkeypatch.setattr(speech_input, "SECONDS_PER_SECOND", 0.0)
    script(runtime)
    runtime.speech = ScriptedTranscriber(HELLO, seconds=2.0, info=REAL_MODEL)
    receive(runtime)
    assert work_off(runtime) == ["done", "again"]
    assert "longer than" in (task_row(runtime, "transcribe").error or "")


class Interfering(ScriptedTranscriber):
    """Does something in the middle of its work."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__(HELLO, info=REAL_MODEL)
        self._do = do

    def transcribe(self, *args: object, **options: object) -> object:  # type: ignore[override]
        heard = super().transcribe(*args, **options)  # type: ignore[arg-type]
        self._do()
        return heard


def files_of(runtime: Runtime) -> list[str]:
    stored = runtime.media.keys()
    return sorted(key.split("/")[0] for key, _ in stored)


def test_a_worker_that_lost_its_lease_stores_nothing_and_leaves_no_file(runtime: Runtime) -> None:
    script(runtime)
    call, task_id = receive(runtime)
    tasks.run(runtime, task_id)

    def end_lease() -> None:
        task = task_row(runtime, "transcribe")
        assert tasks.bury(runtime, task.id or 0, task.lease_token or "")

    runtime.speech = Interfering(end_lease)  # type: ignore[assignment]
    transcribing = task_row(runtime, "transcribe").id or 0
    assert tasks.run(runtime, transcribing) == "lost"
    assert call_row(runtime, call).status == "received"
    assert files_of(runtime) == ["original"]
    ears(runtime)
    assert work_off(runtime) == ["done", "done"]
    with runtime.db.read() as session:
        assert session.scalar(select(func.count()).select_from(tables.TranscriptRow)) == 1
    assert files_of(runtime) == ["original", "peaks", "playback"]


def test_deleting_a_call_in_the_middle_of_its_work_leaves_nothing_behind(runtime: Runtime) -> None:
    script(runtime)
    call, task_id = receive(runtime)
    tasks.run(runtime, task_id)
    transcribing = task_row(runtime, "transcribe").id or 0

    def delete() -> None:
        with runtime.db.write() as session:
            session.delete(session.get_one(tables.Call, call.id))

    runtime.speech = Interfering(delete)  # type: ignore[assignment]
    assert tasks.run(runtime, transcribing) == "lost"
    assert files_of(runtime) == ["original"]


def test_bytes_that_are_gone_fail_the_call_after_some_tries(runtime: Runtime) -> None:
    script(runtime)
    call, _ = receive(runtime)
    with runtime.db.read() as session:
        runtime.media.delete(session.scalars(select(tables.Recording.media_key)).one())
    for _ in range(4):
        work_off(runtime)
        end_pauses(runtime)
    failed = call_row(runtime, call)
    assert (failed.status, failed.failure) == ("failed", "undecodable")


def test_a_task_whose_recording_row_is_gone_is_closed(runtime: Runtime) -> None:
    script(runtime)
    call, task_id = receive(runtime)
    with runtime.db.write() as session:
        session.delete(session.scalars(select(tables.Recording)).one())
    assert tasks.run(runtime, task_id) == "not_ours"
    assert call_row(runtime, call).status == "failed"
    assert task_row(runtime, "measure").state == "failed"


def test_storing_waits_for_a_database_that_is_away(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    script(runtime, lease_seconds=2.0)
    _, task_id = receive(runtime)
    settle, tries = store.settle, []

    def away(*args: object) -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("", {}, Exception("away"))
        return settle(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "settle", away)
    assert tasks.run(runtime, task_id) == "done"
    assert len(tries) == 3


def test_a_commit_that_only_seemed_to_fail_keeps_the_files_it_points_at(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(runtime, lease_seconds=2.0)
    call, task_id = receive(runtime)
    tasks.run(runtime, task_id)
    write, broken = runtime.db.write, []

    class Breaking:
        """Lose the connection right after the commit that stores the transcript."""

        def __enter__(self) -> object:
            self.block = write()
            self.session = self.block.__enter__()
            return self.session

        def __exit__(self, *error: object) -> None:
            stored = bool(self.session.scalars(select(tables.TranscriptRow.id)).all())
            self.block.__exit__(*error)  # type: ignore[arg-type]
            if stored and not broken:
                broken.append(1)
                raise OperationalError("", {}, Exception("the connection broke"))

    monkeypatch.setattr(runtime.db, "write", Breaking)
    assert tasks.run(runtime, task_row(runtime, "transcribe").id or 0) == "lost"
    assert broken
    with runtime.db.read() as session:
        recording = session.scalars(select(tables.Recording)).one()
    assert runtime.media.size(recording.playback_key or "") > 0
    assert call_row(runtime, call).status == "transcribed"


def test_a_bell_that_is_out_of_order_raises_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(runtime)
    _, task_id = receive(runtime)

    class Raising(RememberedJobs):
        def ring(self, queue: str, task_id: int, attempt: int, ring: int) -> bool:
            raise ConnectionError("nobody is there")

    runtime.jobs = Raising()
    tasks.ring(runtime, task_id)
    monkeypatch.setattr(store, "note_ring", lambda *args, **values: 1 / 0)
    tasks.ring(runtime, task_id)


def parked(runtime: Runtime) -> tables.Call:
    call, task_id = receive(runtime)
    for _ in range(3):
        end_pauses(runtime)
        with runtime.db.write() as session:
            lease = store.claim(session, task_id, now=runtime.db.now(session), seconds=60)
        assert isinstance(lease, Lease)
        assert tasks.bury(runtime, task_id, lease.token)
    return call


def test_the_third_death_parks_the_task_and_fails_the_call(runtime: Runtime) -> None:
    call = parked(script(runtime))
    failed = call_row(runtime, call)
    assert (failed.status, failed.failure) == ("failed", "crashed_worker")
    assert "three times" in (failed.status_text or "")
    assert work_off(runtime) == []


def test_an_admin_retries_what_was_parked(runtime: Runtime) -> None:
    call = parked(script(runtime))
    tasks.retry(runtime, SYSTEM, call.public_id)
    again = call_row(runtime, call)
    assert (again.status, again.failure, again.status_text, again.stage) == (
        "received",
        None,
        None,
        "measure",
    )
    assert work_off(runtime) == ["done", "done", "done"]


def test_a_retry_of_a_later_stage_keeps_what_the_earlier_ones_found(runtime: Runtime) -> None:
    script(runtime)
    ears(runtime, Permanent("model_unavailable", "There is no such model."))
    call, _ = receive(runtime)
    assert work_off(runtime) == ["done", "failed"]
    tasks.retry(runtime, SYSTEM, call.public_id)
    assert work_off(runtime) == ["done", "done"]
    assert task_row(runtime, "measure").attempt == 1
    assert call_row(runtime, call).status == "prescored"
    assert files_of(runtime) == ["original", "peaks", "playback"]


def test_only_admins_retry_and_outsiders_learn_nothing(runtime: Runtime) -> None:
    call = parked(script(runtime))
    with pytest.raises(Forbidden):
        tasks.retry(runtime, Actor("r", "reviewer"), call.public_id)
    with pytest.raises(NotFound):
        tasks.retry(runtime, Actor("m", "manager", vendor_id=call.vendor_id), call.public_id)
    with pytest.raises(NotFound):
        tasks.retry(runtime, Actor("a", "admin", vendor_id=call.vendor_id + 1), call.public_id)
    with pytest.raises(NotFound):
        tasks.retry(runtime, SYSTEM, "no such call")
    assert call_row(runtime, call).status == "failed"


def test_there_is_nothing_to_retry_where_nothing_failed(runtime: Runtime) -> None:
    script(runtime)
    call, _ = receive(runtime)
    with pytest.raises(Conflict):
        tasks.retry(runtime, SYSTEM, call.public_id)
