"""What people do all day, in a real browser."""

from __future__ import annotations

import json
import re
import secrets
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qa_audit.speech.scripted import ScriptedTranscriber
from tests import seeding
from tests.e2e.conftest import BROKEN, FATAL, Site, Watch, sign_in
from tests.fakes import work_off

TIME = "document.querySelector('audio').currentTime"


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Two small recordings, different each time, by names that nothing else on the site has."""
    # Letters alone: a name of digits would be masked in the list, as a number that may be a card's.
    name = "".join(secrets.choice("abcdefgh") for _ in range(8))
    paths = []
    for number in range(2):
        path = tmp_path / f"noon-{name}-{number}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(8000)
            beat = secrets.token_bytes(2)
            file.writeframes((beat * 2 + b"\0\0\0\0") * 8000)
        paths.append(path)
    return paths


def at(page: Page) -> float:
    """Return where the sound is, in seconds."""
    return float(page.evaluate(TIME))


def until(page: Page, true: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something to become true; the page's policy forbids playwright's own way, which compiles text."""
    for _ in range(int(seconds * 20)):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not become true")


def is_paused(page: Page) -> bool:
    """Say whether the sound stands still."""
    return bool(page.evaluate("document.querySelector('audio').paused"))


def is_loaded(page: Page) -> bool:
    """Say whether the sound's length is known."""
    return bool(page.evaluate("document.querySelector('audio').readyState > 0"))


def test_somebody_signs_in_and_out(page: Page, watch: Watch) -> None:
    sign_in(page, "viewer")
    expect(page.get_by_role("heading", level=1)).to_have_text("Vendors")
    page.get_by_text("Viewer", exact=True).click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/calls")
    expect(page).to_have_url("/login?next=/calls")


def test_files_are_uploaded_one_by_one_with_words_and_show_up_in_the_list(
    admin: Page, site: Site, recordings: list[Path]
) -> None:
    for expected in ("accepted", "there already"):
        admin.goto("/calls/upload")
        admin.get_by_label("Vendor").select_option("kestrel")
        admin.get_by_label("Recordings").set_input_files(recordings)
        admin.get_by_role("button", name="Upload").click()
        lines = admin.locator("#files li")
        for number, path in enumerate(recordings):
            expect(lines.nth(number)).to_contain_text(path.name)
            expect(lines.nth(number)).to_contain_text(expected, timeout=15_000)
        expect(admin.locator("#live")).to_have_text("2 of 2 accepted or there already.")
    admin.get_by_role("link", name="All calls").click()
    for path in recordings:
        expect(admin.get_by_role("row", name=path.name.capitalize())).to_have_count(1)


def test_a_refused_file_is_named_with_its_reason(admin: Page, tmp_path: Path) -> None:
    path = tmp_path / "photo.wav"
    path.write_bytes(b"\xff\xd8\xff\xe0 not a sound" * 50)
    admin.goto("/calls/upload")
    admin.get_by_label("Recordings").set_input_files(path)
    admin.get_by_role("button", name="Upload").click()
    expect(admin.locator("#files li")).to_contain_text("refused:", timeout=15_000)


def test_files_can_be_dropped(admin: Page) -> None:
    admin.goto("/calls/upload")
    dropped = admin.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['abc'], 'dropped.wav', {type: 'audio/wav'})); return data; }"
    )
    admin.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    assert admin.evaluate("document.getElementById('audio').files[0].name") == "dropped.wav"


def test_evidence_is_one_click_from_being_heard_and_stops_at_its_end(admin: Page, site: Site) -> None:
    admin.goto(f"/calls/{site.calls[FATAL]}")
    line = admin.locator(".line").filter(has_text="Promises only what policy allows")
    expect(line).to_contain_text("fatal")
    play = line.locator(".play").first
    start, end = (float(play.get_attribute(f"data-{name}") or 0) for name in ("from", "to"))
    play.click()
    expect(admin.get_by_role("button", name="Pause")).to_be_visible()
    until(admin, lambda: at(admin) > start + 0.2)
    expect(admin.locator(".turn.current")).to_contain_text("promise")
    until(admin, lambda: is_paused(admin), 15)
    assert end <= at(admin) < end + 1.5


def test_words_turns_and_the_waveform_lead_to_their_moment(admin: Page, site: Site) -> None:
    admin.goto(f"/calls/{site.calls[FATAL]}")
    slider = admin.get_by_role("slider", name="Position in the call")
    expect(slider.locator("path").first).to_be_attached()
    word = admin.locator(".turn").nth(4).locator("[data-t]").nth(1)
    word.click()
    wanted = float(word.get_attribute("data-t") or 0)
    until(admin, lambda: abs(at(admin) - wanted) < 0.2)
    box = slider.bounding_box()
    assert box
    admin.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    duration = float(admin.locator("#player").get_attribute("data-duration") or 0)
    until(admin, lambda: abs(at(admin) - duration / 2) < 0.3)
    expect(slider).to_have_attribute("aria-valuetext", re.compile("0:30 of 1:01, (Agent|Customer)"))


def test_a_whole_call_by_keyboard_alone(admin: Page, site: Site) -> None:
    admin.goto("/calls")
    admin.keyboard.press("Tab")
    expect(admin.get_by_role("link", name="Skip to the content")).to_be_focused()
    admin.keyboard.press("Enter")
    for _ in range(40):
        admin.keyboard.press("Tab")
        if "Sick child" in (admin.evaluate("document.activeElement.textContent") or ""):
            break
    admin.keyboard.press("Enter")
    expect(admin.get_by_role("heading", level=1)).to_have_text("Sick child, wants money fast")
    until(admin, lambda: is_loaded(admin))
    admin.keyboard.press("l")
    admin.keyboard.press("l")
    admin.keyboard.press("j")
    until(admin, lambda: abs(at(admin) - 5) < 0.2)
    admin.keyboard.press("Space")
    until(admin, lambda: at(admin) > 5.2)
    admin.keyboard.press("k")
    until(admin, lambda: is_paused(admin))
    slider = admin.get_by_role("slider")
    slider.focus()
    admin.keyboard.press("Home")
    for key, seconds in (("ArrowRight", 5), ("PageUp", 20), ("ArrowLeft", 15), ("PageDown", 0)):
        admin.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", str(seconds))
    first, second = admin.get_by_role("tab").all()
    first.focus()
    admin.keyboard.press("ArrowRight")
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-selected", "true")
    expect(admin.get_by_role("tabpanel")).to_have_count(1)


def test_the_keys_are_listed_and_can_be_switched_off(admin: Page, site: Site) -> None:
    admin.goto(f"/calls/{site.calls[FATAL]}")
    admin.keyboard.press("?")
    dialog = admin.get_by_role("dialog", name="Keys on this page")
    expect(dialog).to_contain_text("Play or pause")
    expect(dialog).to_contain_text("Space")
    dialog.get_by_label("Use single keys as shortcuts").uncheck()
    admin.keyboard.press("Escape")
    admin.reload()
    until(admin, lambda: is_loaded(admin))
    admin.keyboard.press("l")
    assert at(admin) == 0
    admin.get_by_role("button", name="Keys").click()
    expect(dialog.get_by_label("Use single keys as shortcuts")).not_to_be_checked()
    dialog.get_by_label("Use single keys as shortcuts").check()


def test_keys_do_nothing_while_somebody_types(admin: Page) -> None:
    admin.goto("/calls")
    admin.get_by_text("+ filter").click()
    admin.get_by_label("Text in title").fill("")
    admin.get_by_label("Text in title").press_sequentially("unlikely")
    expect(admin).to_have_url("/calls")


def test_the_filter_is_a_form_and_chips_take_it_back(admin: Page) -> None:
    admin.goto("/calls")
    admin.get_by_text("+ filter").click()
    admin.get_by_label("Text in title").fill("sick child")
    admin.get_by_role("button", name="Filter", exact=True).click()
    expect(admin.locator("tbody tr")).to_have_count(1)
    admin.get_by_role("link", name="sick child", exact=False).first.click()
    expect(admin).to_have_url("/calls")


def test_speed_and_colours_are_remembered(admin: Page, site: Site) -> None:
    admin.goto(f"/calls/{site.calls[FATAL]}")
    admin.get_by_label("Speed").select_option("1.5")
    admin.locator("summary").filter(has_text="Admin").click()
    admin.get_by_label("Colours").select_option("dark")
    admin.reload()
    assert admin.evaluate("document.querySelector('audio').playbackRate") == 1.5
    assert admin.evaluate("document.documentElement.dataset.theme") == "dark"
    assert admin.evaluate("getComputedStyle(document.body).color") == "rgb(231, 234, 240)"


def test_a_call_being_worked_on_fills_itself_in_and_then_rests(
    admin: Page, site: Site, recordings: list[Path]
) -> None:
    entry = next(one for one in seeding.manifest()["calls"] if one["id"] == "call-11")
    id = seeding.upload(site.runtime, "kestrel", seeding.DEMO / entry["file"], agent="Leo", language="en")
    admin.goto(f"/calls/{id}")
    expect(admin.locator("#body")).to_contain_text("waits for measuring")
    requests: list[str] = []
    admin.on("request", lambda request: requests.append(request.url))
    site.runtime.speech = ScriptedTranscriber(seeding.segments(entry), info=seeding.MODEL)  # type: ignore[misc]
    work_off(site.runtime)
    expect(admin.locator(".turn").first).to_be_visible(timeout=10_000)
    expect(admin.get_by_role("tab")).to_have_count(2)
    expect(admin.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(admin.locator("#body")).not_to_have_attribute("hx-trigger", "every 3s")
    requests.clear()
    admin.wait_for_timeout(3500)
    assert [url for url in requests if url.endswith(f"/calls/{id}")] == []


def test_a_server_that_goes_away_is_said_in_words(
    admin: Page, site: Site, recordings: list[Path], watch: Watch
) -> None:
    seeding.upload(site.runtime, "kestrel", recordings[0])
    admin.goto("/calls")
    expect(admin.locator("#list")).to_have_attribute("hx-trigger", "every 3s")
    admin.route("**/calls", lambda route: route.abort())
    expect(admin.locator("#flash")).to_contain_text("the server does not answer", timeout=6000)
    admin.unroute("**/calls")
    expect(admin.locator("#flash")).to_be_empty(timeout=6000)
    watch.troubles.clear()  # the browser itself logs the request that was cut on purpose


def test_a_failed_call_is_tried_again_from_its_page(admin: Page, site: Site) -> None:
    admin.goto(f"/calls/{site.calls[BROKEN]}")
    expect(admin.get_by_role("region", name="Status")).to_contain_text("failed: nobody can be heard")
    admin.get_by_role("button", name="Try again").click()
    expect(admin.get_by_role("region", name="Status")).to_contain_text("waits for measuring")
    work_off(site.runtime)
    expect(admin.get_by_role("region", name="Status")).to_contain_text("failed", timeout=6000)


def test_without_javascript_everything_is_still_there(
    browser,
    site: Site,
    signed_in: Path,
    recordings: list[Path],  # type: ignore[no-untyped-def]
) -> None:
    state = json.loads(signed_in.read_text(encoding="utf-8"))
    context = browser.new_context(base_url=site.address, java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto("/calls/upload")
    page.get_by_label("Vendor").select_option("sollent")
    page.get_by_label("Recordings").set_input_files(recordings)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#flash")).to_contain_text("2 recordings accepted.")
    page.goto(f"/calls/{site.calls[FATAL]}")
    expect(page.get_by_role("heading", name="Service quality")).to_be_visible()
    expect(page.get_by_role("heading", name="Brand consistency")).to_be_visible()
    assert page.locator("audio[controls]").count() == 1
    page.locator(".turn .time").nth(3).click()
    assert "?t=" in page.url
    assert page.locator("audio").get_attribute("src", timeout=2000) is not None
    page.goto(f"/calls/{site.calls[FATAL]}/delete")
    page.get_by_role("link", name="Keep it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sick child, wants money fast")
    context.close()
