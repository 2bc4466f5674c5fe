"""How far a stage is and how long it may still take, as the call shows it."""

from __future__ import annotations

import pytest

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import calls, stage, tasks
from qa_audit.services.calls import CallProgress
from qa_audit.services.stage import Unwatched, Work
from qa_audit.storage import results
from qa_audit.storage import tasks as store
from tests.fakes import receive, script


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands; its only element is the time."""
    now = [1000.0]
    monkeypatch.setattr(stage.time, "monotonic", lambda: now[0])
    return now


def at_work(runtime: Runtime) -> Work:
    _, task_id = receive(script(runtime))
    with runtime.db.write() as session:
        lease = store.claim(session, task_id, now=runtime.db.now(session), seconds=60)
        assert lease is not None
        results.advance(session, lease.call_id, "received", stage="measure", progress=0)
        return Work(runtime, lease, results.subject(session, lease.call_id), Unwatched())


def shown(runtime: Runtime, work: Work) -> CallProgress:
    return calls.progress(runtime, SYSTEM, work.subject.public_id)


def test_the_time_left_is_recorded_beside_the_percent(runtime: Runtime, clock: list[float]) -> None:
    work = at_work(runtime)
    work.progress(0.0)
    assert (shown(runtime, work).progress, shown(runtime, work).seconds_left) == (0, None)
    clock[0] += 30
    work.progress(0.25)
    assert (shown(runtime, work).progress, shown(runtime, work).seconds_left) == (25, 90)
    (row,) = calls.queue_overview(runtime, SYSTEM).rows
    assert (row.progress, row.seconds_left) == (25, 90)


def test_after_going_on_only_this_attempts_pace_counts(runtime: Runtime, clock: list[float]) -> None:
    work = at_work(runtime)
    clock[0] += 10
    work.progress(0.8)
    assert (shown(runtime, work).progress, shown(runtime, work).seconds_left) == (80, None)
    clock[0] += 10
    work.progress(0.85)
    assert shown(runtime, work).seconds_left == 30


def test_it_is_written_at_most_once_a_second(runtime: Runtime, clock: list[float]) -> None:
    work = at_work(runtime)
    work.progress(0.1)
    clock[0] += 0.9
    work.progress(0.2)
    assert shown(runtime, work).progress == 10
    clock[0] += 0.1
    work.progress(0.2)
    assert shown(runtime, work).progress == 20


def test_no_estimate_outlives_its_stage(runtime: Runtime, clock: list[float]) -> None:
    work = at_work(runtime)
    work.progress(0.0)
    clock[0] += 30
    work.progress(0.5)
    assert shown(runtime, work).seconds_left == 30
    assert tasks.bury(runtime, work.lease.task_id, work.lease.token)
    assert shown(runtime, work).seconds_left is None
