"""Rubrics in a real browser: broken and mended at the line, held against stored audits, published, all by keyboard."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import rubrics
from qa_audit.storage import tables
from qa_audit.storage.database import Session
from tests.auditing import SAID, STARTED, Side, make_audited, make_side
from tests.e2e.conftest import FATAL, Site, sign_in
from tests.e2e.looking import open_folds, too_small, too_wide, violations
from tests.factories import make_call, make_recording, make_transcript, make_vendor
from tests.web.test_review_numbers import TEXT as NUMBERS

TEXT = """\
# What callers of the care line may expect.
id: {id}
version: 1
title: {title}
effective_from: 2026-01-01
pass_mark: 80
applies_to: {{vendor: [{vendor}]}}
sections:
  - id: start
    title: Start
    criteria:
      - id: greets
        title: Greets
        points: 10   # a tenth
        guidance: The greeting comes first.
        na_when: [outbound]
        check:
          kind: said
          any: [good morning to you]   # any time of day
          maybe: [good mourning]
  - id: rest
    title: The rest
    criteria:
      - {{id: listens, title: Listens, points: 40, critical: true, check: {{kind: manual}}}}
      - {{id: solves, title: Solves it, points: 50, check: {{kind: manual}}}}
"""
YES = {"greets": "yes", "listens": "yes", "solves": "yes"}
PAGES = (
    "list",
    "show",
    "differences",
    "corrections",
    "form",
    "line",
    "yaml",
    "broken",
    "try",
    "backtest",
    "changes",
    "publish",
)


@dataclass(frozen=True)
class Desk:
    """Calls of a vendor with rubrics of its own: an audit has begun, has not, and has a line that takes a number."""

    begun: str
    fresh: str
    counted: str


def begin(ports: Runtime, id: str, title: str) -> str:
    """Publish the first version of a rubric; returns its text."""
    text = TEXT.format(id=id, title=title, vendor="care-line")
    draft = rubrics.begin_rubric(ports, SYSTEM, id, title)
    draft = rubrics.save_draft(ports, SYSTEM, id, text, draft.seen)
    rubrics.publish_draft(ports, SYSTEM, id, draft.seen)
    return text


def audits(session: Session, side: Side, text: str, begun_by: tables.User) -> tables.Call:
    """Add three finished audits, two of which one line keeps from full marks, and one that has only begun."""
    lost = {**YES, "greets": "no"}
    for title, answers in (("Lost parcel", lost), ("Wrong bill", lost), ("All is well", YES)):
        make_audited(session, side, answers, source=text, title=title, status="published", state="published")
    return make_audited(
        session, side, {**YES, "solves": None}, source=text, title="Still in hand", state="draft",
        status="in_review", reviewer=begun_by,
    )  # fmt: skip


@pytest.fixture(scope="module")
def desk(site: Site) -> Desk:
    ports = site.runtime
    care, calm = (begin(ports, id, title) for id, title in (("care", "Care line"), ("calm", "Calm line")))
    begin(ports, "rough", "Rough line")
    with ports.db.write() as session:
        side = make_side(session, make_vendor(session, slug="care-line", name="Care line"))
        reviewer = tables.User(email="rita.of.care@example.org", name="Rita", role="reviewer")
        session.add(reviewer)
        session.flush()
        begun = audits(session, side, care, reviewer)
        for title in ("One", "Two"):
            make_audited(session, side, YES, {"greets": "no", "listens": "yes"}, source=calm, title=title)
        fresh = make_call(session, side.vendor, title="Not begun", status="prescored", started_at=STARTED)
        make_transcript(session, fresh, SAID)
        make_recording(session, fresh)
        numbers = NUMBERS.replace("sections:", "applies_to: {vendor: [care-line]}\nsections:", 1)
        open_lines = {"hold": None, "warm": None, "thanks": None}
        counted = make_audited(
            session, side, open_lines, source=numbers, title="Counted", state="draft", status="in_review",
            reviewer=reviewer,
        )  # fmt: skip
        found = Desk(begun.public_id, fresh.public_id, counted.public_id)
    change(ports, "calm", "points: 10 ", "points: 60 ")
    change(ports, "rough", "points: 10 ", "pionts: 10 ")
    return found


def change(ports: Runtime, id: str, old: str, new: str) -> None:
    """Change a rubric's text in its draft."""
    draft = rubrics.open_draft(ports, SYSTEM, id)
    assert old in draft.text
    rubrics.save_draft(ports, SYSTEM, id, draft.text.replace(old, new), draft.seen)


def tab_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Go on with a key until something has the focus."""
    handle = wanted.element_handle()
    for _ in range(120):
        if page.evaluate("one => one === document.activeElement", handle):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{wanted} is not reached with {key}")


def enter(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Reach something with a key and press Enter on it."""
    tab_to(page, wanted, key)
    page.keyboard.press("Enter")


def selected(page: Page) -> str:
    """Return what is selected in the text."""
    return str(page.locator("#text").evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)"))


def test_an_admin_breaks_mends_backtests_and_publishes_by_keyboard(admin: Page, desk: Desk) -> None:
    page = admin
    page.goto("/rubrics/care")
    enter(page, page.get_by_role("button", name="Change it in a draft"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Change Care line")
    tab_to(page, page.get_by_label("For calls from"))
    page.keyboard.type("01012026")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("Saved in the draft")

    enter(page, page.get_by_role("navigation", name="Lines").get_by_role("link", name="Greets"))
    tab_to(page, page.get_by_label("Points"))
    page.keyboard.press("Control+a")
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("Saved in the draft")
    expect(page.get_by_label("Points")).to_have_value("40")

    enter(page, page.get_by_role("navigation", name="Draft").get_by_role("link", name="YAML"))
    text, problems = page.locator("#text"), page.locator("#problems")
    assert "points: 40   # a tenth" in text.input_value()
    expect(problems).to_contain_text("Nothing keeps it from being published")
    line = text.input_value().splitlines().index("        points: 40   # a tenth") + 1
    break_and_mend(page, line)
    enter(page, page.get_by_role("button", name="Save"), "Shift+Tab")
    expect(page.locator("#flash")).to_contain_text("Saved in the draft")

    enter(page, page.get_by_role("navigation", name="Draft").get_by_role("link", name="Backtest"))
    expect(page.locator(".summary")).to_contain_text("On 3 finished audits: 2 scores would change")
    expect(page.locator(".summary")).to_contain_text("2 calls would no longer pass")
    flipped = page.get_by_role("table", name="Calls whose outcome would be another")
    expect(flipped.get_by_role("link")).to_have_text([re.compile("Lost parcel|Wrong bill")] * 2)

    enter(page, page.get_by_role("navigation", name="Draft").get_by_role("link", name="Publish"))
    expect(page.locator("main")).to_contain_text("points 10 → 40")
    enter(page, page.get_by_role("button", name="Publish version 2"))
    expect(page.locator("#flash")).to_contain_text("Version 2 is published")

    part = page.locator("#care .hint").first
    page.goto(f"/calls/{desk.begun}/review")
    expect(part).to_have_text("version 1, in force since 1 Jan 2026")
    page.goto(f"/calls/{desk.fresh}/review")
    expect(part).to_have_text("version 2, in force since 1 Jan 2026")


def break_and_mend(page: Page, line: int) -> None:
    """Break one line of the text, see it told and marked, go there from the list, mend it."""
    text, problems, row = page.locator("#text"), page.locator("#problems"), page.locator(f"#row-{line}")
    tab_to(page, text)
    page.keyboard.press("Control+Home")
    for _ in range(line - 1):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    for _ in range(len("        ")):
        page.keyboard.press("ArrowRight")
    page.keyboard.type("x")
    told = problems.get_by_role("link", name=f"Line {line}", exact=True)
    expect(told).to_be_visible()
    expect(row).to_have_class("error")
    expect(text).to_have_attribute("aria-invalid", "true")
    expect(text).to_be_focused()
    enter(page, told, "Shift+Tab")
    expect(text).to_be_focused()
    assert selected(page) == "        xpoints: 40   # a tenth"
    page.keyboard.type("        points: 40   # a tenth")
    expect(problems).to_contain_text("Nothing keeps it from being published")
    expect(row).not_to_have_class("error")
    expect(text).to_have_attribute("aria-invalid", "false")


def test_lines_are_numbered_as_they_come_and_go(admin: Page, desk: Desk) -> None:
    admin.goto("/rubrics/rough/yaml")
    text, rows = admin.locator("#text"), admin.locator("#gutter li")
    lines = len(text.input_value().split("\n"))
    expect(rows).to_have_count(lines)
    text.press("Control+Home")
    text.press("Enter")
    text.press("Enter")
    expect(rows).to_have_count(lines + 2)
    heights = admin.evaluate(
        "[document.getElementById('gutter').offsetHeight, document.getElementById('text').offsetHeight]"
    )
    assert abs(heights[0] - heights[1]) <= 40
    assert admin.locator("#text").evaluate("one => one.scrollHeight - one.clientHeight") <= 1


def test_a_number_saves_itself_and_a_key_leads_to_its_line(admin: Page, desk: Desk) -> None:
    admin.goto(f"/calls/{desk.counted}/review")
    line, number = admin.locator("#line-long-hold"), admin.get_by_label("seconds: Time on hold")
    number.fill("60")
    expect(line).to_contain_text("60 seconds: bearable")
    expect(admin.locator("#long-sections")).to_contain_text("50 %")
    line.get_by_text("N/A", exact=True).click()
    expect(number).to_have_value("")
    expect(line).to_contain_text("not counted")
    admin.locator("#line-long-warm").focus()
    admin.keyboard.press("h")
    expect(line).to_be_focused()
    admin.keyboard.press("v")
    expect(number).to_be_focused()
    number.fill("10")
    expect(line).to_contain_text("10 seconds: short")
    admin.get_by_role("button", name="Keys").click()
    expect(admin.locator("dialog")).to_contain_text("Go to: Time on hold")
    admin.keyboard.press("Escape")
    assert violations(admin) == []


def address(site: Site, place: str) -> str:
    return {
        "list": "/rubrics",
        "show": "/rubrics/service-quality",
        "differences": "/rubrics/care/differences",
        "corrections": "/rubrics/calm/corrections",
        "form": "/rubrics/calm/edit",
        "line": "/rubrics/calm/edit?line=greets",
        "yaml": "/rubrics/calm/yaml",
        "broken": "/rubrics/rough/yaml",
        "try": f"/rubrics/calm/try/{site.calls[FATAL]}",
        "backtest": "/rubrics/calm/backtest",
        "changes": "/rubrics/calm/changes",
        "publish": "/rubrics/calm/publish",
    }[place]


def show(page: Page, site: Site, place: str) -> None:
    """Go there and open everything that is folded."""
    page.goto(address(site, place))
    open_folds(page)


@pytest.mark.parametrize("place", PAGES)
def test_a_page_pleases_axe_fits_every_screen_and_is_easy_to_hit(
    admin: Page, site: Site, desk: Desk, place: str
) -> None:
    show(admin, site, place)
    assert violations(admin) == []
    assert too_wide(admin) == {}
    assert too_small(admin, "button, .button, .play, summary, nav a, a.row, .problems a") == []


def test_a_reviewer_reads_and_is_offered_no_change(page: Page, site: Site, desk: Desk) -> None:
    sign_in(page, "reviewer")
    page.goto("/rubrics/calm")
    expect(page.get_by_role("heading", level=1)).to_have_text("Calm line")
    expect(page.get_by_role("link", name="Go on with the draft")).to_have_count(0)
    page.goto("/rubrics/calm/edit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your role does not allow this")
