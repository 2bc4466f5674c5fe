"""The sweep ends dead leases, rings for what nobody heard, and tidies up; in several copies at once."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from qa_audit.runtime import Runtime
from qa_audit.services import sweeping, tasks
from qa_audit.services.sweeping import ClockGuard, Sweeper, idle_queues, sweep_once
from qa_audit.storage import tables
from qa_audit.storage import tasks as store
from qa_audit.storage.tasks import Lease
from tests.fakes import RememberedJobs, receive, script, work_off


def leased(runtime: Runtime, seconds: float) -> tuple[tables.Call, Lease]:
    call, task_id = receive(runtime)
    with runtime.db.write() as session:
        lease = store.claim(session, task_id, now=runtime.db.now(session), seconds=seconds)
    assert lease is not None
    return call, lease


def states(runtime: Runtime) -> list[str]:
    with runtime.db.read() as session:
        return list(session.scalars(select(tables.Task.state).order_by(tables.Task.id)))


def rung(runtime: Runtime) -> list[int]:
    assert isinstance(runtime.jobs, RememberedJobs)
    return [task for _, task, _, _ in runtime.jobs.rung]


def test_an_expired_lease_is_ended_and_its_task_rung_for(runtime: Runtime) -> None:
    _, lease = leased(script(runtime), seconds=-1)
    _, alive = leased(runtime, seconds=60)
    assert sweep_once(runtime).ended == 1
    assert states(runtime) == ["queued", "leased"]
    assert rung(runtime) == [lease.task_id]
    assert alive.task_id not in rung(runtime)


def test_tasks_that_were_never_rung_for_are_rung_once(runtime: Runtime) -> None:
    script(runtime)
    due = [receive(runtime)[1] for _ in range(3)]
    assert sweep_once(runtime).rung == 3
    assert sweep_once(runtime).rung == 0
    assert rung(runtime) == due


def test_a_long_backlog_is_rung_for_only_as_far_as_hints_are_missing(runtime: Runtime) -> None:
    script(runtime)
    due = [receive(runtime)[1] for _ in range(5)]

    class Half(RememberedJobs):
        def waiting(self, queue: str) -> int | None:
            return 3

    runtime.jobs = Half()
    assert sweep_once(runtime).rung == 2
    assert rung(runtime) == due[:2]


def test_a_bell_that_was_not_answered_is_rung_again_later(runtime: Runtime) -> None:
    script(runtime, lease_seconds=1.2)
    _, task_id = receive(runtime)
    sweep_once(runtime)
    time.sleep(0.3)
    sweep_once(runtime)
    assert rung(runtime) == [task_id, task_id]


def test_without_a_bell_nothing_is_rung_and_the_sweep_says_so(runtime: Runtime) -> None:
    script(runtime)
    runtime.jobs = RememberedJobs(works=False)
    receive(runtime)
    swept = sweep_once(runtime)
    assert (swept.bell, swept.rung) == (False, 0)
    with runtime.db.read() as session:
        assert session.scalars(select(tables.Task.rings)).one() == 0


def test_four_sweeps_at_once_end_a_lease_once(runtime: Runtime) -> None:
    script(runtime)
    for _ in range(3):
        leased(runtime, seconds=-1)
    barrier = threading.Barrier(4)

    def sweep(_: int) -> int:
        barrier.wait()
        return sweep_once(runtime).ended

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sweep, range(4))) == 3
    with runtime.db.read() as session:
        assert list(session.scalars(select(tables.Task.crash_count))) == [1, 1, 1]


def test_after_a_step_of_the_clock_no_lease_is_ended_for_a_leases_length() -> None:
    guard = ClockGuard()
    assert guard.steady(wall=1000.0, monotonic=50.0, lease=60.0)
    assert guard.steady(wall=1015.2, monotonic=65.0, lease=60.0)
    assert not guard.steady(wall=4615.0, monotonic=80.0, lease=60.0)
    assert not guard.steady(wall=4674.0, monotonic=139.0, lease=60.0)
    assert guard.steady(wall=4676.0, monotonic=141.0, lease=60.0)
    assert not guard.steady(wall=1080.0, monotonic=145.0, lease=60.0)


def test_a_clock_an_hour_ahead_ends_no_live_lease(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    script(runtime)
    sweeper = Sweeper()
    sweep_once(runtime, sweeper)
    leased(runtime, seconds=60)
    now = runtime.db.now
    monkeypatch.setattr(runtime.db, "now", lambda session: now(session) + 3600)
    assert sweep_once(runtime, sweeper).ended == 0
    assert states(runtime) == ["leased"]


def test_a_clock_an_hour_back_leaves_nothing_stuck(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    script(runtime)
    sweeper = Sweeper()
    sweep_once(runtime, sweeper)
    leased(runtime, seconds=60)
    now = runtime.db.now
    monkeypatch.setattr(runtime.db, "now", lambda session: now(session) - 3600)
    sweep_once(runtime, sweeper)
    with runtime.db.read() as session:
        until = session.scalars(select(tables.Task.lease_until)).one()
        assert until is not None
        assert until <= runtime.db.now(session) + 60


def old(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def test_uploads_that_broke_off_go_after_an_hour(runtime: Runtime) -> None:
    script(runtime)
    folder = runtime.media.incoming()
    for name, hours in (("young.part", 0.9), ("old.part", 1.1)):
        (folder / name).write_bytes(b"half")
        old(folder / name, hours)
    assert sweep_once(runtime).removed == 1
    assert [path.name for path in folder.iterdir()] == ["young.part"]


def test_files_without_a_row_go_after_a_day_and_files_with_one_stay(runtime: Runtime) -> None:
    script(runtime)
    receive(runtime)
    work_off(runtime)
    with runtime.db.read() as session:
        kept = session.scalars(select(tables.Recording)).one()
    for key in ("playback/left.m4a", "playback/fresh.m4a"):
        runtime.media.put_bytes(key, b"left behind")
    stored = [key for key, _ in runtime.media.keys() if key != "playback/fresh.m4a"]  # noqa: SIM118
    for key in stored:
        old(runtime.media.local_path(key), 25)
    assert sweep_once(runtime).removed == 1
    assert {key for key, _ in runtime.media.keys()} == {  # noqa: SIM118
        "playback/fresh.m4a",
        kept.media_key,
        kept.playback_key,
        kept.peaks_key,
    }


def test_all_files_are_looked_through_only_now_and_then(runtime: Runtime) -> None:
    script(runtime)
    sweeper = Sweeper()
    sweep_once(runtime, sweeper)
    (runtime.media.incoming() / "old.part").write_bytes(b"half")
    old(runtime.media.incoming() / "old.part", 2)
    assert sweep_once(runtime, sweeper).removed == 0


def test_answers_to_idempotency_keys_are_kept_for_a_day(runtime: Runtime) -> None:
    script(runtime)
    with runtime.db.write() as session:
        for key, hours in (("old", 25), ("young", 23)):
            created = runtime.clock() - timedelta(hours=hours)
            session.add(tables.Upload(owner="o", key=key, state="done", answer={}, created_at=created))
    sweep_once(runtime)
    with runtime.db.read() as session:
        assert list(session.scalars(select(tables.Upload.key))) == ["young"]


def test_queues_count_as_idle_when_due_work_waits_and_nobody_works(runtime: Runtime) -> None:
    script(runtime, sweep_seconds=0.5)
    assert idle_queues(runtime, patiently=False) == ()
    _, task_id = receive(runtime)
    with runtime.db.write() as session:
        session.execute(update(tables.Task).values(run_after=runtime.db.now(session)))
    assert idle_queues(runtime) == ()
    assert idle_queues(runtime, patiently=False) == ("default", "transcription")
    time.sleep(1.2)
    assert idle_queues(runtime) == ("default", "transcription")
    with runtime.db.write() as session:
        store.claim(session, task_id, now=runtime.db.now(session), seconds=60)
    receive(runtime)
    assert idle_queues(runtime, patiently=False) == ()


def test_a_parked_task_is_left_alone(runtime: Runtime) -> None:
    script(runtime)
    _, task_id = receive(runtime)
    with runtime.db.write() as session:
        session.execute(update(tables.Task).values(state="parked"))
    assert sweep_once(runtime).rung == 0
    assert tasks.run(runtime, task_id) == "not_ours"
    assert sweeping.stages_of("transcription") == ("transcribe",)
