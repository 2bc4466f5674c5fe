"""Reading calls: pages hold each call once, other vendors' calls never, and exports are safe."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from qa_audit.domain.access import SYSTEM, Actor, Role
from qa_audit.errors import Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import calls, csv_cells
from qa_audit.services.calls import CallFilter
from qa_audit.storage.tables import Call
from tests import factories

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
REVIEWER = Actor(id="r", role="reviewer")


def all_pages(runtime: Runtime, actor: Actor, filter: CallFilter) -> list[str]:
    seen: list[str] = []
    for _ in range(100):
        page = calls.list_calls(runtime, actor, filter)
        assert page.total == len(seen) + len(page.rows) or page.next_cursor or len(page.rows) < filter.limit
        seen += [row.id for row in page.rows]
        if page.next_cursor is None:
            return seen
        filter = CallFilter(**{**vars(filter), "cursor": page.next_cursor})
    raise AssertionError("the pages never end")


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 3), max_size=12),
    limit=st.integers(1, 5),
    noise=st.integers(0, 3),
)
def test_pages_hold_every_call_once_newest_first(
    runtime: Runtime, minutes: list[int], limit: int, noise: int
) -> None:
    with runtime.db.write() as session:
        session.execute(delete(Call))
        vendor = factories.make_vendor(session)
        made = [
            factories.make_call(session, vendor, created_at=START + timedelta(minutes=n)) for n in minutes
        ]
        other = factories.make_vendor(session)
        for number in range(noise):
            factories.make_call(session, other, created_at=START + timedelta(minutes=number))
    bound = Actor(id="t", role="read_token", vendor_id=vendor.id)
    expected = [call.public_id for call in sorted(made, key=lambda call: (call.created_at, call.public_id))]
    seen = all_pages(runtime, bound, CallFilter(limit=limit))
    assert sorted(seen) == sorted(expected)
    times = {call.public_id: call.created_at for call in made}
    assert [times[id] for id in seen] == sorted(times.values(), reverse=True)
    assert len(all_pages(runtime, REVIEWER, CallFilter(limit=limit))) == len(minutes) + noise


def test_a_call_that_arrives_while_somebody_pages_moves_nothing(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        vendor = factories.make_vendor(session)
        old = [
            factories.make_call(session, vendor, created_at=START + timedelta(minutes=n)).public_id
            for n in range(4)
        ]
    first = calls.list_calls(runtime, REVIEWER, CallFilter(limit=2))
    with runtime.db.write() as session:
        factories.make_call(session, vendor, created_at=START + timedelta(hours=1))
    second = calls.list_calls(runtime, REVIEWER, CallFilter(limit=2, cursor=first.next_cursor))
    assert [row.id for row in (*first.rows, *second.rows)] == old[::-1]


def test_one_call_shows_transcript_prescores_and_for_admins_the_tasks(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        call = factories.make_call(session, status="failed", failure="silent", warnings=["clipped"])
        factories.make_recording(session, call, playback_key="playback/x", peaks_key="peaks/x")
        factories.make_task(session, call, state="failed", error="Nobody speaks.", crash_count=1)
        factories.make_transcript(session, call, mask_spans=[[1.0, 2.5]])
        id = call.public_id
    detail = calls.get_call(runtime, SYSTEM, id)
    assert detail.words == "Nobody can be heard in the recording."
    assert (detail.warnings, detail.mask_spans) == (("clipped",), ((1.0, 2.5),))
    assert detail.transcript is not None
    assert detail.recording is not None
    assert (detail.recording.has_playback, detail.recording.has_peaks) == (True, True)
    (task,) = detail.tasks
    assert (task.stage, task.state, task.error, task.crash_count) == (
        "measure",
        "failed",
        "Nobody speaks.",
        1,
    )
    assert calls.get_call(runtime, REVIEWER, id).tasks == ()
    assert calls.derived_key(runtime, REVIEWER, id, "playback") == "playback/x"


def test_a_copy_that_is_not_made_yet_is_not_found(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        call = factories.make_call(session)
        factories.make_recording(session, call)
    for kind in ("playback", "peaks"):
        with pytest.raises(NotFound):
            calls.derived_key(runtime, REVIEWER, call.public_id, kind)  # type: ignore[arg-type]


def test_the_vendors_side_finds_nothing_before_publication(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        call = factories.make_call(session)
    roles: tuple[Role, ...] = ("manager", "lead", "agent")
    for role in roles:
        actor = Actor(id="v", role=role, vendor_id=call.vendor_id)
        for ask in (calls.get_call, calls.progress):
            with pytest.raises(NotFound):
                ask(runtime, actor, call.public_id)
        with pytest.raises(NotFound):
            calls.list_calls(runtime, actor, CallFilter())
        with pytest.raises(NotFound):
            calls.filter_choices(runtime, actor)


def test_progress_says_when_nothing_more_happens_by_itself(runtime: Runtime) -> None:
    for status in calls.STATUSES:
        with runtime.db.write() as session:
            call = factories.make_call(session, status=status, stage="transcribe", progress=40)
        found = calls.progress(runtime, REVIEWER, call.public_id)
        assert (found.status, found.stage, found.progress) == (status, "transcribe", 40)
        assert found.finished is (status not in ("received", "transcribing", "transcribed"))


def test_texts_that_no_database_takes_are_not_found_or_named(runtime: Runtime) -> None:
    for id in ("\0", "a\0b", "\ud800", "x" * 33):
        with pytest.raises(NotFound):
            calls.get_call(runtime, REVIEWER, id)
    with pytest.raises(NotFound):
        calls.list_calls(runtime, REVIEWER, CallFilter(vendor="a\0b"))
    with pytest.raises(Invalid):
        calls.parse_filter([("agent", "a\0b")])


def test_the_queue_of_work_is_for_admins_and_shows_what_is_not_done(runtime: Runtime) -> None:
    runtime.clock = lambda: START + timedelta(minutes=10)
    with runtime.db.write() as session:
        factories.make_task(session, created_at=START)
        factories.make_task(session, created_at=START + timedelta(minutes=5), state="leased", progress=30)
        factories.make_task(session, state="done")
        factories.make_task(session, state="parked", crash_count=3, created_at=START + timedelta(minutes=6))
    overview = calls.queue_overview(runtime, SYSTEM)
    assert [row.state for row in overview.rows] == ["queued", "leased", "parked"]
    assert dict(overview.totals) == {"queued": 1, "leased": 1, "done": 1, "parked": 1}
    assert overview.oldest_queued == 600
    assert [row.age for row in overview.rows] == [600, 300, 240]
    with pytest.raises(Forbidden):
        calls.queue_overview(runtime, REVIEWER)


def test_choices_are_those_of_ones_own_scope(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        ours, theirs = (
            factories.make_vendor(session, slug=slug, name=slug.title()) for slug in ("ours", "theirs")
        )
        for vendor in (ours, theirs):
            agent = factories.make_agent(session, vendor, name=f"Agent of {vendor.slug}")
            factories.make_call(session, vendor, agent_id=agent.id, queue=f"queue of {vendor.slug}")
    bound = calls.filter_choices(runtime, Actor(id="t", role="read_token", vendor_id=ours.id))
    assert (bound.vendors, bound.agents) == ((("ours", "Ours"),), ("Agent of ours",))
    assert bound.queues == ("queue of ours",)
    assert len(calls.filter_choices(runtime, REVIEWER).vendors) == 2


def test_a_filter_survives_its_way_through_an_address() -> None:
    given = [("vendor", "acme"), ("status", "failed"), ("q", "BRL 1"), ("from", "2026-11-02"), ("limit", "7")]
    filter = calls.parse_filter(given)
    assert calls.query_of(filter) == dict(given)
    assert calls.query_of(filter, cursor="abc") == {**dict(given), "cursor": "abc"}
    assert calls.query_of(CallFilter()) == {}


def test_everything_wrong_with_a_filter_is_named_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        calls.parse_filter([("status", "x"), ("status", "y"), ("limit", "0"), ("nonsense", "1")])
    assert set(caught.value.fields) == {"status", "limit", "nonsense"}


def test_the_days_of_a_filter_are_those_of_the_installations_zone(runtime: Runtime) -> None:
    runtime.settings = runtime.settings.model_copy(update={"time_zone": "Asia/Tokyo"})
    with runtime.db.write() as session:
        late = factories.make_call(session, started_at=datetime(2026, 11, 1, 16, tzinfo=UTC))
        factories.make_call(session, started_at=datetime(2026, 11, 1, 14, tzinfo=UTC))
        unknown = factories.make_call(
            session, started_at=None, created_at=datetime(2026, 11, 2, 3, tzinfo=UTC)
        )
    filter = calls.parse_filter([("from", "2026-11-02"), ("to", "2026-11-02")])
    found = {row.id for row in calls.list_calls(runtime, REVIEWER, filter).rows}
    assert found == {late.public_id, unknown.public_id}


FORMULAS = (
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\uff1d1",
    " =1",
    '=HYPERLINK("http://x")',
    "|calc",
)


def test_the_export_has_every_call_and_no_live_formula(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_EXPORT_PAGE", 3)
    with runtime.db.write() as session:
        vendor = factories.make_vendor(session)
        for text in FORMULAS:
            agent = factories.make_agent(session, vendor, name=text)
            factories.make_call(session, vendor, agent_id=agent.id, external_id=text, queue=text)
    text = "".join(csv_cells.lines(calls.csv_rows(runtime, REVIEWER, CallFilter(limit=2))))
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == list(calls.CSV_COLUMNS)
    assert len(rows) == len(FORMULAS)
    for row in rows:
        found = dict(zip(header, row, strict=True))
        assert all(found[name].startswith("'") for name in ("external_id", "agent", "queue"))


@pytest.mark.parametrize("text", FORMULAS)
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    assert csv_cells.safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "-3.14", "12", "Dana", "a=b", "2026-11-02T09:00:00+01:00", ""])
def test_numbers_and_plain_texts_stay_as_they_are(text: str) -> None:
    assert csv_cells.safe(text) == text
    assert csv_cells.safe(None) == ""


def test_drawn_history_is_listed_only_when_asked_for(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        factories.make_call(session, is_sample=True)
        real = factories.make_call(session).public_id
    assert [row.id for row in calls.list_calls(runtime, REVIEWER, calls.parse_filter([])).rows] == [real]
    both = calls.parse_filter([("sample", "yes")])
    assert calls.list_calls(runtime, REVIEWER, both).total == 2
    assert calls.query_of(both) == {"sample": "yes"}
    assert calls.parse_filter([("sample", "no")]) == calls.CallFilter()
    with pytest.raises(Invalid, match="filter"):
        calls.parse_filter([("sample", "perhaps")])
