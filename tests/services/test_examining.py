"""Events and doubts about the layout, from the measurement to what a call's page and the API read."""

from __future__ import annotations

from typing import Any

from qa_audit.domain.transcript import Event, Transcript
from qa_audit.runtime import Runtime
from qa_audit.services import measuring
from qa_audit.speech.scripted import segment
from qa_audit.storage import results, tables
from tests.fakes import HELLO, measured, receive, script, work_off

EVENTS = (
    Event(kind="dead_air", start=20.0, end=31.5),
    Event(kind="hold_music", start=31.5, end=50.0, channel=1),
)
EXCHANGED = (
    segment("agent", 1.0, "Hello, I am calling about my bill. I was charged twice."),
    segment("customer", 21.0, "Thank you for calling. How can I help you? May I have your number?"),
)


def worked_off(runtime: Runtime, **values: Any) -> tuple[Transcript, list[str]]:
    """Run a call through its stages; return its transcript and the warnings of the call."""
    call, _ = receive(runtime, **values)
    assert work_off(runtime) == ["done", "done", "done"]
    assert call.id is not None
    with runtime.db.read() as session:
        stored = session.get(tables.Call, call.id)
        assert stored is not None
        return results.masked_transcript(session, call.id), list(stored.warnings)


def test_events_are_kept_with_the_measurement_and_told_in_the_transcript(runtime: Runtime) -> None:
    script(runtime, measurement=measured(events=EVENTS))

    transcript, warnings = worked_off(runtime)

    assert transcript.events == EVENTS
    assert transcript.to_json()["events"] == [
        {"kind": "dead_air", "start": 20.0, "end": 31.5},
        {"kind": "hold_music", "start": 31.5, "end": 50.0, "channel": 1},
    ]
    assert warnings == []


def test_a_transcript_without_events_has_no_list_of_them(runtime: Runtime) -> None:
    script(runtime)

    transcript, _ = worked_off(runtime)

    assert "events" not in transcript.to_json()


def test_facts_of_older_measurements_load_without_events() -> None:
    facts = measuring.to_facts(measured(events=EVENTS))
    assert measuring.from_facts(facts).events == EVENTS

    del facts["events"]

    assert measuring.from_facts(facts).events == ()


def test_words_against_the_setting_become_a_note_and_a_warning(runtime: Runtime) -> None:
    script(runtime, EXCHANGED, measured(warnings=("low_level",)))

    transcript, warnings = worked_off(runtime)

    assert [note.kind for note in transcript.notes] == ["layout_doubt"]
    assert warnings == ["low_level", "layout_doubt"]


def test_words_that_fit_leave_no_trace(runtime: Runtime) -> None:
    script(runtime, HELLO)

    transcript, warnings = worked_off(runtime)

    assert transcript.notes == ()
    assert warnings == []


def test_without_a_setting_there_is_a_hint_and_nobody_gets_a_role(runtime: Runtime) -> None:
    unknown = [one.model_copy(update={"speaker": "unknown"}) for one in EXCHANGED]
    script(runtime, unknown)

    transcript, warnings = worked_off(runtime, channels="mono")

    assert transcript.layout == "stereo-unknown"
    assert {one.speaker for one in transcript.segments} == {"unknown"}
    assert [note.kind for note in transcript.notes] == ["layout_hint"]
    assert warnings == []
