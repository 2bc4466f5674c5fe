"""The list of calls: rows, filter, pages, export, and the region that renews itself."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient

from qa_audit.domain.findings import Outcome
from qa_audit.runtime import Runtime
from qa_audit.services.transcription import NEEDS_REAL_MODEL
from qa_audit.storage.tables import Call, PreScoreRow, RubricVersion
from tests.factories import make_agent, make_call, make_recording, make_rubric_version, make_vendor
from tests.page import check_fragment, find, find_all, get_page, text_of
from tests.web.conftest import SignInAs

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def rows_of(root) -> list[str]:  # type: ignore[no-untyped-def]
    bodies = find_all(root, "tbody")
    return [text_of(row) for row in find_all(bodies[0], "tr")] if bodies else []


def add(runtime: Runtime, **values: object) -> Call:
    with runtime.db.write() as session:
        call = make_call(session, **values)
        make_recording(session, call)
    return call


def outcome(runtime: Runtime, call: Call, rubric: RubricVersion, verdict: Outcome, **values: int) -> None:
    with runtime.db.write() as session:
        row = PreScoreRow(call_id=call.id, rubric_version_id=rubric.id, outcome=verdict, **values)
        session.add(row)


def test_without_calls_the_page_says_what_to_do(reviewer: FlaskClient, sign_in_as: SignInAs) -> None:
    assert "Upload the first recordings" in text_of(find(get_page(reviewer, "/calls"), "main"))
    viewer = text_of(find(get_page(sign_in_as("viewer"), "/calls"), "main"))
    assert "No calls yet." in viewer
    assert "Upload" not in viewer


def test_a_row_says_who_when_how_long_and_where_it_is(reviewer: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session, name="Kestrel")
        agent = make_agent(session, vendor, name="Leo")
        moment = datetime(2026, 11, 5, 17, 21, tzinfo=UTC)
        make_call(session, vendor, agent_id=agent.id, title="sick child, wants money fast", status="prescored",
                  started_at=moment, utc_offset=60, duration=70.4)  # fmt: skip
    (row,) = rows_of(get_page(reviewer, "/calls"))
    assert row == "Sick child, wants money fast Kestrel · Leo Thu 5 Nov 18:21 1:10 pre-scored nothing yet"


def test_states_are_words_and_never_colour_alone(reviewer: FlaskClient, here: Runtime) -> None:
    add(here, title="a", status="failed", failure="silent", status_text="Nobody can be heard.")
    add(here, title="b", status="waiting", status_text=NEEDS_REAL_MODEL)
    add(here, title="g", status="waiting", status_text="This call is in the language 'de'.")
    working = {"status": "transcribing", "stage": "transcribe", "progress": 42}
    add(here, title="h", **working, seconds_left=170)
    add(here, title="c", status="transcribing", stage="transcribe", progress=42)
    add(here, title="d", status="received", stage="measure", progress=0)
    add(here, title="e", status="transcribed", stage="prescore", progress=0)
    add(here, title="f", status="audited")
    text = " / ".join(rows_of(get_page(reviewer, "/calls")))
    for words in (
        "failed: nobody can be heard",
        "waiting: needs the real model",
        "waiting: needs another model",
        "transcribing 42 %",
        "transcribing 42 %, about 3 minutes left",
        "waits for measuring",
        "waits for pre-scoring",
        "audited",
    ):
        assert words in text


def test_what_the_machine_makes_of_a_call_is_said_without_numbers(
    reviewer: FlaskClient, here: Runtime
) -> None:
    call, other = add(here, status="prescored"), add(here, title="other", status="prescored")
    with here.db.write() as session:
        brand = make_rubric_version(session, title="Brand")
        service = make_rubric_version(session, title="Service")
    outcome(here, call, brand, "pass", open=1, percent=97)
    outcome(here, call, service, "fail", suspected_fatal=1, percent=12)
    outcome(here, other, brand, "undetermined", open=3)
    rows = rows_of(get_page(reviewer, "/calls"))
    text = " / ".join(row.split("pre-scored")[1] for row in rows)
    assert "Brand: passed so far, 1 open Service: fatal suspected" in text
    assert "Brand: undecided, 3 open" in text
    assert "97" not in text
    assert "12" not in text


def test_a_call_without_title_is_named_by_its_id_or_file(reviewer: FlaskClient, here: Runtime) -> None:
    add(here, title=None, external_id="KES-7")
    with here.db.write() as session:
        make_recording(session, make_call(session, title=None), filename="noon.wav")
    text = " ".join(rows_of(get_page(reviewer, "/calls")))
    assert "KES-7" in text
    assert "Noon.wav" in text


def test_the_filter_stands_in_the_address_the_form_the_chips_and_the_export(
    reviewer: FlaskClient, here: Runtime
) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session, slug="kestrel", name="Kestrel")
        make_call(session, vendor, title="kept", status="failed", failure="silent")
        make_call(session, vendor, title="other state")
        make_call(session, title="other vendor", status="failed", failure="silent")
    root = get_page(reviewer, "/calls?vendor=kestrel&status=failed&q=kep")
    assert [row[:4] for row in rows_of(root)] == ["Kept"]
    chips = {text_of(chip): chip.get("href") for chip in find_all(root, "a", class_="chip")}
    assert {words.removesuffix(" ✕remove this filter") for words in chips} == {"Kestrel", "failed", "“kep”"}
    without = parse_qs(
        urlsplit(next(address for words, address in chips.items() if "Kes" in words) or "").query
    )
    assert without == {"status": ["failed"], "q": ["kep"]}
    form = find(root, "form", action="/calls")
    assert find(form, "input", name="q").get("value") == "kep"
    assert [option.get("value") for option in find_all(form, "option", selected="selected")] or [
        option.get("value") for option in find_all(form, "option") if "selected" in option.attrib
    ] == ["kestrel", "failed"]
    export = next(link.get("href") for link in find_all(root, "a") if text_of(link) == "CSV")
    table = list(csv.DictReader(io.StringIO(reviewer.get(export or "").text)))
    assert [line["status"] for line in table] == ["failed"]
    assert "1 call" in text_of(find(root, "main"))


def test_pages_follow_each_other_and_keep_the_filter(reviewer: FlaskClient, here: Runtime) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    with here.db.write() as session:
        vendor = make_vendor(session, slug="kestrel")
        for number in range(5):
            make_call(session, vendor, title=f"call {number}", created_at=start + timedelta(minutes=number))
    seen, address = [], "/calls?vendor=kestrel&limit=2"
    for _ in range(3):
        root = get_page(reviewer, address)
        seen += [row.split(" Vendor")[0] for row in rows_of(root)]
        following = find_all(root, "a", rel="next")
        if following:
            address = following[0].get("href") or ""
            assert parse_qs(urlsplit(address).query)["vendor"] == ["kestrel"]
    assert seen == [f"Call {number}" for number in (4, 3, 2, 1, 0)]
    assert not following
    assert [text_of(link) for link in find_all(find(root, "nav", aria_label="Pages"), "a")] == ["First page"]


def test_an_empty_filter_result_says_so(reviewer: FlaskClient, here: Runtime) -> None:
    add(here)
    assert "No call fits this filter." in text_of(get_page(reviewer, "/calls?q=nothing-like-it"))


def test_an_unknown_vendor_is_nothing_here(reviewer: FlaskClient) -> None:
    get_page(reviewer, "/calls?vendor=nobody", status=404)
    assert reviewer.get("/calls.csv?vendor=nobody").status_code == 404
    assert reviewer.get("/calls.csv?from=x").status_code == 422


def test_the_list_renews_itself_only_while_something_is_being_worked_on(
    reviewer: FlaskClient, here: Runtime
) -> None:
    call = add(here, status="transcribing", stage="transcribe")
    region = find(get_page(reviewer, "/calls?status=transcribing"), "div", id="list")
    assert region.get("hx-get") == "/calls?status=transcribing"
    assert region.get("hx-trigger") == "every 3s"
    assert region.get("hx-swap") == "outerMorph"
    part = reviewer.get("/calls", headers=FRAGMENT)
    assert find(check_fragment(part.text), "div", id="list").get("hx-trigger")
    with here.db.write() as session:
        found = session.get(Call, call.id)
        assert found is not None
        found.status = "prescored"
    done = reviewer.get("/calls", headers=FRAGMENT)
    region = find(check_fragment(done.text), "div", id="list")
    assert not [name for name in region.attrib if name.startswith("hx-")]
    assert "<h1" not in done.text


def test_htmx_asking_for_the_whole_page_gets_it(reviewer: FlaskClient) -> None:
    answer = reviewer.get("/calls", headers={"HX-Request": "true", "HX-Request-Type": "full"})
    assert "<h1" in answer.text


def test_a_title_is_never_markup(reviewer: FlaskClient, here: Runtime) -> None:
    add(here, title="<img src=x onerror=alert(1)>", external_id="'\"><script>")
    root = get_page(reviewer, "/calls")
    assert not find_all(root, "img")
    assert "<img src=x onerror=alert(1)>" in text_of(root)


def test_the_demo_model_is_announced_with_the_way_to_the_real_one(
    reviewer: FlaskClient, here: Runtime
) -> None:
    assert "demo model" not in text_of(get_page(reviewer, "/calls"))
    here.settings = here.settings.model_copy(update={"whisper_model": "demo"})
    assert "set QA_AUDIT_WHISPER_MODEL=base.en and restart" in text_of(get_page(reviewer, "/calls"))


def test_the_export_is_a_file_without_formulas(reviewer: FlaskClient, here: Runtime) -> None:
    add(here, external_id="=1+1")
    answer = reviewer.get("/calls.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert re.search(r"attachment; filename=\"calls.csv\"", answer.headers["Content-Disposition"])
    assert ",'=1+1," in answer.text
    assert answer.text.splitlines()[0].startswith("id,")


def test_navigation_shows_where_one_is_and_only_what_one_may_use(
    admin: FlaskClient, reviewer: FlaskClient, sign_in_as: SignInAs
) -> None:
    def entries(client: FlaskClient) -> list[str]:
        return [
            text_of(link)
            for link in find_all(find(get_page(client, "/calls"), "nav", aria_label="Main"), "a")
        ]

    assert entries(admin) == ["Queue", "Calls", "Scorecards", "Rubrics", "Upload", "Vendors", "Admin"]
    assert entries(reviewer) == ["Queue", "Calls", "Scorecards", "Rubrics", "Upload", "Vendors"]
    assert entries(sign_in_as("viewer")) == ["Queue", "Calls", "Scorecards", "Rubrics", "Vendors"]
    (current,) = find_all(get_page(admin, "/calls"), "a", aria_current="true")
    assert text_of(current) == "Calls"
