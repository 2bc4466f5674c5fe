"""Deleting a call takes everything made from it, and nothing else; what people worked on stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel, col

from qa_audit.domain.access import Actor
from qa_audit.errors import Conflict, Forbidden, NotFound
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import erasing, tasks
from qa_audit.storage import tables
from tests import factories
from tests.api.helping import ADMIN, REVIEWER, add_vendors, counted, files_of, take, wav

KEPT = (tables.Vendor, tables.RubricVersion, tables.Event)


@pytest.fixture(autouse=True)
def ready(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme")


def whole_call(runtime: Runtime, seed: int = 0, agent: str = "Dana") -> str:
    """Make a call with everything that a pipeline makes of it, files included."""
    id = take(runtime, wav(seed), agent=agent, key=f"key-{seed}").id
    for kind in ("playback", "peaks"):
        runtime.media.put_bytes(f"{kind}/{seed}", b"made")
    with runtime.db.write() as session:
        call = session.scalars(select(tables.Call).where(col(tables.Call.public_id) == id)).one()
        recording = session.scalars(
            select(tables.Recording).where(col(tables.Recording.call_id) == call.id)
        ).one()
        recording.playback_key, recording.peaks_key = f"playback/{seed}", f"peaks/{seed}"
        factories.make_measurement(session, call)
        factories.make_transcript(session, call)
        version = factories.make_rubric_version(session)
        session.add(
            tables.PreScoreRow(
                call_id=call.id or 0, rubric_version_id=version.id or 0, result={}, outcome="pass"
            )
        )
        session.add(tables.Task(call_id=call.id or 0, stage="transcribe", state="leased", lease_token="x"))
        call.status = "prescored"
    return id


def set_status(runtime: Runtime, status: str) -> None:
    with runtime.db.write() as session:
        session.scalars(select(tables.Call)).one().status = status


def test_nothing_of_a_deleted_call_is_left_but_a_note_with_ids(runtime: Runtime) -> None:
    id = whole_call(runtime)
    erasing.delete_call(runtime, ADMIN, id)
    rest = [table for table in tables_of_the_schema() if table not in KEPT]
    assert dict(zip(rest, counted(runtime, *rest), strict=True)) == dict.fromkeys(rest, 0)
    assert files_of(runtime) == []
    with runtime.db.read() as session:
        last = session.scalars(select(tables.Event).order_by(col(tables.Event.id).desc())).first()
    assert last is not None
    assert (last.action, last.thing, last.actor, set(last.detail)) == (
        "call.deleted",
        id,
        ADMIN.id,
        {"vendor"},
    )


def tables_of_the_schema() -> list[Any]:
    found = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]
    assert tables.Call in found
    return [table for table in found if table.__module__ == tables.__name__]


def test_other_calls_and_their_agent_stay(runtime: Runtime) -> None:
    first, second = whole_call(runtime, 1), whole_call(runtime, 2)
    erasing.delete_call(runtime, ADMIN, first)
    assert counted(runtime, tables.Call, tables.Recording, tables.TranscriptRow, tables.Agent) == [1] * 4
    assert len(files_of(runtime)) == 3
    assert not take(runtime, wav(2)).created
    erasing.delete_call(runtime, ADMIN, second)
    assert counted(runtime, tables.Agent) == [0]


def test_an_agent_of_a_team_stays_without_calls(runtime: Runtime) -> None:
    id = whole_call(runtime)
    with runtime.db.write() as session:
        agent = session.scalars(select(tables.Agent)).one()
        session.add(team := tables.Team(vendor_id=agent.vendor_id, name="Refunds"))
        session.flush()
        day = runtime.clock().date()
        session.add(tables.TeamMembership(agent_id=agent.id or 0, team_id=team.id or 0, since=day))
    erasing.delete_call(runtime, ADMIN, id)
    assert counted(runtime, tables.Agent) == [1]


def test_a_call_that_people_worked_on_is_not_deleted(runtime: Runtime) -> None:
    id = whole_call(runtime)
    for status in ("in_review", "audited", "published"):
        set_status(runtime, status)
        with pytest.raises(Conflict):
            erasing.delete_call(runtime, ADMIN, id)
    assert counted(runtime, tables.Call) == [1]
    assert len(files_of(runtime)) == 3


def test_a_draft_audit_alone_keeps_the_call(runtime: Runtime) -> None:
    id = whole_call(runtime)
    with runtime.db.write() as session:
        call = session.scalars(select(tables.Call)).one()
        session.add(tables.Audit(call_id=call.id or 0))
    with pytest.raises(Conflict):
        erasing.delete_call(runtime, ADMIN, id)


def test_only_admins_delete_and_only_within_their_scope(runtime: Runtime) -> None:
    id = whole_call(runtime)
    with pytest.raises(Forbidden):
        erasing.delete_call(runtime, REVIEWER, id)
    for actor in (Actor(id="x", role="admin_token", vendor_id=999), Actor(id="x", role="lead")):
        with pytest.raises(NotFound):
            erasing.delete_call(runtime, actor, id)
    assert counted(runtime, tables.Call) == [1]


def test_a_file_that_cannot_be_removed_now_is_left_to_the_sweep(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = whole_call(runtime)

    def stuck(key: str) -> None:
        raise OSError("busy")

    monkeypatch.setattr(runtime.media, "delete", stuck)
    erasing.delete_call(runtime, ADMIN, id)
    assert counted(runtime, tables.Call) == [0]


def test_work_that_was_running_on_a_deleted_call_is_thrown_away(runtime: Runtime) -> None:
    id = take(runtime, wav()).id
    with runtime.db.read() as session:
        task = session.scalars(select(col(tables.Task.id))).one()

    class Deleting(ScriptedRecordings):
        def measure(self, path: Any, **named: Any) -> Any:
            erasing.delete_call(runtime, ADMIN, id)
            return super().measure(path, **named)

    runtime.recordings = Deleting()  # type: ignore[misc]
    assert tasks.run(runtime, task or 0) == "lost"
    assert counted(runtime, tables.Call, tables.Task, tables.MeasurementRow) == [0, 0, 0]
