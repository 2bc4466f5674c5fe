"""Uploading by hand, with and without JavaScript."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient

from qa_audit.errors import Refused
from qa_audit.runtime import Runtime
from tests.factories import make_vendor
from tests.page import check_page, find, find_all, get_page, text_of
from tests.web.conftest import token_of

JSON = {"Accept": "application/json"}


@pytest.fixture
def vendor(here: Runtime) -> str:
    with here.db.write() as session:
        return str(make_vendor(session, slug="kestrel", name="Kestrel").slug)


def send(
    client: FlaskClient, *files: tuple[str, bytes], headers: dict[str, str] | None = None, **fields: str
):  # type: ignore[no-untyped-def]
    parts = [(io.BytesIO(data), name) for name, data in files]
    data = {"vendor": "kestrel", "csrf_token": token_of(client), **fields, "audio": parts}
    return client.post("/calls/upload", data=data, headers=headers)


def test_the_form_works_without_javascript(reviewer: FlaskClient, vendor: str) -> None:
    root = get_page(reviewer, "/calls/upload")
    form = find(root, "form", id="upload")
    assert form.get("enctype") == "multipart/form-data"
    assert "multiple" in find(form, "input", id="audio").attrib
    assert [text_of(option) for option in find_all(find(form, "select", id="vendor"), "option")] == [
        "Kestrel"
    ]
    assert "500 MiB" in text_of(form)


def test_without_vendors_the_page_says_how_to_add_one(reviewer: FlaskClient) -> None:
    assert "qa-audit vendor add" in text_of(get_page(reviewer, "/calls/upload"))


def test_several_files_are_accepted_and_the_list_says_so(reviewer: FlaskClient, vendor: str) -> None:
    answer = send(reviewer, ("one.wav", b"first"), ("two.wav", b"second"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/calls")
    root = get_page(reviewer, "/calls")
    assert "2 recordings accepted." in text_of(root)
    assert len(find_all(find(root, "tbody"), "tr")) == 2
    again = send(reviewer, ("one.wav", b"first"), ("three.wav", b"third"))
    assert again.status_code == 303
    assert "1 recording accepted, 1 there already." in text_of(get_page(reviewer, "/calls"))


def test_a_refused_file_is_named_with_its_reason_beside_the_accepted(
    reviewer: FlaskClient, here: Runtime, vendor: str
) -> None:
    probe = here.recordings.probe  # type: ignore[attr-defined]

    def picky(path, filename):  # type: ignore[no-untyped-def]
        if filename == "photo.wav":
            raise Refused("not_audio", "This is no recording of an accepted kind.")
        return probe(path, filename)

    here.recordings.probe = picky  # type: ignore[attr-defined, method-assign]
    answer = send(reviewer, ("one.wav", b"first"), ("photo.wav", b"jpeg"))
    assert answer.status_code == 422
    root = check_page(answer.text, answer.headers["Content-Security-Policy"])
    lines = [text_of(line) for line in find_all(find(root, "ul", id="files"), "li")]
    assert lines == ["one.wavaccepted", "photo.wavrefused: This is no recording of an accepted kind."]


def test_with_javascript_each_file_gets_an_answer_of_its_own(reviewer: FlaskClient, vendor: str) -> None:
    headers = {**JSON, "X-CSRFToken": token_of(reviewer)}
    for words in ("accepted", "there already"):
        answer = send(reviewer, ("one.wav", b"first"), headers=headers, csrf_token="")
        (line,) = answer.get_json()["lines"]
        assert (line["name"], line["words"], line["tone"]) == ("one.wav", words, "good")
        assert reviewer.get(line["address"]).status_code == 200


def test_a_wrong_token_leaves_no_row_and_no_file(reviewer: FlaskClient, here: Runtime, vendor: str) -> None:
    for fields, headers in (({"csrf_token": "wrong"}, {}), ({"csrf_token": ""}, {"X-CSRFToken": "wrong"})):
        answer = send(reviewer, ("one.wav", b"first"), headers=headers, **fields)
        assert answer.status_code == 400
    assert "No calls yet." in text_of(get_page(reviewer, "/calls"))
    assert not list(here.media.keys())
    assert not list(here.media.incoming().iterdir())


def test_an_empty_form_says_what_is_missing(reviewer: FlaskClient, vendor: str) -> None:
    part = 'Content-Disposition: form-data; name="{}"{}\r\n\r\n{}\r\n'
    fields = (
        ("vendor", "", "kestrel"),
        ("csrf_token", "", token_of(reviewer)),
        ("audio", '; filename=""', ""),
    )
    body = "".join(f"--x\r\n{part.format(*field)}" for field in fields) + "--x--\r\n"
    answer = reviewer.post("/calls/upload", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 422
    root = check_page(answer.text, answer.headers["Content-Security-Policy"])
    assert "Choose at least one recording." in text_of(root)


def test_an_unknown_vendor_is_refused_by_name(reviewer: FlaskClient, vendor: str) -> None:
    answer = send(reviewer, ("one.wav", b"first"), vendor="nobody", headers=JSON)
    assert "There is no vendor 'nobody'." in answer.get_json()["lines"][0]["words"]


def test_a_recording_that_is_too_large_is_refused_with_the_limit(
    reviewer: FlaskClient, here: Runtime, vendor: str
) -> None:
    here.settings = here.settings.model_copy(update={"max_upload_bytes": 1024})
    answer = send(reviewer, ("one.wav", b"x" * 5000), headers={**JSON, "X-CSRFToken": token_of(reviewer)})
    assert answer.status_code == 413
    assert "larger than 1024 bytes" in answer.get_json()["lines"][0]["words"]
    assert not list(here.media.incoming().iterdir())


def test_a_full_disk_is_a_clean_no(reviewer: FlaskClient, here: Runtime, vendor: str) -> None:
    here.settings = here.settings.model_copy(update={"reserve_bytes": 1 << 60})
    answer = send(reviewer, ("one.wav", b"first"))
    assert answer.status_code == 507
    assert "disk is almost full" in text_of(
        check_page(answer.text, answer.headers["Content-Security-Policy"])
    )


def test_somebody_signed_out_gets_no_redirect_but_an_answer_the_script_understands(
    client: FlaskClient,
) -> None:
    assert client.post("/calls/upload", headers=JSON).status_code == 401
