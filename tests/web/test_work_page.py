"""The queue of work, for admins."""

from __future__ import annotations

from flask.testing import FlaskClient

from qa_audit.errors import Permanent
from qa_audit.runtime import Runtime
from tests.factories import make_call, make_recording, make_task
from tests.fakes import RememberedJobs, receive, script, work_off
from tests.page import check_fragment, find, find_all, get_page, text_of

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}


def figures(client: FlaskClient) -> dict[str, str]:
    root = get_page(client, "/admin/tasks")
    groups = list(find(root, "dl", class_="figures"))
    return {text_of(find(group, "dt")): text_of(find(group, "dd")) for group in groups}


def test_when_everything_is_done_the_page_says_so_and_rests(admin: FlaskClient, here: Runtime) -> None:
    receive(here)
    work_off(here)
    root = get_page(admin, "/admin/tasks")
    assert "Everything is done." in text_of(root)
    assert find(root, "div", id="work").get("hx-trigger") is None
    assert figures(admin)["oldest that waits"] == "–"


def test_each_unfinished_task_says_its_stage_state_and_tries(admin: FlaskClient, here: Runtime) -> None:
    now = here.clock().timestamp()
    with here.db.write() as session:
        for state, stage, values in (
            ("queued", "measure", {}),
            (
                "queued",
                "transcribe",
                {"run_after": now + 60, "error_count": 1, "attempt": 1, "error": "Later."},
            ),
            ("leased", "transcribe", {"progress": 42, "attempt": 1}),
            ("leased", "prescore", {"progress": 10, "attempt": 1}),
            ("parked", "transcribe", {"crash_count": 3, "attempt": 3}),
            ("waiting", "transcribe", {"attempt": 1}),
            ("waiting", "prescore", {"attempt": 1, "error": "This call is in the language 'de'."}),
        ):
            call = make_call(session, title=f"{state} {stage}", stage="transcribe", seconds_left=170)
            make_recording(session, call)
            make_task(session, call, stage, state=state, **values)
    root = get_page(admin, "/admin/tasks")
    rows = {
        text_of(find(row, "a", class_="row")): text_of(row) for row in find_all(find(root, "tbody"), "tr")
    }
    assert "measuring waits its turn" in rows["queued measure"]
    assert "tries again in" in rows["queued transcribe"]
    assert "1 try, 1 error" in rows["queued transcribe"]
    assert "Later." in rows["queued transcribe"]
    assert "transcribing 42 %, about 3 minutes left" in rows["leased transcribe"]
    assert "10 %" in rows["leased prescore"]
    assert "left" not in rows["leased prescore"]
    assert "failed: ended the worker" in rows["parked transcribe"]
    assert "3 tries, 3 crashes" in rows["parked transcribe"]
    assert "needs the real model" in rows["waiting transcribe"]
    assert "needs another model" in rows["waiting prescore"]
    assert "in the language 'de'" in rows["waiting prescore"]
    assert "Try again" in rows["parked transcribe"]
    assert "Try again" not in rows["queued measure"]
    assert find(root, "div", id="work").get("hx-trigger") == "every 3s"
    assert figures(admin) | {"oldest that waits": ""} == {
        "waiting to be worked on": "2",
        "being worked on": "2",
        "failed": "1",
        "need another model": "2",
        "oldest that waits": "",
    }


def test_a_failed_task_can_be_tried_again_from_here(admin: FlaskClient, here: Runtime) -> None:
    script(here, measurement=Permanent("silent", "The recording is silent."))
    receive(here)
    work_off(here)
    root = get_page(admin, "/admin/tasks")
    form = find(find(root, "tbody"), "form")
    assert "The recording is silent." in text_of(find(root, "tbody"))
    token = find(form, "input", name="csrf_token").get("value")
    assert admin.post(form.get("action") or "", data={"csrf_token": token}).status_code == 303
    assert "waits its turn" in text_of(get_page(admin, "/admin/tasks"))


def test_a_broken_doorbell_is_said_in_words(admin: FlaskClient, here: Runtime) -> None:
    assert "Redis is away" not in text_of(get_page(admin, "/admin/tasks"))
    here.jobs = RememberedJobs(works=False)
    assert "Redis is away: work goes on" in text_of(get_page(admin, "/admin/tasks"))


def test_the_live_region_is_the_same_part_of_the_page(admin: FlaskClient, here: Runtime) -> None:
    receive(here)
    part = check_fragment(admin.get("/admin/tasks", headers=FRAGMENT).text)
    assert find(part, "div", id="work").get("hx-get") == "/admin/tasks"
    assert "<h1" not in admin.get("/admin/tasks", headers=FRAGMENT).text


def test_the_model_in_use_is_named(admin: FlaskClient, here: Runtime) -> None:
    assert "Speech model in use: base.en" in text_of(get_page(admin, "/admin/tasks"))
