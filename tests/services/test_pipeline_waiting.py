"""Calls that the demo model cannot know wait, can be heard by staff, and go on by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from qa_audit.errors import UnknownLanguage
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services.sweeping import sweep_once
from qa_audit.speech.protocol import Heard
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import tables
from tests.fakes import HELLO, receive, script, work_off


def rows(runtime: Runtime) -> tuple[tables.Call, tables.Recording, tables.MeasurementRow]:
    with runtime.db.read() as session:
        found = tuple(
            session.scalars(select(table)).one()  # type: ignore[var-annotated]
            for table in (tables.Call, tables.Recording, tables.MeasurementRow)
        )
        session.expunge_all()
        return found  # type: ignore[return-value]


def test_a_real_call_waits_for_a_real_model_and_can_be_heard_as_it_is(runtime: Runtime) -> None:
    script(runtime, whisper_model="demo")
    receive(runtime)
    assert work_off(runtime) == ["done", "waiting"]
    call, recording, measurement = rows(runtime)
    assert (call.status, call.duration, call.stage) == ("waiting", 60.0, None)
    assert "QA_AUDIT_WHISPER_MODEL" in (call.status_text or "")
    assert "\n" not in (call.status_text or "")
    assert measurement.facts["unmasked"] is True
    assert runtime.media.size(recording.playback_key or "") > 0
    assert isinstance(runtime.recordings, ScriptedRecordings)
    assert runtime.recordings.silences == [()]
    assert isinstance(runtime.speech, ScriptedTranscriber)
    assert runtime.speech.calls == []


def test_a_bundled_call_does_not_wait(runtime: Runtime) -> None:
    script(runtime, whisper_model="demo")
    receive(runtime, is_demo=True)
    assert work_off(runtime) == ["done", "done", "done"]


def test_while_the_model_is_the_demo_model_the_sweep_lets_calls_wait(runtime: Runtime) -> None:
    script(runtime, whisper_model="demo")
    receive(runtime)
    work_off(runtime)
    assert sweep_once(runtime).requeued == 0
    assert work_off(runtime) == []


def test_with_a_real_model_waiting_calls_go_on_without_being_measured_again(runtime: Runtime) -> None:
    script(runtime, whisper_model="demo")
    receive(runtime)
    work_off(runtime)
    _, before, _ = rows(runtime)
    script(runtime, HELLO, whisper_model="/models/real.pt")
    assert sweep_once(runtime).requeued == 1
    assert rows(runtime)[0].status == "received"
    assert work_off(runtime) == ["done", "done"]
    call, recording, measurement = rows(runtime)
    assert (call.status, call.status_text) == ("prescored", None)
    assert measurement.facts["unmasked"] is False
    assert recording.playback_key != before.playback_key
    kept = {key for key, _ in runtime.media.keys()}  # noqa: SIM118
    assert kept == {recording.media_key, recording.playback_key, recording.peaks_key}
    with runtime.db.read() as session:
        versions = session.scalars(select(tables.Task.input_version).order_by(tables.Task.id)).all()
    assert versions == [1, 2, 2]


@pytest.mark.parametrize("status", ["in_review", "audited", "published"])
def test_a_call_audited_by_hand_stays_with_its_reviewer_when_it_goes_on(
    runtime: Runtime, status: str
) -> None:
    script(runtime, whisper_model="demo")
    call, _ = receive(runtime)
    work_off(runtime)
    with runtime.db.write() as session:
        session.get_one(tables.Call, call.id).status = status
    script(runtime, HELLO, whisper_model="base.en")
    sweep_once(runtime)
    assert work_off(runtime) == ["done", "done"]
    assert rows(runtime)[0].status == status


def test_a_call_in_a_language_that_the_model_does_not_know_waits_for_another_model(runtime: Runtime) -> None:
    script(runtime, whisper_model="base.en")
    runtime.speech.errors = [UnknownLanguage("This call is in the language 'de'. Set another model.")]  # type: ignore[attr-defined]
    receive(runtime, language="de")
    assert work_off(runtime) == ["done", "waiting"]
    call, recording, _ = rows(runtime)
    assert (call.status, call.failure, call.stage) == ("waiting", None, None)
    assert call.status_text == "This call is in the language 'de'. Set another model."
    assert runtime.media.size(recording.playback_key or "") > 0
    # The sweep leaves it alone until a setting changes that decides what can be transcribed.
    assert sweep_once(runtime).requeued == 0
    assert work_off(runtime) == []


@pytest.mark.parametrize(
    "change", [{"whisper_model": "base"}, {"speech_engine": "faster-whisper"}, {"language": "en"}]
)
def test_calls_that_wait_go_on_when_the_speech_settings_change(
    runtime: Runtime, change: dict[str, str]
) -> None:
    script(runtime, whisper_model="base.en")
    runtime.speech.errors = [UnknownLanguage("Another model is needed.")]  # type: ignore[attr-defined]
    receive(runtime)
    work_off(runtime)
    script(runtime, HELLO, **change)
    assert sweep_once(runtime).requeued == 1
    assert work_off(runtime) == ["done", "done"]
    assert rows(runtime)[0].status == "prescored"


def test_a_call_waits_again_where_the_new_model_does_not_know_its_language_either(runtime: Runtime) -> None:
    for model in ("base.en", "small.en"):
        script(runtime, whisper_model=model)
        runtime.speech.errors = [UnknownLanguage("Another model is needed.")]  # type: ignore[attr-defined]
        if model == "base.en":
            receive(runtime)
        else:
            assert sweep_once(runtime).requeued == 1
        work_off(runtime)
        assert rows(runtime)[0].status == "waiting"
    assert sweep_once(runtime).requeued == 0


@pytest.mark.parametrize(
    ("own", "setting", "heard"),
    [("de-AT", "en", "de"), (None, "pt-BR", "pt"), ("nb", "", "no"), (None, "", None)],
)
def test_the_language_is_the_calls_own_else_the_settings(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, own: str | None, setting: str, heard: str | None
) -> None:
    script(runtime, HELLO, language=setting)
    languages = []
    transcribe = runtime.speech.transcribe

    def listen(*args: Any, **options: Any) -> Heard:
        languages.append(options["language"])
        return transcribe(*args, **options)

    monkeypatch.setattr(runtime.speech, "transcribe", listen)
    receive(runtime, language=own)
    work_off(runtime)
    assert languages == [heard]
