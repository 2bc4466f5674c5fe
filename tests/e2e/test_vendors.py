"""The vendors' pages in a real browser: sound for everybody, on every screen, and the two minutes of the story."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from qa_audit.services import bundled_calls, demo_data, demo_story, rubrics
from qa_audit.web.app import create_app
from tests import seeding
from tests.e2e.conftest import Quiet, Watch, sign_in
from tests.e2e.looking import open_folds, too_wide, violations

CALL = "call-10"
PLACES = ("/vendors", "/vendors?sample=no", "/vendors/sollent", "/vendors/kestrel/audits?show=fatal")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[str]:
    """The address of a server with the demo's vendors, their sample history, and the call with the promise."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("story"), secret_key="for tests", reserve_bytes=0)
    runtime = Runtime(settings)
    runtime.db.upgrade()
    rubrics.sync_bundled(runtime)
    bundle = bundled_calls.load_bundle()
    demo_data.add_vendors(runtime, bundle)
    demo_story.organise(runtime)
    demo_data.add_people(runtime)
    demo_story.add_history(runtime)
    seeding.sign_ins(runtime)
    call = next(one for one in bundle.calls if one.id == CALL)
    demo_story.stage(runtime, call, seeding.bundled(runtime, CALL)[CALL], demo_data.REVIEWER)
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()
    runtime.db.dispose()


@pytest.fixture(scope="module")
def cookies(story: str, browser: Any) -> list[Any]:
    """What keeps a viewer signed in."""
    context = browser.new_context(base_url=story)
    sign_in(context.new_page(), "viewer")
    found: list[Any] = context.cookies()
    context.close()
    return found


@pytest.fixture
def viewer(story: str, browser: Any, cookies: list[Any]) -> Iterator[Page]:
    """A viewer's page; fails in the end if a page broke the policy or asked another host."""
    context = browser.new_context(base_url=story)
    context.add_cookies(cookies)
    watch = Watch(story)
    context.on("console", watch.on_console)
    context.on("request", watch.on_request)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()
    assert watch.troubles == []


@pytest.mark.parametrize("place", PLACES)
def test_a_page_pleases_axe_and_fits_every_screen(viewer: Page, place: str) -> None:
    viewer.goto(place)
    open_folds(viewer)
    for width in (1440, 390):
        viewer.set_viewport_size({"width": width, "height": 900})
        assert violations(viewer) == []
    assert too_wide(viewer) == {}


def test_a_newcomer_finds_who_breaks_the_rules_and_the_moment(viewer: Page, tmp_path: Path) -> None:
    viewer.goto("/vendors")
    row = viewer.get_by_role("row", name="Kestrel")
    assert row.get_by_text("breaks rules").is_visible()
    row.get_by_role("link", name="Fatal: the calls").click()
    viewer.get_by_role("link", name="sick child, wants money fast").click()
    assert "/scorecards/" in viewer.url
    assert viewer.get_by_text("I promise you will have the money tomorrow").first.is_visible()
