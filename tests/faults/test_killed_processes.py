"""Workers and supervisors are killed, stopped and starved; every accepted call is still done exactly once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.faults.entry import POISON
from tests.faults.installation import GRACE, LEASE, Installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


def is_running(pid: int) -> bool:
    """Say whether a process lives (one that nobody has reaped yet does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_worker_killed_while_it_transcribes_costs_nothing(with_redis: Installation) -> None:
    with_redis.plan(seconds=2.0)
    calls = with_redis.upload(2)
    with_redis.start("supervise")
    with_redis.wait(with_redis.begun)
    killed = with_redis.begun()[0]
    os.kill(killed, signal.SIGKILL)
    # No sweep runs: the supervisor ends the lease of the worker that it buries.
    with_redis.wait_for_all(2)
    with_redis.check_each_done_once(calls)
    assert with_redis.begun().count(killed) == 1
    assert len(with_redis.begun()) == 3
    assert sorted(task.attempt for task in with_redis.tasks("transcribe")) == [1, 2]


def test_ten_queued_calls_survive_an_emptied_redis(with_redis: Installation) -> None:
    calls = with_redis.upload(10)
    server = redis.Redis.from_url(with_redis.runtime.settings.redis_url)
    assert server.llen("rq:queue:default") == 10
    server.flushall()
    with_redis.start("supervise")
    with with_redis.sweeping():
        with_redis.wait(lambda: "prescored" in with_redis.statuses())
        server.flushall()
        with_redis.wait_for_all(10)
    server.close()
    with_redis.check_each_done_once(calls)
    assert len(with_redis.begun()) == 10


def test_no_worker_outlives_its_supervisor(installation: Installation) -> None:
    installation.plan(seconds=3.0)
    calls = installation.upload(1)
    supervisor = installation.start("supervise")
    installation.wait(installation.begun)
    orphan = installation.begun()[0]
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    installation.wait(lambda: not is_running(orphan), seconds=5)
    assert installation.statuses() == ["transcribing"]
    installation.plan()
    installation.start("supervise")
    with installation.sweeping():
        installation.wait_for_all(1)
    installation.check_each_done_once(calls)
    assert len(installation.begun()) == 2


def test_poison_is_parked_after_three_deaths_while_the_others_flow(with_redis: Installation) -> None:
    (poison,) = with_redis.upload(1, POISON)
    calls = with_redis.upload(4)
    with_redis.start("supervise")
    with_redis.wait(lambda: sorted(with_redis.statuses()) == ["failed"] + ["prescored"] * 4)
    with_redis.check_each_done_once(calls)
    (parked,) = [task for task in with_redis.tasks("measure") if task.call_id == poison]
    assert (parked.state, parked.crash_count, parked.attempt) == ("parked", 3, 3)


@pytest.mark.parametrize("trouble", [None, "deaf"])
def test_a_stopped_worker_lets_go_within_the_grace_time(
    installation: Installation, trouble: str | None
) -> None:
    installation.plan(seconds=10.0, trouble=trouble)
    installation.upload(1)
    supervisor = installation.start("supervise")
    installation.wait(installation.begun)
    began = time.monotonic()
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(timeout=20) == 0
    # An engine that looks up lets go after a tenth of its work, a deaf one is left before the grace ends.
    assert time.monotonic() - began < 3 * GRACE
    assert not is_running(installation.begun()[0])
    (task,) = installation.tasks("transcribe")
    assert (task.state, task.lease_token) == ("queued", None)
    assert (task.crash_count, task.error_count) == (0, 0)


def test_a_worker_that_slept_beyond_its_lease_cannot_store(installation: Installation) -> None:
    installation.plan(seconds=1.0, trouble="unchecked")
    calls = installation.upload(1)
    installation.start("entry", "--queues", "default")
    sleeper = installation.start("entry", "--queues", "transcription", log="sleeper")
    installation.wait(installation.begun)
    sleeper.send_signal(signal.SIGSTOP)
    time.sleep(LEASE)
    installation.plan()
    with installation.sweeping():
        installation.start("entry", "--queues", "transcription")
        installation.wait_for_all(1)
        sleeper.send_signal(signal.SIGCONT)
        log = installation.folder / "sleeper"
        installation.wait(lambda: '"outcome": "lost"' in log.read_text())
    installation.check_each_done_once(calls)
    assert len(installation.begun()) == 2


def test_a_silent_worker_is_killed_and_counts_twice(installation: Installation) -> None:
    installation.plan(trouble="silent")
    installation.upload(1)
    installation.start("supervise", "--queues", "default,transcription")
    installation.wait(lambda: [t.crash_count for t in installation.tasks("transcribe")] == [2])
    assert not is_running(installation.begun()[0])


def test_without_redis_the_workers_find_their_work(installation: Installation) -> None:
    calls = installation.upload(2)
    installation.start("supervise")
    installation.wait_for_all(2)
    installation.check_each_done_once(calls)


def test_without_redis_and_workers_the_sweep_has_the_work_done(installation: Installation) -> None:
    calls = installation.upload(2)
    sweep = installation.start("sweep")
    installation.wait_for_all(2)
    installation.check_each_done_once(calls)
    sweep.send_signal(signal.SIGTERM)
    assert sweep.wait(timeout=15) == 0
    assert not any(is_running(pid) for pid in installation.begun())


def test_a_redis_that_goes_away_meanwhile_stops_nothing(with_redis: Installation) -> None:
    with_redis.plan(seconds=0.5)
    calls = with_redis.upload(3)
    with_redis.start("supervise")
    with_redis.wait(with_redis.begun)
    server = redis.Redis.from_url(with_redis.runtime.settings.redis_url)
    server.shutdown(nosave=True)
    server.close()
    calls += with_redis.upload(1)
    with_redis.wait_for_all(4)
    with_redis.check_each_done_once(calls)
