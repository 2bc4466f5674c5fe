"""Errors have one shape, and the description of the API agrees with what it does."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from qa_audit.runtime import Runtime
from tests.api.helping import take, wav
from tests.api.test_calls import prescored

URL = "/api/v1/calls"
Tokens = Callable[..., FlaskClient]


@pytest.fixture
def described(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/v1/openapi.json").json
    assert answer is not None
    return answer


def check(described: dict[str, Any], value: object, schema: dict[str, Any]) -> None:
    """Raise unless a value fits a schema of the description."""
    Draft202012Validator({**schema, "components": described["components"]}).validate(value)


def test_every_error_is_a_problem_document_of_one_shape(
    as_token: Tokens, client: FlaskClient, ready: Runtime
) -> None:
    admin, reader, id = as_token("admin"), as_token("read"), take(ready, wav()).id
    expected: list[tuple[int, TestResponse]] = [
        (400, admin.post(URL, data=b"--b\r\n", content_type="multipart/form-data; boundary=b")),
        (401, client.get(URL)),
        (403, reader.delete(f"{URL}/{id}")),
        (404, reader.get(f"{URL}/unknown")),
        (405, admin.put(URL)),
        (404, admin.get("/api/v1/nothing")),
        (415, admin.post(URL, data=b"{}", content_type="application/json")),
        (422, reader.get(f"{URL}?status=lost")),
    ]
    for status, response in expected:
        assert response.status_code == status
        assert response.mimetype == "application/problem+json"
        assert response.json is not None
        assert {"type", "title", "status", "detail"} <= set(response.json)
        assert response.json["status"] == status
        assert "Traceback" not in response.text


def test_a_wrong_method_says_which_are_right(as_token: Tokens) -> None:
    response = as_token("admin").put(URL)
    assert {"GET", "POST"} <= set(re.split(", *", response.headers["Allow"]))


def test_every_route_is_described_and_nothing_else_is(app: Flask, described: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1")), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    paths = {
        (path, method)
        for path, item in described["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert paths == routes


def test_every_reference_of_the_description_leads_somewhere(described: dict[str, Any]) -> None:
    Draft202012Validator.check_schema({"$defs": described["components"]["schemas"]})
    schemas = described["components"]["schemas"]
    found = list(references(described))
    assert found
    assert {name.removeprefix("#/components/schemas/") for name in found} <= set(schemas)


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield str(inner)
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_answers_are_as_described(as_token: Tokens, ready: Runtime, described: dict[str, Any]) -> None:
    id, client = prescored(ready, "acme", 1), as_token("admin")
    take(ready, wav(2), agent="Dana")

    def answers(path: str, method: str, response: TestResponse) -> None:
        known = described["paths"][path][method]["responses"][str(response.status_code)]
        if "content" in known:
            (media_type,) = known["content"]
            assert response.mimetype == media_type
            check(described, response.json, known["content"][media_type]["schema"])

    answers("/calls", "get", client.get(URL))
    answers("/calls", "get", client.get(f"{URL}?limit=1"))
    answers("/calls", "get", client.get(f"{URL}?limit=0"))
    answers("/calls/{id}", "get", client.get(f"{URL}/{id}"))
    answers("/calls/{id}", "get", client.get(f"{URL}/none"))
    answers("/calls/{id}/transcript", "get", client.get(f"{URL}/{id}/transcript"))
    answers("/calls/{id}/prescore", "get", client.get(f"{URL}/{id}/prescore"))
    for data in (wav(5), wav(5)):
        form = {"vendor": "acme", "agent": f"{id}", "audio": (io.BytesIO(data), "a.wav")}
        answers("/calls", "post", client.post(URL, data=form))
    answers("/calls", "post", client.post(URL, data={"vendor": "acme", "nonsense": "1"}))
    answers("/calls/{id}", "delete", client.delete(f"{URL}/{id}"))


def test_the_description_needs_no_token_and_lists_every_filter(
    client: FlaskClient, as_token: Tokens, described: dict[str, Any]
) -> None:
    refused = as_token("read").get(f"{URL}?nonsense=1").json
    assert refused is not None
    listed = {parameter["name"] for parameter in described["paths"]["/calls"]["get"]["parameters"]}
    assert listed == set(re.search(r"there are (.*)", refused["errors"][0]["message"])[1].split(", "))  # type: ignore[index]
