"""A real server with bundled calls on this machine, and the Chromium that is installed."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request
from werkzeug.serving import WSGIRequestHandler, make_server

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from qa_audit.web.app import create_app
from tests import seeding
from tests.conftest import missing

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FATAL, BROKEN = "call-10", "broken-14"


@dataclass
class Site:
    """A server that runs: its address, its runtime, and its calls by their name in the manifest."""

    address: str
    runtime: Runtime
    calls: dict[str, str]


@dataclass
class Watch:
    """What pages did that they must not do."""

    origin: str
    troubles: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        """Keep errors, which broken policies are reported as."""
        if message.type == "error" and "status of 4" not in message.text:
            self.troubles.append(message.text)

    def on_request(self, request: Request) -> None:
        """Keep requests to anybody else."""
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.troubles.append(f"a request to {request.url}")


class Quiet(WSGIRequestHandler):
    """A handler that keeps its log to itself."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the installed browser."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        missing("Chromium", "install the package chromium")
    return str(found)


@pytest.fixture(scope="session")
def browser_type_launch_args(chromium: str) -> dict[str, object]:
    """Start the installed browser, never one that a test tool fetched."""
    return {"executable_path": chromium, "args": FLAGS, "headless": True}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Site]:
    """A server with a call that breaks a rule, one that failed, and a sign-in per role."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("site"), secret_key="for tests", reserve_bytes=0)
    runtime = Runtime(settings)
    runtime.db.upgrade()
    seeding.sign_ins(runtime)
    calls = seeding.bundled(runtime, FATAL, BROKEN)
    server = make_server("127.0.0.1", 0, create_app(runtime), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", runtime, calls)
    server.shutdown()
    thread.join(10)
    server.server_close()
    runtime.db.dispose()


@pytest.fixture(scope="session")
def browser_context_args(site: Site) -> dict[str, object]:
    """Let short addresses mean the site."""
    return {"base_url": site.address, "viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def watch(site: Site, context: BrowserContext) -> Iterator[Watch]:
    """Fail the test in the end if a page broke the policy, logged an error or asked another host."""
    watch = Watch(site.address)
    context.on("console", watch.on_console)
    context.on("request", watch.on_request)
    yield watch
    assert watch.troubles == []


@pytest.fixture(scope="session")
def signed_in(site: Site, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stored state of a browser in which an admin signed in."""
    path = tmp_path_factory.mktemp("state") / "admin.json"
    context = browser.new_context(base_url=site.address)
    sign_in(context.new_page(), "admin")
    context.storage_state(path=path)
    context.close()
    return path


@pytest.fixture
def admin(watch: Watch, context: BrowserContext, signed_in: Path) -> Page:
    """A page of somebody who is signed in as admin."""
    import json

    context.add_cookies(json.loads(signed_in.read_text(encoding="utf-8"))["cookies"])
    page = context.new_page()
    page.set_default_timeout(10_000)
    return page


def sign_in(page: Page, role: str) -> None:
    """Fill the form in."""
    page.goto("/login")
    page.get_by_label("E-mail").fill(f"{role}@example.org")
    page.get_by_label("Password").fill(seeding.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
