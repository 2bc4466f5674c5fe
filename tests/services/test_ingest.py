"""What is refused or fails leaves nothing, and what a file's name tells is used (SQLite is enough)."""

from __future__ import annotations

import errno
import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from qa_audit.config import Settings
from qa_audit.domain.access import Actor
from qa_audit.errors import Forbidden, Invalid, NoSpace, NotFound, Refused, Temporary
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import ingest, receiving, vendors
from qa_audit.storage.database import Database
from qa_audit.storage.tables import Agent, Call, Event, Recording, Task, Upload
from tests.api.helping import (
    ADMIN,
    add_vendors,
    counted,
    files_of,
    received,
    take,
    wav,
)

NOTHING = [0, 0, 0]
OTHER = Actor(id="another-token", role="upload_token")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(autouse=True)
def ready(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    add_vendors(runtime, "acme", "zenith")


def rows(runtime: Runtime) -> list[int]:
    return counted(runtime, Call, Recording, Task)


def only(runtime: Runtime, table: Any) -> Any:
    with runtime.db.read() as session:
        return session.scalars(select(table)).one()


def test_nothing_about_the_caller_or_the_file_stands_in_the_event(runtime: Runtime) -> None:
    take(runtime, wav(), agent="Dana", external_id="A-1", filename="dana-secret.wav")
    with runtime.db.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "call")).one()
    assert set(event.detail) == {"vendor", "bytes"}


def test_the_same_moment_in_another_offset_is_no_difference(runtime: Runtime) -> None:
    take(runtime, wav(), started_at=datetime.fromisoformat("2026-11-02T09:00:00+01:00"))
    again = take(runtime, wav(), started_at=datetime.fromisoformat("2026-11-02T08:00:00+00:00"))
    assert again.differences == ()


def test_the_same_bytes_of_two_vendors_are_two_calls(runtime: Runtime) -> None:
    assert take(runtime, wav()).id != take(runtime, wav(), vendor="zenith").id
    assert rows(runtime) == [2, 2, 2]


def test_an_unknown_vendor_is_an_error_and_is_never_added(runtime: Runtime) -> None:
    for slug in ("nobody", "ACME", "a\0b", "", "x" * 500):
        with pytest.raises(Invalid) as caught:
            take(runtime, wav(), vendor=slug)
        assert "vendor" in caught.value.fields
    assert rows(runtime) == NOTHING
    assert files_of(runtime) == []
    assert len(vendors.list_vendors(runtime, ADMIN)) == 2


def test_another_vendors_token_learns_no_more_than_that_there_is_no_such_vendor(runtime: Runtime) -> None:
    zenith = vendors.get(runtime, ADMIN, "zenith")
    bound = Actor(id="bound", role="upload_token", vendor_id=zenith.key)
    with pytest.raises(Invalid) as caught:
        take(runtime, wav(), vendor="acme", actor=bound)
    with pytest.raises(Invalid) as unknown:
        take(runtime, wav(), vendor="nobody", actor=bound)
    assert caught.value.fields["vendor"].replace("acme", "nobody") == unknown.value.fields["vendor"]
    assert take(runtime, wav(), vendor="zenith", actor=bound).created


@pytest.mark.parametrize("role", ["viewer", "read_token", "lead", "manager", "agent"])
def test_who_may_not_upload_leaves_nothing(runtime: Runtime, role: Any) -> None:
    with pytest.raises((Forbidden, NotFound)):
        take(runtime, wav(), actor=Actor(id="x", role=role))
    assert rows(runtime) == NOTHING
    assert files_of(runtime) == []


@pytest.mark.parametrize("kind", ["not_audio", "broken"])
def test_a_refused_recording_leaves_no_row_no_file_and_no_key(runtime: Runtime, kind: str) -> None:
    runtime.recordings = ScriptedRecordings(found=Refused(kind, "no"))  # type: ignore[misc]
    with pytest.raises(Refused):
        take(runtime, wav(), key="k")
    assert rows(runtime) == NOTHING
    assert counted(runtime, Upload, Agent) == [0, 0]
    assert files_of(runtime) == []
    runtime.recordings = ScriptedRecordings()  # type: ignore[misc]
    assert take(runtime, wav(), key="k").created


def test_a_look_that_dies_twice_refuses_the_file_and_once_does_not(runtime: Runtime) -> None:
    class Flaky(ScriptedRecordings):
        deaths = 1

        def probe(self, path: Path, filename: str) -> Any:
            if self.deaths:
                self.deaths -= 1
                raise Temporary("the child died")
            return super().probe(path, filename)

    runtime.recordings = Flaky()  # type: ignore[misc]
    assert take(runtime, wav(1)).created
    runtime.recordings = Flaky()  # type: ignore[misc]
    runtime.recordings.deaths = 2
    with pytest.raises(Refused) as caught:
        take(runtime, wav(2))
    assert caught.value.kind == "broken"


def test_a_recording_larger_than_the_limit_is_refused_while_it_arrives(
    runtime: Runtime, settings: Settings
) -> None:
    runtime.settings = settings.model_copy(update={"max_upload_bytes": 1024})
    read = []

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            read.append(size)
            return b"x" * size

    with pytest.raises(Refused) as caught:
        ingest.receive(runtime, Endless())  # type: ignore[arg-type]
    assert caught.value.kind == "too_large"
    assert len(read) == 1
    with pytest.raises(Refused):
        ingest.receive(runtime, io.BytesIO(b""), expected=2048)
    assert received(runtime, b"x" * 1024).size == 1024
    assert len(files_of(runtime)) == 1


def test_a_full_disk_is_a_clean_no_before_a_byte_is_written(runtime: Runtime, settings: Settings) -> None:
    runtime.settings = settings.model_copy(update={"reserve_bytes": 1 << 60})
    with pytest.raises(NoSpace):
        take(runtime, wav())
    assert files_of(runtime) == []
    runtime.settings = settings
    assert take(runtime, wav()).created


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    runtime.media.incoming()
    monkeypatch.setattr(receiving.os, "fsync", full)
    with pytest.raises(NoSpace):
        take(runtime, wav(1))
    monkeypatch.undo()
    monkeypatch.setattr(runtime.media, "put_file", full)
    with pytest.raises(NoSpace):
        take(runtime, wav(2))
    assert rows(runtime) == NOTHING
    assert files_of(runtime) == []


def test_space_is_looked_at_again_while_a_long_recording_arrives(
    runtime: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "LOOK_EVERY", 1000)
    free = iter([10_000, 500])
    monkeypatch.setattr(runtime.media, "free_bytes", lambda: next(free))
    runtime.settings = settings.model_copy(update={"reserve_bytes": 1000})
    with pytest.raises(NoSpace):
        ingest.receive(runtime, io.BytesIO(b"x" * receiving.CHUNK * 2))
    assert files_of(runtime) == []


def test_a_stream_that_breaks_leaves_no_file(runtime: Runtime) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionResetError("gone")
            return super().read(10)

    with pytest.raises(ConnectionResetError):
        ingest.receive(runtime, Broken(wav()))
    assert files_of(runtime) == []


def test_uploads_are_accepted_while_the_bell_is_out_of_order(runtime: Runtime) -> None:
    class NoBell:
        def ring(self, *args: object) -> bool:
            raise ConnectionError("no Redis")

    runtime.jobs = NoBell()  # type: ignore[misc,assignment]
    assert take(runtime, wav()).created


def test_the_same_key_with_other_bytes_or_fields_is_a_conflict(runtime: Runtime) -> None:
    take(runtime, wav(1), key="k", agent="Dana")
    for data, said in ((wav(2), {"agent": "Dana"}), (wav(1), {"agent": "Tom"}), (wav(1), {})):
        with pytest.raises(ingest.KeyReused):
            take(runtime, data, key="k", **said)
    assert rows(runtime) == [1, 1, 1]


def test_a_key_belongs_to_its_owner_alone(runtime: Runtime) -> None:
    take(runtime, wav(1), key="k")
    assert take(runtime, wav(2), key="k", actor=OTHER).created


def test_the_file_name_tells_what_the_uploader_did_not(runtime: Runtime) -> None:
    pattern = r"_GUID_(?P<external_id>[^_]+)_AGENT_(?P<agent>[^_]+)_DT_(?P<started_at>[0-9T-]+)"
    vendors.update(runtime, ADMIN, "acme", filename_pattern=pattern)
    name = "Auto0_GUID_000_AGENT_ChrisL_DT_2025-02-19T06-01-22_Mono.wav"
    take(runtime, wav(), filename=name, agent="Chris Long")
    call, agent = only(runtime, Call), only(runtime, Agent)
    assert (call.external_id, agent.name) == ("000", "Chris Long")
    assert call.started_at == datetime(2025, 2, 19, 6, 1, 22, tzinfo=UTC)
    assert only(runtime, Recording).filename == name


def test_a_file_name_that_the_pattern_reads_wrongly_is_named(runtime: Runtime) -> None:
    vendors.update(runtime, ADMIN, "acme", filename_pattern=r"(?P<direction>\w+)\.")
    with pytest.raises(Invalid) as caught:
        take(runtime, wav(), filename="sideways.wav")
    assert "file's name" in caught.value.fields["direction"]
    assert files_of(runtime) == []


def test_a_long_number_in_the_file_name_is_masked(runtime: Runtime) -> None:
    take(runtime, wav(), filename="../card 4111 1111 1111 1111.wav")
    name = only(runtime, Recording).filename
    assert "1111" not in name
    assert "/" not in name


def test_bundled_calls_are_marked_and_others_are_not(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = frozenset({hashlib.sha256(wav(1)).hexdigest()})
    monkeypatch.setattr("qa_audit.services.bundled_calls.bundled_shas", lambda: known)
    take(runtime, wav(1), title="cancelled flight", survey=4, picked="random")
    take(runtime, wav(2))
    with runtime.db.read() as session:
        found = session.execute(select(Call.is_demo, Call.title, Call.survey, Call.picked).order_by(Call.id))  # type: ignore[call-overload]
        assert [tuple(row) for row in found] == [
            (True, "cancelled flight", 4, "random"),
            (False, None, None, None),
        ]


def test_what_was_accepted_is_there_for_a_new_process(runtime: Runtime, settings: Settings) -> None:
    accepted = take(runtime, wav())
    other = Database(settings.database)
    with other.read() as session:
        assert session.scalars(select(Call.public_id)).one() == accepted.id
    other.dispose()
