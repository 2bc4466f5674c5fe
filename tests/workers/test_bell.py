"""The doorbell on a real Redis: hints as JSON, once each, and nothing else is ever run."""

from __future__ import annotations

import json
import signal
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException
from rq.utils import import_attribute

from qa_audit.queue.names import DEFAULT, QUEUES, RUN_TASK, TRANSCRIPTION
from qa_audit.queue.rq_jobs import ALARM_SECONDS, NoJobs, RqJobs
from workers import jobs
from workers.bell import Alarm, Listener, Overtime


def listen(url: str, run: Callable[[int], object], queue: str = DEFAULT) -> list[int]:
    """Run a listener until the queue is empty and return the tasks that it was told of."""
    told: list[int] = []

    def note(task_id: int) -> None:
        told.append(task_id)
        run(task_id)

    jobs.serve(note)
    empty = RqJobs(url)
    listener = Listener(url, queue, pause=1, idle=lambda: None, stopping=lambda: empty.waiting(queue) == 0)
    listener.work(logging_level="CRITICAL")
    return told


def test_a_ring_is_a_hint_of_three_numbers_in_json(redis_url: str) -> None:
    bell = RqJobs(redis_url)
    assert bell.ring(TRANSCRIPTION, 7, 2, 3)
    with redis.Redis.from_url(redis_url) as client:
        stored = client.hgetall("rq:job:7-2-3")
    data = json.loads(zlib.decompress(stored[b"data"]))
    assert data == [RUN_TASK, None, [], {"task_id": 7, "attempt": 2, "ring": 3}]
    assert int(stored[b"timeout"]) == ALARM_SECONDS[TRANSCRIPTION]
    assert (int(stored[b"result_ttl"]), int(stored[b"failure_ttl"])) == (60, 3 * 24 * 3600)
    assert b"retries_left" not in stored


def test_the_same_ring_twice_is_one_hint_and_counts_as_rung(redis_url: str) -> None:
    bell = RqJobs(redis_url)
    assert [bell.ring(DEFAULT, 7, 0, 1) for _ in range(2)] == [True, True]
    assert bell.waiting(DEFAULT) == 1
    assert bell.ring(DEFAULT, 7, 0, 2)
    assert bell.waiting(DEFAULT) == 2


def test_the_name_in_a_hint_is_a_function_that_can_be_found() -> None:
    assert import_attribute(RUN_TASK) is jobs.run_task
    assert set(ALARM_SECONDS) == set(QUEUES)


def test_the_listener_passes_hints_on_in_their_order(redis_url: str) -> None:
    bell = RqJobs(redis_url)
    for task in (3, 1, 2):
        bell.ring(DEFAULT, task, 0, 1)
    assert listen(redis_url, lambda task_id: None) == [3, 1, 2]
    assert bell.waiting(DEFAULT) == 0


def test_an_error_in_one_hint_does_not_stop_the_next(redis_url: str) -> None:
    bell = RqJobs(redis_url)
    bell.ring(DEFAULT, 1, 0, 1)
    bell.ring(DEFAULT, 2, 0, 1)
    assert listen(redis_url, lambda task_id: 1 / (task_id - 1)) == [1, 2]


def test_another_function_put_into_redis_is_not_run(redis_url: str, tmp_path: Path) -> None:
    with redis.Redis.from_url(redis_url) as client:
        Queue(DEFAULT, connection=client, serializer="json").enqueue_call(
            "os.mkdir", args=[str(tmp_path / "made")], job_id="evil"
        )
        RqJobs(redis_url).ring(DEFAULT, 5, 0, 1)
        assert listen(redis_url, lambda task_id: None) == [5]
        assert not Job.exists("evil", connection=client)
    assert not (tmp_path / "made").exists()


def test_nothing_is_pickled(redis_url: str) -> None:
    RqJobs(redis_url).ring(DEFAULT, 5, 0, 1)
    listener = Listener(redis_url, DEFAULT, pause=1, idle=lambda: None, stopping=lambda: True)
    assert listener.serializer.__name__ == "JSONSerializer"
    assert all(queue.serializer.__name__ == "JSONSerializer" for queue in listener.queues)


def test_between_hints_the_listener_looks_at_the_database(redis_url: str) -> None:
    looks: list[float] = []
    listener = Listener(
        redis_url,
        DEFAULT,
        pause=1,
        idle=lambda: looks.append(time.monotonic()),
        stopping=lambda: len(looks) >= 3,
    )
    listener.work(logging_level="CRITICAL")
    assert 0.5 < looks[2] - looks[1] < 3


def test_a_signal_ends_the_waiting_at_once(redis_url: str) -> None:
    stopped: list[int] = []
    listener = Listener(redis_url, DEFAULT, pause=30, idle=lambda: None, stopping=lambda: bool(stopped))

    def on_alarm(*_: object) -> None:
        stopped.append(1)
        listener.interrupt()

    before = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    began = time.monotonic()
    try:
        listener.work(logging_level="CRITICAL")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("url", ["unix:///nowhere/at/all", "redis://127.0.0.1:1"])
def test_a_redis_that_is_away_raises_nothing(url: str) -> None:
    bell, began = RqJobs(url), time.monotonic()
    assert bell.ring(DEFAULT, 1, 0, 1) is False
    assert bell.waiting(DEFAULT) is None
    assert bell.ping() is False
    assert time.monotonic() - began < 5


def test_a_redis_that_answers_says_so(redis_url: str) -> None:
    assert RqJobs(redis_url).ping()


def test_the_silent_bell_says_that_there_is_none() -> None:
    bell = NoJobs()
    assert (bell.ring(DEFAULT, 1, 0, 1), bell.waiting(DEFAULT), bell.ping()) == (False, None, False)


def test_rqs_alarm_cannot_be_swallowed_by_a_stage() -> None:
    with pytest.raises(Overtime):
        Alarm(1, JobTimeoutException).handle_death_penalty(signal.SIGALRM, None)
    assert not issubclass(Overtime, Exception)


def test_a_hint_that_somebody_elses_worker_takes_says_what_to_start() -> None:
    jobs.serve(lambda task_id: None)
    jobs._runs.clear()
    with pytest.raises(RuntimeError, match="qa-audit worker"):
        jobs.run_task(1, 0, 1)
