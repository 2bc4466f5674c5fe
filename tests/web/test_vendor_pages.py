"""The vendors' pages: the story that a buyer reads first, in everybody's scope, and honest where there is little."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from flask.testing import FlaskClient

from qa_audit.config import Settings
from qa_audit.domain.access import SYSTEM
from qa_audit.runtime import Runtime
from qa_audit.services import demo_data, demo_story, rubrics, sample_history, vendors
from qa_audit.services.bundled_calls import load_bundle
from tests.page import find, find_all, get_page, text_of
from tests.web.conftest import SignInAs


@pytest.fixture(scope="module")
def drawn(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo's vendors and their sample history, to copy."""
    folder = tmp_path_factory.mktemp("drawn")
    path = Path(shutil.copy(sqlite_template, folder / "drawn.sqlite3"))
    runtime = Runtime(Settings(data_dir=folder, database_url=f"sqlite:///{path}", secret_key="for tests"))
    rubrics.sync_bundled(runtime)
    demo_data.add_vendors(runtime, load_bundle())
    demo_story.organise(runtime)
    demo_story.add_history(runtime)
    runtime.db.dispose()
    return path


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a copy of it, for tests that ask for the history, or else of an empty database."""
    has_history = "history" in request.fixturenames
    source = request.getfixturevalue("drawn") if has_history else sqlite_template
    return f"sqlite:///{shutil.copy(source, tmp_path / 'qa_audit.sqlite3')}"


@pytest.fixture
def history(here: Runtime) -> Runtime:
    """The demo's vendors with their sample history."""
    return here


@pytest.fixture
def viewer(sign_in_as: SignInAs) -> FlaskClient:
    return sign_in_as("viewer")


def rows(page: Element) -> dict[str, str]:
    """Return the words of each row of figures by its heading."""
    found = {}
    for table in find_all(page, "table", class_="groups"):
        for row in find_all(find(table, "tbody"), "tr"):
            link = find_all(row, "*", class_="row")[0]
            found[text_of(link)] = text_of(row)
    return found


def links_of(page: Element, name: str) -> dict[str, str]:
    """Return where the figures of a row lead, by heading."""
    for row in find_all(page, "tr"):
        heading = find_all(row, "*", class_="row")
        if heading and text_of(heading[0]) == name:
            cells = find_all(row, "td", class_="figure")
            return {
                text_of(find(cell, "span", class_="label")): find_all(cell, "a")[0].get("href") or ""
                for cell in cells
                if find_all(cell, "a")
            }
    raise AssertionError(f"no row {name}")


def test_the_first_screen_tells_survey_and_audits_apart(history: Runtime, viewer: FlaskClient) -> None:
    page = get_page(viewer, "/vendors")
    said = text_of(find(page, "p", class_="survey"))
    assert said == (
        "Going by the survey, Kestrel (4.5) is as good as Brightline (4.5). The audits tell them apart: "
        "5 in 100 calls of Kestrel are fatal, of Brightline none of 300."
    )
    found = rows(page)
    assert list(found) == ["Brightline", "Kestrel", "Sollent"]
    assert "holds" in found["Brightline"]
    assert "none of 300 calls is fatal, so far within the limit of 1 in 100" in found["Brightline"]
    assert "breaks rules" in found["Kestrel"]
    assert "5 in 100 calls are fatal: more than the others and over the limit of 1 in 100" in found["Kestrel"]
    assert "Brand consistency is falling" in found["Sollent"]
    assert "beyond noise" in found["Sollent"]
    assert re.search(r"Service quality 9\d holds\.", found["Sollent"])


def test_every_rate_has_its_base_and_its_range(history: Runtime, viewer: FlaskClient) -> None:
    kestrel = rows(get_page(viewer, "/vendors"))["Kestrel"]
    assert "5 % Fatal: the calls 15 of 300 · 3.1 to 8.1 %" in kestrel
    assert re.search(r"4\.5 Survey, of 5: the calls of 200 marks", kestrel)


def test_sample_history_is_named_and_left_out_by_one_switch(history: Runtime, viewer: FlaskClient) -> None:
    page = get_page(viewer, "/vendors")
    note = find(page, "p", class_="samples")
    assert "900 audits of sample history" in text_of(note)
    assert all("300 of the audits are sample history" in row for row in rows(page).values())
    without = get_page(viewer, find(note, "a").get("href") or "")
    assert "left out" in text_of(find(without, "p", class_="samples"))
    assert all("0 of the 10 audits needed" in row for row in rows(without).values())
    back = find(find(without, "p", class_="samples"), "a").get("href")
    assert back == "/vendors"
    for link in find_all(without, "a", class_="row"):
        assert "sample=no" in (link.get("href") or "")


def test_with_few_audits_it_says_too_few_to_say(here: Runtime, history: Runtime, viewer: FlaskClient) -> None:
    last = get_page(viewer, "/vendors?from=2026-10-26&to=2026-10-27")
    assert "Too few to say" in rows(last)["Kestrel"]
    assert "too few to say" in rows(last)["Brightline"]
    assert not find_all(last, "p", class_="survey")
    sample_history.remove(here)
    assert "no audits" in rows(get_page(viewer, "/vendors"))["Kestrel"]


@pytest.mark.parametrize("figure", ["Audits", "Not passed", "Fatal", "Critical"])
def test_a_figure_leads_to_the_audits_that_it_counts(
    history: Runtime, viewer: FlaskClient, figure: str
) -> None:
    page = get_page(viewer, "/vendors")
    address = links_of(page, "Kestrel")[figure]
    counted = re.search(r"(\d+) of 300", rows(page)["Kestrel"].split(figure)[-1])
    number = 300 if figure == "Audits" else int(counted[1]) if counted else 0
    assert number
    listed = get_page(viewer, address)
    assert f"{number} audits" in text_of(find(listed, "main"))
    assert len(find_all(find(listed, "tbody"), "tr")) == min(50, number)
    assert "sample history, no sound" in text_of(find(listed, "tbody"))


def test_calls_and_survey_lead_to_as_many_calls_as_are_counted(
    history: Runtime, sign_in_as: SignInAs
) -> None:
    admin = sign_in_as("admin")
    links = links_of(get_page(admin, "/vendors?period=4"), "Kestrel")
    assert links["Calls"] == links["Survey, of 5"]
    counted = re.search(r"Calls (\d+)", rows(get_page(admin, "/vendors?period=4"))["Kestrel"])
    assert counted is not None
    assert f"{counted[1]} calls" in text_of(find(get_page(admin, links["Calls"]), "main"))
    leo = links_of(get_page(admin, "/vendors/kestrel?period=4"), "Leo")["Calls"]
    assert all("Leo" in text_of(row) for row in find_all(find(get_page(admin, leo), "tbody"), "tr"))


def test_a_long_list_has_pages(history: Runtime, viewer: FlaskClient) -> None:
    first = get_page(viewer, "/vendors/kestrel/audits")
    ids = {row.get("id") for row in find_all(find(first, "tbody"), "tr")}
    second = get_page(viewer, find(first, "a", rel="next").get("href") or "")
    assert not ids & {row.get("id") for row in find_all(find(second, "tbody"), "tr")}
    assert find(second, "a", rel="prev").get("href") == "/vendors/kestrel/audits"


def test_one_vendor_from_near(history: Runtime, viewer: FlaskClient) -> None:
    page = get_page(viewer, "/vendors/sollent")
    found = rows(page)
    assert list(found)[:3] == ["Whole vendor", "Refunds 1", "Refunds 2"]
    assert "Tom" in found
    brand, service = find_all(page, "figure", class_="course")
    assert "Falls beyond noise" in text_of(brand)
    assert "No change beyond noise" in text_of(service)
    assert len(find_all(find(brand, "tbody"), "tr")) == 26
    assert len(find_all(brand, "*", class_="week")) + len(find_all(brand, "*", class_="few")) >= 1
    failing = find(page, "table", class_="failing")
    top = find_all(failing, "a")[0]
    assert "Closes with thanks and the brand" in text_of(top)
    listed = get_page(viewer, top.get("href") or "")
    assert "failed: Closes with thanks and the brand" in text_of(find(listed, "main"))


def test_a_team_and_an_agent_lead_to_their_own_audits(history: Runtime, viewer: FlaskClient) -> None:
    page = get_page(viewer, "/vendors/kestrel")
    for name in ("Refunds 1", "Leo"):
        listed = get_page(viewer, links_of(page, name)["Audits"])
        assert all(name in text_of(row) for row in find_all(find(listed, "tbody"), "tr"))


def test_a_manager_sees_the_own_vendor_and_no_comparison(history: Runtime, sign_in_as: SignInAs) -> None:
    kestrel = next(one for one in vendors.list_vendors(history, SYSTEM) if one.slug == "kestrel")
    manager = sign_in_as("manager", kestrel.key)
    page = get_page(manager, "/vendors")
    assert list(rows(page)) == ["Kestrel"]
    text = text_of(find(page, "main"))
    assert "over the limit of 1 in 100" in text
    assert "than the others:" not in text.split("How is this computed")[0]
    assert "Brightline" not in text
    assert "Sollent" not in text
    near = get_page(manager, "/vendors/kestrel")
    assert "Calls" not in links_of(near, "Whole vendor")
    get_page(manager, "/vendors/kestrel/audits?show=fatal")
    for other in ("/vendors/sollent", "/vendors/sollent/audits"):
        answer = manager.get(other)
        assert answer.status_code == 404
        assert "Sollent" not in answer.text


@pytest.mark.parametrize("role", ["lead", "agent"])
def test_leads_and_agents_get_the_page_of_nothing(history: Runtime, sign_in_as: SignInAs, role: str) -> None:
    kestrel = next(one for one in vendors.list_vendors(history, SYSTEM) if one.slug == "kestrel")
    client = sign_in_as(role, kestrel.key)  # type: ignore[arg-type]
    for address in ("/vendors", "/vendors/kestrel", "/vendors/kestrel/audits"):
        assert client.get(address).status_code == 404


def test_what_is_no_filter_is_said(history: Runtime, viewer: FlaskClient) -> None:
    assert viewer.get("/vendors?period=7").status_code == 422
    assert viewer.get("/vendors/kestrel/audits?team=nobody").status_code == 404
    assert viewer.get("/vendors/kestrel/audits?line=service-quality/nothing").status_code == 404


def test_the_form_for_days_keeps_the_rest(history: Runtime, viewer: FlaskClient) -> None:
    page = get_page(viewer, "/vendors/kestrel/audits?show=fatal&sample=yes&from=2026-06-01")
    form = next(form for form in find_all(page, "form") if form.get("method") == "get")
    assert form.get("action") == "/vendors/kestrel/audits"
    kept = {field.get("name"): field.get("value") for field in find_all(form, "input", type="hidden")}
    assert kept == {"show": "fatal"}
    assert find(form, "input", name="from").get("value") == "2026-06-01"


def test_an_installation_without_vendors_says_so(viewer: FlaskClient) -> None:
    assert "No vendors yet." in text_of(find(get_page(viewer, "/vendors"), "main"))
