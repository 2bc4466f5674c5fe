"""The worker of a long call dies again and again; what it finished is not recognised again."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter

import pytest
from sqlalchemy import select

from qa_audit.services import tasks
from qa_audit.storage import results, tables
from tests.fakes import HELLO
from tests.faults.installation import Installation

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

GROUPS = 24
KILLS = 4
"""More than the three deaths that park a task which comes no further."""


def test_a_long_call_goes_on_where_its_worker_was_killed(installation: Installation) -> None:
    (call,) = begin(installation)
    for _ in range(KILLS):
        worker, kept = work_until_a_part_is_kept(installation)
        time.sleep(random.uniform(0.0, 0.4))
        worker.kill()
        worker.wait()
        assert installation.parts() >= kept
        end_lease(installation)
    installation.start("entry", "--queues", "transcription,default", "--burst")
    installation.wait_for_all(1)
    begun = Counter(installation.decoded())
    assert sorted(begun) == list(range(GROUPS))
    assert begun.total() <= GROUPS + KILLS
    check_whole(installation, call)
    print(f"{KILLS} kills, {GROUPS} groups, {begun.total() - GROUPS} of them begun twice")


def test_a_stopped_worker_loses_nothing_of_a_long_call(installation: Installation) -> None:
    (call,) = begin(installation)
    for _ in range(2):
        worker, _ = work_until_a_part_is_kept(installation)
        time.sleep(random.uniform(0.0, 0.4))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0
        assert installation.statuses() == ["received"]
    installation.start("entry", "--queues", "transcription,default", "--burst")
    installation.wait_for_all(1)
    assert installation.decoded() == list(range(GROUPS))
    check_whole(installation, call)


def begin(installation: Installation) -> list[int]:
    """Accept a long call and have it measured."""
    installation.plan(seconds=GROUPS * 0.15, groups=GROUPS)
    calls = installation.upload(1)
    measuring = installation.start("entry", "--queues", "default", "--burst")
    assert measuring.wait(timeout=30) == 0
    return calls


def work_until_a_part_is_kept(installation: Installation) -> tuple[subprocess.Popen[bytes], int]:
    """Start a worker; returns it and how many parts are kept, once it has come further than those before."""
    before = installation.parts()
    worker = installation.start("entry", "--queues", "transcription")
    installation.wait(lambda: installation.parts() > before)
    return worker, installation.parts()


def end_lease(installation: Installation) -> None:
    """End the dead worker's lease, as its supervisor would."""
    (task,) = installation.tasks("transcribe")
    assert task.lease_token is not None
    assert task.id is not None
    assert tasks.bury(installation.runtime, task.id, task.lease_token)


def check_whole(installation: Installation, call: int) -> None:
    """Check that every word is there once, that nothing failed, and that no part is left behind."""
    installation.check_each_done_once([call])
    with installation.runtime.db.read() as session:
        found = results.unmasked_transcript(session, call)
        assert session.scalars(select(tables.Call.failure)).all() == [None]
    assert [segment.text for segment in found.segments] == [segment.text for segment in HELLO]
    assert installation.parts() == 0
