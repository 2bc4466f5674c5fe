"""The audit of a call as a page: what it shows, what its forms do without JavaScript, what its parts bring."""

from __future__ import annotations

import csv
import io
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.speech.scripted import segment
from qa_audit.storage.tables import Answer, Audit, Call
from tests.factories import make_call, make_recording, make_vendor
from tests.fakes import measured, receive, script, work_off
from tests.page import check_fragment, check_page, find, find_all, get_page, text_of
from tests.web.conftest import SignInAs, post

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
FATAL = "line-service-quality-promise-policy"

TALK = (
    segment("agent", 1.0, "Thank you for calling Northwind, my name is Anna. How can I help you?"),
    segment("customer", 21.0, "I want my money back."),
    segment("agent", 30.0, "I promise you will have the money tomorrow."),
    segment("agent", 40.0, "Is there anything else I can help you with?"),
    segment("customer", 45.0, "No thank you."),
    segment("agent", 50.0, "Thank you for choosing Northwind. Goodbye."),
)


@pytest.fixture
def talked(here: Runtime) -> str:
    """The public id of a call that went through every stage."""
    rubrics.sync_bundled(here)
    script(here, TALK)
    with here.db.write() as session:
        vendor = make_vendor(session, name="Kestrel")
    call, _ = receive(here, vendor, title="wants money fast", queue="refunds", language="en")
    assert work_off(here) == ["done"] * 3
    return str(call.public_id)


def page(client: FlaskClient, id: str, query: str = "") -> Element:
    return get_page(client, f"/calls/{id}/review{query}")


def fatal_line(root: Element) -> Element:
    return next(line for line in find_all(root, "li") if "Promises only what policy" in line_title(line))


def line_title(line: Element) -> str:
    titles = find_all(line, "h3")
    return text_of(titles[0]) if titles else ""


def fields_of(line: Element) -> dict[str, str]:
    """Read a line's form as a browser would send it."""
    form = find(line, "form")
    hidden = {
        one.get("name") or "": one.get("value") or ""
        for one in find_all(form, "input")
        if one.get("type") == "hidden" and one.get("name") != "csrf_token"
    }
    chosen = [
        one.get("value") or ""
        for one in find_all(form, "input", name="answer")
        if one.get("checked") is not None
    ]
    return {**hidden, **({"answer": chosen[0]} if chosen else {})}


def answer(client: FlaskClient, id: str, line: Element, **fields: str):  # type: ignore[no-untyped-def]
    return post(client, f"/calls/{id}/review/answer", **{**fields_of(line), **fields})


def test_open_lines_come_first_and_the_suspected_fatal_before_all(reviewer: FlaskClient, talked: str) -> None:
    root = page(reviewer, talked)
    part = find_all(root, "section", class_="rubric")[0]
    assert part.get("id") == "service-quality"
    lines = find_all(part, "li", class_="line")
    assert line_title(lines[0]) == "Promises only what policy allows"
    assert "machine suspects: no · sure" in text_of(lines[0])
    assert "fatal" in text_of(find(lines[0], "div", class_="title"))
    assert [line.get("class", "").endswith("compact") for line in lines] == sorted(
        line.get("class", "").endswith("compact") for line in lines
    )
    play = find_all(lines[0], "a", class_="play")[0]
    assert (play.get("href") or "").startswith(f"/calls/{talked}/review?t=")
    assert "The rule" in text_of(lines[0])


def test_the_machines_score_is_nowhere(reviewer: FlaskClient, talked: str) -> None:
    foot = text_of(find(page(reviewer, talked), "section", id="foot"))
    assert "Undecided so far" in foot
    assert "nothing counted yet, pass mark 85" in foot
    assert "Nothing answered yet" in foot


def test_a_line_is_answered_by_a_plain_form(reviewer: FlaskClient, here: Runtime, talked: str) -> None:
    line = fatal_line(page(reviewer, talked))
    said = answer(reviewer, talked, line, answer="no", note="Say five days.", pin_at="0:30")
    assert said.status_code == 303
    assert said.headers["Location"] == f"/calls/{talked}/review#{line.get('id')}"
    root = page(reviewer, talked)
    line = fatal_line(root)
    assert "you, " in text_of(line)
    assert "0 of 10" in text_of(line)
    foot = text_of(find(root, "section", id="foot"))
    assert "Not passed so far" in foot
    assert "fatal: Promises only what policy allows" in foot
    with here.db.read() as session:
        (row,) = session.exec(select(Answer).where(Answer.answer == "no"))
    assert (row.note, row.pinned_start, row.pinned_end) == ("Say five days.", 30.0, 34.0)


def test_a_fatal_no_says_what_is_missing_until_it_is_there(reviewer: FlaskClient, talked: str) -> None:
    answer(reviewer, talked, fatal_line(page(reviewer, talked)), answer="no")
    line = fatal_line(page(reviewer, talked))
    missing = text_of(find(line, "p", class_="missing"))
    assert "the moment it was heard, pinned" in missing
    assert "a note for the vendor" in missing
    assert "compact" not in (line.get("class") or "")
    pins = [one for one in find_all(line, "button") if one.get("name") == "pin_to"]
    answer(reviewer, talked, line, pin_to=pins[0].get("value") or "", note="Say five days.")
    line = fatal_line(page(reviewer, talked))
    assert not find_all(line, "p", class_="missing")
    assert "compact" in (line.get("class") or "")
    answer(reviewer, talked, line, unpin="1", note="Say five days.")
    assert "pinned" in text_of(find(fatal_line(page(reviewer, talked)), "p", class_="missing"))


def test_an_answer_can_be_taken_back_with_its_note_kept(reviewer: FlaskClient, talked: str) -> None:
    answer(reviewer, talked, fatal_line(page(reviewer, talked)), answer="yes", note="Fine.")
    line = fatal_line(page(reviewer, talked))
    answer(reviewer, talked, line, clear="1", note="Fine.")
    line = fatal_line(page(reviewer, talked))
    assert line.get("data-unanswered") is not None
    assert text_of(find(line, "textarea", name="note")) == "Fine."


def test_accepting_settles_what_is_sure_and_can_be_undone(reviewer: FlaskClient, talked: str) -> None:
    before = len(
        [one for one in find_all(page(reviewer, talked), "li") if one.get("data-unanswered") is not None]
    )
    assert post(reviewer, f"/calls/{talked}/review/accept").status_code == 303
    root = page(reviewer, talked)
    assert "accepted from the machine by you" in text_of(root)
    assert fatal_line(root).get("data-unanswered") is not None
    after = len([one for one in find_all(root, "li") if one.get("data-unanswered") is not None])
    assert after < before
    batch = find(root, "input", name="batch").get("value") or ""
    assert post(reviewer, f"/calls/{talked}/review/undo", batch=batch).status_code == 303
    root = page(reviewer, talked)
    assert len([one for one in find_all(root, "li") if one.get("data-unanswered") is not None]) == before


def test_htmx_gets_the_line_and_the_foot(reviewer: FlaskClient, talked: str) -> None:
    line = fatal_line(page(reviewer, talked))
    token = find_all(line, "input", name="csrf_token")[0].get("value") or ""
    fields = {**fields_of(line), "answer": "no", "csrf_token": token}
    said = reviewer.post(f"/calls/{talked}/review/answer", data=fields, headers=FRAGMENT)
    assert said.status_code == 200
    root = check_fragment(said.text)
    (changed,) = find_all(root, "li", class_="line")
    assert changed.get("id") == line.get("id")
    assert fields_of(changed)["seen_version"] == "1"
    assert find(root, "section", id="foot").get("hx-swap-oob") == "outerMorph"
    accepted = reviewer.post(f"/calls/{talked}/review/accept", data={"csrf_token": token}, headers=FRAGMENT)
    root = check_fragment(accepted.text)
    assert find_all(root, "section", id="audit")
    assert find_all(root, "section", id="foot")
    assert not find_all(root, "section", id="words")


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["plain", "htmx"])
def test_two_tabs_get_a_clear_choice(reviewer: FlaskClient, talked: str, headers: dict[str, str]) -> None:
    stale = fatal_line(page(reviewer, talked))
    answer(reviewer, talked, stale, answer="yes", note="From the first tab.")
    token = find_all(stale, "input", name="csrf_token")[0].get("value") or ""
    fields = {**fields_of(stale), "answer": "no", "note": "From the second.", "csrf_token": token}
    said = reviewer.post(f"/calls/{talked}/review/answer", data=fields, headers=headers)
    assert said.status_code == 409
    root = (
        check_fragment(said.text)
        if headers
        else check_page(said.text, said.headers["Content-Security-Policy"])
    )
    line = fatal_line(root)
    notice = text_of(find(line, "div", role="alert"))
    assert "answered Yes" in notice
    assert "From the first tab." in notice
    assert "Save mine: No" in notice
    assert "Keep what stands there: Yes" in notice
    assert text_of(find(line, "textarea", name="note")) == "From the second."
    assert "you, " in text_of(line)
    assert answer(reviewer, talked, line, note="From the second.").status_code == 303
    line = fatal_line(page(reviewer, talked))
    assert not find_all(line, "div", role="alert")
    assert fields_of(line)["answer"] == "no"
    assert text_of(find(line, "textarea", name="note")) == "From the second."


def test_submitting_asks_once_and_then_says_that_it_is_done(reviewer: FlaskClient, talked: str) -> None:
    answer(reviewer, talked, fatal_line(page(reviewer, talked)), answer="yes")
    asked = post(reviewer, f"/calls/{talked}/review/submit")
    assert asked.headers["Location"] == f"/calls/{talked}/review?ask=1#ask"
    root = page(reviewer, talked, "?ask=1")
    assert "still open" in text_of(find(root, "div", id="ask"))
    done = post(reviewer, f"/calls/{talked}/review/submit", leave_open="yes")
    assert done.headers["Location"] == f"/calls/{talked}/review"
    root = page(reviewer, talked)
    assert "submitted, not published" in text_of(find(root, "div", class_="call-head"))
    assert not find_all(root, "form", class_="answering")
    actions = [form.get("action") for form in find_all(find(root, "section", id="foot"), "form")]
    assert actions == [f"/calls/{talked}/review/take-back", f"/calls/{talked}/publish"]
    assert post(reviewer, f"/calls/{talked}/review/take-back").status_code == 303
    assert find_all(page(reviewer, talked), "form", class_="answering")


def test_the_publish_button_leads_to_the_scorecard(reviewer: FlaskClient, talked: str) -> None:
    line = fatal_line(page(reviewer, talked))
    answer(reviewer, talked, line, answer="no", note="Say five days.", pin_at="0:30")
    post(reviewer, f"/calls/{talked}/review/accept")
    post(reviewer, f"/calls/{talked}/review/submit", leave_open="yes")
    foot = find(page(reviewer, talked), "section", id="foot")
    action = next(
        form.get("action") for form in find_all(foot, "form") if "publish" in (form.get("action") or "")
    )
    assert post(reviewer, action or "").headers["Location"].startswith("/scorecards/")
    root = page(reviewer, talked)
    assert "published" in text_of(find(root, "div", class_="call-head"))
    assert not find_all(find(root, "section", id="foot"), "form")


def test_what_cannot_be_published_is_named_after_submitting(reviewer: FlaskClient, talked: str) -> None:
    answer(reviewer, talked, fatal_line(page(reviewer, talked)), answer="no")
    post(reviewer, f"/calls/{talked}/review/submit", leave_open="yes")
    foot = find(page(reviewer, talked), "section", id="foot")
    assert "This cannot be published yet" in text_of(foot)
    assert "Promises only what policy allows: a no here needs" in text_of(foot)
    assert f"/calls/{talked}/publish" not in [form.get("action") for form in find_all(foot, "form")]


def test_submit_and_next_leads_to_the_next_call_or_the_queue(
    reviewer: FlaskClient, here: Runtime, talked: str
) -> None:
    script(here, TALK)
    other, _ = receive(here, language="en")
    work_off(here)
    for id, target in ((talked, f"/calls/{other.public_id}/review"), (other.public_id, "/review/queue")):
        said = post(reviewer, f"/calls/{id}/review/submit", leave_open="yes", next="1")
        assert said.headers["Location"] == target
    assert "Submitted." in text_of(get_page(reviewer, "/review/queue"))


def test_a_viewer_reads_everything_and_changes_nothing(
    sign_in_as: SignInAs, here: Runtime, talked: str
) -> None:
    viewer = sign_in_as("viewer")
    root = page(viewer, talked)
    assert not find_all(find(root, "main"), "form")
    assert "machine suspects: no · sure" in text_of(root)
    token_page = find_all(root, "input", name="csrf_token")[0].get("value")
    for act in ("answer", "accept", "undo", "speakers", "submit", "take-back"):
        said = viewer.post(f"/calls/{talked}/review/{act}", data={"csrf_token": token_page, "answer": "no"})
        assert said.status_code == 403, act
    with here.db.read() as session:
        assert session.exec(select(Audit)).all() == []


def test_the_vendors_side_finds_nothing(sign_in_as: SignInAs, here: Runtime, talked: str) -> None:
    with here.db.read() as session:
        call = session.exec(select(Call)).one()
    lead = sign_in_as("lead", call.vendor_id)
    assert lead.get(f"/calls/{talked}/review").status_code == 404
    assert post(lead, f"/calls/{talked}/review/answer").status_code == 404
    assert lead.get("/review/queue").status_code == 404
    assert lead.get("/review/queue.csv").status_code == 404


def test_a_mono_call_is_answered_by_hand_with_speakers_named_by_turn(
    reviewer: FlaskClient, here: Runtime
) -> None:
    rubrics.sync_bundled(here)
    talk = tuple(one.model_copy(update={"speaker": "unknown"}) for one in TALK)
    script(here, talk, measured(channels=1, layout_hint="mono", speech=(((1.0, 55.0),),), levels=(-20.0,)))
    call, _ = receive(here, language="en")
    work_off(here)
    root = page(reviewer, call.public_id)
    buttons = [one.get("value") for one in find_all(root, "button") if one.get("name") == "turn"]
    assert buttons[:2] == ["0:agent", "0:customer"]
    said = post(reviewer, f"/calls/{call.public_id}/review/speakers", turn="0:agent")
    assert said.headers["Location"].endswith("#turn-0")
    root = page(reviewer, call.public_id)
    turn = find(root, "li", id="turn-0")
    assert "agent" in (turn.get("class") or "")
    assert [one.get("value") for one in find_all(turn, "button")] == ["0:customer"]
    assert post(reviewer, f"/calls/{call.public_id}/review/speakers", turn="x:agent").status_code == 422
    assert post(reviewer, f"/calls/{call.public_id}/review/speakers", turn="0:boss").status_code == 422
    assert "machine: not assessed" in text_of(root)


def test_a_form_that_is_not_whole_changes_nothing(reviewer: FlaskClient, here: Runtime, talked: str) -> None:
    whole = fields_of(fatal_line(page(reviewer, talked)))
    for change, status in (
        ({"seen_version": ""}, 422),
        ({"answer": "maybe"}, 422),
        ({"pin_at": "noon"}, 422),
        ({"pin": "9-4"}, 422),
        ({"criterion": "none"}, 404),
        ({"rubric": "none"}, 404),
    ):
        said = post(reviewer, f"/calls/{talked}/review/answer", **{**whole, **change})
        assert said.status_code == status, change
    with here.db.read() as session:
        assert session.exec(select(Audit)).all() == []


def test_what_people_write_is_never_markup(reviewer: FlaskClient, talked: str) -> None:
    nasty = "<img/src=x> </textarea><script>alert(1)</script>"
    answer(reviewer, talked, fatal_line(page(reviewer, talked)), answer="no", note=nasty, private_note=nasty)
    root = page(reviewer, talked)
    assert not find_all(root, "img")
    assert text_of(find(fatal_line(root), "textarea", name="note")) == nasty


def test_the_queue_names_the_reason_and_what_to_look_at(
    reviewer: FlaskClient, here: Runtime, talked: str
) -> None:
    with here.db.write() as session:
        call = make_call(session, status="prescored", title="Nothing to it", layout="stereo-agent-left")
        make_recording(session, call)
    root = get_page(reviewer, "/review/queue")
    first = find_all(find(root, "tbody"), "tr")[0]
    assert "Wants money fast" in text_of(first)
    assert "fatal suspected Promises only what policy allows, 0:3" in text_of(first)
    assert "lines in Service quality" in text_of(first)
    assert "%" not in text_of(find(root, "table"))
    assert [one.get("href") for one in find_all(root, "a", class_="primary")] == [f"/calls/{talked}/review"]
    assert text_of(find(root, "span", class_="range")) == "1–2 of 2 · CSV"


def test_a_viewer_sees_the_queue_without_taking_a_call(sign_in_as: SignInAs, talked: str) -> None:
    root = get_page(sign_in_as("viewer"), "/review/queue")
    assert not find_all(root, "a", class_="primary")
    assert len(find_all(find(root, "tbody"), "tr")) == 1


def test_the_filter_stands_in_the_address_and_the_export_has_exactly_it(
    reviewer: FlaskClient, here: Runtime, talked: str
) -> None:
    with here.db.write() as session:
        other = make_vendor(session, slug="other", name="Other")
        call = make_call(session, other, status="prescored", title="=else")
        make_recording(session, call)
    root = get_page(reviewer, "/review/queue?vendor=other&q=else")
    assert len(find_all(find(root, "tbody"), "tr")) == 1
    assert [one.get("href") for one in find_all(root, "a", class_="chip")] == [
        "/review/queue?q=else",
        "/review/queue?vendor=other",
    ]
    export = reviewer.get("/review/queue.csv?vendor=other")
    rows = list(csv.reader(io.StringIO(export.text)))
    assert [row[1] for row in rows] == ["call", "'=else"]
    assert reviewer.get("/review/queue?nonsense=1").status_code == 422
    assert reviewer.get("/review/queue.csv?page=0").status_code == 422
    assert reviewer.get("/review/queue?vendor=nobody").status_code == 404


def test_an_empty_queue_explains_itself(reviewer: FlaskClient) -> None:
    assert "Nothing waits for a person." in text_of(get_page(reviewer, "/review/queue"))
    assert "fits this filter" in text_of(get_page(reviewer, "/review/queue?q=none"))
