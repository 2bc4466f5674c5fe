"""An audit in a real browser, against a web process of its own that can be killed and started again."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from qa_audit.config import Settings
from qa_audit.domain.access import Actor
from qa_audit.runtime import Runtime
from qa_audit.services import reviewing
from tests import seeding
from tests.e2e.conftest import Watch
from tests.e2e.looking import open_folds, too_small, too_wide, violations
from tests.e2e.test_a_day import at, is_loaded, is_paused, until

FATAL, PLAIN, MONO, OTHERS = "call-10", "call-03", "mono-13", ("call-11", "call-12", "call-09")
PROMISE = "Promises only what policy allows"
READER = Actor(id="reader", role="viewer")


@dataclass
class Office:
    """An installation and its web process, on one port for as long as the tests run."""

    folder: Path
    port: int
    runtime: Runtime
    calls: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        command = [sys.executable, "-m", "gunicorn", "--threads", "4", "--bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(
            [*command, "--log-level", "error", "qa_audit.web.app:create_app()"],
            env={**os.environ, "QA_AUDIT_DATA_DIR": str(self.folder), "QA_AUDIT_SECRET_KEY": "for tests"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.address}/healthz", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the web process did not start")

    def stop(self) -> None:
        """End the web process and wait until it is gone."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(20)

    def human(self, call: str, criterion: str) -> Any:
        """Return what a person answered to a line, as it is stored."""
        view = reviewing.show(self.runtime, READER, self.calls[call])
        lines = [line for part in view.parts for line in part.lines if line.criterion.title == criterion]
        return lines[0].human


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Office]:
    """Calls that wait for a person, and a web process."""
    folder = tmp_path_factory.mktemp("office")
    runtime = Runtime(Settings(data_dir=folder, secret_key="for tests", reserve_bytes=0))
    runtime.db.upgrade()
    seeding.sign_ins(runtime)
    calls = seeding.bundled(runtime, FATAL, PLAIN, MONO, *OTHERS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    office = Office(folder, port, runtime, calls)
    office.start()
    yield office
    office.stop()
    runtime.db.dispose()


@pytest.fixture(scope="module")
def cookies(office: Office, browser: Browser) -> Any:
    """The cookies of a reviewer who signed in."""
    context = browser.new_context(base_url=office.address)
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("E-mail").fill("reviewer@example.org")
    page.get_by_label("Password").fill(seeding.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)
    found = context.cookies()
    context.close()
    return found


@pytest.fixture
def desk(office: Office, browser: Browser, cookies: Any) -> Iterator[tuple[BrowserContext, Watch]]:
    """A reviewer's browser, watched for what pages must not do."""
    context = browser.new_context(base_url=office.address, viewport={"width": 1440, "height": 900})
    context.add_cookies(cookies)
    watch = Watch(office.address)
    context.on("console", watch.on_console)
    context.on("request", watch.on_request)
    yield context, watch
    context.close()
    assert watch.troubles == []


@pytest.fixture
def page(desk: tuple[BrowserContext, Watch]) -> Page:
    page = desk[0].new_page()
    page.set_default_timeout(10_000)
    expect.set_options(timeout=10_000)
    return page


def audit(page: Page, office: Office, call: str) -> None:
    page.goto(f"/calls/{office.calls[call]}/review")
    page.wait_for_selector(".wave path", state="attached")


def line(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=title, exact=True, include_hidden=True)
    return page.locator("[data-line]").filter(has=heading)


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))


def pick(within: Locator, answer: str) -> None:
    within.locator(".choices label", has_text=re.compile(f"^{answer}$")).click()


def test_a_call_is_audited_from_the_queue_to_the_end(page: Page, office: Office) -> None:
    page.goto("/review/queue")
    expect(page.get_by_role("row", name="Card number taken")).to_contain_text("fatal suspected")
    page.get_by_role("link", name="Card number taken").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Card number taken")
    expect(page.get_by_role("tab", selected=True)).to_contain_text("Service quality")

    fatal = page.locator("[data-line]").first
    expect(fatal).to_contain_text("machine suspects: no · sure")
    until(page, lambda: is_loaded(page))
    play = fatal.locator(".play").first
    start = float(play.get_attribute("data-from") or 0)
    play.click()
    until(page, lambda: at(page) > start + 0.1)

    pick(fatal, "No")
    expect(fatal).to_contain_text("Before this can be published")
    fatal.get_by_role("button", name=re.compile(r"^Pin \d")).first.click()
    expect(fatal.locator(".pinned")).to_be_visible()
    fatal.get_by_placeholder("Note for the vendor").fill("Send the caller to the payment page.")
    expect(fatal.locator(".missing")).to_have_count(0)
    saved(page)

    other = line(page, "Says back what the caller wants")
    other.locator("summary").first.click()
    pick(other, "No")
    expect(other).to_contain_text("0 of 6")

    page.get_by_role("button", name=re.compile("^Accept ")).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Accept "))).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert office.human("call-11", "Says back what the caller wants").answer == "no"
    page.get_by_role("button", name=re.compile("^Accept ")).click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()

    expect(page.locator("#foot")).to_contain_text("Not passed so far")
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.locator("#ask")).to_contain_text("still open")
    page.get_by_role("button", name="Submit with").click()
    expect(page.locator(".call-head")).to_contain_text("submitted, not published by Reviewer")
    expect(page.get_by_role("button", name="Publish")).to_be_visible()
    expect(page.locator("form.answering")).to_have_count(0)
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()


def test_a_whole_audit_with_the_keyboard_alone(page: Page, office: Office) -> None:
    audit(page, office, FATAL)
    until(page, lambda: is_loaded(page))
    current = page.locator(".line.current")
    expect(current).to_contain_text(PROMISE)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys on this page")
    for words in ("Submit and next", "Next open line", "Play the evidence", "Pin this moment", "Answer No"):
        expect(keys).to_contain_text(words)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    until(page, lambda: at(page) > 40)
    page.keyboard.press("k")
    until(page, lambda: is_paused(page))
    page.keyboard.press("n")
    expect(current).to_contain_text("Before this can be published")
    page.keyboard.press("t")
    expect(current.locator(".pinned")).to_be_visible()
    page.keyboard.press("g")
    expect(current.locator(".rule")).to_have_attribute("open", "")
    page.keyboard.press("m")
    expect(current.get_by_placeholder("Note for the vendor")).to_be_focused()
    page.keyboard.type("Say: it takes five to ten days.")
    page.keyboard.press("Escape")
    expect(current.locator(".missing")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    for _ in range(8):
        if page.locator("[data-unanswered]").count() == 0:
            break
        open_lines = page.locator("[data-unanswered]").count()
        page.keyboard.press("ArrowDown")
        expect(current).to_be_visible()
        page.keyboard.press("2" if "Tone" in (current.text_content() or "") else "y")
        expect(page.locator("[data-unanswered]")).to_have_count(open_lines - 1)
    saved(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#flash")).to_contain_text("Submitted.")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Sick child, wants money fast")
    human = office.human(FATAL, PROMISE)
    assert (human.answer, human.note) == ("no", "Say: it takes five to ten days.")
    assert human.pin is not None
    view = reviewing.show(office.runtime, READER, office.calls[FATAL])
    assert view.state == "submitted"
    assert not [blocker for part in view.parts for blocker in part.blockers]


def test_two_tabs_give_a_clear_choice(desk: tuple[BrowserContext, Watch], page: Page, office: Office) -> None:
    title = "Tone fits the brand"
    second = desk[0].new_page()
    for tab in (page, second):
        audit(tab, office, PLAIN)
        tab.get_by_role("tab", name=re.compile("Brand")).click()
    pick(line(page, title), "2: friendly")
    saved(page)
    pick(line(second, title), "1: correct")
    notice = line(second, title).get_by_role("alert")
    expect(notice).to_contain_text("answered 2: friendly")
    expect(second.locator("#saved")).to_contain_text("choose between the two answers")
    assert office.human(PLAIN, title).answer == "2"
    notice.get_by_role("button", name="Save mine: 1: correct").click()
    expect(notice).to_have_count(0)
    assert office.human(PLAIN, title).answer == "1"
    pick(line(page, title), "0: cold or mechanical")
    mine = line(page, title).get_by_role("alert")
    mine.get_by_role("link", name="Keep what stands there: 1: correct").click()
    expect(mine).to_have_count(0)
    expect(line(page, title)).to_contain_text("1: correct")
    assert office.human(PLAIN, title).answer == "1"


def test_a_half_typed_note_survives_a_reload(page: Page, office: Office) -> None:
    audit(page, office, "call-12")
    title = page.locator("[data-line] h3").first.text_content() or ""
    note = line(page, title).get_by_placeholder("Note for the vendor")
    note.press_sequentially("Half a sente")
    page.reload()
    expect(line(page, title).get_by_placeholder("Note for the vendor")).to_have_value("Half a sente")
    saved(page)
    assert office.human("call-12", title).note == "Half a sente"


def test_an_autosave_survives_a_restart_of_the_web_process(
    desk: tuple[BrowserContext, Watch], page: Page, office: Office
) -> None:
    audit(page, office, "call-09")
    title = page.locator("[data-line] h3").first.text_content() or ""
    note = line(page, title).get_by_placeholder("Note for the vendor")
    note.fill("Written before.")
    saved(page)
    office.stop()
    try:
        note.fill("Written before. Written while nobody answered.")
        expect(page.locator("#saved")).to_contain_text(
            "Not saved: the server does not answer", timeout=20_000
        )
    finally:
        office.start()
    expect(page.locator("#saved")).to_have_text(re.compile("^Saved"), timeout=30_000)
    assert office.human("call-09", title).note == "Written before. Written while nobody answered."
    page.reload()
    expect(line(page, title).get_by_placeholder("Note for the vendor")).to_have_value(
        "Written before. Written while nobody answered."
    )
    desk[1].troubles.clear()  # the browser itself logs the requests that nobody answered


def test_a_plain_browser_audits_by_its_forms(browser: Browser, office: Office, cookies: Any) -> None:
    context = browser.new_context(base_url=office.address, java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    page.goto(f"/calls/{office.calls[MONO]}/review")
    first = page.locator("[data-line]").first
    title = first.locator("h3").text_content() or ""
    pick(first, "1: correct")
    first.get_by_label("or the moment").fill("0:05")
    first.get_by_label(f"Note for the vendor: {title}").fill("By hand.")
    first.get_by_role("button", name="Save this line").click()
    expect(page).to_have_url(re.compile("/review#line-"))
    human = office.human(MONO, title)
    assert (human.answer, human.note, human.pin) == ("1", "By hand.", (5.0, 9.0))
    context.close()


@pytest.mark.parametrize("place", ["queue", "review", "settled", "asked"])
def test_a_page_pleases_axe_fits_every_screen_and_is_easy_to_hit(
    page: Page, office: Office, place: str
) -> None:
    if place == "queue":
        page.goto("/review/queue?q=a")
    else:
        audit(page, office, {"review": MONO, "settled": FATAL, "asked": PLAIN}[place])
    if place == "asked":
        page.get_by_role("button", name="Submit", exact=True).click()
        expect(page.locator("#ask")).to_be_visible()
    open_folds(page)
    assert violations(page) == []
    assert too_wide(page) == {}
    assert too_small(page, "main button, .button, .play, .choices label, main summary") == []


def test_focus_is_never_hidden_behind_player_or_foot(page: Page, office: Office) -> None:
    page.set_viewport_size({"width": 1440, "height": 520})
    audit(page, office, MONO)
    bounds: Callable[[str, str], float] = lambda id, edge: float(  # noqa: E731
        page.evaluate(f"document.getElementById('{id}').getBoundingClientRect().{edge}")
    )
    for _ in range(60):
        page.keyboard.press("Tab")
        box = page.evaluate(
            """() => { const one = document.activeElement;
                if (one.closest('#player, #foot, header, .call-head, .skip') || one === document.body) return null;
                const box = one.getBoundingClientRect(); return [box.top, box.bottom]; }"""
        )
        if box:
            assert box[1] > bounds("player", "bottom") - 1 or bounds("player", "bottom") < 0
            assert box[0] < bounds("foot", "top") + 1
