"""The field `transcript` of an upload: a file or a text, refused by its name, told of when it differs."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from qa_audit.runtime import Runtime
from qa_audit.storage.tables import Call, Recording, Task, Upload
from tests.api.helping import counted, files_of, wav

URL = "/api/v1/calls"
Tokens = Callable[..., FlaskClient]
VTT = b"WEBVTT\n\n00:00.010 --> 00:00.150\n<v Agent>Hello\n"


def post(client: FlaskClient, *parts: tuple[str, Any], key: str | None = None) -> TestResponse:
    pairs: list[tuple[str, Any]] = [("vendor", "acme"), ("audio", (io.BytesIO(wav()), "call.wav"))]
    headers = {"Idempotency-Key": key} if key else None
    form = MultiDict([*pairs, *parts])
    return client.post(URL, data=form, headers=headers, content_type="multipart/form-data")


def file(data: bytes, name: str = "words.bin") -> tuple[str, Any]:
    return "transcript", (io.BytesIO(data), name)


def errors(response: TestResponse) -> dict[str, str]:
    assert response.json is not None
    return {item["field"]: item["message"] for item in response.json.get("errors", ())}


@pytest.mark.parametrize("part", [file(VTT), file(VTT, "x.json"), ("transcript", VTT.decode())])
def test_it_comes_as_a_file_of_any_name_or_as_text(
    as_token: Tokens, ready: Runtime, part: tuple[str, Any]
) -> None:
    response = post(as_token(), part)
    assert response.status_code == 201
    assert response.json is not None
    call = as_token("read").get(f"{URL}/{response.json['id']}").json
    assert call is not None
    assert call["transcript_sha256"] == hashlib.sha256(VTT).hexdigest()
    assert len(files_of(ready)) == 2


@pytest.mark.parametrize(
    "part", [("transcript", ""), ("transcript", " \n"), ("transcript", (io.BytesIO(), ""))]
)
def test_an_empty_field_says_nothing(as_token: Tokens, ready: Runtime, part: tuple[str, Any]) -> None:
    assert post(as_token(), part).status_code == 201
    assert len(files_of(ready)) == 1


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([file(b"")], "none of the formats"),
        ([file(b"Dear Sir")], "none of the formats"),
        ([("transcript", '{"segments": [{"start": 2, "end": 1, "text": "x"}]}')], "segments[0]"),
        ([file(b"WEBVTT\n\n00:02.000 --> 00:01.000\nx")], "line 3: the end is before the start"),
        ([file(VTT), file(VTT)], "more than once"),
        ([file(VTT), ("transcript", VTT.decode())], "more than once"),
        ([file(b"x" * 20_000_001)], "20 MB"),
    ],
    ids=["empty", "letter", "json", "times", "two files", "file and text", "large"],
)
def test_one_that_cannot_be_used_is_named_and_nothing_is_stored(
    as_token: Tokens, ready: Runtime, parts: list[tuple[str, Any]], words: str
) -> None:
    response = post(as_token(), *parts, key="k")
    assert response.status_code == 422
    assert words in errors(response)["transcript"]
    assert counted(ready, Call, Recording, Task, Upload) == [0] * 4
    assert files_of(ready) == []


def test_another_file_field_is_still_refused(as_token: Tokens, ready: Runtime) -> None:
    assert set(errors(post(as_token(), file(VTT), ("extra", (io.BytesIO(b"x"), "x"))))) == {"extra"}
    assert files_of(ready) == []


def test_the_same_recording_with_another_transcript_is_told_and_left_as_it_is(as_token: Tokens) -> None:
    client = as_token()
    first, again = post(client, file(VTT)), post(client, file(VTT.replace(b"Hello", b"Hi")))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json is not None
    (difference,) = again.json["differences"]
    assert (difference["field"], difference["stored"]) == ("transcript", hashlib.sha256(VTT).hexdigest())


def test_the_same_key_with_another_transcript_is_a_conflict(as_token: Tokens) -> None:
    client = as_token()
    assert [post(client, *parts, key="k").status_code for parts in ([file(VTT)], [file(VTT)], [])] == [
        201,
        201,
        409,
    ]


def test_the_description_knows_the_field(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    form = document["paths"]["/calls"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert "WebVTT" in form["properties"]["transcript"]["description"]
    assert "transcript_sha256" in document["components"]["schemas"]["Call"]["properties"]
