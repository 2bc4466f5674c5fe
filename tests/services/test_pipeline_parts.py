"""A long transcription in parts: kept under the lease, gone on with, and gone when they are of no use."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from qa_audit.domain.access import SYSTEM
from qa_audit.errors import LeaseLost, Permanent, Stopped
from qa_audit.runtime import Runtime
from qa_audit.services import calls, tasks
from qa_audit.services.stage import Unwatched, Work
from qa_audit.services.stored_parts import StoredParts
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import erasing, results, tables
from qa_audit.storage import tasks as store
from qa_audit.storage.database import OperationalError
from tests.factories import make_vendor
from tests.fakes import HELLO, REAL_MODEL, receive, script, work_off


def parts(runtime: Runtime) -> list[tuple[str, int]]:
    with runtime.db.read() as session:
        rows = session.scalars(select(tables.TranscriptPartRow).order_by(tables.TranscriptPartRow.id))
        return [(row.plan, row.number) for row in rows]


def ears(runtime: Runtime, **values: Any) -> tuple[ScriptedTranscriber, list[int]]:
    """Give the runtime ears in four groups; returns them and the list of groups that they begin."""
    begun: list[int] = []
    found = ScriptedTranscriber(HELLO, info=REAL_MODEL, groups=4, decoded=begun.append, **values)
    runtime.speech = found  # type: ignore[misc]
    return found, begun


def at_work(runtime: Runtime) -> Work:
    """Claim the transcription of a new call."""
    receive(runtime)
    with runtime.db.read() as session:
        (task_id,) = store.due(session, ["measure"], now=runtime.db.now(session))
    tasks.run(runtime, task_id)
    with runtime.db.write() as session:
        now = runtime.db.now(session)
        (task_id,) = store.due(session, ["transcribe"], now=now)
        lease = store.claim(session, task_id, now=now, seconds=60)
        assert lease is not None
        subject = results.subject(session, lease.call_id)
    return Work(runtime, lease, subject, Unwatched())


def test_what_an_attempt_finished_is_not_heard_again(runtime: Runtime) -> None:
    script(runtime)
    _, begun = ears(runtime)
    call, _ = receive(runtime)

    class Stopping(Unwatched):
        def check(self) -> None:
            if len(begun) == 3:
                raise Stopped

    with runtime.db.read() as session:
        (task_id,) = store.due(session, ["measure"], now=runtime.db.now(session))
    tasks.run(runtime, task_id)
    with runtime.db.read() as session:
        (task_id,) = store.due(session, ["transcribe"], now=runtime.db.now(session))
    assert tasks.run(runtime, task_id, watch=Stopping()) == "stopped"
    assert calls.progress(runtime, SYSTEM, call.public_id).status == "received"
    assert [number for _, number in parts(runtime)] == [0, 1, 2]
    assert work_off(runtime) == ["done", "done"]
    assert begun == [0, 1, 2, 3]
    with runtime.db.read() as session:
        found = results.unmasked_transcript(session, call.id or 0)
    assert [one.text for one in found.segments] == [one.text for one in HELLO]
    assert parts(runtime) == []


def test_a_failed_call_goes_on_where_it_failed_when_it_is_tried_again(runtime: Runtime) -> None:
    script(runtime)
    _, begun = ears(runtime, errors=[Permanent("model_unavailable", "The model is gone.")])
    call, _ = receive(runtime)
    assert work_off(runtime) == ["done", "failed"]
    assert len(parts(runtime)) == 4
    tasks.retry(runtime, SYSTEM, call.public_id)
    assert work_off(runtime) == ["done", "done"]
    assert begun == [0, 1, 2, 3]


def test_other_hints_make_another_plan_whose_parts_replace_the_old_ones(runtime: Runtime) -> None:
    script(runtime)
    found, begun = ears(runtime, errors=[Permanent("model_unavailable", "The model is gone.")] * 2)
    with runtime.db.write() as session:
        vendor = make_vendor(session)
    call, _ = receive(runtime, vendor)
    work_off(runtime)
    with runtime.db.write() as session:
        session.get_one(tables.Vendor, vendor.id).speech_hints = ["Northwind"]
    tasks.retry(runtime, SYSTEM, call.public_id)
    work_off(runtime)
    assert found.hinted == [(), ("Northwind",)]
    assert begun == [0, 1, 2, 3] * 2
    assert [number for _, number in parts(runtime)] == [0, 1, 2, 3]
    assert len({plan for plan, _ in parts(runtime)}) == 1
    tasks.retry(runtime, SYSTEM, call.public_id)
    assert work_off(runtime) == ["done", "done"]
    with runtime.db.read() as session:
        notes = results.masked_transcript(session, call.id or 0).notes
    assert [(note.kind, note.text) for note in notes] == [("hints", "Northwind")]


def test_parts_are_returned_from_the_first_on_without_a_gap(runtime: Runtime) -> None:
    kept = StoredParts(at_work(script(runtime)))
    for number in range(4):
        kept.keep("plan", number, {"number": number})
    with runtime.db.write() as session:
        row = session.scalars(
            select(tables.TranscriptPartRow).where(tables.TranscriptPartRow.number == 2)
        ).one()
        session.delete(row)
    assert kept.load("plan") == ({"number": 0}, {"number": 1})
    assert kept.load("other plan") == ()
    kept.keep("plan", 2, {"number": "new"})
    assert kept.load("plan") == ({"number": 0}, {"number": 1}, {"number": "new"})


def test_whoever_lost_the_lease_keeps_nothing_more(runtime: Runtime) -> None:
    work = at_work(script(runtime))
    kept = StoredParts(work)
    kept.keep("plan", 0, {})
    assert tasks.bury(runtime, work.lease.task_id, work.lease.token)
    with pytest.raises(LeaseLost):
        kept.keep("plan", 1, {})
    assert parts(runtime) == [("plan", 0)]


def test_a_database_that_is_away_for_a_while_costs_no_part(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = StoredParts(at_work(script(runtime)))
    kept.keep("plan", 0, {})
    with monkeypatch.context() as away:

        def fail() -> None:
            raise OperationalError("", {}, Exception("away"))

        away.setattr(runtime.db, "write", fail)
        kept.keep("plan", 1, {})
    assert parts(runtime) == [("plan", 0)]
    kept.keep("plan", 2, {})
    assert parts(runtime) == [("plan", 0), ("plan", 1), ("plan", 2)]


def test_parts_are_packed_and_go_with_their_call(runtime: Runtime) -> None:
    work = at_work(script(runtime))
    StoredParts(work).keep("plan", 0, {"text": "four two seven one"})
    with runtime.db.read() as session:
        sealed = session.scalars(select(tables.TranscriptPartRow.sealed)).one()
    assert b"four two" not in sealed
    with runtime.db.write() as session:
        erasing.drop_call(session, work.lease.call_id, work.subject.public_id)
    assert parts(runtime) == []


def test_death_after_death_parks_a_task_only_where_it_comes_no_further(runtime: Runtime) -> None:
    work = at_work(script(runtime))
    for number in range(5):
        StoredParts(work).keep("plan", number, {})
        assert tasks.bury(runtime, work.lease.task_id, work.lease.token)
        work = claim_again(runtime, work)
    # The fifth death was the first since the work came further; the third in a row ends it.
    assert tasks.bury(runtime, work.lease.task_id, work.lease.token)
    assert state_of(runtime, work) == "queued"
    work = claim_again(runtime, work)
    assert tasks.bury(runtime, work.lease.task_id, work.lease.token)
    assert state_of(runtime, work) == "parked"


def state_of(runtime: Runtime, work: Work) -> str:
    with runtime.db.read() as session:
        return session.get_one(tables.Task, work.lease.task_id).state


def claim_again(runtime: Runtime, work: Work) -> Work:
    """Claim the task as if any pause were over."""
    with runtime.db.write() as session:
        now = runtime.db.now(session) + 1000
        lease = store.claim(session, work.lease.task_id, now=now, seconds=60)
    assert lease is not None
    return Work(runtime, lease, work.subject, Unwatched())
