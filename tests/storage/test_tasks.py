"""Leases: who may work on a task is decided by the database, whoever asks at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qa_audit.errors import NotFound
from qa_audit.runtime import Runtime
from qa_audit.storage import tables, tasks
from qa_audit.storage.database import IntegrityError
from qa_audit.storage.tasks import Lease
from tests.factories import make_call, make_task

SECONDS = 60.0


def added(runtime: Runtime, **values: Any) -> int:
    with runtime.db.write() as session:
        task = make_task(session, **values)
    assert task.id is not None
    return task.id


def row(runtime: Runtime, task_id: int) -> tables.Task:
    with runtime.db.read() as session:
        found = session.get(tables.Task, task_id)
        if found is None:
            raise NotFound()
        session.expunge(found)
        return found


def at_now(runtime: Runtime, action: Callable[..., Any], *args: Any, **values: Any) -> Any:
    """Run one storage function in a transaction of its own, by the database's clock."""
    with runtime.db.write() as session:
        return action(session, *args, now=runtime.db.now(session), **values)


def claimed(runtime: Runtime, task_id: int) -> Lease:
    lease = at_now(runtime, tasks.claim, task_id, seconds=SECONDS)
    assert lease is not None
    return lease


def once(runtime: Runtime, action: Callable[..., Any], *args: Any) -> Any:
    with runtime.db.write() as session:
        return action(session, *args)


def together(actions: list[Callable[[], Any]]) -> list[Any]:
    """Run the actions in threads that start at the same moment."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def test_a_claim_takes_a_due_task_and_starts_an_attempt(runtime: Runtime) -> None:
    task_id = added(runtime)
    lease = claimed(runtime, task_id)
    task = row(runtime, task_id)
    assert (task.state, task.attempt, task.lease_token) == ("leased", 1, lease.token)
    assert (lease.task_id, lease.call_id, lease.stage) == (task_id, task.call_id, "measure")
    assert at_now(runtime, tasks.claim, task_id, seconds=SECONDS) is None


@pytest.mark.parametrize("state", ["leased", "done", "failed", "parked", "waiting"])
def test_only_queued_tasks_are_claimed(runtime: Runtime, state: str) -> None:
    task_id = added(runtime, state=state, lease_until=0.0, lease_token="somebody's")
    assert at_now(runtime, tasks.claim, task_id, seconds=SECONDS) is None
    assert row(runtime, task_id).attempt == 0


def test_a_task_is_not_claimed_before_it_is_due(runtime: Runtime) -> None:
    with runtime.db.read() as session:
        soon = runtime.db.now(session) + 30
    assert at_now(runtime, tasks.claim, added(runtime, run_after=soon), seconds=SECONDS) is None


def test_of_eight_workers_claiming_at_once_one_gets_the_task(runtime: Runtime) -> None:
    task_id = added(runtime)
    got = together([lambda: at_now(runtime, tasks.claim, task_id, seconds=SECONDS)] * 8)
    leases = [lease for lease in got if lease is not None]
    task = row(runtime, task_id)
    assert len(leases) == 1
    assert (task.attempt, task.lease_token) == (1, leases[0].token)


def test_a_beat_extends_the_lease_until_somebody_ends_it(runtime: Runtime) -> None:
    task_id = added(runtime)
    lease = at_now(runtime, tasks.claim, task_id, seconds=1)
    before = row(runtime, task_id).lease_until or 0
    assert at_now(runtime, tasks.beat, lease, seconds=SECONDS)
    assert (row(runtime, task_id).lease_until or 0) > before + 50
    at_now(runtime, tasks.end_lease, task_id, lease.token, pause=SECONDS)
    assert not at_now(runtime, tasks.beat, lease, seconds=SECONDS)
    assert not once(runtime, tasks.put_progress, lease, 50)


def test_a_lease_that_was_ended_cannot_store(runtime: Runtime) -> None:
    task_id = added(runtime)
    old = claimed(runtime, task_id)
    at_now(runtime, tasks.end_lease, task_id, old.token, pause=SECONDS)
    new = claimed(runtime, task_id)
    assert not once(runtime, tasks.settle, old)
    assert not once(runtime, tasks.fail, old, "too late")
    assert not at_now(runtime, tasks.let_go, old)
    assert not at_now(runtime, tasks.postpone, old, pause=1, error="too late")
    assert once(runtime, tasks.settle, new)
    assert (row(runtime, task_id).state, row(runtime, task_id).error) == ("done", None)


def test_an_expired_lease_still_stores_as_long_as_nobody_ended_it(runtime: Runtime) -> None:
    lease = at_now(runtime, tasks.claim, added(runtime), seconds=-1)
    assert once(runtime, tasks.settle, lease)


def test_storing_and_ending_at_once_have_one_winner(runtime: Runtime) -> None:
    for _ in range(5):
        task_id = added(runtime)
        lease = claimed(runtime, task_id)

        def store(lease: Lease = lease) -> bool:
            return bool(once(runtime, tasks.settle, lease))

        def end(task_id: int = task_id, lease: Lease = lease) -> bool:
            return at_now(runtime, tasks.end_lease, task_id, lease.token, pause=SECONDS) is not None

        stored, *ended = together([store, end, end])
        assert [stored, *ended].count(True) == 1
        assert row(runtime, task_id).state == ("done" if stored else "queued")
        assert row(runtime, task_id).crash_count == (0 if stored else 1)


def test_letting_go_counts_nothing(runtime: Runtime) -> None:
    task_id = added(runtime)
    assert at_now(runtime, tasks.let_go, claimed(runtime, task_id))
    task = row(runtime, task_id)
    assert (task.state, task.crash_count, task.error_count, task.lease_token) == ("queued", 0, 0, None)
    assert claimed(runtime, task_id).attempt == 2


def test_a_temporary_error_is_counted_and_waits(runtime: Runtime) -> None:
    task_id = added(runtime)
    lease = claimed(runtime, task_id)
    at_now(runtime, tasks.postpone, lease, pause=10, error="The disk is full.")
    task = row(runtime, task_id)
    assert (task.state, task.error_count, task.error) == ("queued", 1, "The disk is full.")
    assert at_now(runtime, tasks.claim, task_id, seconds=SECONDS) is None


def test_three_deaths_park_a_task(runtime: Runtime) -> None:
    task_id = added(runtime)
    ended = []
    for _ in range(3):
        lease = at_now_later(runtime, task_id)
        ended.append(at_now(runtime, tasks.end_lease, task_id, lease.token, pause=SECONDS))
    assert [end.parked for end in ended] == [False, False, True]
    assert (row(runtime, task_id).state, row(runtime, task_id).crash_count) == ("parked", 3)


def at_now_later(runtime: Runtime, task_id: int) -> Lease:
    """Claim as if any pause were over."""
    with runtime.db.write() as session:
        lease = tasks.claim(session, task_id, now=runtime.db.now(session) + 10 * SECONDS, seconds=SECONDS)
    assert lease is not None
    return lease


def test_after_one_death_a_task_is_due_at_once_after_two_it_waits(runtime: Runtime) -> None:
    task_id = added(runtime)
    at_now(runtime, tasks.end_lease, task_id, claimed(runtime, task_id).token, pause=SECONDS)
    at_now(runtime, tasks.end_lease, task_id, claimed(runtime, task_id).token, pause=SECONDS)
    assert at_now(runtime, tasks.claim, task_id, seconds=SECONDS) is None


def test_a_hang_counts_twice(runtime: Runtime) -> None:
    task_id = added(runtime, crash_count=1)
    ended = at_now(runtime, tasks.end_lease, task_id, claimed(runtime, task_id).token, pause=1, weight=2)
    assert ended.parked


def test_a_lease_is_ended_only_by_its_own_token(runtime: Runtime) -> None:
    task_id = added(runtime)
    lease = claimed(runtime, task_id)
    assert at_now(runtime, tasks.end_lease, task_id, "another", pause=1) is None
    assert at_now(runtime, tasks.beat, lease, seconds=SECONDS)


def test_expired_leases_are_found_and_live_ones_are_not(runtime: Runtime) -> None:
    dead = at_now(runtime, tasks.claim, added(runtime), seconds=-1)
    claimed(runtime, added(runtime))
    assert at_now(runtime, tasks.expired) == ((dead.task_id, dead.token),)


def test_rings_are_numbered_and_stop_when_the_task_is_taken(runtime: Runtime) -> None:
    task_id = added(runtime)
    rings = [at_now(runtime, tasks.note_ring, task_id) for _ in range(3)]
    assert [(ring.attempt, ring.number) for ring in rings] == [(0, 1), (0, 2), (0, 3)]
    claimed(runtime, task_id)
    assert at_now(runtime, tasks.note_ring, task_id) is None


def test_rings_at_the_same_moment_get_different_numbers(runtime: Runtime) -> None:
    task_id = added(runtime)
    rings = together([lambda: at_now(runtime, tasks.note_ring, task_id)] * 6)
    assert sorted(ring.number for ring in rings) == [1, 2, 3, 4, 5, 6]


def test_due_tasks_come_longest_due_first_and_by_stage(runtime: Runtime) -> None:
    late, early = added(runtime, run_after=20.0), added(runtime, run_after=10.0)
    other = added(runtime, stage="transcribe")
    assert at_now(runtime, tasks.due, ["measure"], limit=5) == (early, late)
    assert at_now(runtime, tasks.due, ["transcribe"]) == (other,)
    assert at_now(runtime, tasks.count_due, ["measure", "transcribe"]) == 3


def test_unanswered_are_those_not_rung_for_lately(runtime: Runtime) -> None:
    never, before, after_a_step = added(runtime), added(runtime, rung_at=5.0), added(runtime, rung_at=9e12)
    lately = added(runtime)
    at_now(runtime, tasks.note_ring, lately)
    with runtime.db.read() as session:
        now = runtime.db.now(session)
        found = tasks.unanswered(session, ["measure"], now=now, since=now - 10, limit=9)
    assert set(found) == {never, before, after_a_step}


def test_clock_steps_are_cut_back(runtime: Runtime) -> None:
    task_id, waiting = added(runtime), added(runtime, run_after=9e12)
    lease = at_now(runtime, tasks.claim, task_id, seconds=3600)
    assert at_now(runtime, tasks.cut_leases, seconds=SECONDS, pause=300) == 2
    with runtime.db.read() as session:
        now = runtime.db.now(session)
    assert (row(runtime, task_id).lease_until or 0) <= now + SECONDS
    assert row(runtime, waiting).run_after <= now + 300
    assert once(runtime, tasks.settle, lease)


def test_waiting_tasks_go_on_with_a_new_version_of_their_input(runtime: Runtime) -> None:
    task_id, done = added(runtime), added(runtime, state="done")
    lease = at_now(runtime, tasks.claim, task_id, seconds=SECONDS)
    assert once(runtime, tasks.wait, lease, "one model", "It needs another model.")
    waiting = row(runtime, task_id)
    assert (waiting.state, waiting.lease_token, waiting.error) == ("waiting", None, "It needs another model.")
    assert at_now(runtime, tasks.requeue_waiting, "one model") == ()
    requeued = at_now(runtime, tasks.requeue_waiting, "another model")
    assert [task.task_id for task in requeued] == [task_id]
    task = row(runtime, task_id)
    assert (task.state, task.input_version, task.error, task.waits_under) == ("queued", 2, None, None)
    assert row(runtime, done).input_version == 1


def test_work_that_comes_further_forgives_earlier_crashes(runtime: Runtime) -> None:
    task_id = added(runtime, crash_count=2)
    lease = at_now(runtime, tasks.claim, task_id, seconds=SECONDS)
    assert once(runtime, tasks.note_advance, lease)
    assert row(runtime, task_id).crash_count == 0
    assert once(runtime, tasks.settle, lease)
    assert not once(runtime, tasks.note_advance, lease)


@pytest.mark.parametrize("state", ["failed", "parked"])
def test_a_retry_starts_the_counts_anew(runtime: Runtime, state: str) -> None:
    task_id = added(runtime, state=state, crash_count=3, error_count=2, attempt=5, error="It failed.")
    call_id = row(runtime, task_id).call_id
    again = at_now(runtime, tasks.retry, call_id)
    task = row(runtime, task_id)
    assert (again.task_id, task.state, task.crash_count, task.error_count) == (task_id, "queued", 0, 0)
    assert (task.attempt, task.error) == (5, None)
    assert at_now(runtime, tasks.retry, call_id) is None


def test_adding_a_stage_twice_for_the_same_input_is_refused(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        call = make_call(session)
        assert call.id is not None
        tasks.add(session, call.id, "measure")
        tasks.add(session, call.id, "measure", input_version=2)
    with pytest.raises(IntegrityError), runtime.db.write() as session:
        tasks.add(session, call.id, "measure")
