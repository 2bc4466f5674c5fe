"""Short calls heard along with another: heard once in all, and untouched by whatever happens to each other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from qa_audit.config import Settings
from qa_audit.errors import Permanent
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.media.protocol import Samples
from qa_audit.runtime import Runtime
from qa_audit.services import tasks
from qa_audit.services.stage import Unwatched
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.recogniser import HeardWindow
from qa_audit.storage import erasing, results, tables
from qa_audit.storage import tasks as store
from tests.factories import make_vendor
from tests.fakes import measured, receive, script, work_off
from tests.unit.speech.listener import Listener

SPEECH = (((1.0, 20.0),), ((21.0, 40.0),))
"""Two windows."""


class Ears(Listener):
    """A listener that may be told what happens while it hears."""

    def __init__(self, batch: int = 6) -> None:
        super().__init__(batch)
        self.meanwhile: Callable[[], object] = lambda: None

    def hear(self, sounds: Any, **named: Any) -> list[HeardWindow]:
        self.meanwhile()
        return super().hear(sounds, **named)


def listening(runtime: Runtime, **changes: Any) -> Ears:
    """Give a runtime the real engine, with a listener in place of a model."""
    script(runtime, measurement=measured(speech=SPEECH), **{"language": "en", **changes})
    model, ears = runtime.settings.data_dir / "any.pt", Ears()
    model.write_bytes(b"weights")
    runtime.speech = WhisperEngine("openai-whisper", str(model), model.parent, lambda found: ears)  # type: ignore[misc]
    return ears


def measure(
    runtime: Runtime, number: int = 1, vendor: tables.Vendor | None = None, **values: Any
) -> list[int]:
    """Receive calls and measure them; returns their keys."""
    found = []
    for _ in range(number):
        call, task_id = receive(runtime, vendor, **values)
        assert tasks.run(runtime, task_id) == "done"
        found.append(call.id or 0)
    return found


def task_of(runtime: Runtime, call: int) -> tables.Task:
    with runtime.db.read() as session:
        found = session.scalars(
            select(tables.Task).where(tables.Task.call_id == call, tables.Task.stage == "transcribe")
        ).one()
        session.expunge(found)
        return found


def transcribe(runtime: Runtime, call: int, **options: Any) -> str:
    return tasks.run(runtime, task_of(runtime, call).id or 0, **options)


def change(runtime: Runtime, table: Any, key: Any, **values: Any) -> None:
    with runtime.db.write() as session:
        session.execute(update(table).where(key).values(values))


def kept(runtime: Runtime) -> list[int]:
    """Return the keys of the calls of which parts are kept."""
    with runtime.db.read() as session:
        return sorted(session.scalars(select(tables.TranscriptPartRow.call_id)))


def words(runtime: Runtime, call: int) -> list[str]:
    with runtime.db.read() as session:
        return [segment.text for segment in results.unmasked_transcript(session, call).segments]


def test_calls_heard_along_are_heard_once_in_all_and_keep_their_turn(runtime: Runtime) -> None:
    ears = listening(runtime)
    first, second, third = measure(runtime, 3)
    assert transcribe(runtime, first) == "done"
    assert ears.calls == [(2, 2, 2)]
    assert kept(runtime) == [second, third]
    for call in (second, third):
        task = task_of(runtime, call)
        assert (task.state, task.attempt, task.lease_token) == ("queued", 0, None)
    assert isinstance(runtime.recordings, ScriptedRecordings)
    assert [what for what, _ in runtime.recordings.done].count("samples") == 3
    assert set(work_off(runtime)) == {"done"}
    assert ears.calls == [(2, 2, 2)]
    assert words(runtime, first) == words(runtime, second) == words(runtime, third) != []
    assert kept(runtime) == []


def test_a_call_whose_file_is_broken_is_told_by_its_own_turn(runtime: Runtime) -> None:
    ears = listening(runtime)
    first, broken, third = measure(runtime, 3)
    with runtime.db.read() as session:
        path = runtime.media.local_path(results.subject(session, broken).media_key)

    class Breaking(ScriptedRecordings):
        def samples(self, of: Path) -> Samples:
            if of == path:
                raise Permanent("undecodable", "No sound in the recording can be decoded.")
            return super().samples(of)

    runtime.recordings = Breaking(measured(speech=SPEECH))  # type: ignore[misc]
    assert transcribe(runtime, first) == "done"
    assert (ears.calls, kept(runtime)) == ([(2, 2)], [third])
    assert transcribe(runtime, broken) == "failed"
    with runtime.db.read() as session:
        assert session.get_one(tables.Call, broken).failure == "undecodable"


@pytest.mark.parametrize("what", ["deleted", "claimed", "changed"])
def test_what_becomes_of_a_call_meanwhile_counts_for_more(runtime: Runtime, what: str) -> None:
    ears = listening(runtime)
    first, second = measure(runtime, 2)
    task = task_of(runtime, second)

    def meanwhile() -> None:
        with runtime.db.write() as session:
            if what == "deleted":
                erasing.drop_call(session, second, results.subject(session, second).public_id)
            elif what == "claimed":
                assert store.claim(session, task.id or 0, now=runtime.db.now(session), seconds=60)
            else:
                session.get_one(tables.Task, task.id).input_version += 1

    ears.meanwhile = meanwhile
    assert transcribe(runtime, first) == "done"
    assert (ears.calls, kept(runtime)) == ([(2, 2)], [])
    assert words(runtime, first)


def test_calls_that_are_to_be_heard_otherwise_do_not_come_along(runtime: Runtime) -> None:
    ears = listening(runtime)
    (first,) = measure(runtime)
    with runtime.db.write() as session:
        hinting = make_vendor(session, speech_hints=["Northwind"])
    measure(runtime, vendor=hinting)
    measure(runtime, language="de")
    imported, long, crashed, erred, later, begun, crowded, alike = measure(runtime, 8)
    change(runtime, tables.Recording, tables.Recording.call_id == imported, transcript_key="transcript/x")
    change(runtime, tables.Call, tables.Call.id == long, duration=481.0)
    for call, values in (
        (crashed, {"crash_count": 1}),
        (erred, {"error_count": 1}),
        (later, {"run_after": 4e9}),
    ):
        change(runtime, tables.Task, tables.Task.id == task_of(runtime, call).id, **values)
    with runtime.db.write() as session:
        facts = results.measurement(session, crowded)
        results.save_measurement(session, crowded, {**facts, "channels": 3}, layout="mono")
        results.keep_transcript_part(session, begun, "another plan", 0, {})
    assert transcribe(runtime, first) == "done"
    assert ears.calls == [(2, 2)]
    assert kept(runtime) == [begun, alike]
    assert isinstance(runtime.recordings, ScriptedRecordings)
    assert [what for what, _ in runtime.recordings.done].count("samples") == 2


def test_the_demo_model_hears_bundled_calls_alone(runtime: Runtime) -> None:
    ears = listening(runtime, whisper_model="demo")
    first, bundled = measure(runtime, 2, is_demo=True)
    measure(runtime)
    assert transcribe(runtime, first) == "done"
    assert (ears.calls, kept(runtime)) == ([(2, 2)], [bundled])


@pytest.mark.parametrize("failed", [{"crash_count": 1}, {"error_count": 1}])
def test_a_call_that_failed_before_is_heard_alone(runtime: Runtime, failed: dict[str, int]) -> None:
    ears = listening(runtime)
    first, _ = measure(runtime, 2)
    change(runtime, tables.Task, tables.Task.id == task_of(runtime, first).id, **failed)
    assert transcribe(runtime, first) == "done"
    assert ears.calls == [(2,)]


def test_a_companion_brings_its_own_time(runtime: Runtime) -> None:
    listening(runtime)
    first, _ = measure(runtime, 2)
    limits: list[float | None] = []

    class Limits(Unwatched):
        def limit(self, seconds: float | None) -> None:
            limits.append(seconds and round(seconds))

    assert transcribe(runtime, first, watch=Limits()) == "done"
    assert limits == [3600, None, 360, 720, None]


def test_a_lookup_that_fails_costs_only_the_company(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = listening(runtime)
    first, _ = measure(runtime, 2)

    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError("away")

    monkeypatch.setattr(store, "companions", fail)
    assert transcribe(runtime, first) == "done"
    assert ears.calls == [(2,)]


@pytest.mark.parametrize("what", ["claim", "delete"])
def test_while_a_part_is_written_nobody_moves_its_call(runtime: Runtime, what: str) -> None:
    listening(runtime)
    first, second = measure(runtime, 2)
    with runtime.db.write() as session:
        now = runtime.db.now(session)
        lease = store.claim(session, task_of(runtime, first).id or 0, now=now, seconds=60)
        assert lease is not None
        (queued,) = store.companions(session, lease, now=now, most_seconds=60.0, limit=9)

    def move() -> bool:
        with runtime.db.write() as session:
            if what == "claim":
                now = runtime.db.now(session)
                return store.claim(session, queued.task_id, now=now, seconds=60) is not None
            found = erasing.lock_status(session, second)
            erasing.drop_call(session, second, results.subject(session, second).public_id)
            return found is not None

    with ThreadPoolExecutor(1) as pool:
        with runtime.db.write() as session:
            assert store.lock_queued(session, queued)
            moved = pool.submit(move)
            with pytest.raises(TimeoutError):
                moved.result(timeout=0.2)
            results.keep_transcript_part(session, second, "plan", 0, {})
        assert moved.result(timeout=20)
    assert kept(runtime) == ([second] if what == "claim" else [])
    with runtime.db.write() as session:
        assert not store.lock_queued(session, queued)


@pytest.mark.parametrize("at", ["hearing", "own part kept", "other part written"])
def test_a_worker_killed_in_between_leaves_nothing_half(
    tmp_path: Path, sqlite_url: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, secret_key="for tests only")
    runtime = Runtime(settings)
    ears = listening(runtime)
    first, second = measure(runtime, 2)
    runtime.db.dispose()
    child = os.fork()
    if child == 0:
        _work_until_killed(settings, first, at, monkeypatch)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert kept(runtime) == ([] if at == "hearing" else [first])
    assert task_of(runtime, second).state == "queued"
    task = task_of(runtime, first)
    assert tasks.bury(runtime, task.id or 0, task.lease_token or "")
    assert set(work_off(runtime)) == {"done"}
    assert words(runtime, first) == words(runtime, second) != []
    assert ears.calls == ([(2,), (2,)] if at == "hearing" else [(2,)])
    with runtime.db.read() as session:
        assert set(session.scalars(select(tables.Call.status))) == {"prescored"}
    runtime.db.dispose()


def _work_until_killed(settings: Settings, first: int, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Transcribe a call in a process that is killed at some moment; never returns."""
    try:
        runtime = Runtime(settings)
        ears = listening(runtime)
        keep = results.keep_transcript_part

        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        def dying(session: Any, call_id: int, *part: Any) -> None:
            if call_id != first and at == "own part kept":
                die()
            keep(session, call_id, *part)
            if call_id != first:
                die()

        monkeypatch.setattr(results, "keep_transcript_part", dying)
        if at == "hearing":
            ears.meanwhile = die
        transcribe(runtime, first)
    finally:
        os._exit(0)
