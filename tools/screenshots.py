"""Take the pictures for the docs from a demo of its own, with the Chromium that is installed.

    python tools/screenshots.py

The demo keeps its data in var/screenshots, so that a second run need not transcribe again.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LARGEST = 400_000
"""Bytes that a picture may have: they are part of the repository."""

DESK = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
PATIENCE = 1200.0
"""Seconds to wait for the demo to transcribe its calls on a slow machine."""

SHOWN_CALL = re.compile("sick child", re.IGNORECASE)
SHOWN_POINT = "Promises only what policy allows"
"""The call whose page is shown, and the point that is being played: a promise that nobody may give."""

REVIEWED_CALL = "Card number taken"
"""The call in the queue that somebody audits."""


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, and address and password of each role's account."""

    address: str
    people: dict[str, tuple[str, str]]


def main() -> int:
    """Start a demo, take every picture, stop it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    options = parser.parse_args()
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        print("No Chromium is to be had here: install the package chromium.", file=sys.stderr)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    with running_demo(options.data_dir) as demo:
        take_all(program, demo, options.out)
    large = [path.name for path in options.out.glob("*.png") if path.stat().st_size > LARGEST]
    if large:
        print(f"Larger than {LARGEST} bytes: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


@contextmanager
def running_demo(data_dir: Path) -> Iterator[Demo]:
    """Run a demo until the block ends; yields once every bundled call is scored."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data_dir.mkdir(parents=True, exist_ok=True)
    words = data_dir / "demo.out"
    command = [sys.executable, "-m", "qa_audit.cli.main", "demo", "--port", str(port)]
    with words.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir)], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        said = wait_for(words, "Bundled calls pre-scored", process)
        lines = re.findall(r"^  (\w+) +(\S+@\S+) +(\S+)", said, re.MULTILINE)
        yield Demo(f"http://127.0.0.1:{port}", {role: (email, word) for role, email, word in lines})
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def wait_for(path: Path, words: str, process: subprocess.Popen[bytes]) -> str:
    """Wait until a program has written some words into a file; returns all that it wrote."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        said = path.read_text(encoding="utf-8")
        if words in said:
            return said
        time.sleep(0.5)
    raise RuntimeError(f"The demo did not get that far: see {path}.")


def take_all(program: str, demo: Demo, out: Path) -> None:
    """Take the pictures, each role standing at what it does."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        show_vendors(signed_in(browser, demo, "viewer", DESK), out)
        show_calls(signed_in(browser, demo, "reviewer", DESK), out)
        show_review(signed_in(browser, demo, "reviewer", DESK), out / "review.png")
        show_review(signed_in(browser, demo, "reviewer", DESK, dark=True), out / "review-dark.png")
        phone = signed_in(browser, demo, "lead", PHONE)
        phone.get_by_role("link", name=SHOWN_CALL).first.click()
        phone.wait_for_load_state("networkidle")
        shoot(phone, out / "scorecard-phone.png")
        browser.close()


def show_vendors(page: Page, out: Path) -> None:
    """Show the vendors side by side, and one of them."""
    shoot(page, out / "vendors.png")
    page.goto(page.url.rstrip("/") + "/sollent")
    page.wait_for_load_state("networkidle")
    shoot(page, out / "vendor.png")


def show_calls(page: Page, out: Path) -> None:
    """Show the queue, a call while its lost point plays, and the upload."""
    shoot(page, out / "queue.png")
    page.get_by_role("link", name="Calls", exact=True).click()
    page.get_by_role("link", name=SHOWN_CALL).first.click()
    page.wait_for_load_state("networkidle")
    page.locator(".line").filter(has_text=SHOWN_POINT).locator(".play").first.click()
    shoot(page, out / "call.png")
    page.get_by_role("link", name="Upload", exact=True).click()
    page.wait_for_load_state("networkidle")
    shoot(page, out / "upload.png")


def show_review(page: Page, path: Path) -> None:
    """Show an audit with its suspected fatal in hand."""
    page.get_by_role("link", name=REVIEWED_CALL).first.click()
    page.wait_for_load_state("networkidle")
    shoot(page, path)


def signed_in(browser: Browser, demo: Demo, role: str, size: dict[str, int], *, dark: bool = False) -> Page:
    """Open a window, sign in, and stand on the page where this role begins."""
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    page = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    email, password = demo.people[role]
    page.goto(f"{demo.address}/login")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    page.wait_for_load_state("networkidle")
    return page


def shoot(page: Page, path: Path) -> None:
    """Take a picture of what stands in the window, once it has come to rest."""
    page.wait_for_timeout(700)
    page.screenshot(path=str(path))
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
