"""The sound of a call: ranges, headers, and never the original."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from qa_audit.runtime import Runtime
from qa_audit.storage.tables import MeasurementRow, Recording
from tests.fakes import receive, work_off
from tests.page import find_all, get_page
from tests.web.conftest import SignInAs

SOUND = bytes(range(256)) * 8


@pytest.fixture
def address(here: Runtime) -> str:
    """The address of a call's sound, which is SOUND."""
    from sqlmodel import select

    call, _ = receive(here)
    work_off(here)
    with here.db.read() as session:
        recording = session.exec(select(Recording).where(Recording.call_id == call.id)).one()
    assert recording.playback_key
    here.media.delete(recording.playback_key)
    here.media.put_bytes(recording.playback_key, SOUND)
    return f"/calls/{call.public_id}/audio"


def test_the_whole_copy_comes_with_headers_that_keep_it_here(reviewer: FlaskClient, address: str) -> None:
    answer = reviewer.get(address)
    assert (answer.status_code, answer.data) == (200, SOUND)
    assert answer.mimetype == "audio/mp4"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == 'inline; filename="call.m4a"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("0-99", 0, 100),
        ("100-", 100, len(SOUND)),
        ("-10", len(SOUND) - 10, len(SOUND)),
        ("2000-9999", 2000, len(SOUND)),
    ],
)
def test_a_range_is_answered_with_just_that(
    reviewer: FlaskClient, address: str, asked: str, start: int, stop: int
) -> None:
    answer = reviewer.get(address, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.data == SOUND[start:stop]
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(SOUND)}"
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("asked", ["bytes=99999-", "bytes=5000-6000"])
def test_a_range_past_the_end_is_416(reviewer: FlaskClient, address: str, asked: str) -> None:
    assert reviewer.get(address, headers={"Range": asked}).status_code == 416


def test_several_ranges_are_not_put_together(reviewer: FlaskClient, address: str) -> None:
    two = reviewer.get(address, headers={"Range": "bytes=0-9,20-29"})
    assert two.status_code in (200, 416)
    thousand = ",".join(f"{n}-{n + 500}" for n in range(1000))
    assert reviewer.get(address, headers={"Range": f"bytes={thousand}"}).status_code in (200, 416)


def test_every_range_is_checked_anew(reviewer: FlaskClient, client: FlaskClient, address: str) -> None:
    assert client.get(address, headers={"Range": "bytes=0-9"}).status_code == 303
    reviewer.delete_cookie("sid")
    assert reviewer.get(address, headers={"Range": "bytes=0-9"}).status_code == 303


def test_peaks_come_as_json(reviewer: FlaskClient, address: str) -> None:
    answer = reviewer.get(address.replace("/audio", "/peaks"))
    assert answer.mimetype == "application/json"
    assert answer.get_json()["version"] == 1
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_before_there_is_a_copy_there_is_nothing(reviewer: FlaskClient, here: Runtime) -> None:
    call, _ = receive(here)
    assert reviewer.get(f"/calls/{call.public_id}/audio").status_code == 404
    assert reviewer.get(f"/calls/{call.public_id}/peaks").status_code == 404


def test_the_original_is_behind_no_address(admin: FlaskClient, here: Runtime) -> None:
    call, _ = receive(here)
    work_off(here)
    with here.db.read() as session:
        recording = session.get(Recording, 1)
    assert recording is not None
    with here.media.open(recording.media_key) as file:
        original = file.read()
    for part in ("audio", "peaks", "original", "recording"):
        assert admin.get(f"/calls/{call.public_id}/{part}").data != original
    assert recording.media_key not in admin.get(f"/calls/{call.public_id}").text


def test_a_viewer_does_not_hear_a_copy_in_which_nothing_is_silenced(
    here: Runtime, sign_in_as: SignInAs, reviewer: FlaskClient, address: str
) -> None:
    from sqlmodel import select

    viewer = sign_in_as("viewer")
    assert viewer.get(address).status_code == 200
    with here.db.write() as session:
        measured = session.exec(select(MeasurementRow)).one()
        measured.facts = {**measured.facts, "unmasked": True}
        session.add(measured)
    assert viewer.get(address).status_code == 404
    assert viewer.get(address, headers={"Range": "bytes=0-9"}).status_code == 404
    page = address.removesuffix("/audio")
    assert not find_all(get_page(viewer, page), "audio")
    assert reviewer.get(address).data == SOUND
    assert find_all(get_page(reviewer, page), "audio")
