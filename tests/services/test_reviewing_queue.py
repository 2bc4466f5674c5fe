"""The queue on both databases: what comes first, why it is there, what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qa_audit.domain.access import Actor
from qa_audit.errors import Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import review_queue, reviewing
from qa_audit.services.review_queue import QueueFilter
from qa_audit.storage.tables import Call, PreScoreRow
from tests.factories import make_agent, make_call, make_recording, make_user, make_vendor
from tests.services.test_reviewing import found, rubric

READER = Actor(id="reader", role="viewer")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FATAL = {"promises": ("decided", "no", "sure"), "greets": ("decided", "yes", "sure")}
CRITICAL = {"verifies": ("decided", "no", "fairly_sure"), "greets": ("decided", "yes", "sure")}
FINE = dict.fromkeys(("greets", "verifies", "promises"), ("decided", "yes", "sure")) | {
    "tone": ("decided", "2", "sure")
}


class Shelf:
    """An installation with one vendor and one rubric, and a short way to put calls there."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        runtime.clock = lambda: NOW  # type: ignore[misc]
        with runtime.db.write() as session:
            self.vendor = make_vendor(session)
            self.version = rubric(session)
            self.user = make_user(session, name="Rita")

    def put(self, title: str, machine: Any = None, days: int = 0, **values: Any) -> Call:
        """Add a call received so many days ago, with what the machine found in it."""
        usual = {
            "status": "prescored",
            "title": title,
            "created_at": NOW - timedelta(days=days),
            "layout": "stereo-agent-left",
        }
        with self.runtime.db.write() as session:
            call: Call = make_call(session, values.pop("vendor", self.vendor), **{**usual, **values})
            make_recording(session, call, playback_key="p")
            if machine is not None:
                result = found(**machine)
                suspects = [id for id in machine if machine[id][1] == "no"]
                score = result.score.model_copy(
                    update={
                        "suspected_fatal": tuple(id for id in suspects if id == "promises"),
                        "suspected_critical": tuple(id for id in suspects if id == "verifies"),
                    }
                )
                session.add(
                    PreScoreRow(
                        call_id=call.id,
                        rubric_version_id=self.version.id,
                        result=result.model_copy(update={"score": score}).to_json(),
                        outcome="undetermined",
                        suspected_fatal=len(score.suspected_fatal),
                    )
                )
        return call

    def show(self, filter: QueueFilter | None = None, actor: Actor = READER) -> review_queue.QueuePage:
        return review_queue.show(self.runtime, actor, filter or QueueFilter())

    def titles(self, filter: QueueFilter | None = None) -> list[str | None]:
        return [row.call.title for row in self.show(filter).rows]


@pytest.fixture
def shelf(runtime: Runtime) -> Shelf:
    return Shelf(runtime)


def test_fatals_come_first_then_criticals_then_by_due_day(shelf: Shelf) -> None:
    shelf.put("fine and new", FINE)
    shelf.put("fine and old", FINE, days=4)
    shelf.put("critical", CRITICAL, days=1)
    shelf.put("fatal", FATAL)
    assert shelf.titles() == ["fatal", "critical", "fine and old", "fine and new"]


def test_a_row_says_why_it_is_here_and_what_to_look_at_but_no_score(shelf: Shelf) -> None:
    shelf.put("fatal", FATAL, picked="random")
    shelf.put("fine", FINE, days=2)
    fatal, fine = shelf.show().rows
    assert fatal.why == "picked at random"
    assert [(one.kind, one.title) for one in fatal.suspicions] == [("fatal", "Promises")]
    assert fatal.to_look_at == (("Care", 3),)
    assert (fine.why, fine.words) == ("pre-scored", "nothing flagged")
    assert (fine.due - NOW.date()).days == 1


def test_calls_that_only_a_person_can_audit_are_here_too(shelf: Shelf) -> None:
    shelf.put("mono", {"greets": ("not_assessed", None, None)}, layout="mono", days=3)
    shelf.put("waiting", status="waiting", days=2)
    shelf.put("failed", status="failed", failure="too_short", days=1)
    mono, waiting, failed = shelf.show().rows
    assert mono.by_hand == "speakers unknown: name the speakers"
    assert waiting.by_hand == "no transcript: listen and answer every line"
    assert failed.why == "only a person can judge it"


def test_what_is_not_for_the_queue_is_not_in_it(shelf: Shelf) -> None:
    shelf.put("kept", FINE)
    for status in ("received", "transcribing", "transcribed", "audited", "published"):
        shelf.put(status, FINE, status=status)
    shelf.put("sample", FINE, is_sample=True)
    with shelf.runtime.db.write() as session:
        silent = make_call(session, shelf.vendor, status="failed", failure="undecodable")
        make_recording(session, silent)
    page = shelf.show()
    assert [row.call.title for row in page.rows] == ["kept"]
    assert (page.counts.waiting, page.counts.being_transcribed, page.counts.to_publish) == (1, 3, 1)


def test_counts_name_fatals_and_what_is_due(shelf: Shelf) -> None:
    shelf.put("fatal", FATAL, days=3)
    shelf.put("overdue", FINE, days=9)
    shelf.put("later", FINE, days=2)
    counts = shelf.show().counts
    assert (counts.waiting, counts.suspected_fatal, counts.due) == (3, 1, 2)
    assert shelf.show().rows[0].due == NOW.date()


def test_lines_a_person_answered_are_looked_at_no_more(shelf: Shelf) -> None:
    call = shelf.put("fatal", FATAL)
    actor = Actor(id=shelf.user.public_id, role="reviewer", name="Rita")
    reviewing.answer(shelf.runtime, actor, call.public_id, "care", "promises", reviewing.Change("yes"))
    (row,) = shelf.show().rows
    assert row.suspicions == ()
    assert row.to_look_at == (("Care", 2),)
    assert (row.call.status, row.call.reviewer) == ("in_review", "Rita")


def test_the_next_call_is_none_that_somebody_else_has_in_hand(shelf: Shelf) -> None:
    taken = shelf.put("fatal", FATAL)
    free = shelf.put("fine", FINE)
    rita = Actor(id=shelf.user.public_id, role="reviewer", name="Rita")
    other = Actor(id="somebody else", role="reviewer")
    assert review_queue.next_call(shelf.runtime, other) == taken.public_id
    reviewing.begin(shelf.runtime, rita, taken.public_id)
    assert review_queue.next_call(shelf.runtime, other) == free.public_id
    assert review_queue.next_call(shelf.runtime, rita) == taken.public_id
    assert shelf.show(actor=other).next_call == free.public_id


def test_every_filter_narrows_the_queue(shelf: Shelf) -> None:
    with shelf.runtime.db.write() as session:
        other = make_vendor(session, slug="other")
        agent = make_agent(session, other, name="Leo")
    shelf.put("plain", FINE)
    shelf.put("special 100%", FINE, vendor=other, agent_id=agent.id, queue="refunds", language="fr")
    for filter in (
        QueueFilter(vendor="other"),
        QueueFilter(agent="Leo"),
        QueueFilter(queue="refunds"),
        QueueFilter(language="fr"),
        QueueFilter(q="100%"),
    ):
        assert shelf.titles(filter) == ["special 100%"]
        assert shelf.show(filter).counts.waiting == 1
    assert review_queue.choices(shelf.runtime, READER).agents == ("Leo",)
    with pytest.raises(NotFound):
        shelf.show(QueueFilter(vendor="nobody"))


def test_somebody_bound_to_a_vendor_sees_only_its_calls(shelf: Shelf) -> None:
    shelf.put("mine", FINE)
    with shelf.runtime.db.write() as session:
        other = make_vendor(session)
    bound = Actor(id="x", role="viewer", vendor_id=other.id)
    page = shelf.show(actor=bound)
    assert (page.rows, page.counts.waiting) == ((), 0)
    with pytest.raises(NotFound):
        shelf.show(actor=Actor(id="lead", role="lead", vendor_id=shelf.vendor.id))


def test_pages_and_the_export_hold_every_call_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_queue, "ROWS", 2)
    monkeypatch.setattr(review_queue, "_EXPORT_PAGE", 2)
    names = [f"=call {number}" for number in range(5)]
    for number, name in enumerate(names):
        shelf.put(name, FINE, days=number)
    seen = [title for page in (1, 2, 3) for title in shelf.titles(QueueFilter(page=page))]
    assert sorted(map(str, seen)) == names
    assert [shelf.show(QueueFilter(page=page)).has_more for page in (1, 2, 3)] == [True, True, False]
    rows = list(review_queue.csv_rows(shelf.runtime, READER, QueueFilter()))
    assert rows[0] == review_queue.CSV_COLUMNS
    assert sorted(row[1] for row in rows[1:]) == [f"'{name}" for name in names]


def test_the_filter_is_read_from_the_address_and_written_back() -> None:
    filter = review_queue.parse_filter([("vendor", "acme"), ("q", " leo "), ("page", "2")])
    assert filter == QueueFilter(vendor="acme", q="leo", page=2)
    assert review_queue.query_of(filter, page=2) == {"vendor": "acme", "q": "leo", "page": "2"}
    for query in (
        [("nonsense", "1")],
        [("q", "a"), ("q", "b")],
        [("page", "0")],
        [("page", "x")],
        [("q", "x" * 300)],
    ):
        with pytest.raises(Invalid):
            review_queue.parse_filter(query)
