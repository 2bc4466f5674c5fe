"""The vendor's pages: who sees a card, what it says, its sound, acknowledging and publishing by page."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlmodel import select

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import scorecards
from qa_audit.storage import tables
from tests import auditing
from tests.auditing import ALL_YES, GRAVE_NO, NOTE, PRIVATE, Side, make_audited, make_side
from tests.page import find, find_all, get_page, text_of
from tests.web.conftest import SignInAs, post

NOW = datetime(2026, 11, 5, 20, 0, tzinfo=UTC)
SOUND = bytes(range(256)) * 8
NOBODY = "A" * 22


@dataclass(frozen=True)
class Place:
    """A published card with sound, its side, another team of the same vendor, and another vendor's side."""

    card: str
    call: str
    side: Side
    other_team: Side
    other_vendor: Side


@pytest.fixture
def place(here: Runtime) -> Place:
    here.clock = lambda: NOW
    with here.db.write() as session:
        side = make_side(session, name="Refunds A")
        sides = side, make_side(session, side.vendor, name="Refunds B"), make_side(session)
        answers = {**ALL_YES, "promises": GRAVE_NO, "closes": {"answer": "yes", "origin": "accepted"}}
        call = make_audited(session, side, answers, {"promises": "no", "closes": "yes"})
    auditing.add_sound(here, call, SOUND)
    return Place(scorecards.publish(here, SYSTEM, call.public_id), call.public_id, *sides)


def people(sign_in_as: SignInAs, place: Place) -> dict[str, FlaskClient]:
    vendor = place.side.vendor.id
    return {
        "own lead": sign_in_as("lead", vendor, team_id=place.side.team.id),
        "own manager": sign_in_as("manager", vendor),
        "own agent": sign_in_as("agent", vendor, agent_id=place.side.agent.id),
        "reviewer": sign_in_as("reviewer"),
        "viewer": sign_in_as("viewer"),
        "other team's lead": sign_in_as("lead", vendor, team_id=place.other_team.team.id),
        "other agent": sign_in_as("agent", vendor, agent_id=place.other_team.agent.id),
        "lead without a team": sign_in_as("lead", vendor),
        "other vendor's lead": sign_in_as(
            "lead", place.other_vendor.vendor.id, team_id=place.other_vendor.team.id
        ),
        "other vendor's manager": sign_in_as("manager", place.other_vendor.vendor.id),
        "lead of a team of the same key elsewhere": sign_in_as(
            "lead", place.other_vendor.vendor.id, team_id=place.side.team.id
        ),
        "reviewer of another vendor": sign_in_as("reviewer", place.other_vendor.vendor.id),
    }


SEE_IT = {"own lead", "own manager", "own agent", "reviewer", "viewer"}


def without_id(page: str) -> str:
    return re.sub(r"[0-9a-f]{16}|nonce=\"[^\"]+\"|value=\"[^\"]+\"", "", page)


def test_the_ladder_of_card_sound_list_and_export(sign_in_as: SignInAs, place: Place) -> None:
    for who, client in people(sign_in_as, place).items():
        sees = who in SEE_IT
        for path in (f"/scorecards/{place.card}", f"/scorecards/{place.card}/audio"):
            answer, unknown = client.get(path), client.get(path.replace(place.card, NOBODY))
            assert answer.status_code == (200 if sees else 404), (who, path)
            if not sees:
                assert without_id(answer.text) == without_id(unknown.text), (who, path)
        for path in ("/scorecards", "/scorecards.csv"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert (place.card in answer.text) is sees, (who, path)
            assert ("Wants money fast" in answer.text or "wants money fast" in answer.text) is sees, (
                who,
                path,
            )


def test_nobody_who_is_not_signed_in_gets_in(client: FlaskClient, place: Place) -> None:
    for path in ("", ".csv", f"/{place.card}", f"/{place.card}/audio"):
        answer = client.get(f"/scorecards{path}")
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/login")
    assert post(client, f"/scorecards/{place.card}/acknowledge").headers["Location"].startswith("/login")


def test_before_publication_nothing_is_there_for_the_vendors_side(
    sign_in_as: SignInAs, here: Runtime, place: Place
) -> None:
    with here.db.write() as session:
        call = make_audited(session, place.side, title="Not yet")
        audit = session.exec(select(tables.Audit).where(tables.Audit.call_id == call.id)).one()
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    for id in (call.public_id, audit.public_id):
        for path in (f"/scorecards/{id}", f"/scorecards/{id}/audio", f"/calls/{id}", f"/calls/{id}/audio"):
            assert lead.get(path).status_code == 404
    assert "ot yet" not in lead.get("/scorecards").text
    assert "1 scorecard" in lead.get("/scorecards").text


def test_a_lead_reads_what_is_wrong_and_every_point_lost(sign_in_as: SignInAs, place: Place) -> None:
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    root = get_page(lead, f"/scorecards/{place.card}")
    text = text_of(root)
    assert text_of(find(root, "h1")) == f"{place.side.agent.name} · wants money fast"
    assert text_of(find(root, "h2", id="problem")) == "Rule broken: Promises only what policy allows"
    assert (
        "Not passed: one fatal point, heard and confirmed by a reviewer. "
        "Service quality 70 without it, pass mark 85." in text
    )
    assert f"From the reviewer: {NOTE}" in text
    assert "The rule of 1 Jan 2026" in text
    assert "Policy: Five to ten days." in text
    assert [text_of(one) for one in find_all(root, "strong")] == ["I promise you will have"]
    assert "Customer When do I get my money back" in text
    assert "3 lines kept all their points" in text
    assert "accepted from the machine by Rita Reviewer" in text
    assert "Too few to say: 1 audited call so far, 1 not passed." in text
    assert "Answer by Thu 12 Nov" in text
    assert "answering the mail until Thu 12 Nov; acknowledging does not end that right" in text
    assert PRIVATE not in lead.get(f"/scorecards/{place.card}").text
    button = find(root, "button", class_="round")
    assert (button.get("data-from"), button.get("data-to")) == ("1.0", "5.1")
    assert find(root, "audio").get("src") == f"/scorecards/{place.card}/audio#t=1.0,5.1"
    more = find(root, "a", class_="more-sound").get("href")
    assert more == f"/scorecards/{place.card}?t=5.1&to=25.1#listen"


def test_a_moment_chosen_in_the_address_is_where_the_sound_begins(
    reviewer: FlaskClient, place: Place
) -> None:
    for query, expected in (
        ("t=2&to=4", "2.0,4.0"),
        ("t=2", "2.0,22.0"),
        ("t=nonsense", "1.0,5.1"),
        ("t=nan", "1.0,5.1"),
        ("t=-3", "1.0,5.1"),
        ("t=3&to=inf", "3.0,23.0"),
    ):
        root = get_page(reviewer, f"/scorecards/{place.card}?{query}")
        assert (find(root, "audio").get("src") or "").endswith(f"#t={expected}"), query


def test_staff_read_the_same_page_without_a_form(reviewer: FlaskClient, place: Place) -> None:
    root = get_page(reviewer, f"/scorecards/{place.card}")
    assert "Rule broken" in text_of(root)
    assert "The vendor has until Thu 12 Nov to answer" in text_of(root)
    assert find_all(root, "textarea") == []
    assert find_all(root, "a", href=f"/calls/{place.call}")
    assert post(reviewer, f"/scorecards/{place.card}/acknowledge").status_code == 403


def test_a_lead_acknowledges_with_a_comment_once(sign_in_as: SignInAs, place: Place) -> None:
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id, name="Lena Lead")
    address = f"/scorecards/{place.card}"
    assert lead.post(f"{address}/acknowledge", data={"comment": "no token"}).status_code == 400
    answer = post(lead, f"{address}/acknowledge", comment="<b>Talked it over</b>")
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    root = get_page(lead, address)
    assert "Acknowledged by Lena Lead, Thu 5 Nov 20:00" in text_of(root)
    assert "“<b>Talked it over</b>”" in text_of(root)
    assert find_all(root, "textarea") == []
    assert "acknowledging does not end that right" in text_of(root)
    again = post(lead, f"{address}/acknowledge", comment="Again")
    assert again.status_code == 409
    assert "Lena Lead" in again.text


@pytest.mark.parametrize("who", ["own agent", "other team's lead", "other vendor's manager"])
def test_who_cannot_acknowledge_learns_nothing(sign_in_as: SignInAs, place: Place, who: str) -> None:
    client = people(sign_in_as, place)[who]
    mine = post(client, f"/scorecards/{place.card}/acknowledge")
    unknown = post(client, f"/scorecards/{NOBODY}/acknowledge")
    assert mine.status_code == unknown.status_code == 404
    assert without_id(mine.text) == without_id(unknown.text)


def test_silence_is_never_called_agreement(sign_in_as: SignInAs, here: Runtime, place: Place) -> None:
    here.clock = lambda: NOW + timedelta(days=8)
    # The sign-in's time is the clock's, too.
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    text = text_of(get_page(lead, f"/scorecards/{place.card}"))
    assert "Not answered by Thu 12 Nov" in text
    assert "The time to dispute a point by answering the mail ended on Thu 12 Nov." in text
    assert "agreed" not in text.lower()
    assert "Not answered by Thu 12 Nov" in text_of(get_page(lead, "/scorecards?state=unanswered"))


def test_an_agent_sees_the_own_card_without_the_teams_figures(sign_in_as: SignInAs, place: Place) -> None:
    agent = sign_in_as("agent", place.side.vendor.id, agent_id=place.side.agent.id)
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    assert "90 days before" in text_of(get_page(lead, f"/scorecards/{place.card}"))
    root = get_page(agent, f"/scorecards/{place.card}")
    assert "90 days before" not in text_of(root)
    assert find_all(root, "textarea") == []


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [(None, 200, SOUND), ("bytes=10-19", 206, SOUND[10:20]), ("bytes=99999-", 416, None)],
)
def test_the_sound_is_the_masked_copy_and_stays_here(
    sign_in_as: SignInAs, place: Place, asked: str | None, status: int, expected: bytes | None
) -> None:
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    headers = {"Range": asked} if asked else {}
    answer = lead.get(f"/scorecards/{place.card}/audio", headers=headers)
    assert answer.status_code == status
    if expected is not None:
        assert (answer.data, answer.mimetype) == (expected, "audio/mp4")
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_sample_history_says_that_it_has_no_sound(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        call = make_audited(session, make_side(session), is_sample=True, transcript=None)
    card = scorecards.publish(here, SYSTEM, call.public_id)
    root = get_page(reviewer, f"/scorecards/{card}")
    assert "Every point kept" in text_of(root)
    assert find_all(root, "audio") == []
    assert reviewer.get(f"/scorecards/{card}/audio").status_code == 404
    with here.db.write() as session:
        call = make_audited(
            session, make_side(session), {**ALL_YES, "promises": GRAVE_NO}, is_sample=True, transcript=None
        )
    card = scorecards.publish(here, SYSTEM, call.public_id)
    assert "Sample history: no sound." in text_of(get_page(reviewer, f"/scorecards/{card}"))


def test_open_lines_are_named_and_the_card_says_undecided(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        call = make_audited(session, make_side(session), {**ALL_YES, "greets": None})
    card = scorecards.publish(here, SYSTEM, call.public_id)
    text = text_of(get_page(reviewer, f"/scorecards/{card}"))
    assert "Not decided: 1 line was left open." in text
    assert "Greets by name open" in text


def test_the_list_keeps_its_filter_through_pages_and_export(
    sign_in_as: SignInAs, here: Runtime, place: Place
) -> None:
    with here.db.write() as session:
        minor = {**ALL_YES, "closes": "no"}
        calls = [make_audited(session, place.side, minor, title=f"Number {n}") for n in range(3)]
        calls.append(make_audited(session, place.other_team, minor, title="Of the other team"))
    for call in calls:
        scorecards.publish(here, SYSTEM, call.public_id)
    lead = sign_in_as("lead", place.side.vendor.id, team_id=place.side.team.id)
    query = "line=closes&limit=2&outcome=fail&from=2026-11-01&to=2026-11-30&state=open"
    root = get_page(lead, f"/scorecards?{query}")
    assert "3 scorecards" in text_of(root)
    (following,) = [a.get("href") or "" for a in find_all(root, "a", rel="next")]
    second = get_page(lead, following)
    seen = [text_of(a) for page in (root, second) for a in find_all(page, "a", class_="row")]
    assert len(seen) == 3
    (export,) = [
        a.get("href") or "" for a in find_all(root, "a") if "scorecards.csv" in (a.get("href") or "")
    ]
    rows = list(csv.DictReader(io.StringIO(lead.get(export).text)))
    assert sorted(row["call"] for row in rows) == ["Number 0", "Number 1", "Number 2"]
    assert {(row["gravest_line"], row["state"], row["scores"]) for row in rows} == {
        ("Says goodbye", "open", "service-quality=80.0")
    }
    for chip in find_all(root, "a", class_="chip"):
        get_page(lead, chip.get("href") or "")
    assert "No scorecard fits this filter." in text_of(get_page(lead, "/scorecards?agent=Nobody"))
    assert lead.get("/scorecards?nonsense=1").status_code == 422
    assert lead.get("/scorecards.csv?state=odd").status_code == 422


def test_a_cell_that_a_spreadsheet_would_run_stays_text(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        call = make_audited(session, make_side(session), title="=1+1", external_id="@SUM(A1)")
    scorecards.publish(here, SYSTEM, call.public_id)
    (row,) = csv.DictReader(io.StringIO(reviewer.get("/scorecards.csv").text))
    assert (row["call"], row["external_id"]) == ("'=1+1", "'@SUM(A1)")


def test_another_vendors_name_in_a_filter_is_as_unknown_as_any(sign_in_as: SignInAs, place: Place) -> None:
    manager = sign_in_as("manager", place.side.vendor.id)
    theirs = place.other_vendor.vendor.slug
    foreign, unknown = (manager.get(f"/scorecards?vendor={slug}") for slug in (theirs, "nobody"))
    assert foreign.status_code == unknown.status_code == 404
    assert without_id(foreign.text.replace(theirs, "nobody")) == without_id(unknown.text)
    form = text_of(get_page(manager, "/scorecards"))
    assert place.other_vendor.agent.name not in form
    assert place.other_vendor.vendor.name not in form


def test_a_reviewer_publishes_by_page_and_comes_to_the_card(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        call = make_audited(session, make_side(session))
    first = post(reviewer, f"/calls/{call.public_id}/publish")
    assert first.status_code == 303
    assert re.fullmatch(r"/scorecards/[\w-]{22}", first.headers["Location"])
    assert "The scorecard is published." in reviewer.get(first.headers["Location"]).text
    again = post(reviewer, f"/calls/{call.public_id}/publish")
    assert again.headers["Location"] == first.headers["Location"]
    assert reviewer.get(f"/calls/{call.public_id}/publish").status_code == 405


@pytest.mark.parametrize(
    "crafted",
    [
        {},
        {"answer": "no", "pin": "3-4", "note": "n", "origin": "human"},
        {"force": "1", "leave_open": "1", "status": "published"},
        {"answers": '{"promises": "no"}', "at": "2026-01-01"},
    ],
)
def test_a_machines_fatal_is_not_published_by_any_form(
    reviewer: FlaskClient, here: Runtime, crafted: dict[str, Any]
) -> None:
    with here.db.write() as session:
        call = make_audited(session, make_side(session), {**ALL_YES, "promises": None}, {"promises": "no"})
    answer = post(reviewer, f"/calls/{call.public_id}/publish", **crafted)
    assert answer.status_code == 409
    assert "“Promises only what policy allows”: the machine suspects a no" in answer.text
    with here.db.read() as session:
        assert session.exec(select(tables.Scorecard)).all() == []


def test_who_may_not_review_does_not_publish(sign_in_as: SignInAs, here: Runtime, place: Place) -> None:
    with here.db.write() as session:
        call = make_audited(session, place.side)
    assert post(sign_in_as("viewer"), f"/calls/{call.public_id}/publish").status_code == 403
    for who in ("own lead", "own manager", "own agent", "reviewer of another vendor"):
        client = people(sign_in_as, place)[who]
        mine = post(client, f"/calls/{call.public_id}/publish")
        unknown = post(client, f"/calls/{NOBODY}/publish")
        assert mine.status_code == unknown.status_code == 404, who
        assert without_id(mine.text) == without_id(unknown.text), who
