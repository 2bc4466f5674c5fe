"""The heart keeps a lease alive, notices its loss, and tells the supervisor how things stand."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from qa_audit.config import Settings
from qa_audit.errors import LeaseLost, Stopped
from qa_audit.runtime import Runtime
from qa_audit.services import tasks as service
from qa_audit.storage import tables, tasks
from qa_audit.storage.tasks import Lease
from tests.factories import make_task
from workers.heart import Heart


@pytest.fixture
def quick(settings: Settings, runtime: Runtime) -> Settings:
    """Settings with beats of a tenth of a second."""
    runtime.settings = settings.model_copy(update={"lease_seconds": 30.0, "beat_seconds": 0.1})
    return runtime.settings


@pytest.fixture
def heart(quick: Settings) -> Iterator[Heart]:
    """A heart that beats no more when the test is over: one that was told to stop would end the process."""
    built = Heart(quick)
    yield built
    built.finish()


@pytest.fixture
def lease(runtime: Runtime) -> Lease:
    """A lease that runs out in a second."""
    with runtime.db.write() as session:
        task = make_task(session)
        found = tasks.claim(session, task.id or 0, now=runtime.db.now(session), seconds=1)
    assert found is not None
    return found


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The two ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def until(runtime: Runtime, lease: Lease) -> float:
    with runtime.db.read() as session:
        row = session.get_one(tables.Task, lease.task_id)
        return (row.lease_until or 0) - runtime.db.now(session)


def wait(so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def raises(error: type[Exception], action: Callable[[], object]) -> bool:
    try:
        action()
    except error:
        return True
    return False


def test_the_lease_is_renewed_while_work_goes_on(runtime: Runtime, heart: Heart, lease: Lease) -> None:
    heart.begin(lease)
    heart.start()
    wait(lambda: until(runtime, lease) > 20)
    heart.check()
    heart.end()


def test_a_lost_lease_is_noticed_by_the_work(runtime: Runtime, heart: Heart, lease: Lease) -> None:
    heart.begin(lease)
    heart.start()
    assert service.bury(runtime, lease.task_id, lease.token)
    wait(lambda: raises(LeaseLost, heart.check))
    heart.end()


def test_the_next_task_is_not_blamed_for_a_lease_lost_before(
    runtime: Runtime, heart: Heart, lease: Lease
) -> None:
    heart.begin(lease)
    service.bury(runtime, lease.task_id, lease.token)
    heart._renew()
    heart.end()
    heart.begin(lease)
    heart.check()


def test_a_database_that_is_away_stops_no_work(quick: Settings, lease: Lease) -> None:
    heart = Heart(quick.model_copy(update={"database_url": "sqlite:////nowhere/at/all.sqlite3"}))
    heart.begin(lease)
    heart._renew()
    heart.check()


def test_after_a_stop_work_ends_and_waiting_is_over(heart: Heart) -> None:
    heart.check()
    heart.stop()
    heart.stop()
    with pytest.raises(Stopped):
        heart.check()
    began = time.monotonic()
    heart.pause(30)
    assert time.monotonic() - began < 5
    assert heart.stopping


def test_a_signal_is_heard_even_while_the_main_thread_is_deaf(heart: Heart) -> None:
    heart.start()
    os.write(heart.wakeup_fd, bytes([signal.SIGALRM]))
    time.sleep(0.2)
    assert not heart.stopping
    os.write(heart.wakeup_fd, bytes([signal.SIGTERM]))
    wait(lambda: heart.stopping)


def test_the_supervisor_hears_task_token_and_deadline(
    quick: Settings, lease: Lease, pipe: tuple[int, int]
) -> None:
    heart = Heart(quick, pipe=pipe[1])
    heart.begin(lease)
    heart.limit(300)
    heart.end()
    begun, limited, ended = (json.loads(line) for line in os.read(pipe[0], 65536).splitlines())
    assert (begun["task"], begun["token"], begun["deadline"]) == (lease.task_id, lease.token, None)
    assert 290 < limited["deadline"] - time.monotonic() <= 300
    assert (ended["task"], ended["token"], ended["deadline"], ended["ended"]) == (None, None, None, 1)


def test_a_lost_lease_is_told_as_a_deadline_that_is_over(
    runtime: Runtime, quick: Settings, lease: Lease, pipe: tuple[int, int]
) -> None:
    heart = Heart(quick, pipe=pipe[1])
    heart.begin(lease)
    heart.limit(300)
    service.bury(runtime, lease.task_id, lease.token)
    heart._renew()
    last = json.loads(os.read(pipe[0], 65536).splitlines()[-1])
    assert last["deadline"] <= time.monotonic()


def test_a_supervisor_that_is_gone_stops_no_work(quick: Settings, lease: Lease) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    heart = Heart(quick, pipe=writing)
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        heart.begin(lease)
        heart.end()
    finally:
        signal.signal(signal.SIGPIPE, before)
        os.close(writing)
