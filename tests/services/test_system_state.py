"""How the installation is, in plain words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from rq import Worker

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.errors import Forbidden
from qa_audit.queue import private_redis
from qa_audit.queue.listeners import listeners
from qa_audit.queue.names import QUEUES
from qa_audit.queue.rq_jobs import RqJobs, connect
from qa_audit.runtime import Runtime
from qa_audit.services import system_state
from qa_audit.services.system_state import Part, SystemState
from qa_audit.storage import tables
from tests.factories import make_task, make_user
from tests.fakes import RememberedJobs


def state(runtime: Runtime) -> SystemState:
    return system_state.read(runtime, SYSTEM)


def part(runtime: Runtime, name: str) -> Part:
    return next(one for one in state(runtime).parts if one.name == name)


def test_every_part_is_named_and_well_parts_ask_for_nothing(runtime: Runtime) -> None:
    found = {one.name: one for one in state(runtime).parts}
    names = ("Database", "Recordings", "Redis", "Workers", "Queue of work", "Mail", "Speech model", "Disk")
    assert tuple(found) == names
    for name in ("Database", "Recordings", "Queue of work", "Mail", "Disk"):
        assert (found[name].mood, found[name].todo) == ("good", "")
    assert "answers, tables are up to date" in found["Database"].state
    assert {name for name, _ in state(runtime).versions} >= {"QA Audit", "Python"}


def test_without_redis_work_goes_on_and_the_page_says_what_to_do(runtime: Runtime) -> None:
    found = part(runtime, "Redis")
    assert (found.mood, found.state) == ("person", "does not answer: work goes on, only slower")
    assert "QA_AUDIT_REDIS_URL" in found.todo
    assert "cannot be seen without Redis" in part(runtime, "Workers").state
    runtime.jobs = RememberedJobs()
    assert part(runtime, "Redis").mood == "good"


def test_a_full_disk_is_the_worst_of_all(runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"reserve_bytes": 1 << 60})
    assert part(runtime, "Recordings").mood == "bad"
    assert "Uploads are refused" in part(runtime, "Disk").todo
    assert state(runtime).mood == "bad"


@pytest.mark.parametrize(
    ("model", "mood", "said"),
    [
        ("demo", "person", "only understands the bundled calls"),
        ("base.en", "person", "is not here yet"),
        ("no-such-model.pt", "bad", "cannot be found"),
    ],
)
def test_the_speech_model_is_named_with_what_to_do(
    runtime: Runtime, model: str, mood: str, said: str
) -> None:
    runtime.settings = runtime.settings.model_copy(update={"whisper_model": model})
    found = part(runtime, "Speech model")
    assert (found.mood, said in found.state) == (mood, True)
    assert found.todo


def test_a_model_that_is_here_is_fine(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"weights")
    runtime.settings = runtime.settings.model_copy(update={"whisper_model": str(tmp_path / "mine.pt")})
    assert part(runtime, "Speech model").mood == "good"


def test_work_that_waits_long_or_failed_wants_a_look(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        make_task(session, state="failed")
    found = part(runtime, "Queue of work")
    assert (found.mood, "1 failed" in found.state) == ("person", True)
    with runtime.db.write() as session:
        make_task(session)
    now = runtime.clock() + timedelta(hours=3)
    runtime.clock = lambda: now
    found = part(runtime, "Queue of work")
    assert (found.mood, found.state) == ("person", "1 waiting, the oldest for 3 h")


def test_a_worker_that_went_silent_in_the_middle_of_a_task_is_told(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        now = runtime.db.now(session)
        make_task(session, state="leased", lease_token="a", lease_until=now + 60)
    assert part(runtime, "Workers").state.startswith("1 task in hand")
    with runtime.db.write() as session:
        make_task(session, state="leased", lease_token="b", lease_until=now - 5)
    assert part(runtime, "Workers").state == "1 went silent in the middle of a task"


def test_mail_that_could_not_be_sent_is_told(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        lead = make_user(session, "lead")
        session.add(tables.Mail(recipient_id=lead.id or 0, kind="published", thing="x", state="failed"))
    assert part(runtime, "Mail").state == "1 could not be sent"


def test_workers_are_seen_through_redis(runtime: Runtime, tmp_path: Path) -> None:
    with private_redis.running(tmp_path) as address:
        runtime.settings = runtime.settings.model_copy(update={"redis_url": address})
        runtime.jobs = RqJobs(address)
        found = part(runtime, "Workers")
        assert (found.mood, found.state) == ("bad", "nobody works on 'default' and 'transcription'")
        assert found.todo == "Start some: qa-audit worker --queues default,transcription"
        worker = Worker(list(QUEUES), connection=connect(address, 1), serializer="json")
        worker.register_birth()
        worker.heartbeat(60)
        assert part(runtime, "Workers").state == "1 worker is there, 0 tasks in hand"
        (line,) = state(runtime).workers
        assert line.queues == QUEUES
        assert not line.is_lost
        assert line.silent is not None
        now = runtime.clock() + timedelta(minutes=5)
        runtime.clock = lambda: now
        assert state(runtime).workers[0].is_lost
        assert part(runtime, "Workers").mood == "bad"
    assert listeners(address) is None


def test_only_admins_see_it(runtime: Runtime) -> None:
    with pytest.raises(Forbidden):
        system_state.read(runtime, Actor("x", "reviewer"))
