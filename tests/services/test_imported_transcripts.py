"""A transcript that comes with a recording is kept with it, used instead of the engine, and goes with it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from qa_audit.domain.transcript import Transcript
from qa_audit.errors import Invalid, NoSpace, Refused
from qa_audit.media.fakes import MEASUREMENT, ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import backups, consistency, erasing, ingest, rubrics, sweeping, tasks
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import results
from qa_audit.storage import tasks as task_store
from qa_audit.storage.tables import Call, Recording, Upload
from tests.api import helping
from tests.api.helping import ADMIN, add_vendors, counted, files_of, wav
from tests.fakes import script, work_off

VTT = b"""WEBVTT

00:01.000 --> 00:04.000
<v Agent>Thank you for calling Northwind, my name is Anna.

00:21.000 --> 00:29.000
<v Customer>Hello, my card number is 4111 1111 1111 1111.
"""
OTHER = VTT.replace(b"Anna", b"Berta")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture(autouse=True)
def ready(runtime: Runtime) -> None:
    script(runtime)
    add_vendors(runtime, "acme")


def take(
    runtime: Runtime, transcript: bytes | None = VTT, *, key: str | None = None, **said: Any
) -> ingest.Accepted:
    return helping.take(runtime, wav(), key=key, transcript=transcript, **said)


def recording(runtime: Runtime) -> Recording:
    with runtime.db.read() as session:
        found = session.scalars(select(Recording)).one()
        session.expunge(found)
        return found


def call(runtime: Runtime) -> Call:
    with runtime.db.read() as session:
        found = session.scalars(select(Call)).one()
        session.expunge(found)
        return found


def masked(runtime: Runtime) -> Transcript:
    with runtime.db.read() as session:
        return results.masked_transcript(session, session.scalars(select(col(Call.id))).one() or 0)


def silenced(runtime: Runtime) -> tuple[tuple[float, float], ...]:
    assert isinstance(runtime.recordings, ScriptedRecordings)
    return tuple(runtime.recordings.silences[-1])


def test_its_bytes_are_kept_beside_the_recording(runtime: Runtime) -> None:
    take(runtime)
    row = recording(runtime)
    assert row.transcript_key
    with runtime.media.open(row.transcript_key) as file:
        assert file.read() == VTT
    assert row.transcript_sha256 == hashlib.sha256(VTT).hexdigest()
    assert len(files_of(runtime)) == 2


@pytest.mark.parametrize("transcript", [b"", b"not one", b'{"segments": []}', b"\xff"])
def test_one_that_cannot_be_read_is_refused_and_leaves_nothing(runtime: Runtime, transcript: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        take(runtime, transcript, key="k")
    assert set(caught.value.fields) == {"transcript"}
    assert counted(runtime, Call, Recording, Upload) == [0, 0, 0]
    assert files_of(runtime) == []


def test_a_recording_that_is_refused_takes_its_transcript_with_it(runtime: Runtime) -> None:
    runtime.recordings = ScriptedRecordings(found=Refused("broken", "no"))
    with pytest.raises(Refused):
        take(runtime)
    assert files_of(runtime) == []


def test_a_disk_that_is_full_for_the_transcript_keeps_no_recording_either(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise NoSpace("full")

    monkeypatch.setattr(runtime.media, "put_bytes", full)
    with pytest.raises(NoSpace):
        take(runtime)
    assert counted(runtime, Call, Recording) == [0, 0]
    assert files_of(runtime) == []


def test_the_same_recording_again_keeps_the_stored_transcript_and_lists_another_one(runtime: Runtime) -> None:
    first = take(runtime)
    assert take(runtime).differences == ()
    assert take(runtime, None).differences == ()
    (difference,) = take(runtime, OTHER).differences
    hashes = (hashlib.sha256(VTT).hexdigest(), hashlib.sha256(OTHER).hexdigest())
    assert (difference.field, difference.stored, difference.sent) == ("transcript", *hashes)
    assert recording(runtime).transcript_sha256 == hashes[0]
    assert first.created
    assert len(files_of(runtime)) == 2


def test_a_call_without_a_transcript_does_not_get_one_later(runtime: Runtime) -> None:
    take(runtime, None)
    (difference,) = take(runtime, VTT).differences
    assert (difference.field, difference.stored) == ("transcript", None)
    assert recording(runtime).transcript_key is None
    assert len(files_of(runtime)) == 1


def test_a_key_stands_for_recording_and_transcript_together(runtime: Runtime) -> None:
    first = take(runtime, key="k")
    assert take(runtime, key="k") == first
    for other in (OTHER, None):
        with pytest.raises(ingest.KeyReused):
            take(runtime, other, key="k")


def test_a_twin_that_was_faster_leaves_no_file_of_the_slower(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingest._existing

    def late(*args: Any) -> Any:
        monkeypatch.setattr(ingest, "_existing", real)
        take(runtime)
        return None

    monkeypatch.setattr(ingest, "_existing", late)
    assert not take(runtime, OTHER).created
    assert len(files_of(runtime)) == 2
    assert recording(runtime).transcript_sha256 == hashlib.sha256(VTT).hexdigest()


def test_check_sweep_backup_and_deleting_know_it(runtime: Runtime, tmp_path: Path) -> None:
    accepted = take(runtime)
    key = recording(runtime).transcript_key or ""
    assert consistency.check(runtime).is_sound
    with runtime.db.read() as session:
        assert key in results.known_keys(session, [key])
    made = backups.backup(runtime, tmp_path / "copy")
    assert (made.files, made.damaged) == (3, ())
    assert (tmp_path / "copy" / "media" / key).read_bytes() == VTT
    runtime.media.delete(key)
    assert [row.key for row in consistency.check(runtime).rows_without_file] == [key]
    runtime.media.put_bytes(key, VTT)
    erasing.delete_call(runtime, ADMIN, accepted.id)
    assert files_of(runtime) == []


def test_it_is_used_in_place_of_the_engine_masked_like_any_other(runtime: Runtime) -> None:
    rubrics.sync_bundled(runtime)
    take(runtime)
    assert work_off(runtime) == ["done", "done", "done"]
    assert isinstance(runtime.speech, ScriptedTranscriber)
    assert runtime.speech.calls == []
    transcript = masked(runtime)
    assert (transcript.engine.name, transcript.engine.model) == ("imported", "WebVTT")
    assert [(one.speaker, one.words) for one in transcript.segments] == [("agent", None), ("customer", None)]
    assert (transcript.layout, transcript.duration) == ("stereo-agent-left", 60.0)
    assert "4111" not in json.dumps(transcript.to_json())
    ((start, end),) = silenced(runtime)
    assert start <= 21.0
    assert end >= 29.0
    assert call(runtime).status == "prescored"


def test_a_call_that_the_demo_model_cannot_know_need_not_wait(runtime: Runtime) -> None:
    script(runtime, whisper_model="demo")
    take(runtime)
    assert work_off(runtime) == ["done", "done", "done"]
    assert call(runtime).status == "prescored"


def test_working_on_the_call_again_uses_it_again(runtime: Runtime) -> None:
    take(runtime)
    work_off(runtime)
    before = masked(runtime)
    with runtime.db.write() as session:
        key = session.scalars(select(col(Call.id))).one()
        again = task_store.add(session, key or 0, "transcribe", input_version=2, now=runtime.db.now(session))
    assert tasks.run(runtime, again) == "done"
    assert masked(runtime) == before
    assert isinstance(runtime.speech, ScriptedTranscriber)
    assert runtime.speech.calls == []
    assert sweeping.sweep_once(runtime).removed == 0


def test_words_that_the_source_took_out_are_silent_in_the_sound(runtime: Runtime) -> None:
    said = {"ParticipantId": "CUSTOMER", "BeginOffsetMillis": 21_000, "EndOffsetMillis": 25_000}
    turns = [
        {
            **said,
            "ParticipantId": "AGENT",
            "BeginOffsetMillis": 1000,
            "EndOffsetMillis": 5000,
            "Content": "Card?",
        },
        {**said, "Content": "It is [PII]."},
    ]
    take(runtime, json.dumps({"Transcript": turns}).encode())
    work_off(runtime)
    assert silenced(runtime) == ((20.8, 25.2),)
    assert masked(runtime).segments[1].text == "It is [PII]."


def test_a_transcript_of_another_recording_fails_the_call_in_plain_words(runtime: Runtime) -> None:
    script(runtime, measurement=replace(MEASUREMENT, duration=10.0, speech=(((0.5, 9.0),), ((1.0, 2.0),))))
    late = VTT.replace(b"00:01.000 --> 00:04.000", b"00:11.000 --> 00:14.000")
    take(runtime, late)
    assert work_off(runtime)[-1] == "failed"
    failed = call(runtime)
    assert (failed.status, failed.failure) == ("failed", "transcript_unusable")
    assert "2 of 2 parts begin after the end" in (failed.status_text or "")
    assert "upload the recording with its own transcript" in (failed.status_text or "")


def test_what_lies_beyond_a_recording_that_was_cut_is_left_out_with_a_note(runtime: Runtime) -> None:
    script(runtime, measurement=replace(MEASUREMENT, duration=20.0, speech=(((0.5, 9.0),), ((1.0, 2.0),))))
    short = VTT.replace(b", my card number is 4111 1111 1111 1111", b"")
    take(runtime, short)
    work_off(runtime)
    transcript = masked(runtime)
    assert len(transcript.segments) == 1
    assert "1 of its 2 parts begins" in transcript.notes[-1].text


def test_words_where_nobody_is_heard_are_told_of(runtime: Runtime) -> None:
    quiet = replace(MEASUREMENT, speech=(((40.0, 50.0),), ((51.0, 59.0),)))
    script(runtime, measurement=quiet)
    take(runtime)
    work_off(runtime)
    assert "nobody is heard" in masked(runtime).notes[-1].text


def test_the_calls_language_counts_where_the_file_names_none(runtime: Runtime) -> None:
    take(runtime, language="de-AT")
    work_off(runtime)
    assert masked(runtime).language == "de"
