"""The pages of rubrics by plain forms: read, change in a draft, look over, try on a call, publish."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.services.rubric_files import load_rubric
from qa_audit.speech.scripted import segment
from tests.auditing import make_audited, make_side
from tests.factories import make_user, make_vendor
from tests.fakes import receive, script, work_off
from tests.page import check_fragment, find, find_all, get_page, text_of
from tests.web.conftest import SignInAs, post, token_of

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
TEXT = """\
# Greeting and goodbye.
id: care
version: 1
title: Care
effective_from: 2026-01-01
pass_mark: 80
sections:
  - id: all
    title: All
    criteria:
      - id: greets
        title: Greets
        points: 10   # half of it
        guidance: The greeting comes first.
        na_when: [outbound, {agent_words_under: 2}]
        check:
          kind: said
          any: [good morning to you]
        examples:
          - {lines: ["A: Good morning to you.", "C: Hi there."], answer: yes}
      - {id: kind, title: Is kind, points: 30, fatal: true, check: {kind: manual}}
"""


@pytest.fixture
def care(here: Runtime) -> str:
    """A rubric with one version, and its draft of the next."""
    rubrics.begin_rubric(here, SYSTEM, "care", "Care")
    draft = rubrics.save_draft(here, SYSTEM, "care", TEXT, rubrics.draft(here, SYSTEM, "care").seen)
    rubrics.publish_draft(here, SYSTEM, "care", draft.seen)
    rubrics.open_draft(here, SYSTEM, "care", 1)
    return "/rubrics/care"


def text(here: Runtime) -> str:
    return rubrics.draft(here, SYSTEM, "care").text


def fields_of(root: Element) -> dict[str, object]:
    """Read the form of an edit page as a browser would send it."""
    form = next(one for one in find_all(root, "form") if find_all(one, "input", name="seen"))
    fields: dict[str, object] = {}
    for one in find_all(form, "input"):
        kind, name = one.get("type"), one.get("name") or ""
        if kind == "checkbox" and one.get("checked") is not None:
            fields.setdefault(name, []).append(one.get("value"))  # type: ignore[attr-defined]
        elif kind not in ("checkbox", "submit") and name != "csrf_token":
            fields[name] = one.get("value") or ""
    for one in find_all(form, "textarea"):
        fields[one.get("name") or ""] = (one.text or "").removeprefix("\n")
    for one in find_all(form, "select"):
        chosen = [option for option in find_all(one, "option") if option.get("selected") is not None]
        fields[one.get("name") or ""] = chosen[0].get("value") if chosen else ""
    return fields


def test_the_list_names_versions_and_drafts(admin: FlaskClient, reviewer: FlaskClient, care: str) -> None:
    row = text_of(find(get_page(admin, "/rubrics"), "tr", id="rubric-care"))
    assert "version 1" in row
    assert "in force" in row
    assert "draft by" in row
    root = get_page(reviewer, "/rubrics")
    assert "version 1" in text_of(find(root, "tr", id="rubric-care"))
    assert not [form for form in find_all(root, "form") if form.get("action") == "/rubrics"]


def test_a_version_is_read_by_people(reviewer: FlaskClient, care: str) -> None:
    root = get_page(reviewer, care)
    greets = text_of(find(root, "li", id="criterion-greets"))
    assert "25 %" in greets
    assert "The greeting comes first." in greets
    assert "the agent placed the call or the agent says fewer than 2 words" in greets
    assert "good morning to you" in greets
    assert "fatal" in text_of(find(root, "li", id="criterion-kind"))
    assert "A person answers it." in text_of(find(root, "li", id="criterion-kind"))
    assert "Go on with the draft" not in text_of(root)
    get_page(reviewer, f"{care}?version=2", status=404)
    get_page(reviewer, f"{care}?version=x", status=404)


def test_a_form_that_is_sent_as_it_is_changes_nothing(admin: FlaskClient, here: Runtime, care: str) -> None:
    before = text(here)
    for line in ("", "greets", "kind"):
        root = get_page(admin, f"{care}/edit?line={line}")
        answer = post(admin, f"{care}/edit", **fields_of(root))
        assert answer.status_code == 303, answer.text
    assert text(here) == before


def test_one_line_is_edited_by_its_form(admin: FlaskClient, here: Runtime, care: str) -> None:
    fields = fields_of(get_page(admin, f"{care}/edit?line=greets"))
    fields |= {
        "points": "12,5",
        "gravity": "critical",
        "na_event": ["outbound", "transferred_in"],
        "policy": "Two\r\nlines",
    }
    fields["phrases:check.any"] = "good morning to you\r\n\r\nhello to you: yes"
    answer = post(admin, f"{care}/edit", **fields, next="kind")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/rubrics/care/edit?line=kind"
    greets = load_rubric(text(here)).criterion("greets")
    assert (greets.points, greets.critical, greets.policy) == (12.5, True, "Two\nlines")
    assert [one.event for one in greets.na_when] == ["outbound", None, "transferred_in"]
    assert greets.check.any == ("good morning to you", "hello to you: yes")  # type: ignore[union-attr]
    assert "points: 12.5   # half of it" in text(here)
    assert "# Greeting and goodbye." in text(here)


def test_the_rubric_itself_is_edited_by_its_form(admin: FlaskClient, here: Runtime, care: str) -> None:
    fields = fields_of(get_page(admin, f"{care}/edit"))
    fields |= {
        "title": "Care for callers",
        "effective_from": "2027-01-01",
        "pass_mark": "90",
        "weight:all": "100",
    }
    assert post(admin, f"{care}/edit", **fields).status_code == 303
    rubric = load_rubric(text(here))
    assert (rubric.title, rubric.effective_from.isoformat(), rubric.pass_mark) == (
        "Care for callers",
        "2027-01-01",
        90,
    )
    assert rubric.sections[0].weight == 100


@pytest.mark.parametrize(
    ("line", "field", "value", "said"),
    [
        ("greets", "points", "many", "points must be a number"),
        ("greets", "points", "0", "greater than 0"),
        ("greets", "phrases:check.any", "", "any"),
        ("greets", "gravity", "terrible", "is none of the choices"),
        ("", "effective_from", "soon", "must be a day"),
        ("", "pass_mark", "101", "less than or equal to 100"),
    ],
)
def test_what_cannot_be_is_refused_and_stays_in_the_form(
    admin: FlaskClient, here: Runtime, care: str, line: str, field: str, value: str, said: str
) -> None:
    before = text(here)
    fields = fields_of(get_page(admin, f"{care}/edit?line={line}"))
    answer = post(admin, f"{care}/edit", **{**fields, field: value})
    assert answer.status_code == 422
    assert said in answer.text
    assert text(here) == before
    if field != "gravity":
        assert value in answer.text


def test_somebody_elses_newer_draft_is_not_overwritten(admin: FlaskClient, here: Runtime, care: str) -> None:
    form = fields_of(get_page(admin, f"{care}/edit?line=greets"))
    yaml = fields_of(get_page(admin, f"{care}/yaml"))
    draft = rubrics.draft(here, SYSTEM, "care")
    rubrics.save_draft(here, SYSTEM, "care", draft.text.replace("Is kind", "Is very kind"), draft.seen)
    newest = text(here)
    assert post(admin, f"{care}/edit", **{**form, "title": "Mine"}).status_code == 409
    refused = post(admin, f"{care}/yaml", **{**yaml, "text": "mine: 1"})
    assert refused.status_code == 409
    assert "mine: 1" in refused.text
    assert text(here) == newest


def test_a_broken_text_is_kept_and_told_by_line(admin: FlaskClient, here: Runtime, care: str) -> None:
    fields = fields_of(get_page(admin, f"{care}/yaml"))
    assert fields["text"] == text(here)
    broken = str(fields["text"]).replace("points: 30", "pionts: 30")
    assert post(admin, f"{care}/yaml", **{**fields, "text": broken.replace("\n", "\r\n")}).status_code == 303
    assert text(here) == broken
    root = get_page(admin, f"{care}/yaml")
    line = next(n for n, words in enumerate(broken.splitlines(), 1) if "pionts" in words)
    assert f"Line {line}" in text_of(find(root, "section", id="problems"))
    assert "did you mean 'points'" in text_of(find(root, "section", id="problems"))
    assert "mend it in the YAML first" in text_of(get_page(admin, f"{care}/edit"))
    for page in ("try", "backtest", "changes"):
        assert "mend it in the YAML first" in text_of(get_page(admin, f"{care}/{page}"))
    publish = get_page(admin, f"{care}/publish")
    assert "It cannot be published yet" in text_of(publish)
    assert "Publish version 2" not in [text_of(one) for one in find_all(publish, "button")]


def test_looking_over_answers_with_the_list_alone_and_saves_nothing(
    admin: FlaskClient, here: Runtime, care: str
) -> None:
    before = text(here)
    fields = fields_of(get_page(admin, f"{care}/yaml"))
    data = {**fields, "text": "id: care\n  title: x\n", "csrf_token": token_of(admin)}
    answer = admin.post(f"{care}/check", data=data, headers=FRAGMENT)
    root = check_fragment(answer.text)
    assert "Line 2" in text_of(root)
    assert find(root, "section").get("id") == "problems"
    assert text(here) == before


def test_a_text_as_large_as_a_rubric_may_be_comes_through(
    admin: FlaskClient, here: Runtime, care: str
) -> None:
    fields = fields_of(get_page(admin, f"{care}/yaml"))
    large = str(fields["text"]) + "".join(f"# {'é' * 90}\n" for _ in range(2500))
    assert post(admin, f"{care}/yaml", **{**fields, "text": large}).status_code == 303
    assert text(here) == large
    answer = post(admin, f"{care}/yaml", **{**fields_of(get_page(admin, f"{care}/yaml")), "text": large * 2})
    assert answer.status_code == 422


def test_publishing_asks_first_and_shows_what_happens(admin: FlaskClient, here: Runtime, care: str) -> None:
    fields = fields_of(get_page(admin, f"{care}/edit?line=greets"))
    post(admin, f"{care}/edit", **{**fields, "points": "20"})
    assert "points 10 → 20" in text_of(get_page(admin, f"{care}/changes"))
    root = get_page(admin, f"{care}/publish")
    words = text_of(root)
    assert "points 10 → 20" in words
    assert "Its example passes." in words
    assert "Audits that have begun keep the version" in words
    seen = find_all(root, "input", name="seen")[0].get("value")
    answer = post(admin, f"{care}/publish", seen=seen)
    assert answer.headers["Location"] == "/rubrics/care?version=2"
    assert "points 10 → 20" in text_of(get_page(admin, f"{care}/differences"))
    assert "Version 1" in text_of(get_page(admin, care))
    get_page(admin, f"{care}/edit", status=404)


def test_failing_examples_keep_a_draft_from_being_published(
    admin: FlaskClient, here: Runtime, care: str
) -> None:
    fields = fields_of(get_page(admin, f"{care}/edit?line=greets"))
    post(admin, f"{care}/edit", **{**fields, "phrases:check.any": "a very good day to all of you"})
    root = get_page(admin, f"{care}/publish")
    assert "Greets, example 1: expected yes" in text_of(root)
    seen = rubrics.draft(here, SYSTEM, "care").seen
    assert post(admin, f"{care}/publish", seen=seen).status_code == 422


def test_a_draft_is_tried_on_a_call_beside_the_version_before(
    admin: FlaskClient, here: Runtime, care: str
) -> None:
    script(
        here,
        (
            segment("agent", 1.0, "Hello and welcome to Northwind."),
            segment("customer", 6.0, "Hi, I need help please."),
        ),
    )
    with here.db.write() as session:
        vendor = make_vendor(session)
    call, _ = receive(here, vendor, title="needs help", language="en")
    work_off(here)
    fields = fields_of(get_page(admin, f"{care}/edit?line=greets"))
    post(admin, f"{care}/edit", **{**fields, "phrases:check.any": "hello and welcome"})
    chosen = admin.get(f"{care}/try?call={call.public_id}")
    assert chosen.headers["Location"] == f"{care}/try/{call.public_id}"
    root = get_page(admin, chosen.headers["Location"])
    answers = text_of(find(root, "section", class_="answers"))
    assert re.search(
        r"Answered or counted otherwise than before .*Greets .*machine: yes.*Before: no", answers
    )
    assert "Hello and welcome" in answers
    get_page(admin, f"{care}/try/no-such-call", status=404)


def test_a_call_without_words_cannot_be_tried(admin: FlaskClient, here: Runtime, care: str) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session)
    call, _ = receive(here, vendor)
    page = get_page(admin, f"{care}/try/{call.public_id}", status=409)
    assert "This call has no transcript" in text_of(find(page, "main"))
    assert find_all(page, "select")


def test_the_backtest_says_what_stored_audits_would_come_to(admin: FlaskClient, here: Runtime) -> None:
    with here.db.write() as session:
        make_user(session, "reviewer")
        make_audited(session, make_side(session, make_vendor(session)))
    rubrics.open_draft(here, SYSTEM, "service-quality")
    words = text_of(get_page(admin, "/rubrics/service-quality/backtest"))
    assert "On 1 finished audit: no score changes." in words


def test_the_sample_history_is_counted_in_the_backtest_when_asked_for(
    admin: FlaskClient, here: Runtime
) -> None:
    with here.db.write() as session:
        make_user(session, "reviewer")
        side = make_side(session, make_vendor(session))
        make_audited(session, side)
        make_audited(session, side, is_sample=True)
    rubrics.open_draft(here, SYSTEM, "service-quality")
    page = get_page(admin, "/rubrics/service-quality/backtest")
    assert "1 audit of sample history left out." in text_of(page)
    page = get_page(admin, "/rubrics/service-quality/backtest?sample=yes")
    assert "On 2 finished audits: no score changes." in text_of(page)
    assert "Leave the sample history out" in text_of(page)


def test_what_reviewers_change_is_for_everybody_who_reads(reviewer: FlaskClient, care: str) -> None:
    words = text_of(get_page(reviewer, f"{care}/corrections"))
    assert "No finished audit has an answer of the machine yet" in words
    assert "Gwet" in words


def test_a_rubric_is_begun_as_a_copy_and_thrown_away(admin: FlaskClient, here: Runtime, care: str) -> None:
    answer = post(admin, "/rubrics", id="billing", title="Billing", copy_of="care@1")
    assert answer.headers["Location"] == "/rubrics/billing/edit"
    assert "# Greeting and goodbye." in rubrics.draft(here, SYSTEM, "billing").text
    assert post(admin, "/rubrics", id="Not this", title="", copy_of="").status_code == 422
    assert post(admin, "/rubrics", id="billing", title="Again", copy_of="").status_code == 409
    seen = rubrics.draft(here, SYSTEM, "billing").seen
    assert post(admin, "/rubrics/billing/discard", seen=seen).status_code == 303
    get_page(admin, "/rubrics/billing", status=404)


def test_an_archived_version_says_so(admin: FlaskClient, care: str) -> None:
    assert post(admin, f"{care}/archive", version="1").status_code == 303
    assert "archived" in text_of(get_page(admin, f"{care}?version=1"))


def test_an_admin_of_one_vendor_reads_but_changes_nothing(
    sign_in_as: SignInAs, here: Runtime, care: str
) -> None:
    with here.db.write() as session:
        vendor = make_vendor(session).id
    bound = sign_in_as("admin", vendor)
    assert "Change it in a draft" not in text_of(get_page(bound, care))
    for page in ("edit", "yaml", "try", "backtest", "publish", "changes"):
        assert bound.get(f"{care}/{page}").status_code == 403
    for page in ("edit", "yaml", "check", "publish", "discard", "draft", "archive"):
        assert post(bound, f"{care}/{page}", seen="1").status_code == 403
