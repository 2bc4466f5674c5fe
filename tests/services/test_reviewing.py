"""Auditing a call on both databases: what a person changes, what stays, who may, and what is written down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from threading import Thread
from typing import Any

import pytest
from sqlmodel import Session, select

from qa_audit.domain.access import Actor, Role
from qa_audit.domain.findings import CriterionResult, PreScore, RubricRef, Score
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import reviewing
from qa_audit.services.reviewing import Change, OpenLines, StaleAnswer
from qa_audit.storage import results
from qa_audit.storage.tables import Answer, Audit, AuditScore, Call, Event, PreScoreRow, RubricVersion
from tests.factories import (
    make_call,
    make_recording,
    make_rubric_version,
    make_transcript,
    make_user,
    make_vendor,
    spoken,
)

SOURCE = """\
id: care
version: {version}
title: Care
effective_from: {since}
pass_mark: 60
sections:
  - id: all
    title: All
    criteria:
      - {{id: greets, title: Greets, points: 10, check: {{kind: manual}}}}
      - {{id: verifies, title: Verifies, points: 10, critical: true, check: {{kind: manual}}}}
      - {{id: promises, title: Promises, points: 10, fatal: true, check: {{kind: manual}}}}
      - id: tone
        title: Tone
        points: 10
        check: {{kind: manual}}
        scale: [{{value: 0, label: cold}}, {{value: 1, label: fine}}, {{value: 2, label: warm}}]
"""
EMPTY = Score(percent=None, percent_without_fatal=None, points=0, possible=0, outcome="undetermined")
MACHINE = {
    "greets": ("decided", "yes", "sure"),
    "verifies": ("not_applicable", None, None),
    "promises": ("decided", "no", "sure"),
    "tone": ("manual", None, None),
}


def found(**answers: tuple[str, str | None, str | None]) -> PreScore:
    """Build what the machine found."""
    results = [
        CriterionResult(id=id, status=status, answer=answer, certainty=certainty, reason="so")  # type: ignore[arg-type]
        for id, (status, answer, certainty) in answers.items()
    ]
    return PreScore(
        rubric=RubricRef(id="care", version=1, sha256="0" * 64), score=EMPTY, criteria=tuple(results)
    )


def rubric(session: Session, version: int = 1, since: str = "2026-01-01") -> RubricVersion:
    """Publish a version of the rubric of these tests."""
    row: RubricVersion = make_rubric_version(
        session,
        rubric="care",
        version=version,
        title="Care",
        effective_from=date.fromisoformat(since),
        source=SOURCE.format(version=version, since=since),
    )
    return row


class Room:
    """A pre-scored call, a reviewer, and short ways to act."""

    def __init__(self, runtime: Runtime, **values: Any) -> None:
        self.runtime = runtime
        with runtime.db.write() as session:
            vendor = make_vendor(session)
            user = make_user(session, name="Rita")
            version = rubric(session)
            call = make_call(session, vendor, **{"status": "prescored", "duration": 60.0, **values})
            make_recording(session, call, playback_key="playback/x")
            machine = found(**MACHINE)
            session.add(
                PreScoreRow(
                    call_id=call.id,
                    rubric_version_id=version.id,
                    result=machine.to_json(),
                    outcome="undetermined",
                )
            )
        self.vendor_id = vendor.id
        self.key, self.id = call.id, call.public_id
        self.actor = Actor(id=user.public_id, role="reviewer", name="Rita")

    def answer(self, criterion: str, *, seen: int | None = None, **change: Any) -> Any:
        return reviewing.answer(self.runtime, self.actor, self.id, "care", criterion, Change(**change), seen)

    def view(self, actor: Actor | None = None) -> reviewing.AuditView:
        return reviewing.show(self.runtime, actor or self.actor, self.id)

    def human(self, criterion: str) -> Any:
        return self.view().parts[0].line(criterion).human

    def rows(self, table: Any) -> list[Any]:
        with self.runtime.db.read() as session:
            return list(session.exec(select(table)))

    def status(self) -> str:
        with self.runtime.db.read() as session:
            call = session.get(Call, self.key)
            assert call is not None
            return call.status


@pytest.fixture
def room(runtime: Runtime) -> Room:
    return Room(runtime)


def test_looking_begins_nothing_and_shows_the_machine_alone(room: Room) -> None:
    view = room.view()
    assert (view.state, view.may_change, view.sure) == ("none", True, 2)
    assert [line.human for line in view.parts[0].lines] == [None] * 4
    assert room.rows(Audit) == room.rows(Event) == []
    assert room.status() == "prescored"


def test_the_first_answer_begins_the_audit_and_pins_the_version(room: Room) -> None:
    room.answer("greets", answer="no", note="Say hello.")
    assert room.status() == "in_review"
    assert {row.criterion for row in room.rows(Answer)} == {"greets", "verifies", "promises", "tone"}
    human = room.human("greets")
    assert (human.answer, human.note, human.by, human.version, human.origin) == (
        "no",
        "Say hello.",
        "Rita",
        1,
        "human",
    )
    assert room.view().reviewer == "Rita"


def test_beginning_twice_is_beginning_once(room: Room) -> None:
    reviewing.begin(room.runtime, room.actor, room.id)
    reviewing.begin(room.runtime, room.actor, room.id)
    assert len(room.rows(Audit)) == 1
    assert [event.action for event in room.rows(Event)] == ["audit.begun"]


def test_two_who_begin_at_once_share_one_audit(room: Room) -> None:
    def act(criterion: str) -> Callable[[], None]:
        return lambda: room.answer(criterion, answer="yes") and None

    threads = [Thread(target=act(criterion)) for criterion in ("greets", "promises", "verifies")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(room.rows(Audit)) == 1
    assert sum(row.answer == "yes" for row in room.rows(Answer)) == 3


def test_the_machines_answers_stay_as_they_were(room: Room) -> None:
    before = [row.result for row in room.rows(PreScoreRow)]
    room.answer("greets", answer="no")
    reviewing.accept_sure(room.runtime, room.actor, room.id)
    reviewing.submit(room.runtime, room.actor, room.id, leave_open=True)
    assert [row.result for row in room.rows(PreScoreRow)] == before
    line = room.view().parts[0].line("greets")
    assert line.machine is not None
    assert line.human is not None
    assert (line.machine.answer, line.human.answer) == ("yes", "no")


def test_a_later_pre_score_and_a_newer_version_change_nothing_of_the_persons_answers(room: Room) -> None:
    room.answer("greets", answer="no", note="Mine.")
    assert room.key is not None
    other = {**MACHINE, "greets": ("decided", "yes", "fairly_sure")}
    with room.runtime.db.write() as session:
        newer = rubric(session, 2, "2026-06-01")
        assert newer.id is not None
        scored = [(newer.id, found(**other))]
        results.save_prescores(session, room.key, scored, keep_others=results.has_audit(session, room.key))
        results.advance(session, room.key, "prescored")
    view = room.view()
    assert [part.rubric.version for part in view.parts] == [1]
    human = view.parts[0].line("greets").human
    assert human is not None
    assert (human.answer, human.note) == ("no", "Mine.")
    assert room.status() == "in_review"


def test_an_answer_that_the_scale_lacks_is_refused_and_begins_nothing_wrong(room: Room) -> None:
    for change in (
        {"answer": "maybe"},
        {"answer": "3"},
        {"note": "x" * 2001},
        {"pin": (70.0, 80.0)},
        {"pin": (5.0, 4.0)},
    ):
        with pytest.raises(Invalid):
            room.answer("greets", **change)
    assert room.answer("tone", answer="2").answer == "2"
    assert room.answer("tone", answer="na").answer == "na"
    for rubric_id, criterion in (("care", "nothing"), ("other", "greets")):
        with pytest.raises(NotFound):
            reviewing.answer(room.runtime, room.actor, room.id, rubric_id, criterion, Change("yes"))


def test_a_pin_ends_with_the_call(room: Room) -> None:
    assert room.answer("greets", pin=(58.0, 70.0)).pin == (58.0, 60.0)


def test_a_wrong_address_begins_no_audit(room: Room) -> None:
    with pytest.raises(NotFound):
        reviewing.answer(room.runtime, room.actor, room.id, "care", "nothing", Change("yes"))
    with pytest.raises(Invalid):
        room.answer("greets", answer="maybe")
    assert room.rows(Audit) == []


def test_a_card_number_in_a_note_is_cut(room: Room) -> None:
    room.answer("greets", note="She read 4111 1111 1111 1111 aloud.")
    assert "1111 1111 1111" not in room.human("greets").note


def test_a_stale_tab_gets_both_answers_to_choose_from(room: Room) -> None:
    room.answer("greets", seen=0, answer="yes", note="First tab.")
    with pytest.raises(StaleAnswer) as caught:
        room.answer("greets", seen=0, answer="no", note="Second tab.")
    assert caught.value.mine == Change("no", "Second tab.")
    assert (caught.value.theirs.answer, caught.value.theirs.note) == ("yes", "First tab.")
    assert "Rita" in caught.value.message
    assert room.human("greets").answer == "yes"
    room.answer("greets", seen=caught.value.theirs.version, answer="no", note="Second tab.")
    assert room.human("greets").answer == "no"


def test_sending_the_same_again_is_no_conflict_and_no_second_event(room: Room) -> None:
    room.answer("greets", seen=0, answer="yes")
    again = room.answer("greets", seen=0, answer="yes")
    assert again.version == 1
    assert [event.action for event in room.rows(Event)].count("line.answered") == 1


def test_accepting_takes_over_what_is_sure_and_leaves_the_rest(room: Room) -> None:
    batch = reviewing.accept_sure(room.runtime, room.actor, room.id)
    answers = {row.criterion: (row.answer, row.origin) for row in room.rows(Answer)}
    assert answers == {
        "greets": ("yes", "accepted"),
        "verifies": ("na", "accepted"),
        "promises": (None, "human"),
        "tone": (None, "human"),
    }
    view = room.view()
    assert (view.batch, view.accepted, view.sure) == (batch, 2, 0)


def test_accepting_never_touches_what_a_person_answered(room: Room) -> None:
    room.answer("greets", answer="no", note="No name.")
    reviewing.accept_sure(room.runtime, room.actor, room.id)
    assert (room.human("greets").answer, room.human("greets").origin) == ("no", "human")


def test_accepting_keeps_the_note_and_the_moment_of_an_open_line(room: Room) -> None:
    room.answer("greets", note="Later.", private_note="Ask Leo.", pin=(1.0, 2.5))
    reviewing.accept_sure(room.runtime, room.actor, room.id)
    human = room.human("greets")
    assert (human.answer, human.note, human.private_note, human.pin) == (
        "yes",
        "Later.",
        "Ask Leo.",
        (1.0, 2.5),
    )


def test_undo_opens_what_was_accepted_except_what_a_person_changed_since(room: Room) -> None:
    batch = reviewing.accept_sure(room.runtime, room.actor, room.id)
    room.answer("greets", answer="no")
    assert reviewing.undo(room.runtime, room.actor, room.id, batch) == 1
    assert room.human("greets").answer == "no"
    assert room.human("verifies").answer is None
    assert reviewing.undo(room.runtime, room.actor, room.id, batch) == 0
    assert room.view().batch is None


def test_a_note_beside_an_accepted_answer_leaves_it_accepted(room: Room) -> None:
    batch = reviewing.accept_sure(room.runtime, room.actor, room.id)
    room.answer("greets", answer="yes", note="Well done.")
    assert room.human("greets").origin == "accepted"
    assert reviewing.undo(room.runtime, room.actor, room.id, batch) == 2
    assert room.human("greets").note == "Well done."


def test_submitting_asks_once_about_open_lines_and_then_stores_the_scores(room: Room) -> None:
    room.answer("greets", answer="yes")
    room.answer("promises", answer="no", note="Say five days.", pin=(3.0, 5.0))
    with pytest.raises(OpenLines) as caught:
        reviewing.submit(room.runtime, room.actor, room.id)
    assert caught.value.titles == ("Verifies", "Tone")
    assert room.status() == "in_review"
    reviewing.submit(room.runtime, room.actor, room.id, leave_open=True)
    assert room.status() == "audited"
    (score,) = room.rows(AuditScore)
    assert (score.percent, score.percent_without_fatal, score.points, score.possible) == (0.0, 50.0, 10, 20)
    assert (score.outcome, score.fatal, score.critical) == ("fail", 1, 0)
    (audit,) = room.rows(Audit)
    assert audit.state == "submitted"
    assert audit.submitted_at is not None


def test_what_is_submitted_is_changed_only_after_it_is_taken_back(room: Room) -> None:
    room.answer("greets", answer="yes")
    reviewing.submit(room.runtime, room.actor, room.id, leave_open=True)
    for act in (
        lambda: room.answer("greets", answer="no"),
        lambda: reviewing.accept_sure(room.runtime, room.actor, room.id),
        lambda: reviewing.submit(room.runtime, room.actor, room.id, leave_open=True),
    ):
        with pytest.raises(Conflict, match="Take it back"):
            act()
    assert room.view().may_take_back
    reviewing.take_back(room.runtime, room.actor, room.id)
    assert room.rows(AuditScore) == []
    assert room.status() == "in_review"
    room.answer("greets", answer="no")
    assert room.human("greets").answer == "no"
    with pytest.raises(Conflict):
        reviewing.take_back(room.runtime, room.actor, room.id)


def test_what_is_published_is_never_taken_back(room: Room) -> None:
    room.answer("greets", answer="yes")
    reviewing.submit(room.runtime, room.actor, room.id, leave_open=True)
    with room.runtime.db.write() as session:
        call = session.get(Call, room.key)
        assert call is not None
        call.status = "published"
    with pytest.raises(Conflict, match="published"):
        reviewing.take_back(room.runtime, room.actor, room.id)
    with pytest.raises(Conflict, match="published"):
        room.answer("greets", answer="no")
    assert not room.view().may_take_back


@pytest.mark.parametrize("role", ["viewer", "manager", "lead", "agent"])
def test_only_who_reviews_changes_anything(room: Room, role: Role) -> None:
    who = Actor(id="somebody", role=role, vendor_id=None if role == "viewer" else room.vendor_id)
    expected = Forbidden if role == "viewer" else NotFound
    for act in (
        lambda: reviewing.begin(room.runtime, who, room.id),
        lambda: reviewing.answer(room.runtime, who, room.id, "care", "greets", Change("yes")),
        lambda: reviewing.accept_sure(room.runtime, who, room.id),
        lambda: reviewing.undo(room.runtime, who, room.id, "batch"),
        lambda: reviewing.name_speaker(room.runtime, who, room.id, 0, "agent"),
        lambda: reviewing.submit(room.runtime, who, room.id, leave_open=True),
        lambda: reviewing.take_back(room.runtime, who, room.id),
    ):
        with pytest.raises(expected):
            act()
    assert room.rows(Audit) == []
    if role == "viewer":
        assert not room.view(who).may_change
    else:
        with pytest.raises(NotFound):
            room.view(who)


def test_another_vendors_call_does_not_exist(room: Room) -> None:
    with room.runtime.db.write() as session:
        other = make_vendor(session).id
    stranger = Actor(id="somebody", role="reviewer", vendor_id=other)
    with pytest.raises(NotFound):
        room.view(stranger)
    with pytest.raises(NotFound):
        reviewing.begin(room.runtime, stranger, room.id)


def test_every_change_leaves_an_event_without_a_word_of_what_was_written(room: Room) -> None:
    room.answer("greets", answer="no", note="Anna forgot", private_note="Coach Anna", pin=(1.0, 2.0))
    batch = reviewing.accept_sure(room.runtime, room.actor, room.id)
    reviewing.undo(room.runtime, room.actor, room.id, batch)
    reviewing.submit(room.runtime, room.actor, room.id, leave_open=True)
    reviewing.take_back(room.runtime, room.actor, room.id)
    events = room.rows(Event)
    assert [event.action for event in events] == [
        "audit.begun",
        "line.answered",
        "lines.accepted",
        "lines.opened",
        "audit.submitted",
        "audit.taken_back",
    ]
    assert {(event.kind, event.thing, event.actor) for event in events} == {("call", room.id, room.actor.id)}
    assert "Anna" not in " ".join(str(event.detail) for event in events)
    assert events[1].detail["changed"] == ["answer", "note", "private_note", "pin"]


def test_a_mono_call_is_audited_by_hand_and_its_speakers_are_named_by_turn(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        user = make_user(session)
        rubric(session)
        call = make_call(session, status="waiting", duration=60.0, layout="mono")
        make_recording(session, call, playback_key="playback/y")
        talk = spoken(("unknown", "Hello there."), ("unknown", "Hi."), layout="mono")
        make_transcript(session, call, talk)
    actor = Actor(id=user.public_id, role="reviewer", name="Rita")
    assert reviewing.show(runtime, actor, call.public_id).may_change
    reviewing.name_speaker(runtime, actor, call.public_id, 0, "agent")
    reviewing.name_speaker(runtime, actor, call.public_id, 1, "customer")
    view = reviewing.show(runtime, actor, call.public_id)
    assert view.call.transcript is not None
    assert [one.speaker for one in view.call.transcript.segments] == ["agent", "customer"]
    assert view.named == {0, 1}
    reviewing.name_speaker(runtime, actor, call.public_id, 1, None)
    assert reviewing.show(runtime, actor, call.public_id).named == {0}
    assert [part.rubric.version for part in view.parts] == [1]
    with pytest.raises(NotFound):
        reviewing.name_speaker(runtime, actor, call.public_id, 7, "agent")


def test_a_speaker_known_from_the_channel_is_not_renamed(room: Room) -> None:
    with room.runtime.db.write() as session:
        call = session.get(Call, room.key)
        make_transcript(session, call)
    with pytest.raises(Invalid):
        reviewing.name_speaker(room.runtime, room.actor, room.id, 0, "customer")


def test_the_version_by_the_calls_date_is_pinned_where_there_is_no_pre_score(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        user = make_user(session)
        rubric(session, 1, "2026-01-01")
        rubric(session, 2, "2026-11-10")
        call = make_call(session, status="failed", failure="too_short", duration=20.0)
        make_recording(session, call, playback_key="playback/z")
    actor = Actor(id=user.public_id, role="reviewer", name="Rita")
    reviewing.begin(runtime, actor, call.public_id)
    assert [part.rubric.version for part in reviewing.show(runtime, actor, call.public_id).parts] == [1]


@pytest.mark.parametrize(
    ("status", "playback"),
    [("received", None), ("transcribing", "p"), ("transcribed", "p"), ("failed", None), ("waiting", None)],
)
def test_a_call_that_is_not_ready_or_cannot_be_heard_is_not_audited(
    runtime: Runtime, status: str, playback: str | None
) -> None:
    with runtime.db.write() as session:
        user = make_user(session)
        rubric(session)
        call = make_call(session, status=status, duration=20.0)
        make_recording(session, call, playback_key=playback)
    actor = Actor(id=user.public_id, role="reviewer")
    assert not reviewing.show(runtime, actor, call.public_id).may_change
    with pytest.raises(Conflict, match="cannot be audited"):
        reviewing.begin(runtime, actor, call.public_id)


def test_without_a_rubric_there_is_nothing_to_answer(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        user = make_user(session)
        call = make_call(session, status="prescored")
        make_recording(session, call, playback_key="p")
    actor = Actor(id=user.public_id, role="reviewer")
    assert reviewing.show(runtime, actor, call.public_id).parts == ()
    with pytest.raises(Conflict, match="No rubric"):
        reviewing.begin(runtime, actor, call.public_id)
