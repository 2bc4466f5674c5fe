"""A call from its first task to its pre-scores, through the real services with scripted ears."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from qa_audit.domain.transcript import Transcript
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.queue.inline import InlineJobs
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics, tasks
from qa_audit.services.stage import Unwatched
from qa_audit.speech.protocol import SpeechChannel
from qa_audit.speech.scripted import ScriptedTranscriber
from qa_audit.storage import results, tables
from tests.factories import make_agent, make_rubric_version, make_vendor
from tests.fakes import HELLO, REAL_MODEL, RememberedJobs, measured, receive, script, work_off

MONO = {"channels": 1, "layout_hint": "mono", "speech": (((1.0, 20.0), (21.0, 55.0)),), "levels": (-22.0,)}
DUAL_MONO = {
    "layout_hint": "dual-mono",
    "speech": (((1.0, 55.0),), ((1.0, 55.0),)),
    "warnings": ("dual_mono",),
}


def call_row(runtime: Runtime, call: tables.Call) -> tables.Call:
    with runtime.db.read() as session:
        found = session.get(tables.Call, call.id)
        assert found is not None
        session.expunge(found)
        return found


def count(runtime: Runtime, table: type[Any]) -> int:
    with runtime.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def transcript_of(runtime: Runtime, call: tables.Call) -> Transcript:
    assert call.id is not None
    with runtime.db.read() as session:
        return results.masked_transcript(session, call.id)


class Attentive(ScriptedTranscriber):
    """Remembers the speakers and stretches of speech that it was given."""

    def transcribe(self, channels: Any, **options: Any) -> Any:
        self.heard = [(channel.speaker, tuple(channel.spans)) for channel in channels]
        self.language = options.get("language")
        assert all(isinstance(channel, SpeechChannel) for channel in channels)
        return super().transcribe(channels, **options)


def test_a_call_goes_through_all_stages(runtime: Runtime) -> None:
    rubrics.sync_bundled(script(runtime))
    call, _ = receive(runtime)
    assert work_off(runtime) == ["done", "done", "done"]
    done = call_row(runtime, call)
    assert (done.status, done.stage, done.progress, done.failure) == ("prescored", None, 100, None)
    assert (done.duration, done.layout) == (60.0, "stereo-agent-left")
    assert count(runtime, tables.TranscriptRow) == count(runtime, tables.MeasurementRow) == 1
    every_queue = [
        path for path in runtime.rubrics_dir.glob("*.yaml") if "queue: [" not in path.read_text("utf-8")
    ]
    assert count(runtime, tables.PreScoreRow) == len(every_queue) == 2


def test_every_stage_rings_for_the_next(runtime: Runtime) -> None:
    script(runtime)
    _, task_id = receive(runtime)
    tasks.ring(runtime, task_id)
    work_off(runtime)
    assert isinstance(runtime.jobs, RememberedJobs)
    assert [queue for queue, *_ in runtime.jobs.rung] == ["default", "transcription", "default"]


def test_with_inline_jobs_one_ring_does_everything(runtime: Runtime) -> None:
    script(runtime)
    call, task_id = receive(runtime)
    runtime.jobs = InlineJobs(lambda id: tasks.run(runtime, id))
    tasks.ring(runtime, task_id)
    assert call_row(runtime, call).status == "prescored"


def test_a_second_ring_for_the_same_task_does_nothing(runtime: Runtime) -> None:
    script(runtime)
    _, task_id = receive(runtime)
    assert tasks.run(runtime, task_id) == "done"
    assert tasks.run(runtime, task_id) == "not_ours"
    assert count(runtime, tables.Task) == 2


def test_the_transcript_says_who_spoke_and_which_model_heard_it(runtime: Runtime) -> None:
    script(runtime)
    call, _ = receive(runtime)
    work_off(runtime)
    transcript = transcript_of(runtime, call)
    assert [segment.speaker for segment in transcript.segments] == ["agent", "customer"]
    assert (transcript.duration, transcript.engine) == (60.0, REAL_MODEL)


@pytest.mark.parametrize(
    ("vendor", "own", "layout", "speakers"),
    [
        ("agent-left", None, "stereo-agent-left", ["agent", "customer"]),
        ("agent-right", None, "stereo-agent-right", ["customer", "agent"]),
        ("agent-left", "agent-right", "stereo-agent-right", ["customer", "agent"]),
        ("agent-right", "auto", "stereo-agent-right", ["customer", "agent"]),
        ("agent-left", "unknown", "stereo-unknown", ["unknown", "unknown"]),
    ],
)
def test_the_calls_own_channel_setting_wins_over_the_vendors(
    runtime: Runtime, vendor: str, own: str | None, layout: str, speakers: list[str]
) -> None:
    script(runtime)
    ears = runtime.speech = Attentive(HELLO, info=REAL_MODEL)
    with runtime.db.write() as session:
        company = make_vendor(session, channels=vendor)
    call, _ = receive(runtime, company, channels=own)
    work_off(runtime)
    assert [speaker for speaker, _ in ears.heard] == speakers
    assert transcript_of(runtime, call).layout == call_row(runtime, call).layout == layout


@pytest.mark.parametrize(("facts", "layout"), [(MONO, "mono"), (DUAL_MONO, "dual-mono")])
def test_one_voice_track_is_transcribed_once_with_unknown_speakers(
    runtime: Runtime, facts: dict[str, Any], layout: str
) -> None:
    rubrics.sync_bundled(script(runtime, measurement=measured(**facts)))
    ears = runtime.speech = Attentive((), info=REAL_MODEL)
    call, _ = receive(runtime)
    work_off(runtime)
    assert ears.heard == [("unknown", facts["speech"][0])]
    done = call_row(runtime, call)
    assert (done.status, done.layout, done.warnings) == ("prescored", layout, list(facts.get("warnings", ())))
    with runtime.db.read() as session:
        scored = list(session.scalars(select(tables.PreScoreRow.result)))
    assert {c["status"] for result in scored for c in result["criteria"]} <= {"not_assessed", "manual"}


def test_the_engine_gets_the_calls_language_and_only_its_speech(runtime: Runtime) -> None:
    script(runtime)
    ears = runtime.speech = Attentive(HELLO, info=REAL_MODEL)
    receive(runtime, language="en-GB")
    work_off(runtime)
    assert ears.language == "en"
    assert ears.heard == [("agent", ((1.0, 20.0),)), ("customer", ((21.0, 55.0),))]


def test_playback_copy_and_peaks_come_with_the_transcript_and_not_before(runtime: Runtime) -> None:
    script(runtime)
    call, task_id = receive(runtime)
    tasks.run(runtime, task_id)
    assert recording(runtime, call).playback_key is None
    work_off(runtime)
    keys = recording(runtime, call)
    assert keys.playback_key
    assert keys.peaks_key
    assert runtime.media.size(keys.playback_key) > 0
    assert runtime.media.size(keys.peaks_key) > 0
    assert list(runtime.media.incoming().iterdir()) == []


def recording(runtime: Runtime, call: tables.Call) -> tables.Recording:
    with runtime.db.read() as session:
        found = session.scalars(select(tables.Recording).where(tables.Recording.call_id == call.id)).one()
        session.expunge(found)
        return found


def test_progress_is_recorded_while_the_stage_works(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa_audit.services.stage.PROGRESS_EVERY", 0.0)
    script(runtime)
    call, task_id = receive(runtime)
    seen: list[tuple[str | None, int]] = []

    class Curious(Unwatched):
        def check(self) -> None:
            now = call_row(runtime, call)
            seen.append((now.stage, now.progress))

    tasks.run(runtime, task_id, watch=Curious())
    assert seen[0] == ("measure", 0)
    assert ("measure", 50) in seen


def test_the_version_in_effect_on_the_day_of_the_call_is_used(runtime: Runtime) -> None:
    script(runtime)
    with runtime.db.write() as session:
        for version, day in ((1, date(2026, 1, 1)), (2, date(2026, 11, 3))):
            make_rubric_version(session, rubric="care", version=version, effective_from=day)
    # 23:30 UTC on the second is the third where the call took place.
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    for offset, version in ((0, 1), (60, 2)):
        call, _ = receive(runtime, started_at=late, utc_offset=offset)
        work_off(runtime)
        with runtime.db.read() as session:
            found = session.scalars(
                select(tables.PreScoreRow).where(tables.PreScoreRow.call_id == call.id)
            ).all()
        assert [row.result["rubric"]["version"] for row in found] == [version]


def test_the_checks_know_agent_vendor_and_custom_facts(runtime: Runtime) -> None:
    from qa_audit.services.measuring import from_facts, to_facts
    from qa_audit.services.prescoring import facts_of

    script(runtime)
    with runtime.db.write() as session:
        vendor = make_vendor(session, name="Acme Care", variables={"brand": "Northwind"})
        agent = make_agent(session, vendor, name="Anna", aliases=["Ann"])
    call, _ = receive(runtime, vendor, agent_id=agent.id, queue="billing", custom={"transferred": True})
    work_off(runtime)
    assert call.id is not None
    with runtime.db.read() as session:
        subject = results.subject(session, call.id)
        kept = from_facts(results.measurement(session, call.id))
        transcript = results.masked_transcript(session, call.id)
    facts = facts_of(subject, kept, transcript)
    assert (facts.vendor, facts.queue, facts.agent_name, facts.agent_aliases) == (
        vendor.slug,
        "billing",
        "Anna",
        ("Ann",),
    )
    assert facts.facts == {"transferred": True}
    assert facts.variables == {"vendor_name": "Acme Care", "brand": "Northwind"}
    assert facts.speech == {"agent": ((1.0, 20.0),), "customer": ((21.0, 55.0),)}
    assert from_facts(to_facts(kept)) == kept


def test_pre_scoring_again_replaces_the_machines_answers_only(runtime: Runtime) -> None:
    rubrics.sync_bundled(script(runtime))
    call, _ = receive(runtime)
    work_off(runtime)
    with runtime.db.write() as session:
        old = make_rubric_version(session, effective_from=date(2027, 1, 1))
        row = tables.PreScoreRow(call_id=call.id, rubric_version_id=old.id, outcome="pass")
        audit = tables.Audit(call_id=call.id)
        session.add_all([row, audit])
        session.flush()
        answer = tables.Answer(
            audit_id=audit.id, rubric_version_id=old.id, criterion="greeting", answer="yes", note="Well done."
        )
        session.add(answer)
        again = tables.Task(call_id=call.id, stage="prescore", input_version=2)
        session.add(again)
        session.get_one(tables.Call, call.id).status = "in_review"
    before = count(runtime, tables.PreScoreRow)
    assert work_off(runtime) == ["done"]
    assert count(runtime, tables.PreScoreRow) == before
    assert call_row(runtime, call).status == "in_review"
    with runtime.db.read() as session:
        kept = session.scalars(select(tables.Answer)).one()
    assert (kept.answer, kept.note) == ("yes", "Well done.")


def test_without_a_rubric_a_call_is_prescored_with_nothing(runtime: Runtime) -> None:
    script(runtime)
    call, _ = receive(runtime)
    work_off(runtime)
    assert call_row(runtime, call).status == "prescored"
    assert count(runtime, tables.PreScoreRow) == 0


def test_measuring_decodes_once_and_hears_nothing_again(runtime: Runtime) -> None:
    script(runtime)
    receive(runtime)
    work_off(runtime)
    assert isinstance(runtime.recordings, ScriptedRecordings)
    assert [what for what, _ in runtime.recordings.done] == ["measure", "samples", "derive"]
