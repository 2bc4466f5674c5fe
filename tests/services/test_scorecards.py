"""Publishing: once, whole, frozen, by a person; reading and acknowledging within one's scope."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from qa_audit.domain.access import Actor, Role, sees_scorecard
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import scorecards
from qa_audit.services.scorecards import answer_until, scope_of
from qa_audit.storage import tables
from tests import auditing, factories
from tests.auditing import ALL_YES, GRAVE_NO, NOTE, PRIVATE, Side, make_audited, make_side

REVIEWER = Actor(id="the-reviewer", role="reviewer", name="Rita")
NOW = datetime(2026, 11, 5, 20, 0, tzinfo=UTC)


@pytest.fixture
def at(runtime: Runtime) -> Runtime:
    """A runtime whose clock stands still."""
    runtime.clock = lambda: NOW
    return runtime


def ready(runtime: Runtime, *args: Any, **values: Any) -> tuple[Side, tables.Call]:
    """Add a side and a call of it whose audit was submitted."""
    with runtime.db.write() as session:
        side = make_side(session)
        return side, make_audited(session, side, *args, **values)


def rows(runtime: Runtime, table: Any) -> list[Any]:
    with runtime.db.read() as session:
        return list(session.exec(select(table)))


def actor(role: Role, side: Side, **values: Any) -> Actor:
    scope = {"manager": {}, "lead": {"team_id": side.team.id}, "agent": {"agent_id": side.agent.id}}[role]
    return Actor(role=role, **{"id": f"a-{role}", "vendor_id": side.vendor.id, **scope, **values})


def test_publishing_moves_call_and_audit_and_writes_all_that_belongs_to_it(at: Runtime) -> None:
    with at.db.write() as session:
        side = make_side(session)
        other = make_side(session, side.vendor)
        stranger = make_side(session)
        people = {
            name: factories.make_user(session, role, **scope)
            for name, role, scope in (
                ("lead", "lead", side.lead),
                ("manager", "manager", {"vendor_id": side.vendor.id}),
                ("gone", "lead", {**side.lead, "disabled_at": NOW}),
                ("other lead", "lead", other.lead),
                ("stranger", "manager", {"vendor_id": stranger.vendor.id}),
                ("agent", "agent", {"vendor_id": side.vendor.id, "agent_id": side.agent.id}),
            )
        }
        reviewer = factories.make_user(session, "reviewer")
        call = make_audited(session, side)
    who = Actor(id=reviewer.public_id, role="reviewer")
    card_id = scorecards.publish(at, who, call.public_id)
    (card,) = rows(at, tables.Scorecard)
    assert (card.public_id, card.state, card.published_by) == (card_id, "published", reviewer.id)
    assert (card.vendor_id, card.team_id, card.agent_id) == (side.vendor.id, side.team.id, side.agent.id)
    assert (card.published_at, card.answer_by) == (NOW, datetime(2026, 11, 12, 23, 59, 59, tzinfo=UTC))
    assert [row.status for row in rows(at, tables.Call)] == ["published"]
    assert [row.state for row in rows(at, tables.Audit)] == ["published"]
    (event,) = rows(at, tables.Event)
    assert (event.actor, event.action, event.kind, event.thing) == (who.id, "published", "scorecard", card_id)
    assert event.detail == {"call": call.public_id}
    mails = rows(at, tables.Mail)
    assert {mail.recipient_id for mail in mails} == {people["lead"].id, people["manager"].id}
    assert {(mail.thing, mail.state) for mail in mails} == {(card_id, "queued")}


def test_publishing_twice_gives_the_same_card_and_nothing_more(at: Runtime) -> None:
    side, call = ready(at)
    with at.db.write() as session:
        factories.make_user(session, "lead", **side.lead)
    first = scorecards.publish(at, REVIEWER, call.public_id)
    assert scorecards.publish(at, REVIEWER, call.public_id) == first
    counts = [len(rows(at, table)) for table in (tables.Scorecard, tables.Mail, tables.Event)]
    assert counts == [1, 1, 1]


def test_many_who_publish_at_once_get_one_card(at: Runtime) -> None:
    _, call = ready(at)
    got: list[object] = []

    def publish() -> None:
        try:
            got.append(scorecards.publish(at, REVIEWER, call.public_id))
        except Exception as error:
            got.append(error)

    threads = [threading.Thread(target=publish) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (card,) = rows(at, tables.Scorecard)
    assert got == [card.public_id] * 50
    assert len(rows(at, tables.Event)) == 1


ACCEPTED = {**GRAVE_NO, "origin": "accepted"}
UNPINNED = {**GRAVE_NO, "pin": None}
UNTOLD = {**GRAVE_NO, "note": "  "}


@pytest.mark.parametrize("line", ["promises", "verifies"])
@pytest.mark.parametrize(
    ("answer", "machine", "missing"),
    [
        (None, "no", "a person has to decide"),
        (None, "maybe", "a person has to decide"),
        (ACCEPTED, "no", "a person's own answer"),
        (UNPINNED, "no", "the moment it was heard"),
        (UNTOLD, "no", "a note for the vendor"),
        (UNPINNED, "yes", "the moment it was heard"),
    ],
)
def test_a_grave_no_that_only_a_machine_decided_is_not_published(
    at: Runtime, line: str, answer: Mapping[str, Any] | None, machine: str, missing: str
) -> None:
    _, call = ready(at, {**ALL_YES, line: answer}, {line: machine})
    title = {"promises": "Promises only what policy allows", "verifies": "Verifies the caller"}[line]
    with pytest.raises(Conflict, match=missing) as caught:
        scorecards.publish(at, REVIEWER, call.public_id)
    assert title in caught.value.message
    assert [rows(at, table) for table in (tables.Scorecard, tables.Mail, tables.Event)] == [[], [], []]
    assert [row.status for row in rows(at, tables.Call)] == ["audited"]


def test_every_line_that_holds_an_audit_back_is_named(at: Runtime) -> None:
    _, call = ready(at, {**ALL_YES, "promises": None, "verifies": UNTOLD}, {"promises": "maybe"})
    with pytest.raises(Conflict) as caught:
        scorecards.publish(at, REVIEWER, call.public_id)
    assert "“Verifies the caller”: a no here needs a note" in caught.value.message
    assert "“Promises only what policy allows”: the machine suspects" in caught.value.message


def test_a_rubric_that_only_the_machine_judged_by_holds_the_card_back_too(at: Runtime) -> None:
    _, call = ready(at)
    other = auditing.RUBRIC.replace("id: service-quality", "id: brand")
    with at.db.write() as session:
        row = auditing.rubric_row(session, other)
        found = auditing.prescore(auditing.load_rubric(other), promises="no")
        session.add(
            tables.PreScoreRow(
                call_id=call.id or 0, rubric_version_id=row.id or 0, result=found.to_json(), outcome="fail"
            )
        )
    with pytest.raises(Conflict, match="a person has to decide"):
        scorecards.publish(at, REVIEWER, call.public_id)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([None, "yes", "no", "na"]),
    st.sampled_from(["human", "accepted"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "yes", "no", "maybe", "na"]),
    st.sampled_from(["promises", "verifies"]),
)
def test_whatever_is_written_no_published_card_holds_a_machines_grave_no(
    sqlite_runtime: Runtime,
    answer: str | None,
    origin: str,
    pinned: bool,
    told: bool,
    machine: str | None,
    line: str,
) -> None:
    row = {
        "answer": answer,
        "origin": origin,
        "pin": auditing.PIN if pinned else None,
        "note": "n" if told else "",
    }
    found = {line: machine} if machine else None
    _, call = ready(sqlite_runtime, {**ALL_YES, line: row}, found)
    try:
        card = scorecards.publish(sqlite_runtime, REVIEWER, call.public_id)
    except Conflict:
        return
    shown = scorecards.show(sqlite_runtime, REVIEWER, card).snapshot.line("service-quality", line)
    if shown.points == 0:
        assert (shown.origin, shown.pin, shown.note) == ("person", auditing.PIN, "n")
    if machine in ("no", "maybe"):
        assert shown.answer is not None


@pytest.fixture
def sqlite_runtime(sqlite_url: str, tmp_path: Any) -> Iterator[Runtime]:
    """A runtime on SQLite for tests that try many rows."""
    from qa_audit.config import Settings

    built = Runtime(Settings(data_dir=tmp_path, database_url=sqlite_url, secret_key="for tests"))
    yield built
    built.db.dispose()


@pytest.mark.parametrize(
    ("state", "status"),
    [("draft", "in_review"), ("draft", "audited"), ("submitted", "in_review"), ("published", "audited")],
)
def test_only_a_submitted_audit_of_an_audited_call_is_published(at: Runtime, state: str, status: str) -> None:
    _, call = ready(at, state=state, status=status)
    with pytest.raises(Conflict, match="submitted first"):
        scorecards.publish(at, REVIEWER, call.public_id)
    assert rows(at, tables.Scorecard) == []
    assert [row.status for row in rows(at, tables.Call)] == [status]


def test_a_call_without_an_audit_or_without_any_answer_is_not_published(at: Runtime) -> None:
    with at.db.write() as session:
        bare = factories.make_call(session, status="prescored")
    with pytest.raises(Conflict, match="submitted first"):
        scorecards.publish(at, REVIEWER, bare.public_id)
    _, call = ready(at, dict.fromkeys(ALL_YES, None))
    with pytest.raises(Conflict, match="no line of any rubric"):
        scorecards.publish(at, REVIEWER, call.public_id)


@pytest.mark.parametrize(
    ("role", "error"),
    [
        ("viewer", Forbidden),
        ("read_token", Forbidden),
        ("admin_token", Forbidden),
        ("upload_token", Forbidden),
        ("manager", NotFound),
        ("lead", NotFound),
        ("agent", NotFound),
    ],
)
def test_who_may_not_review_does_not_publish(at: Runtime, role: Role, error: type[Exception]) -> None:
    _, call = ready(at)
    with pytest.raises(error):
        scorecards.publish(at, Actor(id="x", role=role), call.public_id)
    with pytest.raises(NotFound):
        scorecards.publish(at, Actor(id="x", role="reviewer", vendor_id=9999), call.public_id)
    assert rows(at, tables.Scorecard) == []


def test_the_snapshot_holds_everything_but_the_private_note(at: Runtime) -> None:
    machine = {"greets": "yes", "promises": "no", "closes": "no"}
    accepted = {"answer": "yes", "origin": "accepted"}
    _, call = ready(at, {**ALL_YES, "promises": GRAVE_NO, "greets": accepted, "verifies": "na"}, machine)
    card = scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id))
    data = card.snapshot.to_json()
    assert data["schema"] == "qa-audit/scorecard@1"
    assert PRIVATE not in json.dumps(data)
    (rubric,) = card.snapshot.rubrics
    assert (rubric.id, rubric.version, rubric.title, rubric.pass_mark) == (
        "service-quality",
        1,
        "Service quality",
        85,
    )
    assert (rubric.effective_from, len(rubric.sha256)) == (date(2026, 1, 1), 64)
    assert [section.title for section in rubric.sections] == ["First", "Second"]
    score = rubric.score
    assert (score.percent, score.percent_without_fatal, score.outcome) == (0.0, 57.1, "fail")
    assert (score.fatal, score.critical, score.open) == (("promises",), (), 0)
    greets, verifies, promises, closes = rubric.lines
    assert (greets.origin, greets.points, greets.reason) == ("accepted from the machine", 20, "heard greets")
    assert (verifies.answer, verifies.points, verifies.possible) == ("na", None, None)
    assert (promises.note, promises.pin, promises.policy) == (NOTE, auditing.PIN, "Five to ten days.")
    assert (promises.origin, promises.decided_by) == ("person", "Rita Reviewer")
    assert promises.decided_at is not None
    assert (closes.answer, closes.reason, closes.evidence) == ("yes", "", ())
    assert card.snapshot.summary.lost == ("promises",)
    assert card.snapshot.summary.problem is not None
    assert card.snapshot.summary.problem.gravity == "fatal"
    assert (card.call.picked, card.call.title, card.call.duration) == ("at random", "Wants money fast", 9.0)


def test_the_clip_begins_with_the_turn_before_and_ends_with_the_moment(at: Runtime) -> None:
    _, call = ready(at, {**ALL_YES, "promises": {**GRAVE_NO, "pin": (4.2, 5.1)}})
    card = scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id))
    clip = card.snapshot.line("service-quality", "promises").clip
    assert clip is not None
    assert (clip.start, clip.end) == (1.0, 5.1)
    assert [(piece.speaker, piece.text, piece.is_moment) for piece in clip.words] == [
        ("customer", "When do I get my money back", False),
        ("agent", "I promise", False),
        ("agent", "you will have", True),
    ]


def test_a_named_speaker_of_a_mono_call_is_named_in_the_clip(at: Runtime) -> None:
    mono = auditing.MASKED.model_copy(
        update={
            "layout": "mono",
            "segments": tuple(s.model_copy(update={"speaker": "unknown"}) for s in auditing.MASKED.segments),
        }
    )
    _, call = ready(at, {**ALL_YES, "promises": GRAVE_NO}, transcript=mono)
    with at.db.write() as session:
        audit = session.exec(select(tables.Audit)).one()
        audit.speakers = {"0": "customer", "1": "agent"}
        session.add(audit)
    card = scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id))
    clip = card.snapshot.line("service-quality", "promises").clip
    assert clip is not None
    assert [piece.speaker for piece in clip.words] == ["customer", "agent"]


def test_nothing_that_happens_later_changes_a_snapshot(at: Runtime) -> None:
    side, call = ready(at, {**ALL_YES, "promises": GRAVE_NO}, {"promises": "no"})
    card = scorecards.publish(at, REVIEWER, call.public_id)
    before = scorecards.show(at, REVIEWER, card).snapshot
    with at.db.write() as session:
        session.exec(select(tables.RubricVersion)).one().source = "gone"
        session.exec(select(tables.TranscriptRow)).one().masked = {}
        session.exec(select(tables.Call)).one().title = "Another"
        session.get_one(tables.Agent, side.agent.id).name = "Another"
        for answer in session.exec(select(tables.Answer)):
            answer.note, answer.answer = "changed", "no"
    assert scorecards.show(at, REVIEWER, card).snapshot == before


def test_the_team_is_the_one_of_the_day_of_the_call(at: Runtime) -> None:
    with at.db.write() as session:
        side = make_side(session, name="Later")
        agent = factories.make_agent(session, side.vendor)
        early = make_side(session, side.vendor, name="Early")
        auditing.join(session, agent, early.team, date(2026, 1, 1), date(2026, 11, 5))
        auditing.join(session, agent, side.team, date(2026, 11, 6))
        late = datetime(2026, 11, 5, 23, 30, tzinfo=UTC)
        calls = [
            make_audited(session, side, agent_id=agent.id, started_at=late),
            make_audited(session, side, agent_id=agent.id, started_at=late, utc_offset=60),
            make_audited(session, side, agent_id=None),
        ]
    found = [
        scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id)).call.team
        for call in calls
    ]
    assert found == ["Early", "Later", None]


def test_sample_history_sends_no_mail(at: Runtime) -> None:
    side, call = ready(at, is_sample=True)
    with at.db.write() as session:
        factories.make_user(session, "lead", **side.lead)
    scorecards.publish(at, REVIEWER, call.public_id)
    assert rows(at, tables.Mail) == []


def test_the_answer_is_due_at_the_end_of_a_day_of_the_installation() -> None:
    last = answer_until(datetime(2026, 10, 22, 23, 30, tzinfo=UTC), "Europe/Berlin")
    assert last.isoformat() == "2026-10-30T23:59:59+01:00"


ROLES: tuple[Role, ...] = (
    *("admin", "reviewer", "viewer", "manager", "lead", "agent"),
    *("upload_token", "read_token", "admin_token"),
)


@pytest.mark.parametrize("role", ROLES)
def test_queries_and_the_rule_of_access_agree_on_every_scope(at: Runtime, role: Role) -> None:
    cards, sides = [], []
    with at.db.write() as session:
        first = make_side(session)
        sides = [first, make_side(session, first.vendor), make_side(session)]
        calls = [make_audited(session, side) for side in sides]
        calls.append(make_audited(session, first, agent_id=None))
    for call in calls:
        cards.append(scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id)))
    for vendor in (None, *(side.vendor.id for side in sides)):
        for team in (None, *(side.team.id for side in sides)):
            for agent in (None, *(side.agent.id for side in sides)):
                who = Actor(id="x", role=role, vendor_id=vendor, team_id=team, agent_id=agent)
                for card in cards:
                    expected = sees_scorecard(who, card.vendor_key, card.team_key, card.agent_key)
                    assert sees(at, who, card.id) == expected, (who, scope_of(who))


def sees(runtime: Runtime, who: Actor, card: str) -> bool:
    try:
        scorecards.show(runtime, who, card)
    except NotFound:
        return False
    return True


def test_a_card_that_was_taken_back_is_there_for_staff_only(at: Runtime) -> None:
    side, call = ready(at)
    card = scorecards.publish(at, REVIEWER, call.public_id)
    with at.db.write() as session:
        session.exec(select(tables.Scorecard)).one().state = "withdrawn"
    assert sees(at, REVIEWER, card)
    for role in ("manager", "lead", "agent"):
        assert not sees(at, actor(role, side), card)
    assert not sees(at, Actor(id="t", role="read_token"), card)


def test_acknowledging_is_noted_once_with_its_comment(at: Runtime) -> None:
    side, call = ready(at)
    with at.db.write() as session:
        user = factories.make_user(session, "lead", name="Lena Lead", **side.lead)
    card = scorecards.publish(at, REVIEWER, call.public_id)
    lead = actor("lead", side, id=user.public_id)
    scorecards.acknowledge(at, lead, card, "  Discussed. ")
    shown = scorecards.show(at, lead, card)
    assert (shown.state, shown.acknowledged_by, shown.acknowledged_at) == ("acknowledged", "Lena Lead", NOW)
    assert shown.comment == "Discussed."
    with pytest.raises(Conflict, match="Lena Lead"):
        scorecards.acknowledge(at, actor("manager", side), card, "Again")
    assert scorecards.show(at, lead, card).comment == "Discussed."
    assert [event.action for event in rows(at, tables.Event)] == ["published", "acknowledged"]
    assert "Discussed" not in json.dumps([event.detail for event in rows(at, tables.Event)])


def test_who_may_acknowledge(at: Runtime) -> None:
    side, call = ready(at)
    card = scorecards.publish(at, REVIEWER, call.public_id)
    for role in ("admin", "reviewer", "viewer"):
        with pytest.raises(Forbidden):
            scorecards.acknowledge(at, Actor(id="x", role=role), card)
    refused = [
        actor("agent", side),
        actor("lead", side, team_id=9999),
        actor("lead", side, team_id=None),
        actor("lead", side, vendor_id=9999),
        actor("manager", side, vendor_id=9999),
        actor("manager", side, vendor_id=None),
    ]
    for who in refused:
        with pytest.raises(NotFound):
            scorecards.acknowledge(at, who, card)
    with pytest.raises(Invalid):
        scorecards.acknowledge(at, actor("lead", side), card, "x" * 2001)
    assert scorecards.show(at, REVIEWER, card).state == "published"


def test_the_agents_latest_audits_stand_beside_a_card(at: Runtime) -> None:
    with at.db.write() as session:
        side = make_side(session)
        older = [
            make_audited(
                session,
                side,
                {**ALL_YES, "closes": "no"} if number < 3 else ALL_YES,
                started_at=auditing.STARTED - timedelta(days=number + 1),
                state="published",
                status="published",
                team_id=side.team.id,
                is_sample=True,
            )
            for number in range(12)
        ]
        make_audited(session, side, state="submitted", started_at=auditing.STARTED - timedelta(hours=1))
        make_audited(session, make_side(session, side.vendor), state="published", status="published")
        call = make_audited(session, side, {**ALL_YES, "promises": GRAVE_NO})
    assert len(older) == 12
    card = scorecards.show(at, REVIEWER, scorecards.publish(at, REVIEWER, call.public_id))
    around = scorecards.background(at, actor("lead", side), card)
    assert around.recent is not None
    assert [audit.is_failed for audit in around.recent] == [True] * 4 + [False] * 6
    assert [audit.is_sample for audit in around.recent] == [False] + [True] * 9
    assert around.team == (4, 13)
    assert scorecards.background(at, actor("agent", side), card).team is None


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("unmasked", [False, True])
@pytest.mark.parametrize("transcript", [auditing.MASKED, None])
def test_only_a_copy_in_which_numbers_are_silenced_is_heard(
    at: Runtime, sample: bool, unmasked: bool, transcript: Any
) -> None:
    side, call = ready(at, is_sample=sample, transcript=transcript)
    auditing.add_sound(at, call, b"masked", unmasked=unmasked)
    card = scorecards.publish(at, REVIEWER, call.public_id)
    lead = actor("lead", side)
    if sample or unmasked or transcript is None:
        with pytest.raises(NotFound):
            scorecards.sound_key(at, lead, card)
    else:
        assert scorecards.sound_key(at, lead, card) == f"playback/{call.public_id}.m4a"
        with pytest.raises(NotFound):
            scorecards.sound_key(at, actor("lead", side, team_id=9999), card)
