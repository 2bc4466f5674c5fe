"""POST /api/v1/calls: what is taken, what is refused, and in which words."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from qa_audit.errors import Refused, Temporary
from qa_audit.media.fakes import ScriptedRecordings
from qa_audit.runtime import Runtime
from qa_audit.services import erasing
from qa_audit.storage.tables import Agent, Call, Recording, Task, Upload
from tests.api.helping import ADMIN, counted, files_of, wav

URL = "/api/v1/calls"
Tokens = Callable[..., FlaskClient]


def post(client: FlaskClient, data: bytes | None = None, *more: tuple[str, Any], **said: Any) -> TestResponse:
    """Send a recording; keyword values go into the form, None leaves a field out."""
    headers = said.pop("headers", None)
    form: dict[str, Any] = {"vendor": "acme", **said}
    pairs = [(name.replace("__", "."), value) for name, value in form.items() if value is not None]
    if data is not None:
        pairs.append(("audio", (io.BytesIO(data), "call.wav")))
    form_data = MultiDict([*pairs, *more])
    return client.post(URL, data=form_data, headers=headers, content_type="multipart/form-data")


def errors(response: TestResponse) -> dict[str, str]:
    assert response.json is not None
    return {item["field"]: item["message"] for item in response.json.get("errors", ())}


def nothing_is_left(runtime: Runtime) -> bool:
    return counted(runtime, Call, Recording, Task, Agent, Upload) == [0] * 5 and files_of(runtime) == []


def test_a_recording_is_answered_with_its_id_status_and_hash(as_token: Tokens, ready: Runtime) -> None:
    response = post(as_token(), wav(), agent="Dana", custom__csat="5", started_at="2026-11-02T09:00:00+01:00")
    assert response.status_code == 201
    assert response.json is not None
    assert set(response.json) == {"id", "status", "sha256"}
    assert response.json["sha256"] == hashlib.sha256(wav()).hexdigest()
    assert response.headers["Location"].endswith(f"{URL}/{response.json['id']}")
    call = as_token("read").get(response.headers["Location"]).json
    assert call is not None
    assert (call["agent"], call["custom"]) == ("Dana", {"csat": "5"})
    assert call["started_at"] == "2026-11-02T09:00:00+01:00"


def test_the_same_bytes_again_are_answered_with_200_and_what_differs(as_token: Tokens) -> None:
    client = as_token()
    first = post(client, wav(), agent="Dana")
    again = post(client, wav(), agent="Tom")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json is not None
    assert again.json == {**first.json, "differences": [{"field": "agent", "stored": "Dana", "sent": "Tom"}]}


def test_the_same_key_gives_the_same_answer_and_another_body_a_conflict(as_token: Tokens) -> None:
    client, key = as_token(), {"Idempotency-Key": "one"}
    first = post(client, wav(1), headers=key)
    again = post(client, wav(1), headers=key)
    other = post(client, wav(2), headers=key)
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json == again.json
    assert other.json is not None
    assert other.json["type"] == "urn:qa-audit:problem:key-reused"
    assert "Retry-After" not in other.headers


def test_a_running_twin_is_answered_with_when_to_ask_again(as_token: Tokens, ready: Runtime) -> None:
    client, twins = as_token(), []

    class Slow(ScriptedRecordings):
        def probe(self, path: Path, filename: str) -> Any:
            if not twins:
                twins.append(None)
                twins[0] = post(client, wav(), headers={"Idempotency-Key": "k"})  # type: ignore[call-overload]
            return super().probe(path, filename)

    ready.recordings = Slow()  # type: ignore[misc]
    assert post(client, wav(), headers={"Idempotency-Key": "k"}).status_code == 201
    assert twins[0] is not None
    assert (twins[0].status_code, twins[0].headers["Retry-After"]) == (409, "5")
    assert twins[0].json["type"] == "urn:qa-audit:problem:upload-running"


def test_a_deleted_call_is_not_answered_again_by_its_old_key(as_token: Tokens, ready: Runtime) -> None:
    client, key = as_token(), {"Idempotency-Key": "k"}
    first = post(client, wav(), headers=key).json
    assert first is not None
    erasing.delete_call(ready, ADMIN, first["id"])
    again = post(client, wav(), headers=key)
    assert again.status_code == 201
    assert again.json is not None
    assert again.json["id"] != first["id"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "schlüssel"])
def test_an_unusable_key_is_refused(as_token: Tokens, ready: Runtime, key: str) -> None:
    response = post(as_token(), wav(), headers={"Idempotency-Key": key.encode("utf-8").decode("latin-1")})
    assert response.status_code == 422
    assert "Idempotency-Key" in errors(response)
    assert nothing_is_left(ready)


FIELDS = [
    ({"vendor": "nobody"}, "vendor"),
    ({"vendor": None}, "vendor"),
    ({"vendor": " "}, "vendor"),
    ({"started_at": "2026-11-02T09:00:00"}, "started_at"),
    ({"started_at": "yesterday"}, "started_at"),
    ({"started_at": "2999-01-01T00:00:00Z"}, "started_at"),
    ({"started_at": "0001-01-01T00:00:00+14:00"}, "started_at"),
    ({"started_at": "2026-11-02T09:00:00+01:00:30"}, "started_at"),
    ({"direction": "sideways"}, "direction"),
    ({"language": "english please"}, "language"),
    ({"channels": "agent-middle"}, "channels"),
    ({"agent": "x" * 101}, "agent"),
    ({"agent": "a\0b"}, "agent"),
    ({"queue": "\u202egnp"}, "queue"),
    ({"external_id": "x" * 201}, "external_id"),
    ({"transcript": "{}"}, "transcript"),
    ({"title": "mine"}, "title"),
    ({"survey": "5"}, "survey"),
    ({"is_demo": "1"}, "is_demo"),
    ({"vendor_id": "1"}, "vendor_id"),
    ({"status": "published"}, "status"),
    ({"custom__": "x"}, "custom."),
    ({"custom__a b": "x"}, "custom.a b"),
    ({"custom__4111111111111111": "x"}, "custom.4111111111111111"),
    ({"custom__note": "x" * 501}, "custom.note"),
    ({f"custom__f{n}": "x" for n in range(31)}, "custom"),
]


@pytest.mark.parametrize(
    ("said", "field"), FIELDS, ids=[f"{field}-{n}" for n, (_, field) in enumerate(FIELDS)]
)
def test_a_field_that_cannot_be_used_is_named(
    as_token: Tokens, ready: Runtime, said: dict[str, Any], field: str
) -> None:
    response = post(as_token(), wav(), **said)
    assert response.status_code == 422
    assert field in errors(response)
    assert nothing_is_left(ready)


def test_every_wrong_field_is_named_at_once(as_token: Tokens) -> None:
    response = post(as_token(), wav(), direction="up", language="?", nonsense="1")
    assert set(errors(response)) == {"direction", "language", "nonsense"}


def test_fields_given_twice_are_refused(as_token: Tokens, ready: Runtime) -> None:
    client = as_token()
    assert "agent" in errors(post(client, wav(), ("agent", "a"), ("agent", "b")))
    assert "vendor" in errors(post(client, wav(), ("vendor", "zenith")))
    assert "audio" in errors(post(client, wav(), ("audio", (io.BytesIO(wav()), "b.wav"))))
    assert nothing_is_left(ready)


def test_a_recording_must_be_one_file_in_its_field(as_token: Tokens, ready: Runtime) -> None:
    client = as_token()
    assert "audio" in errors(post(client, None))
    assert "audio" in errors(post(client, None, audio="not a file"))
    assert "extra" in errors(post(client, wav(), ("extra", (io.BytesIO(b"x"), "x.wav"))))
    assert nothing_is_left(ready)


def test_empty_fields_say_nothing(as_token: Tokens) -> None:
    client = as_token()
    id = post(client, wav(), agent="", started_at=" ", custom__csat="").json["id"]  # type: ignore[index]
    call = client.get(f"{URL}/{id}").json
    assert call is not None
    assert (call["agent"], call["started_at"], call["custom"]) == (None, None, {})


@pytest.mark.parametrize(
    ("kind", "status", "type"),
    [("not_audio", 415, "not-audio"), ("broken", 422, "broken-audio"), ("too_large", 413, "too-large")],
)
def test_a_refused_recording_has_the_status_of_its_reason(
    as_token: Tokens, ready: Runtime, kind: str, status: int, type: str
) -> None:
    ready.recordings = ScriptedRecordings(found=Refused(kind, "Because."))  # type: ignore[misc]
    response = post(as_token(), wav())
    assert response.status_code == status
    assert response.json is not None
    assert (response.json["type"], response.json["detail"]) == (f"urn:qa-audit:problem:{type}", "Because.")
    assert nothing_is_left(ready)


def test_a_recording_that_is_too_large_is_refused_by_its_length_and_while_it_comes(
    as_token: Tokens, ready: Runtime
) -> None:
    ready.settings = ready.settings.model_copy(update={"max_upload_bytes": 2048})
    client = as_token()
    assert post(client, b"x" * (3 << 20)).status_code == 413
    assert post(client, b"x" * 4096).status_code == 413
    assert nothing_is_left(ready)


def test_a_full_disk_is_answered_with_507(as_token: Tokens, ready: Runtime) -> None:
    ready.settings = ready.settings.model_copy(update={"reserve_bytes": 1 << 60})
    assert post(as_token(), wav()).status_code == 507
    assert nothing_is_left(ready)


def test_a_store_that_is_away_is_answered_with_503_and_when_to_come_back(
    as_token: Tokens, ready: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise Temporary("The bucket does not answer.")

    monkeypatch.setattr(ready.media, "put_file", away)
    response = post(as_token(), wav())
    assert (response.status_code, "Retry-After" in response.headers) == (503, True)
    assert nothing_is_left(ready)


def test_an_unforeseen_error_is_answered_without_saying_what_it_was(
    as_token: Tokens, ready: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret words of a caller")

    monkeypatch.setattr(ready.media, "put_file", broken)
    response = post(as_token(), wav())
    assert response.status_code == 500
    assert "secret" not in response.text
    assert response.json is not None
    assert response.json["request_id"]
    assert nothing_is_left(ready)


def multipart(boundary: str, *parts: bytes) -> bytes:
    line = f"--{boundary}".encode()
    return b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"


VENDOR = b'Content-Disposition: form-data; name="vendor"\r\n\r\nacme'
AUDIO = b'Content-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n' + wav()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("terminated", [True, False])
def test_a_body_that_is_cut_off_leaves_nothing(
    as_token: Tokens, ready: Runtime, share: float, terminated: bool
) -> None:
    body = multipart("b", VENDOR, AUDIO)
    response = as_token().post(
        URL,
        input_stream=io.BytesIO(body[: int(len(body) * share)]),
        headers={"Content-Length": str(len(body)), "Content-Type": "multipart/form-data; boundary=b"},
        environ_overrides={"wsgi.input_terminated": True} if terminated else {},
    )
    assert response.status_code == 400
    assert nothing_is_left(ready)


def test_a_body_of_unknown_length_is_taken_where_the_server_ends_it(as_token: Tokens, ready: Runtime) -> None:
    response = as_token().post(
        URL,
        input_stream=io.BytesIO(multipart("b", VENDOR, AUDIO)),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.status_code == 201


def test_an_endless_body_of_unknown_length_is_refused_while_it_comes(
    as_token: Tokens, ready: Runtime
) -> None:
    ready.settings = ready.settings.model_copy(update={"max_upload_bytes": 1 << 20})

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size) or b"x" * (size or 1)

    start = multipart("b", VENDOR)[: -len(b"--b--\r\n")] + b"--b\r\n" + AUDIO
    response = as_token().post(
        URL,
        input_stream=Endless(start),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.status_code == 413
    assert nothing_is_left(ready)


def test_several_files_together_are_held_to_the_same_limit(as_token: Tokens, ready: Runtime) -> None:
    ready.settings = ready.settings.model_copy(update={"max_upload_bytes": 1 << 20})
    part = b'Content-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\n' + b"x" * 1_000_000
    response = as_token().post(
        URL,
        input_stream=io.BytesIO(multipart("b", *[part] * 4)),
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert response.status_code == 413
    assert nothing_is_left(ready)


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="note"\r\n\r\n' + b"x" * 300_000,
        b'Content-Disposition: form-data; name="audio"\r\n\r\n' + b"x" * 300_000,
    ],
)
def test_a_text_that_would_fill_the_memory_is_refused(as_token: Tokens, ready: Runtime, part: bytes) -> None:
    response = as_token().post(URL, data=multipart("b", part), content_type="multipart/form-data; boundary=b")
    assert response.status_code == 413
    assert nothing_is_left(ready)


def test_too_many_parts_are_refused(as_token: Tokens, ready: Runtime) -> None:
    parts = [b'Content-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nx'] * 100
    response = as_token().post(
        URL, data=multipart("b", *parts), content_type="multipart/form-data; boundary=b"
    )
    assert response.status_code == 413
    assert nothing_is_left(ready)


@pytest.mark.parametrize(
    "part",
    [
        b"Content-Disposition: form-data\r\n\r\nx",
        b'Content-Disposition: form-data; filename="a.wav"\r\n\r\nx',
        b"Content-Type: audio/wav\r\n\r\nx",
        b'Content-Disposition: form-data; name="\xff"\r\n\r\nx',
        b"\x00\xff\xfe\r\n\r\n",
    ],
)
def test_a_malformed_part_is_a_clean_no(as_token: Tokens, ready: Runtime, part: bytes) -> None:
    body = multipart("b", VENDOR, part, AUDIO)
    response = as_token().post(URL, data=body, content_type="multipart/form-data; boundary=b")
    assert response.status_code in (400, 422)
    assert nothing_is_left(ready)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "audio/wav", "multipart/form-data", "", "multipart/form-data; boundary=\xe4"],
)
def test_another_kind_of_body_is_answered_with_415(
    as_token: Tokens, ready: Runtime, content_type: str
) -> None:
    response = as_token().post(URL, data=b"{}", content_type=content_type)
    assert response.status_code == 415
    assert nothing_is_left(ready)


def test_a_card_number_in_any_field_is_found_nowhere(as_token: Tokens, ready: Runtime) -> None:
    client, card = as_token(), "4111 1111 1111 1111"
    name = f"call {card}.wav"
    fields = {"agent": card, "external_id": card.replace(" ", ""), "queue": f"q {card}", "custom__note": card}
    form = {"vendor": "acme", **{key.replace("__", "."): value for key, value in fields.items()}}
    id = client.post(URL, data={**form, "audio": (io.BytesIO(wav()), name)}).json["id"]  # type: ignore[index]
    shown = client.get(f"{URL}/{id}").text + client.get(URL).text
    assert "41111111" not in shown.replace(" ", "")
    assert "411111******1111" in shown
    found = client.get(URL, query_string={"q": card.replace(" ", "")}).json
    assert found is not None
    assert found["total"] == 1


def test_file_names_of_every_script_survive(as_token: Tokens) -> None:
    client, name = as_token(), "Grüße Ω 通话 #1.wav"
    form = {"vendor": "acme", "audio": (io.BytesIO(wav()), name)}
    id = client.post(URL, data=form).json["id"]  # type: ignore[index]
    assert client.get(f"{URL}/{id}").json["filename"] == name  # type: ignore[index]


def naughty_strings(shared: Path) -> list[str]:
    files = sorted((shared / "hostile" / "text").rglob("blns*.txt"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_naughty_texts_are_stored_or_refused_but_never_break_anything(
    as_token: Tokens, ready: Runtime, shared: Path
) -> None:
    texts = naughty_strings(shared)
    if not texts:
        pytest.skip("the list of naughty strings is absent")
    client = as_token()
    for number, text in enumerate(texts[::12]):
        said = dict.fromkeys(("agent", "external_id", "queue", "custom.note"), text)
        form = {"vendor": "acme", **said, "audio": (io.BytesIO(wav(number)), "a.wav")}
        assert client.post(URL, data=form).status_code in (200, 201, 422)
    assert client.get(URL).status_code == 200
