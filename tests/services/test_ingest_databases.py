"""What comes in is kept whole, once, with its first task, on every kind of database."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from qa_audit.domain.access import Actor
from qa_audit.errors import QaAuditError
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import ingest
from qa_audit.storage import uploads
from qa_audit.storage.database import IntegrityError
from qa_audit.storage.tables import Agent, Call, Event, Recording, Site, Task, Team, TeamMembership, Upload
from tests.api.helping import (
    UPLOADER,
    add_vendors,
    counted,
    files_of,
    take,
    wav,
)

NOTHING = [0, 0, 0]
OTHER = Actor(id="another-token", role="upload_token")


@pytest.fixture(autouse=True)
def ready(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme", "zenith")


def rows(runtime: Runtime) -> list[int]:
    return counted(runtime, Call, Recording, Task)


def only(runtime: Runtime, table: Any) -> Any:
    with runtime.db.read() as session:
        return session.scalars(select(table)).one()


def test_a_recording_is_kept_with_its_bytes_its_first_task_and_an_event(runtime: Runtime) -> None:
    data = wav(1)
    accepted = take(runtime, data, agent="Dana", external_id="A-1", custom={"csat": "5"})
    assert accepted.created
    assert (accepted.status, accepted.sha256) == ("received", hashlib.sha256(data).hexdigest())
    call, recording, task = only(runtime, Call), only(runtime, Recording), only(runtime, Task)
    assert (call.public_id, call.external_id, call.custom) == (accepted.id, "A-1", {"csat": "5"})
    assert runtime.media.open(recording.media_key).read() == data
    assert (recording.size, recording.sha256, recording.filename) == (len(data), accepted.sha256, "call.wav")
    assert (task.call_id, task.stage, task.state, task.rings) == (call.id, "measure", "queued", 1)
    with runtime.db.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "call")).one()
    assert (event.action, event.thing, event.actor) == ("call.accepted", accepted.id, UPLOADER.id)
    assert len(files_of(runtime)) == 1


def test_the_bytes_are_synced_and_in_their_place_before_a_row_names_them(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, add_call = os.fsync, uploads.add_call

    def noted_sync(descriptor: int) -> None:
        steps.append("sync")
        sync(descriptor)

    def noted_call(session: Any, call: Any, recording: Any) -> Any:
        steps.append("row")
        assert runtime.media.open(recording["media_key"]).read() == wav()
        return add_call(session, call, recording)

    class Looking(ScriptedRecordings):
        def probe(self, path: Path, filename: str) -> Any:
            steps.append("look")
            return super().probe(path, filename)

    runtime.media.incoming()
    runtime.recordings = Looking()  # type: ignore[misc]
    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(uploads, "add_call", noted_call)
    take(runtime, wav())
    assert steps[:2] == ["sync", "look"]
    assert "sync" in steps[2 : steps.index("row")]
    assert steps.count("row") == 1


def test_a_moment_keeps_its_offset_beside_the_time_in_utc(runtime: Runtime) -> None:
    take(runtime, wav(), started_at=datetime.fromisoformat("2026-11-02T09:12:00+05:30"))
    call = only(runtime, Call)
    assert (call.started_at, call.utc_offset) == (datetime(2026, 11, 2, 3, 42, tzinfo=UTC), 330)


def test_the_same_agent_is_one_person_per_vendor(runtime: Runtime) -> None:
    take(runtime, wav(1), agent="Dana")
    take(runtime, wav(2), agent="Dana")
    take(runtime, wav(3), vendor="zenith", agent="Dana")
    assert counted(runtime, Agent) == [2]


def test_the_call_is_pinned_to_the_team_that_the_agent_was_in_on_its_day(runtime: Runtime) -> None:
    take(runtime, wav(1), agent="Dana")
    with runtime.db.write() as session:
        agent = session.scalars(select(Agent)).one()
        session.add(site := Site(vendor_id=agent.vendor_id, name="North"))
        session.flush()
        teams = [Team(vendor_id=agent.vendor_id, site_id=site.id, name=name) for name in ("Old", "New")]
        session.add_all(teams)
        session.flush()
        day = datetime(2026, 6, 1, tzinfo=UTC).date()
        old, new = (team.id or 0 for team in teams)
        session.add(TeamMembership(agent_id=agent.id or 0, team_id=old, since=day, until=day + timedelta(9)))
        session.add(TeamMembership(agent_id=agent.id or 0, team_id=new, since=day + timedelta(10)))
    take(runtime, wav(2), agent="Dana", started_at=datetime(2026, 6, 5, tzinfo=UTC))
    take(runtime, wav(3), agent="Dana", started_at=datetime(2026, 6, 20, tzinfo=UTC))
    with runtime.db.read() as session:
        assert list(session.scalars(select(Call.team_id).order_by(Call.id))) == [None, old, new]  # type: ignore[arg-type]


def test_bytes_that_the_vendor_has_give_the_call_that_is_there_and_the_differences(runtime: Runtime) -> None:
    first = take(runtime, wav(), agent="Dana", queue="refunds", custom={"csat": "5"})
    again = take(runtime, wav(), agent="Tom", queue="refunds", external_id="X", custom={"csat": "4"})
    assert not again.created
    assert (again.id, again.sha256) == (first.id, first.sha256)
    found = {item.field: (item.stored, item.sent) for item in again.differences}
    assert found == {"agent": ("Dana", "Tom"), "external_id": (None, "X"), "custom.csat": ("5", "4")}
    assert only(runtime, Call).external_id is None
    assert rows(runtime) == [1, 1, 1]
    assert len(files_of(runtime)) == 1


def test_a_transaction_that_fails_takes_the_file_back(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **named: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(uploads, "add_event", broken)
    with pytest.raises(RuntimeError):
        take(runtime, wav(), agent="Dana", key="k")
    assert rows(runtime) == NOTHING
    assert counted(runtime, Agent, Upload) == [0, 0]
    assert files_of(runtime) == []


def test_a_commit_whose_answer_is_lost_never_costs_the_file(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = uploads.finish_key

    def lost(session: Any, *args: Any) -> None:
        finish(session, *args)
        session.commit()
        raise ConnectionError("the answer to COMMIT was lost")

    monkeypatch.setattr(uploads, "finish_key", lost)
    with pytest.raises(ConnectionError):
        take(runtime, wav(), key="k")
    key = only(runtime, Recording).media_key
    assert runtime.media.open(key).read() == wav()


def test_parallel_uploads_of_the_same_bytes_make_one_call(runtime: Runtime) -> None:
    data = wav(seconds=2)
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda n: take(runtime, data, agent=f"Agent {n % 3}"), range(30)))
    assert len({answer.id for answer in answers}) == 1
    assert sum(answer.created for answer in answers) == 1
    assert rows(runtime) == [1, 1, 1]
    assert len(files_of(runtime)) == 1


def test_parallel_uploads_that_bring_the_same_new_agent_are_all_kept(runtime: Runtime) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: take(runtime, wav(n), agent="Dana"), range(10)))
    assert all(answer.created for answer in answers)
    assert counted(runtime, Agent, Call) == [1, 10]


def test_parallel_uploads_with_one_key_give_one_call_and_otherwise_conflicts(runtime: Runtime) -> None:
    def upload(number: int) -> ingest.Accepted | QaAuditError:
        try:
            return take(runtime, wav(), key="k")
        except ingest.TwinRunning as error:
            return error

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(upload, range(30)))
    accepted = [answer for answer in answers if isinstance(answer, ingest.Accepted)]
    assert len({(answer.id, answer.created) for answer in accepted}) == 1
    assert rows(runtime) == [1, 1, 1]
    assert len(files_of(runtime)) == 1


def test_the_same_key_and_upload_give_the_same_answer(runtime: Runtime) -> None:
    first = take(runtime, wav(), key="k", agent="Dana")
    with runtime.db.write() as session:
        session.scalars(select(Call)).one().status = "transcribing"
    assert take(runtime, wav(), key="k", agent="Dana") == first
    assert first.created


def test_an_answer_is_kept_for_a_day_and_then_the_key_is_free(runtime: Runtime) -> None:
    now = [datetime(2026, 11, 20, tzinfo=UTC)]
    runtime.clock = lambda: now[0]
    take(runtime, wav(1), key="k")
    now[0] += timedelta(hours=23, minutes=59)
    with pytest.raises(ingest.KeyReused):
        take(runtime, wav(2), key="k")
    now[0] += timedelta(minutes=2)
    assert take(runtime, wav(2), key="k").created


def test_a_running_twin_is_a_conflict_until_it_is_taken_for_dead(runtime: Runtime) -> None:
    class Slow(ScriptedRecordings):
        twin: Any = None

        def probe(self, path: Path, filename: str) -> Any:
            if self.twin is None:
                with pytest.raises(ingest.TwinRunning) as self.twin:
                    take(runtime, wav(), key="k")
            return super().probe(path, filename)

    runtime.recordings = slow = Slow()  # type: ignore[misc,assignment]
    assert take(runtime, wav(), key="k").created
    assert slow.twin.value.retry_after == ingest.RETRY_AFTER
    with runtime.db.write() as session:
        now = runtime.db.now(session)
        print_of = session.scalars(select(Upload.fingerprint)).one()
        uploads.start_key(session, UPLOADER.id, "dead", print_of or "", now - 1, runtime.clock())
    assert not take(runtime, wav(), key="dead").created


def test_a_key_that_a_twin_started_meanwhile_is_never_taken_from_it(runtime: Runtime) -> None:
    take(runtime, wav(), key="k")
    with runtime.db.write() as session:
        with pytest.raises(IntegrityError):
            uploads.start_key(session, UPLOADER.id, "k", "other", 0.0, runtime.clock())
        session.rollback()
    assert only(runtime, Upload).state == "done"


def test_the_sweep_drops_old_answers_and_dead_keys_only(runtime: Runtime) -> None:
    take(runtime, wav(1), key="new")
    with runtime.db.write() as session:
        now, clock = runtime.db.now(session), runtime.clock()
        uploads.start_key(session, "o", "dead", "f", now - 1, clock)
        uploads.start_key(session, "o", "running", "f", now + 60, clock)
        session.add(
            Upload(owner="o", key="old", fingerprint="f", state="done", created_at=clock - timedelta(days=3))
        )
    with runtime.db.write() as session:
        assert uploads.drop_old_keys(session, clock - timedelta(days=1), runtime.db.now(session)) == 2
    with runtime.db.read() as session:
        assert set(session.scalars(select(Upload.key))) == {"new", "running"}


def test_the_database_itself_refuses_the_same_bytes_twice(runtime: Runtime) -> None:
    take(runtime, wav())
    values = only(runtime, Recording).model_dump(exclude={"id", "call_id"})
    with runtime.db.write() as session:
        session.add(call := Call(vendor_id=values["vendor_id"]))
        session.flush()
        session.add(Recording(call_id=call.id or 0, **values))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()
